"""Says what the catalogue has of a contract's trading day: how much, from when to when, at which prices."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl

from autofutures.data.catalog import Catalog, place_of
from autofutures.data.decimals import price_text
from autofutures.data.rules import BAR_KINDS, Kind
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument, instrument
from autofutures.domain.units import SECOND
from autofutures.market.dates import iso_day

_KINDS: tuple[Kind, ...] = ("ticks", "spreads", "quotes", "depth", *BAR_KINDS.values())


class Facts(msgspec.Struct, frozen=True):
    """One kind of a contract's day. Prices are decimals as text, empty where the kind has none."""

    kind: Kind
    rows: int
    first_utc: str
    last_utc: str
    open: str = ""
    high: str = ""
    low: str = ""
    close: str = ""
    contracts: int = 0
    """Contracts, or lots, that traded."""
    vwap: float | None = None
    """Of trades, by quantity."""
    one_sided: int = 0
    """Quotes of which one side is absent."""
    locked: int = 0
    """Quotes whose bid is their ask."""
    snapshots: int = 0
    """Of depth: how often the book begins anew."""


class DayFacts(msgspec.Struct, frozen=True):
    """What there is of a contract's trading day, and what the contract is."""

    symbol: str
    date: str
    name: str
    currency: str
    tick: str
    lot: str
    tick_value: int
    """Of one lot, in minor units; 0 where it is not known."""
    payoff: str
    sessions: str
    certainty: str
    source: str
    kinds: tuple[Facts, ...]


def day_facts(catalog: Catalog, symbol: str, day: int) -> DayFacts:
    """The facts of a contract's trading day (YYYYMMDD).

    Raises:
        BadInput: the symbol is none, or the catalogue has nothing of it on that day.
    """
    item = instrument(symbol)
    product = item.product
    kinds = tuple(_facts(catalog.root, item, day))
    if not kinds:
        raise BadInput(
            f"the catalogue {catalog.root} has nothing of {item.symbol} on {iso_day(day)}: see `autofutures data list`"
        )
    return DayFacts(
        symbol=item.symbol,
        date=iso_day(day),
        name=product.name,
        currency=product.currency,
        tick=f"{product.tick.normalize():f}",
        lot=f"{product.lot.normalize():f}",
        tick_value=product.tick_value,
        payoff=product.payoff,
        sessions=product.sessions,
        certainty=product.certainty,
        source=product.source,
        kinds=kinds,
    )


def _facts(root: Path, item: Instrument, day: int) -> Iterator[Facts]:
    for kind in _KINDS:
        place = root / place_of(kind, item.symbol, day)
        if place.exists():
            frame = pl.read_parquet(place)
            if kind == "quotes":
                yield _quotes(frame)
            elif kind == "depth":
                yield Facts("depth", len(frame), *_span(frame), snapshots=int(frame["first"].sum()))
            else:
                yield _prices(kind, frame, item)


def _prices(kind: Kind, frame: pl.DataFrame, item: Instrument) -> Facts:
    bars = kind in BAR_KINDS.values()
    names = [f"{name}_ticks" if bars else "price_ticks" for name in ("open", "high", "low", "close")]
    opened, high, low, close = (_integers(frame[name]) for name in names)
    sizes = _integers(frame["qty"])
    qty = sum(sizes)
    worth = sum(ticks * size for ticks, size in zip(close, sizes, strict=True))
    vwap = None if bars else float(item.product.tick * worth / qty)
    first, last = _span(frame)
    return Facts(
        kind=kind,
        rows=len(frame),
        first_utc=first,
        last_utc=last,
        open=price_text(item, opened[0]),
        high=price_text(item, max(high)),
        low=price_text(item, min(low)),
        close=price_text(item, close[-1]),
        contracts=qty,
        vwap=None if vwap is None else round(vwap, 6),
    )


def _integers(column: pl.Series) -> Sequence[int]:
    found: list[int] = column.to_list()
    return found


def _quotes(frame: pl.DataFrame) -> Facts:
    bid, ask = frame["bid_qty"] > 0, frame["ask_qty"] > 0
    both = bid & ask
    return Facts(
        "quotes",
        len(frame),
        *_span(frame),
        one_sided=int((~both).sum()),
        locked=int((both & (frame["bid_ticks"] == frame["ask_ticks"])).sum()),
    )


def _span(frame: pl.DataFrame) -> tuple[str, str]:
    at = frame["at"].to_list()
    return _utc(at[0]), _utc(at[-1])


def _utc(at: int) -> str:
    return f"{datetime.fromtimestamp(at // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{at % SECOND:09}Z"
