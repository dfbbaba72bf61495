"""Continuous contracts out of the catalogue: the front month day by day, its rolls, and the joined series."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import msgspec
import polars as pl

from autofutures.config import whole_symbol
from autofutures.data.catalog import Catalog, place_of
from autofutures.data.settlement import settlement_ticks
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.market.continuous import (
    FRONT,
    WHOLE_PPB,
    Adjust,
    Anchor,
    By,
    Contract,
    Roll,
    Segment,
    adjusted,
    fronts,
    segments_of,
)
from autofutures.market.expiry import last_day_of
from autofutures.market.sessions import Calendar


class Rule(msgspec.Struct, frozen=True):
    """How contracts are joined."""

    by: By = "volume"
    adjust: Adjust = "back"
    roll_days: int = 1
    """By calendar: so many trading days before its last trading day a contract leaves the front; 0: after it."""
    anchor: Anchor = "newest"


class Continuous(msgspec.Struct, frozen=True):
    """A series: who is in front when, and at what prices the contracts were exchanged."""

    symbol: str
    rule: Rule
    segments: tuple[Segment, ...]
    rolls: tuple[Roll, ...]


def is_series(symbol: str) -> bool:
    """Whether a symbol names a series of contracts."""
    return symbol.strip().endswith(FRONT)


def root_of(symbol: str) -> str:
    """The whole root of a series or a root: `TAIFEX:TXF` of `TXF.front`.

    Raises:
        BadInput: the text is no root.
    """
    return whole_symbol(symbol.strip().removesuffix(FRONT) + FRONT).removesuffix(FRONT)


def continuous(
    catalog: Catalog, root: str, first: int, last: int, rule: Rule, calendar: Calendar
) -> Continuous:
    """The series of a root's monthly contracts over the trading days that the catalogue has.

    Raises:
        BadInput: there are none of its contracts, the rule asks for what the catalogue has not, or a step is unknown.
    """
    if rule.by == "open_interest":
        raise BadInput(
            "the catalogue has no open interest, for none of the files that are imported says it: "
            "say --by volume or --by calendar"
        )
    if rule.roll_days < 0:
        raise BadInput(f"--roll-days is {rule.roll_days}: write 0 or more")
    whole = root_of(root)
    contracts = [_contract(symbol, rule, calendar) for symbol in contracts_of(catalog, whole)]
    known = sorted({day for one in contracts for day in days_of_contract(catalog, one.symbol) if day <= last})
    days = [day for day in known if day >= first]
    if not days:
        has = f"; it has {known[0]} to {known[-1]}" if known else ""
        raise BadInput(
            f"the catalogue {catalog.root} has no monthly contracts of {whole} from {first} to {last}{has}"
        )
    before = [day for day in known if day < first][-1:]
    found = fronts([*before, *days], _in_order(contracts), rule.by, lru_cache(None)(catalog.volume))
    segments = segments_of({day: symbol for day, symbol in found.items() if day >= first})
    rolls = [_roll(catalog, old, new, calendar) for old, new in pairwise(segments)]
    joined = adjusted(segments, rolls, rule.adjust, rule.anchor)
    return Continuous(whole + FRONT, rule, tuple(joined), tuple(rolls))


def contracts_of(catalog: Catalog, root: str) -> list[str]:
    """The monthly contracts of a root of which the catalogue has trades or bars, nearest first."""
    exchange, _, name = root.partition(":")
    monthly = re.compile(re.escape(name) + r"\d{6}")
    folders = [
        folder
        for kind in ("ticks", "bars")
        for folder in (catalog.root / place_of(kind, f"{exchange}:{name}", 0)).parent.parent.glob(f"{name}*")
    ]
    return sorted({f"{exchange}:{folder.name}" for folder in folders if monthly.fullmatch(folder.name)})


def days_of_contract(catalog: Catalog, symbol: str) -> list[int]:
    """The days of which there are trades or 1-minute bars of a contract, ascending."""
    return sorted({*catalog.days(symbol), *catalog.days(symbol, "bars")})


def _contract(symbol: str, rule: Rule, calendar: Calendar) -> Contract:
    item = instrument(symbol)
    last_day = last_day_of(item, calendar)
    if not last_day:
        raise BadInput(f"the last trading day of {symbol} is not known, so that nobody can say when to roll")
    leaves = last_day
    for _ in range(rule.roll_days):
        leaves = calendar.previous_trading_day(leaves, item.product.sessions)
    return Contract(symbol, last_day, leaves)


def _in_order(contracts: Sequence[Contract]) -> list[Contract]:
    return sorted(contracts, key=lambda one: one.last_day)


def _roll(catalog: Catalog, old: Segment, new: Segment, calendar: Calendar) -> Roll:
    prices = [closing_ticks(catalog, one.symbol, old.last, calendar) for one in (old, new)]
    return Roll(new.first, old.symbol, new.symbol, old.last, *prices)


def closing_ticks(catalog: Catalog, symbol: str, day: int, calendar: Calendar) -> int | None:
    """The settlement price of a day, else its last trade, else the close of its last bar; None without any of them."""
    item = instrument(symbol)
    if catalog.has(symbol, day):
        last_day = last_day_of(item, calendar)
        settled = settlement_ticks(catalog, symbol, day, item.product.sessions, calendar, last_day)
        return catalog.last_ticks(symbol, day) if settled is None else settled
    if day in catalog.days(symbol, "bars"):
        bars = catalog.bars(symbol, day)
        return int(bars.close_ticks[-1]) if len(bars) else None
    return None


def write_series(catalog: Catalog, found: Continuous, path: Path) -> int:
    """Writes the trades of a series as Parquet, in constant memory; returns how many.

    Columns: at (UTC nanoseconds), day, contract, price_ticks (of the contract), series_ticks, qty.

    Raises:
        BadInput: no day has trades.
    """
    frames = [
        pl.scan_parquet(catalog.root / place_of("ticks", segment.symbol, day)).select(
            "at",
            pl.lit(day).alias("day"),
            pl.lit(segment.symbol).alias("contract"),
            "price_ticks",
            _series_ticks(segment).alias("series_ticks"),
            "qty",
        )
        for segment in found.segments
        for day in catalog.days(segment.symbol)
        if segment.first <= day <= segment.last
    ]
    if not frames:
        raise BadInput(f"{found.symbol} has imported bars only: import the exchange's tick files")
    pl.concat(frames).sink_parquet(path, compression="zstd")
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _series_ticks(segment: Segment) -> pl.Expr:
    """`Segment.to_series` of a column."""
    scaled = pl.col("price_ticks") * (2 * segment.ratio_ppb) + WHOLE_PPB
    return scaled // (2 * WHOLE_PPB) + segment.shift_ticks
