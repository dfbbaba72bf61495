"""Reads Tardis's snapshots of an order book in CSV: each row is the best bids and asks of one moment.

A row becomes a quote and, as `depth`, a snapshot of the levels that the file has: five or twenty-five, not the book.
The time is the exchange's, `timestamp`, in microseconds.
"""

import re
from collections.abc import Iterator

import polars as pl

from autofutures.data.importers import Options
from autofutures.data.rules import Parsed, depth_of, quotes_of
from autofutures.data.source import Member
from autofutures.data.vendor_codes import EXCHANGES, symbol_of
from autofutures.domain.errors import BadInput, NotThisFormat
from autofutures.market.sessions import Calendar

_HEADER = (
    "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount"
)
_LEVEL = re.compile(r"(asks|bids)\[(\d+)\]\.price")


class TardisBook:
    """Snapshots of a book, `timestamp` in microseconds UTC, amounts in coins or contracts."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def claims(self, member: Member) -> bool:
        """Whether the first line names the levels of a book."""
        head = member.head()
        return bool(head) and head[0].startswith(_HEADER)

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all snapshots.

        Raises:
            NotThisFormat: the exchange is none whose products we know.
        """
        lines = pl.DataFrame({"text": member.text().split("\n")}).with_row_index("line", offset=1)
        lines = lines.with_columns(pl.col("line").cast(pl.Int64), pl.col("text").str.strip_chars("\r \ufeff"))
        lines = lines.filter(pl.col("text") != "")
        header = lines["text"][0].split(",")
        rows = lines.slice(1).with_columns(split=pl.col("text").str.split_exact(",", len(header) - 1))
        rows = rows.unnest("split").rename({f"field_{place}": name for place, name in enumerate(header)})
        is_whole = pl.col("text").str.count_matches(",", literal=True) == len(header) - 1
        digits = pl.when(pl.col("timestamp").str.contains(r"^\d{16}$")).then(pl.col("timestamp"))
        rows = self._named(rows, member).with_columns(
            at=digits.cast(pl.Int64) * 1000, reason=pl.when(~is_whole).then(pl.lit("wrong_columns"))
        )
        levels = 1 + max(int(match[2]) for name in header if (match := _LEVEL.fullmatch(name)))
        note = f"each snapshot holds {levels} levels of each side, not the whole book"
        depth = depth_of(_levels(rows, levels), calendar)
        return (
            quotes_of(_best(rows), calendar),
            Parsed(depth.kind, depth.frame, depth.quarantined, (*depth.notes, note)),
        )

    def _named(self, rows: pl.DataFrame, member: Member) -> pl.DataFrame:
        """The rows with our symbols; `--symbol` goes before what the file says."""
        if self._options.symbol:
            return rows.with_columns(name=pl.lit(self._options.symbol))
        pairs = rows.select("exchange", "symbol").unique()
        return rows.join(
            pairs.with_columns(name=pl.Series([*_names(pairs, member)], dtype=pl.String)),
            on=["exchange", "symbol"],
            how="left",
            maintain_order="left",
        )


def _names(pairs: pl.DataFrame, member: Member) -> Iterator[str | None]:
    for exchange, code in pairs.rows():
        ours = EXCHANGES.get((exchange or "").upper())
        if ours is None:
            raise NotThisFormat(f"{member.name} is of {exchange!r}: only Binance's futures are known")
        try:
            yield symbol_of(code or "", ours, 0)
        except BadInput:
            yield None


def _best(rows: pl.DataFrame) -> pl.DataFrame:
    best = {"bid": "bids", "ask": "asks"}
    return rows.select(
        "line",
        "text",
        "reason",
        "at",
        "name",
        **{our: pl.col(f"{their}[0].price") for our, their in best.items()},
        **{f"{our}_qty": pl.col(f"{their}[0].amount") for our, their in best.items()},
    )


def _levels(rows: pl.DataFrame, levels: int) -> pl.DataFrame:
    """One row for each level, bids from the best down, then asks: the first of a line begins its snapshot."""
    parts = [
        rows.select(
            "line",
            "text",
            "reason",
            "at",
            "name",
            place=pl.lit(number),
            side=pl.lit(side, dtype=pl.Int64),
            price=pl.col(f"{name}[{level}].price"),
            qty=pl.col(f"{name}[{level}].amount"),
        )
        for number, (side, name, level) in enumerate(
            (side, name, level) for side, name in ((1, "bids"), (-1, "asks")) for level in range(levels)
        )
    ]
    found = (
        pl.concat(parts).filter(pl.col("price").is_not_null() & (pl.col("price") != "")).sort("line", "place")
    )
    return found.with_columns(first=pl.col("line") != pl.col("line").shift(1).fill_null(0))
