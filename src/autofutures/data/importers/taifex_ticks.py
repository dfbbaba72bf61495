"""Reads the exchange's tick files (`Daily_YYYY_MM_DD`) and spread-trade files (`..._C`), of every edition.

Big5 or UTF-8, csv or rpt, padded or not, with or without a line of dashes below the header, a Ctrl-Z at the
end, the two leg prices and the mark of the call auction. Quantities count both sides: contracts are half of
them, spreads a quarter (`(B+S)` in the header; checked against the exchange's daily volume).
"""

import polars as pl

from autofutures.data.importers import Options
from autofutures.data.rules import Kind, Parsed, Sides, parsed_once, trades_of
from autofutures.data.source import Member
from autofutures.domain.units import SECOND
from autofutures.market.dates import TAIPEI_OFFSET_NS
from autofutures.market.sessions import Calendar

_NAMES = {
    "date": ("成交日期", "交易日期"),
    "product": ("商品代號", "商品代碼"),
    "expiry": ("到期月份(週別)", "到期月份", "交割年月", "交割月份"),
    "time": ("成交時間",),
    "price": ("成交價格",),
    "qty": ("成交數量(B+S)", "成交數量"),
}
_AUCTION = "開盤集合競價"
_MATCHED = "屬價差對價差成交者"
_NOT_FUTURES = ("履約價", "買賣權")

_EXPIRY = r"^\d{6}(?:[WF]\d)?(?:/\d{6}(?:[WF]\d)?)?$"
_HUNDREDTH = SECOND // 100


class TaifexTicks:
    """The exchange's files of single trades."""

    def __init__(self, options: Options) -> None: ...

    def claims(self, member: Member) -> bool:
        """Whether the first line names the columns of futures trades."""
        head = member.head()
        return bool(head) and _columns(head[0]) is not None

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all rows; a `_C` file (spread trades with both legs) becomes the kind `spreads`."""
        lines = pl.DataFrame({"text": member.text().split("\n")}).with_row_index("line", offset=1)
        lines = lines.with_columns(
            pl.col("line").cast(pl.Int64), pl.col("text").str.strip_chars("\r\x1a\ufeff \t")
        )
        lines = lines.filter(pl.col("text") != "")
        header = lines["text"][0]
        columns = _columns(header) or {}
        rows = _rows(lines.filter(~_is_ornament(header)), columns, len(_fields(header)))
        kind: Kind = "spreads" if _MATCHED in _fields(header) else "ticks"
        sides = Sides(outright=2, spread=4)
        return (trades_of(rows, sides, calendar, member.date_in_name(), kind),)


def _fields(header: str) -> list[str]:
    plain = "".join(header.split()).translate(str.maketrans("\uff08\uff09", "()"))
    return plain.split(",")


def _columns(header: str) -> dict[str, int] | None:
    """Where each of our columns is; None when the line is no header of futures trades."""
    fields = _fields(header)
    if any(word in header for word in _NOT_FUTURES):
        return None
    places = {word: fields.index(name) for word, names in _NAMES.items() for name in names if name in fields}
    if len(places) < len(_NAMES):
        return None
    if _AUCTION in fields:
        places["auction"] = fields.index(_AUCTION)
    return places


def _is_ornament(header: str) -> pl.Expr:
    """The header, again where files were joined, and lines of dashes below it."""
    return (pl.col("text") == header) | pl.col("text").str.contains(r"^[-=][-=, ]*$")


def _rows(lines: pl.DataFrame, columns: dict[str, int], width: int) -> pl.DataFrame:
    # Split once, and named by place: an expression would be split again for each column that it gives.
    lines = lines.with_columns(split=pl.col("text").str.split_exact(",", width - 1)).unnest("split")
    field = {word: pl.col(f"field_{place}").str.strip_chars() for word, place in columns.items()}
    auction = field.pop("auction", pl.lit("")) == "*"
    # Not even a blank field more is let through: a price such as 17,409 would shift all that follows.
    is_whole = pl.col("text").str.count_matches(",", literal=True) == width - 1
    reason = pl.when(~is_whole).then(pl.lit("wrong_columns"))
    rows = lines.with_columns(auction=auction, reason=reason, **field)
    rows = parsed_once(rows, ["date", "time"], at=_at())
    name = pl.when(pl.col("expiry").str.contains(_EXPIRY)).then(pl.col("product") + pl.col("expiry"))
    rows = parsed_once(rows, ["product", "expiry"], name=name)
    return rows.select("line", "text", "at", "name", "price", "qty", "auction", "reason")


def _at() -> pl.Expr:
    """UTC nanoseconds; old files leave out the time's leading zero, or add hundredths of a second to it."""
    digits = pl.col("time").str.replace_all(":", "", literal=True)
    digits = pl.when(digits.str.contains(r"^\d{1,8}$")).then(digits)
    padded = (
        pl.when(digits.str.len_bytes() > 6).then(digits.str.zfill(8)).otherwise(digits.str.zfill(6) + "00")
    )
    # A leap second would pass as the next minute's first.
    padded = pl.when(padded.str.contains(r"^\d{4}[0-5]")).then(padded)
    date = pl.col("date").str.replace_all(r"[-/]", "")
    date = pl.when(date.str.contains(r"^\d{8}$")).then(date)
    second = (date + padded.str.slice(0, 6)).str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="ns")
    hundredths = padded.str.slice(6, 2).cast(pl.Int64)
    return second.dt.epoch("ns") + hundredths * _HUNDREDTH - TAIPEI_OFFSET_NS
