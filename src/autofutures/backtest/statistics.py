"""Says what a run's fills were worth: round trips, and the statistics of them and of the equity.

Money is in integer minor units; floats are ratios only. What a sample is too short to say is None, and
`Statistics.why_none` tells why.
"""

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.samples import MIN_SIDE, MIN_TRADES, too_few
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import Traded
from autofutures.domain.units import MINUTE, Side
from autofutures.portfolio.pnl import worth
from autofutures.portfolio.tally import EquityPoint

MIN_DAYS = 20
"""Trading days, about a month, under which a ratio of daily profits says nothing."""

DAYS_PER_YEAR = 252
"""The convention by which ratios are made yearly; TAIFEX itself has about 245."""

Integers = NDArray[np.int64]


class Ticks(msgspec.Struct, frozen=True):
    """One symbol's trades as columns of equal length: UTC nanoseconds, not falling, and prices in ticks.

    `whole` is how many trades there were, where only highs and lows of them are kept; 0 where these are all.
    """

    at: Integers
    price_ticks: Integers
    whole: int = 0

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int]]) -> "Ticks":
        """Columns of (at, price_ticks) rows."""
        columns = np.array(rows, dtype=np.int64).reshape(-1, 2)
        return cls(np.ascontiguousarray(columns[:, 0]), np.ascontiguousarray(columns[:, 1]))


class RoundTrip(msgspec.Struct, frozen=True, gc=False):
    """What one fill opened and one fill closed; money in minor units, `costs` its share of fees and taxes.

    `mae` and `mfe` are the worst and the best open profit on the way, before costs; None where no ticks were
    given.
    """

    strategy: str
    symbol: str
    side: Side
    qty: int
    entered_at: int
    left_at: int
    entry_ticks: int
    exit_ticks: int
    gross: int
    costs: int
    mae: int | None = None
    mfe: int | None = None

    @property
    def net(self) -> int:
        """Profit after costs."""
        return self.gross - self.costs

    @property
    def held_ns(self) -> int:
        """From entry to exit by the clock, closed hours included."""
        return self.left_at - self.entered_at


class OpenLot(msgspec.Struct, frozen=True, gc=False):
    """What a fill opened and nothing has closed; `costs` is what is left of the fill's fee and tax."""

    strategy: str
    symbol: str
    side: Side
    qty: int
    entered_at: int
    entry_ticks: int
    costs: int


class TradeFigures(msgspec.Struct, frozen=True):
    """Figures of a set of round trips after costs; averages are rounded half up to the minor unit."""

    trades: int
    winners: int
    losers: int
    net: int
    win_rate: float | None
    profit_factor: float | None
    """What the winners made for each unit that the losers lost."""
    average_win: int | None
    average_loss: int | None
    largest_win: int | None
    largest_loss: int | None
    expectancy: int | None
    """The average trade."""
    average_held_ns: int | None
    longest_losing_run: int


class Statistics(msgspec.Struct, frozen=True):
    """What a run was worth."""

    every: TradeFigures
    longs: TradeFigures
    shorts: TradeFigures
    days: int
    exposure: float | None
    """Share of the time in which the market traded, to the minute, that a position was held."""
    max_drawdown: int
    drawdown_ns: int | None
    """The deepest drawdown, from its peak until it was made good or the run ended."""
    drawdown_recovered: bool
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    why_none: dict[str, str]
    """Field to the reason why it cannot be said; names are those of this class or of `TradeFigures`."""


class _Lot:
    """A fill that is being used up; costs are shared out so that the shares add up to the whole."""

    __slots__ = ("fill", "left")

    def __init__(self, fill: Traded) -> None:
        self.fill = fill
        self.left = fill.qty

    def take(self, qty: int) -> int:
        """Uses `qty` contracts and says their share of the fill's fee and tax."""
        costs, whole = self.fill.fee + self.fill.tax, self.fill.qty
        used = whole - self.left
        self.left -= qty
        return costs * (used + qty) // whole - costs * used // whole


def match_fills(
    fills: Iterable[Traded], instruments: Mapping[str, Instrument]
) -> tuple[list[RoundTrip], list[OpenLot]]:
    """Round trips by exit, and what is still open: first in, first out for each strategy and symbol.

    Raises:
        BadInput: a fill's instrument is not among `instruments`.
    """
    trips: list[RoundTrip] = []
    books: defaultdict[tuple[str, str], deque[_Lot]] = defaultdict(deque)
    for fill in fills:
        if fill.symbol not in instruments:
            raise BadInput(
                f"a fill of {fill.symbol}, which is not among the instruments: give its instrument too"
            )
        item = instruments[fill.symbol]
        lots, closing = books[fill.strategy, fill.symbol], _Lot(fill)
        while closing.left and lots and lots[0].fill.side != fill.side:
            trips.append(_close(lots[0], closing, item))
            if not lots[0].left:
                lots.popleft()
        if closing.left:
            lots.append(closing)
    return trips, [_still_open(lot) for lots in books.values() for lot in lots]


def round_trips(fills: Iterable[Traded], instruments: Mapping[str, Instrument]) -> list[RoundTrip]:
    """The closed round trips of `match_fills`, in order of their exits.

    Raises:
        BadInput: a fill's instrument is not among `instruments`.
    """
    return match_fills(fills, instruments)[0]


def _close(opened: _Lot, closing: _Lot, item: Instrument) -> RoundTrip:
    qty = min(opened.left, closing.left)
    entry, leaving = opened.fill, closing.fill
    return RoundTrip(
        strategy=entry.strategy,
        symbol=entry.symbol,
        side=entry.side,
        qty=qty,
        entered_at=entry.at,
        left_at=leaving.at,
        entry_ticks=entry.price_ticks,
        exit_ticks=leaving.price_ticks,
        gross=move_value(item, entry.side * qty, entry.price_ticks, leaving.price_ticks),
        costs=opened.take(qty) + closing.take(qty),
    )


def move_value(item: Instrument, position: int, from_ticks: int, to_ticks: int) -> int:
    """What a move of the market earns a position of signed lots, in minor units."""
    inverse = item.product.inverse_value
    return position * (worth(to_ticks, inverse) - worth(from_ticks, inverse)) * item.product.tick_value


def _still_open(lot: _Lot) -> OpenLot:
    fill, qty = lot.fill, lot.left
    return OpenLot(fill.strategy, fill.symbol, fill.side, qty, fill.at, fill.price_ticks, lot.take(qty))


def with_excursions(
    trips: Iterable[RoundTrip], ticks: Mapping[str, Ticks], instruments: Mapping[str, Instrument]
) -> list[RoundTrip]:
    """The trips with MAE and MFE, from the ticks after the entry's stamp up to the exit's and the two fills.

    A trip of a symbol without ticks stays as it is. Ticks of the entry's own stamp are left out: of trades
    within one whole second nobody can say which came after the fill.
    """
    result: list[RoundTrip] = []
    for trip in trips:
        tape = ticks.get(trip.symbol)
        if tape is None:
            result.append(trip)
            continue
        first, end = np.searchsorted(tape.at, [trip.entered_at, trip.left_at], side="right")
        prices = tape.price_ticks[first:end]
        low = min(trip.entry_ticks, trip.exit_ticks, int(prices.min()) if prices.size else trip.entry_ticks)
        high = max(trip.entry_ticks, trip.exit_ticks, int(prices.max()) if prices.size else trip.entry_ticks)
        item, signed = instruments[trip.symbol], trip.side * trip.qty
        worst, best = (low, high) if trip.side > 0 else (high, low)
        mae = move_value(item, signed, trip.entry_ticks, worst)
        mfe = move_value(item, signed, trip.entry_ticks, best)
        result.append(msgspec.structs.replace(trip, mae=mae, mfe=mfe))
    return result


def average(total: int, count: int) -> int | None:
    """Total ÷ count, rounded half up to an integer; None of nothing."""
    return (2 * total + count) // (2 * count) if count else None


def trade_figures(trips: Sequence[RoundTrip]) -> TradeFigures:
    """Figures of the trips, in the order given; a trip that nets zero is neither won nor lost."""
    nets = [trip.net for trip in trips]
    wins, losses = [net for net in nets if net > 0], [net for net in nets if net < 0]
    return TradeFigures(
        trades=len(nets),
        winners=len(wins),
        losers=len(losses),
        net=sum(nets),
        win_rate=len(wins) / len(nets) if nets else None,
        profit_factor=sum(wins) / -sum(losses) if losses else None,
        average_win=average(sum(wins), len(wins)),
        average_loss=average(sum(losses), len(losses)),
        largest_win=max(wins, default=None),
        largest_loss=min(losses, default=None),
        expectancy=average(sum(nets), len(nets)),
        average_held_ns=average(sum(trip.held_ns for trip in trips), len(nets)),
        longest_losing_run=_longest_losing_run(nets),
    )


def reasons(figures: TradeFigures) -> dict[str, str]:
    """Why fields of the figures cannot be said, from their counts alone; see `samples.py`."""
    if not figures.trades:
        return dict.fromkeys((*_OF_TRADES, *_OF_WINNERS, *_OF_LOSERS, "profit_factor"), "no trade")
    found = dict.fromkeys(
        (*_OF_TRADES, "profit_factor"), too_few(figures.trades, MIN_TRADES, "closed trades")
    )
    if not figures.losers:
        found["profit_factor"] = "no losing trade"
    for count, kind, (average_of, largest) in (
        (figures.winners, "winning", _OF_WINNERS),
        (figures.losers, "losing", _OF_LOSERS),
    ):
        found[average_of] = too_few(count, MIN_SIDE, f"{kind} trades") if count else f"no {kind} trade"
        found[largest] = "" if count else f"no {kind} trade"
    return {name: reason for name, reason in found.items() if reason}


_OF_TRADES: tuple[str, ...] = ("win_rate", "expectancy", "average_held_ns")
_OF_WINNERS: tuple[str, ...] = ("average_win", "largest_win")
_OF_LOSERS: tuple[str, ...] = ("average_loss", "largest_loss")


def said(figures: TradeFigures) -> TradeFigures:
    """The figures without those that the sample is too small for."""
    return msgspec.structs.replace(figures, **dict.fromkeys(reasons(figures)))


def _longest_losing_run(nets: Iterable[int]) -> int:
    longest = run = 0
    for net in nets:
        run = run + 1 if net < 0 else 0
        longest = max(longest, run)
    return longest


def statistics(
    equity: Sequence[EquityPoint],
    trips: Sequence[RoundTrip],
    days: Sequence[int],
    open_lots: Sequence[OpenLot] = (),
    max_drawdown: int | None = None,
) -> Statistics:
    """The statistics of a run.

    Args:
        equity: net profit at moments that do not fall; at least one in each minute with a trade.
        trips: round trips in order of their exits.
        days: the trading day (YYYYMMDD) of each equity point.
        open_lots: what was still held at the end; it counts as exposure.
        max_drawdown: as measured at every tick; None takes the deepest equity point.

    Raises:
        BadInput: `days` does not have a day for each equity point.
    """
    if len(days) != len(equity):
        raise BadInput(f"{len(days)} days for {len(equity)} equity points: give each point's day")
    deepest = max((point.drawdown for point in equity), default=0) if max_drawdown is None else max_drawdown
    profits = daily_profits(equity, days)
    drawdown_ns, recovered = _drawdown_length(equity)
    ratios, why_none = daily_ratios(profits, deepest)
    every = trade_figures(trips)
    why_none |= reasons(every)
    return Statistics(
        every=said(every),
        longs=said(trade_figures([trip for trip in trips if trip.side > 0])),
        shorts=said(trade_figures([trip for trip in trips if trip.side < 0])),
        days=len(profits),
        exposure=_exposure(equity, trips, open_lots),
        max_drawdown=deepest,
        drawdown_ns=drawdown_ns,
        drawdown_recovered=recovered,
        sharpe=ratios.get("sharpe"),
        sortino=ratios.get("sortino"),
        calmar=ratios.get("calmar"),
        why_none=why_none,
    )


def daily_profits(equity: Sequence[EquityPoint], days: Sequence[int]) -> list[int]:
    """Net profit of each trading day that has a point, minor units, in order."""
    closing: dict[int, int] = {}
    for point, day in zip(equity, days, strict=True):
        closing[day] = point.net
    nets = list(closing.values())
    return [net - before for net, before in zip(nets, [0, *nets], strict=False)]


def daily_ratios(profits: Sequence[int], deepest: int) -> tuple[dict[str, float], dict[str, str]]:
    """Yearly ratios of daily profit in money, and why one cannot be said: no capital, no interest.

    Sharpe divides by the sample deviation, Sortino by the root mean square of the losses (target 0), Calmar
    the yearly profit by the deepest drawdown.
    """
    if len(profits) < MIN_DAYS:
        reason = too_few(len(profits), MIN_DAYS, "trading days")
        return {}, dict.fromkeys(("sharpe", "sortino", "calmar"), reason)
    daily = np.array(profits, dtype=np.float64)
    mean = float(daily.mean())
    downside = math.sqrt(float(np.mean(np.minimum(daily, 0.0) ** 2)))
    yearly = math.sqrt(DAYS_PER_YEAR)
    parts = {
        "sharpe": (mean * yearly, float(daily.std(ddof=1)), "every day made the same"),
        "sortino": (mean * yearly, downside, "no losing day"),
        "calmar": (mean * DAYS_PER_YEAR, float(deepest), "no drawdown"),
    }
    ratios = {name: above / below for name, (above, below, _) in parts.items() if below}
    return ratios, {name: reason for name, (_, below, reason) in parts.items() if not below}


def _drawdown_length(equity: Sequence[EquityPoint]) -> tuple[int | None, bool]:
    """How long the deepest drawdown lasted, and whether it was made good; (None, True) without one."""
    deepest = max(range(len(equity)), key=lambda index: equity[index].drawdown, default=0)
    if not equity or not equity[deepest].drawdown:
        return None, True
    # The peak may lie between two points, so the running peak is asked and not the net.
    peak = equity[deepest].net + equity[deepest].drawdown
    begins = next(point.at for point in equity if point.net + point.drawdown >= peak)
    later = equity[deepest:]
    ends = next((each.at for each in later if not each.drawdown or each.net + each.drawdown > peak), None)
    return (equity[-1].at if ends is None else ends) - begins, ends is not None


def _exposure(
    equity: Sequence[EquityPoint], trips: Sequence[RoundTrip], open_lots: Sequence[OpenLot]
) -> float | None:
    """Held time within the minutes that have an equity point, over those minutes: no closed hours."""
    minutes = np.unique(np.array([point.at for point in equity], dtype=np.int64) // MINUTE) * MINUTE
    if not minutes.size:
        return None
    spans = [(trip.entered_at, trip.left_at) for trip in trips]
    spans += [(lot.entered_at, int(minutes[-1]) + MINUTE) for lot in open_lots]
    bounds, held = _held_until(spans)
    if not bounds:
        return 0.0
    origin = int(minutes[0])
    # Counted from the run's start: nanoseconds since 1970 do not fit a float.
    marks = np.array(bounds, dtype=np.int64) - origin
    starts = np.interp(minutes - origin, marks, held)
    ends = np.interp(minutes - origin + MINUTE, marks, held)
    return float((ends - starts).sum()) / (MINUTE * minutes.size)


def _held_until(spans: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Times at which the union of the spans begins or ends, and the time held until then."""
    bounds: list[int] = []
    held: list[int] = []
    for begins, ends in sorted(spans):
        if bounds and begins <= bounds[-1]:
            held[-1] += max(0, ends - bounds[-1])
            bounds[-1] = max(bounds[-1], ends)
            continue
        total = held[-1] if held else 0
        bounds += [begins, ends]
        held += [total, total + ends - begins]
    return bounds, held
