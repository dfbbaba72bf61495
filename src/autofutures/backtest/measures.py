"""Where a run's profit came from and what it cost: by hour, weekday and month, by type of order, beside a benchmark.

Profit by time is the change of the equity, open positions included, so that each table adds up to the net profit. Money
is in minor units; what a sample is too small for is None, and its reason stands beside it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.samples import MIN_ORDERS, MIN_WEEKDAYS, WINDOW, too_few
from autofutures.backtest.statistics import DAYS_PER_YEAR, MIN_DAYS, Integers, RoundTrip, Ticks, move_value
from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import Placed, Traded
from autofutures.domain.units import OrderType
from autofutures.market.dates import TAIPEI_OFFSET_NS, weekday
from autofutures.portfolio.tally import EquityPoint

HOUR_NS = 3_600_000_000_000
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)


class Month(msgspec.Struct, frozen=True):
    """Net profit of a calendar month, by trading days."""

    year: int
    month: int
    net: int
    days: int


class Weekday(msgspec.Struct, frozen=True):
    """The trading days of one weekday (0 is Monday), and the profit in each of Taipei's hours."""

    weekday: int
    days: int
    net: int
    average: int | None
    hours: dict[int, int]


class TypeOfOrder(msgspec.Struct, frozen=True):
    """What became of the orders of one type.

    Slippage is how much worse the average contract was filled than the last trade at the decision, or than a stop's own
    price; below zero it was better. Held back below `MIN_ORDERS` orders with a fill.
    """

    type: str
    orders: int
    contracts: int
    filled_orders: int
    filled: int
    slippage_ticks: float | None
    slippage: int
    """In money, of all of them."""
    why_none: str


class Benchmark(msgspec.Struct, frozen=True):
    """One contract of a symbol, bought at the run's first trade and held to its last, without costs."""

    symbol: str
    net: int
    max_drawdown: int
    sharpe: float | None
    correlation: float | None
    """Of its daily profits with the run's."""
    why_none: str


class Rolling(msgspec.Struct, frozen=True):
    """Figures of the last `WINDOW` trading days at each day, and of the last `WINDOW` trades at each trade."""

    days: tuple[int, ...]
    net: tuple[int, ...]
    sharpe: tuple[float | None, ...]
    trades_at: tuple[int, ...]
    win_rate: tuple[float, ...]
    expectancy: tuple[float, ...]
    why_no_days: str
    why_no_trades: str


class Measures(msgspec.Struct, frozen=True):
    """All of them."""

    months: tuple[Month, ...]
    weekdays: tuple[Weekday, ...]
    types: tuple[TypeOfOrder, ...]
    refusals: dict[str, int]
    benchmark: Benchmark | None
    rolling: Rolling


def daily(equity: Sequence[EquityPoint], days: Sequence[int]) -> dict[int, int]:
    """Net profit of each trading day that has a point, in order."""
    closing: dict[int, int] = {}
    for point, day in zip(equity, days, strict=True):
        closing[day] = point.net
    nets = list(closing.values())
    return {day: net - before for day, net, before in zip(closing, nets, [0, *nets], strict=False)}


def months_of(profits: Mapping[int, int]) -> tuple[Month, ...]:
    """The months of daily profits, in order."""
    found: dict[int, list[int]] = defaultdict(list)
    for day, net in profits.items():
        found[day // 100].append(net)
    return tuple(
        Month(month // 100, month % 100, sum(nets), len(nets)) for month, nets in sorted(found.items())
    )


def weekdays_of(equity: Sequence[EquityPoint], days: Sequence[int]) -> tuple[Weekday, ...]:
    """Profit by weekday of the trading day and by the clock's hour; a change of the equity counts where it is seen."""
    hours: defaultdict[int, Counter[int]] = defaultdict(Counter)
    seen: defaultdict[int, set[int]] = defaultdict(set)
    before = 0
    for point, day in zip(equity, days, strict=True):
        of = weekday(day)
        seen[of].add(day)
        hours[of][int((point.at + TAIPEI_OFFSET_NS) // HOUR_NS % 24)] += point.net - before
        before = point.net
    return tuple(
        Weekday(
            weekday=of,
            days=len(seen[of]),
            net=hours[of].total(),
            average=round(hours[of].total() / len(seen[of])) if len(seen[of]) >= MIN_WEEKDAYS else None,
            hours=dict(sorted(hours[of].items())),
        )
        for of in sorted(seen)
    )


def types_of(
    orders: Sequence[Placed],
    fills: Sequence[Traded],
    decided: Mapping[str, int],
    instruments: Mapping[str, Instrument],
) -> tuple[TypeOfOrder, ...]:
    """The orders by type, and what they lost on the way to the market.

    Args:
        orders: that passed the gate.
        fills: of these orders.
        decided: the last trade at each order's decision, ticks by client id.
        instruments: of every order.
    """
    own: defaultdict[str, list[Traded]] = defaultdict(list)
    for fill in fills:
        own[fill.client_id].append(fill)
    groups: defaultdict[OrderType, list[Placed]] = defaultdict(list)
    for order in orders:
        groups[order.intent.type].append(order)
    return tuple(_type_of(kind, groups[kind], own, decided, instruments) for kind in sorted(groups))


def _type_of(
    kind: OrderType,
    orders: Sequence[Placed],
    own: Mapping[str, Sequence[Traded]],
    decided: Mapping[str, int],
    instruments: Mapping[str, Instrument],
) -> TypeOfOrder:
    worse = money = contracts = measured = 0
    for order in orders:
        reference = order.intent.stop_ticks if kind in STOPS else decided.get(order.client_id)
        filled = own.get(order.client_id, ())
        if reference is None or not filled:
            continue
        measured += 1
        for fill in filled:
            distance = fill.side * (fill.price_ticks - reference) * fill.qty
            worse += distance
            money += move_value(instruments[fill.symbol], fill.side * fill.qty, reference, fill.price_ticks)
            contracts += fill.qty
    few = too_few(measured, MIN_ORDERS, "filled orders with a known decision")
    return TypeOfOrder(
        type=kind.word,
        orders=len(orders),
        contracts=sum(order.intent.qty for order in orders),
        filled_orders=sum(bool(own.get(order.client_id)) for order in orders),
        filled=sum(fill.qty for order in orders for fill in own.get(order.client_id, ())),
        slippage_ticks=None if few else worse / contracts,
        slippage=money,
        why_none=few,
    )


def held_curve(equity: Sequence[EquityPoint], instrument: Instrument, tape: Ticks) -> list[int]:
    """What one contract made that was bought at the first trade, at each point of the equity; empty without a trade."""
    if not equity or not len(tape.at):
        return []
    at = np.array([point.at for point in equity], dtype=np.int64)
    rows = np.maximum(np.searchsorted(tape.at, at, side="right") - 1, 0)
    first, prices = (
        int(tape.price_ticks[0]),
        [*tape.price_ticks[rows][:-1].tolist(), int(tape.price_ticks[-1])],
    )
    worth = {price: move_value(instrument, 1, first, price) for price in set(prices)}
    return [worth[price] for price in prices]


def benchmark_of(
    equity: Sequence[EquityPoint], days: Sequence[int], symbol: str, held: Sequence[int]
) -> Benchmark | None:
    """Buy and hold beside the run; `held` is its curve, and without one there is no benchmark."""
    if not held:
        return None
    curve = np.array(held, dtype=np.int64)
    points = [EquityPoint(point.at, net, 0) for point, net in zip(equity, held, strict=True)]
    theirs, ours = (np.array(list(daily(each, days).values()), float) for each in (points, equity))
    few = too_few(len(theirs), MIN_DAYS, "trading days")
    return Benchmark(
        symbol=symbol,
        net=int(curve[-1]),
        max_drawdown=int((np.maximum.accumulate(np.maximum(curve, 0)) - curve).max()),
        sharpe=None if few else sharpe_of(theirs),
        correlation=None if few else correlation_of(theirs, ours),
        why_none=few,
    )


def sharpe_of(profits: NDArray[np.float64]) -> float | None:
    """Yearly Sharpe ratio of daily profits in money; None where every day made the same."""
    deviation = float(profits.std(ddof=1)) if len(profits) > 1 else 0.0
    return float(profits.mean()) * math.sqrt(DAYS_PER_YEAR) / deviation if deviation else None


def correlation_of(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Pearson's; None where one of them never changes."""
    if len(one) < 2 or not one.std() or not other.std():
        return None
    return float(np.corrcoef(one, other)[0, 1])


def rolling_of(profits: Mapping[int, int], trips: Sequence[RoundTrip]) -> Rolling:
    """Windows over days and over trades; a series of windows needs two windows' worth of either."""
    days, nets = tuple(profits), np.array(list(profits.values()), dtype=np.float64)
    results = np.array([trip.net for trip in trips], dtype=np.float64)
    few_days = too_few(len(days), 2 * WINDOW, "trading days")
    few_trades = too_few(len(trips), 2 * WINDOW, "closed trades")
    by_day = _windows(nets) if not few_days else np.empty((0, WINDOW))
    by_trade = _windows(results) if not few_trades else np.empty((0, WINDOW))
    return Rolling(
        days=days[WINDOW - 1 :] if len(by_day) else (),
        net=tuple(int(row.sum()) for row in by_day),
        sharpe=tuple(sharpe_of(row) for row in by_day),
        trades_at=tuple(trip.left_at for trip in trips[WINDOW - 1 :]) if len(by_trade) else (),
        win_rate=tuple((by_trade > 0).mean(axis=1).tolist()),
        expectancy=tuple(by_trade.mean(axis=1).tolist()),
        why_no_days=few_days,
        why_no_trades=few_trades,
    )


def _windows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.lib.stride_tricks.sliding_window_view(values, WINDOW)


def measures_of(
    equity: Sequence[EquityPoint],
    days: Sequence[int],
    trips: Sequence[RoundTrip],
    types: tuple[TypeOfOrder, ...],
    refusals: Sequence[str],
    benchmark: Benchmark | None,
) -> Measures:
    """All measures of a run; `refusals` are the rules that refused, one for each refusal."""
    profits = daily(equity, days)
    return Measures(
        months=months_of(profits),
        weekdays=weekdays_of(equity, days),
        types=types,
        refusals=dict(Counter(refusals).most_common()),
        benchmark=benchmark,
        rolling=rolling_of(profits, trips),
    )


def edges_of(values: Sequence[int], most: int = 30) -> Integers:
    """Edges of at most so many bins of one round width that hold all values; one of them is zero."""
    low, high = min(*values, 0), max(*values, 0)
    raw = max((high - low) / most, 1.0)
    power = 10 ** math.floor(math.log10(raw))
    step = int(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw))
    return np.arange(
        math.floor(low / step) * step, (math.floor(high / step) + 1) * step + 1, step, dtype=np.int64
    )
