"""Says what the report's charts show, as data: `report.js` draws it, with the page's own colours.

Times on the charts are milliseconds of Taipei's clock, because the drawing library knows UTC alone and shows
what it is given; columns travel as base64 of little-endian float64.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.statistics import Integers, OpenLot, RoundTrip, Ticks
from autofutures.backtest.wording import clock, money, price, span
from autofutures.domain.instrument import Instrument
from autofutures.domain.units import MINUTE
from autofutures.market.dates import TAIPEI_OFFSET_NS
from autofutures.portfolio.tally import EquityPoint

MOST_POINTS = 20_000
"""Points of one line; more ticks are thinned, and the page says so."""

CLOSED_NS = 60 * MINUTE
"""A stretch as long as this without a trade is left out of the time axis."""

MOST_MARKED = 3_000
"""Trades marked in one chart; of more, those with the largest results, and the page says so."""

MOST_BREAKS = 400
"""Left-out stretches, the longest first: the drawing library walks through them for every point."""


class Marks(msgspec.Struct, frozen=True):
    """Entries or exits of one kind: `kind` is buy_to_open, sell_to_close, sell_to_open or buy_to_close."""

    kind: str
    at: str
    price: str
    text: list[str]


class PriceChart(msgspec.Struct, frozen=True):
    """One symbol's price with its trades; `wins` and `losses` are lines from entry to exit, NaN between."""

    symbol: str
    caption: str
    at: str
    price: str
    marks: list[Marks]
    wins: tuple[str, str]
    losses: tuple[str, str]


class Charts(msgspec.Struct, frozen=True):
    """All that is drawn; `breaks` are the closed stretches (from, to), `benchmark` is empty where there is none."""

    currency: str
    breaks: list[tuple[float, float]]
    equity_at: str
    net: str
    drawdown: str
    benchmark: str
    prices: list[PriceChart]


def column(values: Sequence[float] | NDArray[np.float64] | Integers) -> str:
    """Numbers as base64 of little-endian float64."""
    return base64.b64encode(np.asarray(values, dtype="<f8").tobytes()).decode("ascii")


def taipei_ms(at: Integers | Sequence[int]) -> NDArray[np.float64]:
    """UTC nanoseconds as milliseconds of Taipei's clock, exact to the microsecond."""
    return (np.asarray(at, dtype=np.int64) + TAIPEI_OFFSET_NS) // 1000 / 1000.0


def decimate(values: Integers, most: int = MOST_POINTS) -> Integers:
    """Indices of at most `most` values (4 or more): first, last, and each bucket's lowest and highest."""
    count = len(values)
    if count <= most:
        return np.arange(count, dtype=np.int64)
    buckets = (most - 2) // 2
    size = -(-count // buckets)
    # The last value fills up the last bucket: it moves neither its lowest nor its highest.
    padded = np.pad(values, (0, -count % size), mode="edge").reshape(-1, size)
    starts = np.arange(len(padded), dtype=np.int64) * size
    picked = np.concatenate([starts + padded.argmin(axis=1), starts + padded.argmax(axis=1), [0, count - 1]])
    return np.unique(np.minimum(picked, count - 1))


def thinned(tape: Ticks, most: int = MOST_POINTS) -> Ticks:
    """A symbol's trades as a chart shows them."""
    shown = decimate(tape.price_ticks, most)
    return Ticks(tape.at[shown], tape.price_ticks[shown], tape.whole or len(tape.at))


def closed_stretches(times: Sequence[Integers]) -> list[tuple[int, int]]:
    """(from, to) of the stretches in which none of the columns has a time, in order, UTC nanoseconds."""
    # Each column is in order already: a stable sort merges them, and equal times are no gap.
    at = np.sort(np.concatenate(times), kind="stable") if times else np.empty(0, dtype=np.int64)
    gaps = np.diff(at)
    wide = np.flatnonzero(gaps >= CLOSED_NS)
    longest = np.sort(wide[np.argsort(-gaps[wide], kind="stable")[:MOST_BREAKS]])
    return [(int(at[index]), int(at[index + 1])) for index in longest]


def charts_of(
    equity: Sequence[EquityPoint],
    ticks: Mapping[str, Ticks],
    trips: Sequence[RoundTrip],
    open_lots: Sequence[OpenLot],
    instruments: Mapping[str, Instrument],
    currency: str,
    benchmark: Sequence[int] = (),
) -> Charts:
    """The charts of a run: equity and drawdown, and the price of each symbol that has ticks.

    `benchmark` is what something else would have made at each point of the equity.
    """
    columns = np.array([(point.at, point.net, -point.drawdown) for point in equity], dtype=np.int64).reshape(
        -1, 3
    )
    rows = decimate(columns[:, 1])
    shown = columns[rows]
    breaks = closed_stretches([columns[:, 0], *(tape.at for tape in ticks.values())])
    numbered = list(enumerate(trips, 1))
    return Charts(
        currency=escape(currency, quote=False),
        breaks=[(float(begins), float(ends)) for begins, ends in map(taipei_ms, breaks)],
        equity_at=column(taipei_ms(shown[:, 0])),
        net=column(shown[:, 1]),
        drawdown=column(shown[:, 2]),
        benchmark=column(np.array(benchmark, dtype=np.int64)[rows]) if len(benchmark) else "",
        prices=[
            _price_chart(
                instruments[symbol],
                tape,
                [(number, trip) for number, trip in numbered if trip.symbol == symbol],
                [lot for lot in open_lots if lot.symbol == symbol],
                currency,
            )
            for symbol, tape in ticks.items()
        ],
    )


def _price_chart(
    instrument: Instrument,
    tape: Ticks,
    trips: Sequence[tuple[int, RoundTrip]],
    open_lots: Sequence[OpenLot],
    currency: str,
) -> PriceChart:
    tick = float(instrument.to_price(1))
    shown = decimate(tape.price_ticks)
    whole = tape.whole or len(tape.at)
    caption = (
        f"The line has {len(shown):,} of {whole:,} ticks, highs and lows kept."
        if len(shown) < whole
        else f"The line has all {whole:,} ticks."
    )
    if len(trips) > MOST_MARKED:
        largest = sorted(trips, key=lambda each: -abs(each[1].net))[:MOST_MARKED]
        caption += f" The {MOST_MARKED:,} trades with the largest results of {len(trips):,} are marked."
        trips = sorted(largest, key=lambda each: each[0])
    return PriceChart(
        symbol=escape(instrument.symbol, quote=False),
        caption=caption,
        at=column(taipei_ms(tape.at[shown])),
        price=column((tape.price_ticks[shown] * tick).astype(np.float64)),
        marks=_marks(instrument, trips, open_lots, currency),
        wins=_links([trip for _, trip in trips if trip.net > 0], tick),
        losses=_links([trip for _, trip in trips if trip.net <= 0], tick),
    )


def _links(trips: Sequence[RoundTrip], tick: float) -> tuple[str, str]:
    """Times and prices of a line that runs from each entry to its exit and is broken between trips."""
    at = np.full((len(trips), 3), np.nan)
    prices = np.full((len(trips), 3), np.nan)
    for row, trip in enumerate(trips):
        at[row, :2] = taipei_ms([trip.entered_at, trip.left_at])
        prices[row, :2] = trip.entry_ticks * tick, trip.exit_ticks * tick
    return column(at.ravel()), column(prices.ravel())


def _marks(
    instrument: Instrument,
    trips: Sequence[tuple[int, RoundTrip]],
    open_lots: Sequence[OpenLot],
    currency: str,
) -> list[Marks]:
    points: dict[str, list[tuple[int, int, str]]] = {
        kind: [] for kind in ("buy_to_open", "sell_to_close", "sell_to_open", "buy_to_close")
    }
    for number, trip in trips:
        text = _trip_text(number, trip, instrument, currency)
        opens, closes = (
            ("buy_to_open", "sell_to_close") if trip.side > 0 else ("sell_to_open", "buy_to_close")
        )
        points[opens].append((trip.entered_at, trip.entry_ticks, text))
        points[closes].append((trip.left_at, trip.exit_ticks, text))
    for lot in open_lots:
        kind = "buy_to_open" if lot.side > 0 else "sell_to_open"
        points[kind].append((lot.entered_at, lot.entry_ticks, _lot_text(lot, instrument)))
    tick = float(instrument.to_price(1))
    return [
        Marks(
            kind,
            column(taipei_ms([at for at, _, _ in rows])),
            column([ticks * tick for _, ticks, _ in rows]),
            [text for _, _, text in rows],
        )
        for kind, rows in points.items()
        if rows
    ]


def _trip_text(number: int, trip: RoundTrip, instrument: Instrument, currency: str) -> str:
    """What hovering over a trade shows; escaped, since the drawing library reads markup in it."""
    word = "long" if trip.side > 0 else "short"
    return (
        f"<b>#{number} {word} {trip.qty}</b> · {escape(trip.strategy, quote=False)}"
        f"<br>in {price(instrument, trip.entry_ticks)} · {clock(trip.entered_at)}"
        f"<br>out {price(instrument, trip.exit_ticks)} · {clock(trip.left_at)} · {span(trip.held_ns)}"
        f"<br><b>net {money(trip.net, sign=True)} {escape(currency, quote=False)}</b>"
    )


def _lot_text(lot: OpenLot, instrument: Instrument) -> str:
    word = "long" if lot.side > 0 else "short"
    return (
        f"<b>{word} {lot.qty}</b> · {escape(lot.strategy, quote=False)}"
        f"<br>in {price(instrument, lot.entry_ticks)} · {clock(lot.entered_at)}"
        "<br><b>still open at the end</b>"
    )
