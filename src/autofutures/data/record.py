"""What an import leaves behind: for each file a record of what it held, the catalogue's index."""

import msgspec
import polars as pl

from autofutures.data.rules import BAR_KINDS, Kind
from autofutures.domain.instrument import instrument


class SeriesRecord(msgspec.Struct, frozen=True):
    """One contract's trading day out of one file."""

    symbol: str
    day: int
    """The trading day, YYYYMMDD."""
    kind: Kind
    rows: int
    """Trades, quotes, changes of depth, or bars, as the kind says."""
    trades: int
    contracts: int
    """Outright contracts; of a spread, spreads. Trades of spreads do not count for their legs."""
    contracts_with_spreads: int
    """The exchange's daily way of counting: with the spread trades that have this expiry as a leg."""
    grid_checked: bool
    """False: the product is not specified, so its prices were compared with no tick size of its own."""
    first_at: int = 0
    last_at: int = 0
    """When its rows begin and end, UTC nanoseconds; 0 in records from before several files could share a day."""

    def overlaps(self, other: "SeriesRecord") -> bool:
        """Whether two parts of one day speak of the same time; one of which that is not known always does."""
        known = self.last_at and other.last_at
        return not known or (self.first_at <= other.last_at and other.first_at <= self.last_at)


class FileRecord(msgspec.Struct, frozen=True):
    """One imported file. `rows` = `imported` + `spreads` + `quarantined`."""

    number: int
    """Imports are numbered; where two files hold the same series and day, the higher one provides it."""
    sha256: str
    name: str
    format: str
    rows: int
    imported: int
    spreads: int
    quarantined: int
    quarantined_by_reason: dict[str, int]
    notes: tuple[str, ...]
    series: tuple[SeriesRecord, ...]


def series_records(frame: pl.DataFrame, kind: Kind) -> tuple[SeriesRecord, ...]:
    """The records of one kind's rows, in order of symbol and day."""
    trades, contracts = _counted(kind)
    span = {"first_at": pl.col("at").min(), "last_at": pl.col("at").max()}
    found = frame.group_by("symbol", "day").agg(rows=pl.len(), trades=trades, contracts=contracts, **span)
    table = {(symbol, day): counted for symbol, day, *counted in found.rows()}
    through_spreads: dict[tuple[str, int], int] = {}
    if kind == "ticks":
        for (symbol, day), (_, _, contracts, *_) in table.items():
            for leg in _legs(symbol):
                through_spreads[leg, day] = through_spreads.get((leg, day), 0) + contracts
    return tuple(
        SeriesRecord(
            symbol=symbol,
            day=day,
            kind=kind,
            rows=rows,
            trades=trades,
            contracts=contracts,
            contracts_with_spreads=contracts + through_spreads.get((symbol, day), 0),
            grid_checked=instrument(symbol).product.grid_checked,
            first_at=first_at,
            last_at=last_at,
        )
        for (symbol, day), (rows, trades, contracts, first_at, last_at) in sorted(table.items())
    )


def _counted(kind: Kind) -> tuple[pl.Expr, pl.Expr]:
    """Trades and contracts of a kind's rows; quotes and depth have neither."""
    if kind in ("quotes", "depth"):
        return pl.lit(0), pl.lit(0)
    return pl.col("trades").sum() if kind in BAR_KINDS.values() else pl.len(), pl.col("qty").sum()


def _legs(symbol: str) -> tuple[str, ...]:
    """The two contracts of a spread; none of an outright one."""
    found = instrument(symbol)
    if not found.is_spread:
        return ()
    root = f"{found.product.exchange}:{found.product.root}"
    return root + found.expiry, root + found.far_expiry
