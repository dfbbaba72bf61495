"""Reads Lean's zips of futures and crypto futures: trades and quotes by tick, minute, hour and day.

The name of a file within the zip says day, root, resolution, kind and expiry; the folders say the exchange
(`future/cme/minute/es/20131007_trade.zip`), and of files by hour and day the resolution. A bar is stamped with its
start. A quote bar says what its minute ended with, so its quote is stamped with the minute's last nanosecond: a
strategy must not hear it before.
"""

import re

import polars as pl

from autofutures.data.importers import Options
from autofutures.data.importers.csv_columns import checked_zone
from autofutures.data.rules import Parsed, Sides, bars_of_rows, quotes_of, trades_of
from autofutures.data.source import Member
from autofutures.data.vendor_codes import listed
from autofutures.domain.errors import NotThisFormat
from autofutures.domain.instrument import instrument
from autofutures.domain.units import MINUTE
from autofutures.market.sessions import Calendar

_NAME = re.compile(
    r"(?:(?P<day>\d{8})_)?(?P<root>[a-z0-9]+)_(?:(?P<resolution>tick|second|minute)_)?"
    r"(?P<kind>trade|quote|openinterest)_(?P<expiry>perp|\d{6})(?:_\d{8})?\.csv"
)
_SPANS = {"minute": "1m", "hour": "1h", "daily": "1d"}
_SPAN_NS = {"minute": MINUTE, "hour": 60 * MINUTE, "daily": 24 * 60 * MINUTE}
_FIELDS = {
    ("tick", "trade"): ("time", "price", "qty", "exchange", "condition", "suspicious"),
    ("tick", "quote"): ("time", "bid", "bid_qty", "ask", "ask_qty", "exchange", "suspicious"),
    ("bar", "trade"): ("time", "open", "high", "low", "close", "qty"),
    ("bar", "quote"): (
        "time",
        *("bid_open", "bid_high", "bid_low", "bid", "bid_qty"),
        *("ask_open", "ask_high", "ask_low", "ask", "ask_qty"),
    ),
}
_ZONES = {"EUREX": "Europe/Berlin"}
"""Of the times in the files; UTC where an exchange is not named."""

QUOTE_NOTE = "quote bars: each is one quote, of what its bar ended with, at the last nanosecond of the bar"


class Lean:
    """Lean's files of futures. Prices are unscaled, quantities contracts (or coins)."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def claims(self, member: Member) -> bool:
        """Whether the name is one of Lean's for a futures contract."""
        return _NAME.fullmatch(member.name) is not None

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all rows.

        Raises:
            NotThisFormat: the file holds open interest, or bars of a second.
            BadInput: neither the folders, the table of products nor `--symbol` say the exchange.
        """
        match = _NAME.fullmatch(member.name)
        if match is None:
            raise NotThisFormat(f"{member.name} is not named as Lean names a futures contract")
        kind, resolution = match["kind"], match["resolution"]
        if kind == "openinterest":
            raise NotThisFormat(f"{member.name} holds open interest, which is no market data to trade on")
        if resolution == "second":
            raise NotThisFormat(
                f"{member.name} holds bars of a second: import Lean's ticks or minutes instead"
            )
        lines = _lines(member)
        if resolution is None:
            resolution = _resolution(member.folders, lines)
        symbol = self._symbol(match["root"].upper(), match["expiry"], member.folders)
        zone = _ZONES.get(instrument(symbol).product.exchange, "UTC")
        at = _at(match["day"] or "", checked_zone(self._options.time_zone or zone))
        rows = _rows(lines, "tick" if resolution == "tick" else "bar", kind)
        rows = rows.with_columns(at=at, name=pl.lit(symbol))
        if kind == "trade" and resolution == "tick":
            rows = rows.with_columns(auction=pl.lit(value=False))
            return (trades_of(rows, Sides(), calendar, 0, "ticks"),)
        if kind == "trade":
            rows = rows.with_columns(trades=pl.lit("0"))
            return (bars_of_rows(rows, calendar, 0, _SPANS[resolution]),)
        if resolution == "tick":
            return (quotes_of(rows, calendar),)
        last_ns = _SPAN_NS[resolution] - 1
        parsed = quotes_of(rows.with_columns(pl.col("at") + last_ns), calendar)
        return (Parsed(parsed.kind, parsed.frame, parsed.quarantined, (*parsed.notes, QUOTE_NOTE)),)

    def _symbol(self, root: str, expiry: str, folders: tuple[str, ...]) -> str:
        """The folders say the exchange, the table of products where they do not, else the person."""
        said = self._options.symbol.partition(":")[0].upper() if ":" in self._options.symbol else ""
        return listed(root, _market(folders) or said, "" if expiry == "perp" else expiry)


def _market(folders: tuple[str, ...]) -> str:
    lower = [folder.lower() for folder in folders]
    for kind in ("future", "cryptofuture"):
        if kind in lower[:-1]:
            return lower[lower.index(kind) + 1].upper()
    return ""


def _resolution(folders: tuple[str, ...], lines: pl.DataFrame) -> str:
    """Of a file by hour or day: as a folder says, else as all of its stamps lie at midnight or not."""
    for folder in reversed(folders):
        if folder.lower() in ("hour", "daily"):
            return folder.lower()
    is_daily = lines["text"].str.contains(r"^\d{8} 00:00,").all()
    return "daily" if is_daily else "hour"


def _lines(member: Member) -> pl.DataFrame:
    lines = pl.DataFrame({"text": member.text().split("\n")}).with_row_index("line", offset=1)
    lines = lines.with_columns(pl.col("line").cast(pl.Int64), pl.col("text").str.strip_chars("\r \t"))
    return lines.filter(pl.col("text") != "")


def _rows(lines: pl.DataFrame, shape: str, kind: str) -> pl.DataFrame:
    names = _FIELDS[shape, kind]
    split = lines.with_columns(split=pl.col("text").str.split_exact(",", len(names) - 1)).unnest("split")
    fields = {name: pl.col(f"field_{place}").str.strip_chars() for place, name in enumerate(names)}
    is_whole = pl.col("text").str.count_matches(",", literal=True) == len(names) - 1
    is_suspicious = fields["suspicious"] == "1" if "suspicious" in names else pl.lit(value=False)
    reason = pl.when(~is_whole).then(pl.lit("wrong_columns")).when(is_suspicious).then(pl.lit("suspicious"))
    return split.select("line", "text", reason=reason, **fields)


def _at(day: str, zone: str) -> pl.Expr:
    """UTC nanoseconds of milliseconds since the file's midnight, or of `20131006 22:00`."""
    if not day:
        stamp = pl.col("time").str.to_datetime("%Y%m%d %H:%M", strict=False, time_unit="ns")
        return stamp.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.epoch("ns")
    # Wall-clock time of the zone: on the two days a year on which a clock changes it is not time elapsed.
    parts = pl.col("time").str.extract_groups(r"^(\d{1,8})(?:\.(\d{1,6})\d*)?$")
    ns = parts.struct[0].cast(pl.Int64) * 1_000_000
    ns += parts.struct[1].fill_null("").str.pad_end(6, "0").cast(pl.Int64)
    midnight = pl.lit(day).str.to_datetime("%Y%m%d", strict=False, time_unit="ns")
    local = midnight + pl.duration(nanoseconds=ns)
    return local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.epoch("ns")
