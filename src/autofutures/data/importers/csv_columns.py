"""Reads plain CSV of trades or 1-minute bars, whose columns a person has named with `--map`."""

import csv
import io
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from autofutures.data.importers import Options
from autofutures.data.rules import Parsed, Sides, bars_of_rows, trades_of
from autofutures.data.source import Member
from autofutures.domain.errors import BadInput, NotThisFormat
from autofutures.domain.units import MINUTE
from autofutures.market.sessions import Calendar
from autofutures.market.zones import TAIPEI

TRADE_WORDS = ("at", "symbol", "price", "qty", "auction")
BAR_WORDS = ("at", "symbol", "open", "high", "low", "close", "qty", "trades")
WORDS = frozenset(TRADE_WORDS + BAR_WORDS)
"""What `--map` may name; `auction` and `trades` may be left out, and `symbol` where `--symbol` says it."""

_DELIMITERS = ",\t;|"
_ISO = (
    r"^(\d{4})[-/]?(\d{2})[-/]?(\d{2})[T ]?(\d{2}):?(\d{2})(?::?([0-5]\d)(?:\.(\d{1,9}))?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?$"
)
_EPOCH_NS = {10: 1_000_000_000, 13: 1_000_000, 16: 1000, 19: 1}
"""Digits of a number since 1970 to nanoseconds in its unit: seconds, milli-, micro- and nanoseconds."""


def parse_map(text: str) -> dict[str, str]:
    """Our words to the file's columns, out of `at=Time,price=Last,qty=Size`.

    Raises:
        BadInput: a part is no `word=column`, a word is unknown or repeated, or one that is needed is missing.
    """
    columns: dict[str, str] = {}
    for part in text.split(","):
        word, is_pair, column = (piece.strip() for piece in part.partition("="))
        if not is_pair or word not in WORDS or not column or word in columns:
            raise BadInput(f"--map {part!r}: write word=column once for each of {', '.join(sorted(WORDS))}")
        columns[word] = column
    _check(columns)
    return columns


def _check(columns: dict[str, str]) -> None:
    prices = {"open", "high", "low", "close"} if "open" in columns else {"price"}
    missing = sorted({"at", "qty", *prices} - set(columns))
    if missing:
        raise BadInput(
            f"--map does not say which column is {', '.join(missing)}: trades need at, price and qty; "
            "bars need at, open, high, low, close and qty"
        )


class CsvColumns:
    """Plain CSV by a mapping. Quantities are contracts, a bar's time is its start."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def claims(self, member: Member) -> bool:
        """Whether the person named columns: then the file is what they say."""
        return bool(self._options.columns)

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all rows.

        Raises:
            NotThisFormat: a named column is not in the file.
            BadInput: the time zone or time format is none.
        """
        table = self._table(member)
        rows = table.with_columns(at=self._at())
        if "open" in self._options.columns:
            return (bars_of_rows(rows, calendar, 0),)
        marked = pl.col("auction").str.to_lowercase().is_in(["*", "1", "true", "t", "y", "yes"])
        rows = rows.with_columns(auction=marked)
        return (trades_of(rows, Sides(), calendar, 0, "ticks"),)

    def _table(self, member: Member) -> pl.DataFrame:
        """The named columns as stripped text, with line number and the row's own text."""
        text = member.text()
        lines = text.split("\n")
        reader = csv.reader(io.StringIO(text), delimiter=max(_DELIMITERS, key=lines[0].count))
        header = [name.strip() for name in next(reader)]
        places = self._places(header, member)
        rows: list[list[int | str | None]] = []
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            fields = [row[place].strip() for place in places.values()] if len(row) == len(header) else None
            reason = None if fields else "wrong_columns"
            rows.append(
                [reader.line_num, lines[reader.line_num - 1], reason, *(fields or [""] * len(places))]
            )
        schema = {"line": pl.Int64} | dict.fromkeys(("text", "reason", *places), pl.String)
        table = pl.DataFrame(rows, schema=schema, orient="row")
        absent = {"symbol": self._options.symbol, "auction": "", "trades": "0"}
        table = table.with_columns(
            **{word: pl.lit(value) for word, value in absent.items() if word not in places}
        )
        return table.rename({"symbol": "name"})

    def _places(self, header: list[str], member: Member) -> dict[str, int]:
        missing = [column for column in self._options.columns.values() if column not in header]
        if missing:
            raise NotThisFormat(
                f"{member.name} has no column {', '.join(map(repr, missing))}: "
                f"its columns are {', '.join(header)}"
            )
        if "symbol" not in self._options.columns and not self._options.symbol:
            raise BadInput(
                f"{member.name}: whose trades are these? Map a column (symbol=...) or say --symbol TXF202108"
            )
        return {word: header.index(column) for word, column in self._options.columns.items()}

    def _at(self) -> pl.Expr:
        zone = checked_zone(self._options.time_zone or TAIPEI)
        stamp = self._options.time_format
        return _formatted_at(stamp, zone) if stamp else _plain_at(zone)


def checked_zone(name: str) -> str:
    """A time zone's name.

    Raises:
        BadInput: there is none of that name.
    """
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadInput(f"--tz {name!r} is no time zone: write one as Asia/Taipei") from error


def _plain_at(time_zone: str) -> pl.Expr:
    """UTC nanoseconds of ISO 8601 text, or of a whole number since 1970 in a unit told by its digits."""
    parts = pl.col("at").str.extract_groups(_ISO)
    part = [parts.struct[place] for place in range(8)]
    stamp = pl.concat_str(*part[:5], part[5].fill_null("00"))
    second = stamp.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="ns")
    offset = part[7].str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True)
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(3, 2).cast(pl.Int64)
    east = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    said = second.dt.epoch("ns") - east * MINUTE
    iso = pl.coalesce(said, _epoch(second, time_zone)) + part[6].fill_null("").str.pad_end(9, "0").cast(
        pl.Int64
    )
    number = pl.when(pl.col("at").str.contains(r"^\d+$")).then(pl.col("at")).cast(pl.Int64, strict=False)
    digits = pl.col("at").str.len_bytes()
    units = [pl.when(digits == count).then(number * nanoseconds) for count, nanoseconds in _EPOCH_NS.items()]
    return pl.coalesce(iso, *units)


def _formatted_at(time_format: str, time_zone: str) -> pl.Expr:
    stamp = pl.col("at").str.to_datetime(time_format, strict=False, time_unit="ns")
    return stamp.dt.epoch("ns") if "%z" in time_format else _epoch(stamp, time_zone)


def _epoch(naive: pl.Expr, time_zone: str) -> pl.Expr:
    return naive.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null").dt.epoch("ns")
