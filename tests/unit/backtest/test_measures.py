import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.measures import (
    benchmark_of,
    correlation_of,
    daily,
    edges_of,
    held_curve,
    months_of,
    rolling_of,
    sharpe_of,
    types_of,
    weekdays_of,
)
from autofutures.backtest.panels import packed, rolling_panels
from autofutures.backtest.samples import MIN_ORDERS, MIN_WEEKDAYS, WINDOW, too_few
from autofutures.backtest.statistics import MIN_DAYS, RoundTrip, Ticks
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import Intent, Placed, Traded
from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side
from autofutures.market.dates import add_days, taipei_ns
from autofutures.portfolio.tally import EquityPoint

TXF = "TAIFEX:TXF202108"
MONDAY = 20210726


def at(day: int, hour: int, minute: int = 0) -> int:
    return taipei_ns(day, hour * 3600 + minute * 60)


def points(*rows: tuple[int, int]) -> list[EquityPoint]:
    return [EquityPoint(moment, net, 0) for moment, net in rows]


def test_profit_by_hour_is_the_change_of_the_equity_and_adds_up() -> None:
    tuesday = MONDAY + 1
    equity = points(
        (at(MONDAY, 8, 50), 100), (at(MONDAY, 9, 10), 70), (at(MONDAY, 9, 59), 90), (at(MONDAY, 15, 5), 95),
        (at(tuesday, 8, 50), 50),
    )  # fmt: skip
    monday, other = weekdays_of(equity, [MONDAY, MONDAY, MONDAY, tuesday, tuesday])
    assert (monday.weekday, monday.hours, monday.net, monday.days) == (0, {8: 100, 9: -10}, 90, 1)
    assert (other.weekday, other.hours, other.net, other.average) == (1, {8: -45, 15: 5}, -40, None)


def test_a_weekday_has_an_average_from_its_fourth_day_on() -> None:
    days = [add_days(MONDAY, 7 * week) for week in range(MIN_WEEKDAYS)]
    equity = points(*((at(day, 9), 10 * (number + 1)) for number, day in enumerate(days)))
    assert [each.average for each in weekdays_of(equity, days)] == [10]
    assert [each.average for each in weekdays_of(equity[:-1], days[:-1])] == [None]


def test_months_are_those_of_the_trading_days() -> None:
    profits = daily(points((1, 10), (2, 30), (3, 25)), [20210730, 20210802, 20210803])
    assert profits == {20210730: 10, 20210802: 20, 20210803: -5}
    assert [(each.year, each.month, each.net, each.days) for each in months_of(profits)] == [
        (2021, 7, 10, 1),
        (2021, 8, 15, 2),
    ]


def order(number: int, kind: OrderType, side: Side = Side.BUY, qty: int = 1, stop: int = 0) -> Placed:
    intent = Intent("s", number, 1, 0, TXF, side, qty, kind, stop_ticks=stop)
    return Placed(f"c{number}", Status.SENT, intent)


def fill(number: int, price: int, side: Side = Side.BUY, qty: int = 1) -> Traded:
    return Traded(f"c{number}", "s", number, 1, 1, 0, TXF, side, qty, price, 0, 0, 0, f"f{number}")


def test_slippage_is_against_the_decision_and_of_stops_against_their_price() -> None:
    instruments = {TXF: instrument(TXF)}
    orders = [order(n, OrderType.MARKET) for n in range(MIN_ORDERS)]
    orders += [order(50, OrderType.STOP, Side.SELL, 2, stop=90), order(51, OrderType.LIMIT)]
    fills = [*(fill(n, 102) for n in range(MIN_ORDERS)), fill(50, 88, Side.SELL, 2)]
    decided = {each.client_id: 100 for each in orders}
    market, limit, stop = types_of(orders, fills, decided, instruments)
    assert (market.type, market.orders, market.filled_orders, market.filled) == ("market", 10, 10, 10)
    assert (market.slippage_ticks, market.slippage) == (2.0, 10 * 2 * 200)
    assert (stop.slippage, stop.slippage_ticks) == (2 * 2 * 200, None)
    assert stop.why_none == "too few: 1 of 10 filled orders with a known decision needed"
    assert (limit.filled_orders, limit.slippage, limit.contracts) == (0, 0, 1)


def test_orders_without_a_known_decision_are_not_measured() -> None:
    (market,) = types_of([order(1, OrderType.MARKET)], [fill(1, 102)], {}, {TXF: instrument(TXF)})
    assert (market.filled, market.slippage, market.slippage_ticks) == (1, 0, None)


def test_a_benchmark_is_held_from_the_first_trade_to_the_last() -> None:
    tape = Ticks.of([(5, 100), (20, 110), (40, 90), (60, 95)])
    equity = points((10, 0), (30, 5), (50, 7))
    held = held_curve(equity, instrument(TXF), tape)
    assert held == [0, 10 * 200, -5 * 200]
    found = benchmark_of(equity, [1, 1, 1], TXF, held)
    assert found is not None
    assert (found.net, found.max_drawdown, found.sharpe) == (-1_000, 3_000, None)
    assert found.why_none == f"too few: 1 of {MIN_DAYS} trading days needed"
    assert held_curve(equity, instrument(TXF), Ticks.of([])) == []
    assert benchmark_of(equity, [1, 1, 1], TXF, []) is None


def test_a_benchmark_of_enough_days_has_ratios() -> None:
    days = list(range(1, MIN_DAYS + 1))
    nets = np.cumsum([10, -3] * (MIN_DAYS // 2)).tolist()
    found = benchmark_of(points(*zip(days, nets, strict=True)), days, TXF, [net * 2 for net in nets])
    assert found is not None
    assert found.correlation == pytest.approx(1.0)
    profits = np.diff([0, *nets]).astype(float)
    assert found.sharpe == pytest.approx(profits.mean() / profits.std(ddof=1) * 252**0.5)
    assert found.why_none == ""


def test_what_never_changes_has_neither_ratio_nor_correlation() -> None:
    flat = np.ones(5)
    assert sharpe_of(flat) is None
    assert correlation_of(flat, np.arange(5.0)) is None
    assert correlation_of(np.arange(1.0), np.arange(1.0)) is None


def trip(net: int, left_at: int) -> RoundTrip:
    return RoundTrip("s", TXF, Side.BUY, 1, 0, left_at, 1, 1, net, 0)


def test_rolling_figures_need_two_windows() -> None:
    profits = {day: (day % 3) - 1 for day in range(2 * WINDOW)}
    trips = [trip(1 if number % 2 else -1, number) for number in range(2 * WINDOW)]
    rolled = rolling_of(profits, trips)
    assert len(rolled.days) == len(rolled.net) == len(rolled.sharpe) == WINDOW + 1
    assert rolled.net[0] == sum(list(profits.values())[:WINDOW])
    assert rolled.win_rate == (0.5,) * (WINDOW + 1)
    assert rolled.trades_at[0] == WINDOW - 1
    short = rolling_of(dict(list(profits.items())[:-1]), trips[:-1])
    assert (short.days, short.trades_at) == ((), ())
    assert short.why_no_days == "too few: 39 of 40 trading days needed"
    assert short.why_no_trades == "too few: 39 of 40 closed trades needed"


def test_rolling_figures_are_drawn_by_day_and_by_trade() -> None:
    profits = {add_days(MONDAY, day): day % 3 for day in range(2 * WINDOW)}
    by_day, by_trade = rolling_panels(rolling_of(profits, [trip(n % 2, n) for n in range(2 * WINDOW)]), "TWD")
    assert by_day.traces[0]["x"] == [
        f"2021-{day // 100 % 100:02}-{day % 100:02}" for day in list(profits)[WINDOW - 1 :]
    ]
    assert by_day.layout["xaxis"] == {"type": "date", "anchor": "y2"}
    assert by_trade.traces[0]["x"] == packed(list(range(WINDOW, 2 * WINDOW + 1)))
    assert rolling_panels(rolling_of({}, []), "TWD") == []


def test_there_is_a_reason_only_where_there_is_too_little() -> None:
    assert too_few(20, 20, "trades") == ""
    assert too_few(19, 20, "trades") == "too few: 19 of 20 trades needed"


@given(st.lists(st.integers(-1_000_000, 1_000_000), min_size=1))
def test_bins_hold_all_values_and_split_gains_from_losses(values: list[int]) -> None:
    edges = edges_of(values)
    assert edges[0] <= min(values)
    assert max(values) < edges[-1]
    assert 0 in edges
    assert len(edges) <= 33
    assert len(set(np.diff(edges))) == 1
