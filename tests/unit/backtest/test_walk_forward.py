import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.objective import SetResult
from autofutures.backtest.walk_forward import Window, walk_forward, windows, windows_of_days
from autofutures.domain.errors import BadInput
from tests.unit.backtest.searches import result


def test_rolling_windows_follow_each_other_and_the_last_may_be_short() -> None:
    assert windows(10, train=4, test=3) == [Window((0, 4), (4, 7)), Window((3, 7), (7, 10))]
    assert windows(9, train=4, test=3)[-1] == Window((3, 7), (7, 9))


def test_anchored_windows_train_on_all_that_came_before() -> None:
    assert windows(10, 4, 3, "anchored") == [Window((0, 4), (4, 7)), Window((0, 7), (7, 10))]


@given(st.integers(2, 60), st.integers(1, 30), st.integers(1, 12), st.sampled_from(["rolling", "anchored"]))
def test_every_period_after_the_first_train_is_tested_once_by_what_came_before(
    periods: int, train: int, test: int, kind: str
) -> None:
    if train >= periods:
        return
    cut = windows(periods, train, test, "rolling" if kind == "rolling" else "anchored")
    assert [row for one in cut for row in range(*one.test)] == list(range(train, periods))
    for one in cut:
        assert one.train[1] == one.test[0]
        assert one.train[1] - one.train[0] == train or (kind == "anchored" and one.train[0] == 0)


def test_windows_of_days_take_whole_days_however_many_rows_they_have() -> None:
    days = [1, 1, 2, 3, 3, 3, 4]
    assert windows_of_days(days, 2, 1) == [Window((0, 3), (3, 6)), Window((2, 6), (6, 7))]


@pytest.mark.parametrize(
    ("periods", "train", "test", "said"),
    [
        (5, 5, 1, "leaves none to test"),
        (5, 0, 1, "at least 1"),
        (5, 1, 0, "at least 1"),
        (50_000, 1, 1, "longer test"),
    ],
)
def test_windows_that_do_not_fit_are_refused(periods: int, train: int, test: int, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        windows(periods, train, test)


#               train    | test   | then
FIRST = result({"n": 1}, [5, 5, 1, 0, -9, 4])
OTHER = result({"n": 2}, [0, 1, 8, 9, 2, -3])
SETS: list[SetResult] = [FIRST, OTHER]


def test_each_window_is_picked_by_what_came_before_and_counted_by_what_came_after() -> None:
    found = walk_forward(SETS, windows(6, 2, 2), "net_pnl", "rolling")
    assert [step.picked for step in found.steps] == [{"n": 1}, {"n": 2}]
    assert [step.in_sample_net for step in found.steps] == [10, 17]
    assert [step.out_of_sample_net for step in found.steps] == [1, -1]
    assert (found.steps[0].train, found.steps[0].test) == ((20260101, 20260102), (20260103, 20260104))
    assert found.equity == [1, 1, 3, 0]
    assert found.periods == [20260103, 20260104, 20260105, 20260106]
    assert (found.net, found.max_drawdown, found.share_won) == (0, 3, 0.5)
    assert found.efficiency == 0.0
    assert found.by_day


def test_efficiency_is_what_a_period_made_outside_for_each_unit_inside() -> None:
    # Pardo (2008), The Evaluation and Optimization of Trading Strategies: yearly out-of-sample profit over yearly
    # in-sample profit; periods of equal length make the years cancel out.
    steady = [result({"n": 1}, [4, 4, 4, 4, 2, 2])]
    found = walk_forward(steady, windows(6, 4, 2), "net_pnl", "rolling")
    assert found.efficiency == 0.5


def test_what_lost_in_sample_has_no_efficiency() -> None:
    found = walk_forward([result({}, [-1, -1, 5])], windows(3, 2, 1), "net_pnl", "rolling")
    assert (found.efficiency, found.net) == (None, 5)


def test_a_window_too_short_for_the_objective_picks_nothing_and_makes_nothing() -> None:
    found = walk_forward(SETS, windows(6, 2, 2), "sharpe", "rolling")
    assert [step.picked for step in found.steps] == [None, None]
    assert (found.unpicked, found.net, found.sharpe, found.efficiency) == (2, 0, None, None)


def test_nothing_of_a_test_window_is_known_when_it_is_picked() -> None:
    later = [result({"n": 1}, [5, 5, -100, -100]), result({"n": 2}, [4, 4, 100, 100])]
    assert walk_forward(later, windows(4, 2, 2), "net_pnl", "rolling").net == -200


def test_a_ratio_is_told_where_there_are_enough_periods() -> None:
    wave = [result({"n": n}, [3 + n, -1] * 40) for n in range(2)]
    found = walk_forward(wave, windows(80, 40, 20, "anchored"), "sharpe", "anchored")
    assert [step.picked for step in found.steps] == [{"n": 1}] * 2
    assert found.sharpe is not None
    assert found.steps[0].in_sample is not None
    assert found.steps[0].out_of_sample is not None


def test_an_objective_of_trades_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot be told of a part"):
        walk_forward(SETS, windows(6, 2, 2), "win_rate", "rolling")
