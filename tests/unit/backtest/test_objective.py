import msgspec
import numpy as np
import pytest

from autofutures.assemble.nodes import instruments_of
from autofutures.backtest import runner
from autofutures.backtest.objective import (
    OBJECTIVES,
    SLICE_NS,
    best_column,
    checked_objective,
    days_of,
    days_of_periods,
    measured,
    measured_columns,
    period_figures,
    profits_of,
    ranked,
)
from autofutures.backtest.samples import MIN_TRADES
from autofutures.backtest.statistics import MIN_DAYS, RoundTrip, round_trips, statistics
from autofutures.domain.errors import BadInput
from autofutures.domain.units import MINUTE, Side
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from autofutures.portfolio.tally import EquityPoint
from tests.runs import DAY, TXF, generated
from tests.unit.backtest.searches import NOTHING, result


def test_a_sets_figures_are_those_of_its_run() -> None:
    run = generated()
    done = runner.run(run)
    found = measured(run, {"fast": 2}, done.summary, done.tally, 1.0)
    assert set(found.figures) == set(OBJECTIVES)
    assert found.figures["net_pnl"] == done.summary.net_pnl
    assert found.figures["max_drawdown"] == done.summary.max_drawdown
    assert found.figures["sharpe"] is None
    assert found.why_none["sharpe"] == "too few: 1 of 20 trading days needed"
    assert sum(found.profits) == done.summary.net_pnl
    assert found.periods == sorted(set(found.periods))
    assert all(period % SLICE_NS == 0 for period in found.periods)
    assert days_of_periods(run, found.periods) == [DAY] * len(found.periods)


@pytest.mark.parametrize(
    "nets", [[], [5], [5, -3, 0], [5] * 12, [-5] * 12, [5, -3, 0] * 5, [0] * 12, [-7, -3, 1] * 3]
)
def test_figures_of_trades_are_those_of_the_statistics_with_their_reasons(nets: list[int]) -> None:
    trips = [
        RoundTrip("s", TXF, Side.BUY, 1, n, n + 1, 100, 101, gross=net + 2, costs=2)
        for n, net in enumerate(nets)
    ]
    expected = statistics([], trips, [], (), 0)
    found = measured_columns(
        generated(), {}, NOTHING, np.empty((0, 2), np.int64), np.array(nets, np.int64), 1.0
    )
    for name in ("profit_factor", "expectancy", "win_rate"):
        assert found.figures[name] == getattr(expected.every, name)
        assert found.why_none.get(name) == expected.why_none.get(name)


def test_the_best_come_first_and_what_says_nothing_last() -> None:
    sets = [result({"n": n}, sharpe=value) for n, value in enumerate([0.5, None, 2.0, 0.5])]
    assert [one.parameters["n"] for one in ranked(sets, "sharpe")] == [2, 0, 3, 1]


def test_a_drawdown_is_the_better_the_lower() -> None:
    sets = [result({"n": n}, max_drawdown=value) for n, value in enumerate([5.0, 1.0, None])]
    assert [one.parameters["n"] for one in ranked(sets, "max_drawdown")] == [1, 0, 2]


def test_an_objective_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="no objective 'luck'; there are net_pnl"):
        checked_objective("luck")


def test_profits_of_sets_stand_side_by_side_and_a_missing_period_made_nothing() -> None:
    one, other = result({}, [1, 2, 3]), result({}, [5])
    found = profits_of([one, other])
    assert found.by_day
    assert found.periods == [20260101, 20260102, 20260103]
    assert found.table.tolist() == [[1, 5], [2, 0], [3, 0]]


def test_figures_of_a_part_by_day_are_the_reports_own() -> None:
    profits = [((n * 7919) % 41) - 15 for n in range(30)]
    net = np.cumsum(profits)
    peak = np.maximum(np.maximum.accumulate(net), 0)
    days = [20260102 + n for n in range(30)]
    equity = [EquityPoint(taipei_ns(20260102, 0) + n, int(net[n]), int(peak[n] - net[n])) for n in range(30)]
    expected = statistics(equity, [], days)
    table = np.array([profits, profits], dtype=np.float64).T
    for name in ("sharpe", "sortino", "calmar"):
        assert period_figures(table, name, by_day=True) == [pytest.approx(getattr(expected, name))] * 2
    assert period_figures(table, "net_pnl", by_day=True) == [sum(profits)] * 2


def test_figures_of_slices_are_not_made_yearly() -> None:
    table = np.array([[3.0, -1.0] * 15]).T
    assert period_figures(table, "sharpe", by_day=False) == [pytest.approx(1.0 / table.std(ddof=1))]


def test_a_part_that_is_too_short_has_only_its_net() -> None:
    table = np.ones((19, 2))
    assert period_figures(table, "sharpe", by_day=True) == [None, None]
    assert period_figures(table, "net_pnl", by_day=True) == [19.0, 19.0]


def test_a_set_that_never_lost_has_no_sortino() -> None:
    assert period_figures(np.ones((30, 1)), "sortino", by_day=True) == [None]
    assert period_figures(np.ones((30, 1)), "calmar", by_day=True) == [None]


def test_what_needs_trades_cannot_be_told_of_a_part() -> None:
    with pytest.raises(BadInput, match="choose one of net_pnl, sharpe, sortino, calmar"):
        period_figures(np.ones((30, 1)), "profit_factor", by_day=True)


@pytest.mark.parametrize(
    ("figures", "best"), [([1.0, 3.0, 3.0], 1), ([None, -5.0], 1), ([None, None], None), ([], None)]
)
def test_the_first_of_the_highest_is_picked(figures: list[float | None], best: int | None) -> None:
    assert best_column(figures) == best


def test_what_is_measured_by_columns_is_what_the_report_says() -> None:
    run = generated(trades=400)
    done = runner.run(run)
    found = measured(run, {}, done.summary, done.tally, 1.0)
    equity = done.tally.equity
    trips = round_trips(done.tally.fills, instruments_of(run))
    days = [Calendar().trading_day_of(point.at, "taifex-index") for point in equity]
    expected = statistics(equity, trips, days, (), done.summary.max_drawdown)
    assert len(found.trades) == len(trips) > MIN_TRADES
    for name in ("sharpe", "sortino", "calmar"):
        assert found.figures[name] == getattr(expected, name)
        assert found.why_none[name] == expected.why_none[name]
    for name in ("profit_factor", "expectancy", "win_rate"):
        assert found.figures[name] == getattr(expected.every, name)


def test_a_run_of_twenty_days_is_kept_by_days_and_has_its_ratios() -> None:
    run = msgspec.structs.replace(generated(), day=20210104)
    opens = [taipei_ns(20210104 + day, 9 * 3600) for day in range(28)]
    calendar = Calendar()
    points = [
        (at + minute * MINUTE, number * 7 + (minute * 13) % 31 - number % 5 * 20)
        for number, at in enumerate(opens)
        for minute in (0, 1, 400)
        if calendar.is_trading_day(20210104 + number)
    ]
    equity = [EquityPoint(at, net, 40 - net % 40) for at, net in points]
    days = [calendar.trading_day_of(at, "taifex-index") for at, _ in points]
    expected = statistics(equity, [], days, (), 77)
    summary = msgspec.structs.replace(NOTHING, net_pnl=points[-1][1] + 5, max_drawdown=77)
    columns = np.array(points, dtype=np.int64)
    found = measured_columns(run, {}, summary, columns, np.empty(0, dtype=np.int64), 1.0)
    assert len(set(days)) >= MIN_DAYS
    assert found.periods == sorted(set(days))
    assert sum(found.profits) == summary.net_pnl
    assert found.figures["sharpe"] == expected.sharpe is not None
    assert found.figures["sortino"] == expected.sortino
    assert found.figures["calmar"] == expected.calmar


@pytest.mark.parametrize(
    "symbol", ["TAIFEX:TXF202108", "TAIFEX:CDF202108", "CME:ES202109", "BINANCE:BTCUSDT"]
)
def test_days_by_halves_are_the_calendars_own(symbol: str) -> None:
    run = msgspec.structs.replace(generated(), symbols=(symbol,), closed_days={20210728: "closed"})
    sessions = instruments_of(run)[symbol].product.sessions
    calendar = Calendar(run.closed_days)
    first = taipei_ns(20210722, 0)
    at = np.array([first + minute * MINUTE + 1 for minute in range(0, 10 * 1_440, 5)])
    assert days_of(run, at).tolist() == [calendar.trading_day_of(int(one), sessions) for one in at]
    assert days_of(run, at[:0]).tolist() == []
