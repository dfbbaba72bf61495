"""Reads 1-minute bars in CSV under the name `6EH4.XCME_1min_bars_...`: contract, exchange, stamps of each END.

The header is `timestamp_utc,open,high,low,close,volume`. The first bar of a session that opens at 23:00 is stamped
23:01, so a bar's start is its stamp less one minute.
"""

import re

import polars as pl

from autofutures.data.importers import Options
from autofutures.data.rules import Parsed, bars_of_rows
from autofutures.data.source import Member
from autofutures.data.vendor_codes import EXCHANGES, symbol_of
from autofutures.domain.errors import BadInput
from autofutures.domain.units import MINUTE
from autofutures.market.sessions import Calendar

_HEADER = "timestamp_utc,open,high,low,close,volume"
_NAME = re.compile(r"(?P<code>[A-Z0-9]+)\.(?P<mic>X[A-Z]{3})_1min_bars.*")
_STAMP = r"^(\d{4})-(\d{2})"


class XcmeBars:
    """Bars whose stamp is their end, in UTC; volume in contracts."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def claims(self, member: Member) -> bool:
        """Whether the first line is the header."""
        return member.head()[:1] == [_HEADER]

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all bars.

        Raises:
            BadInput: neither the name nor `--symbol` says whose bars these are.
        """
        lines = pl.DataFrame({"text": member.text().split("\n")}).with_row_index("line", offset=1)
        lines = lines.with_columns(pl.col("line").cast(pl.Int64), pl.col("text").str.strip_chars("\r \ufeff"))
        lines = lines.filter((pl.col("text") != "") & (pl.col("text") != _HEADER))
        names = ("stamp", "open", "high", "low", "close", "qty")
        rows = lines.with_columns(split=pl.col("text").str.split_exact(",", len(names) - 1)).unnest("split")
        fields = {name: pl.col(f"field_{place}").str.strip_chars() for place, name in enumerate(names)}
        is_whole = pl.col("text").str.count_matches(",", literal=True) == len(names) - 1
        rows = rows.with_columns(reason=pl.when(~is_whole).then(pl.lit("wrong_columns")), **fields)
        stamp = pl.col("stamp").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="ns")
        rows = rows.with_columns(
            at=stamp.dt.epoch("ns") - MINUTE, name=pl.lit(self._symbol(member, lines)), trades=pl.lit("0")
        )
        return (bars_of_rows(rows, calendar, 0),)

    def _symbol(self, member: Member, lines: pl.DataFrame) -> str:
        if self._options.symbol:
            return self._options.symbol
        match = _NAME.fullmatch(member.name)
        first = re.match(_STAMP, lines["text"][0]) if len(lines) else None
        if match is None or match["mic"] not in EXCHANGES or first is None:
            raise BadInput(f"{member.name}: whose bars are these? Say --symbol CME:6E202403")
        return symbol_of(match["code"], EXCHANGES[match["mic"]], int(first[1] + first[2]))
