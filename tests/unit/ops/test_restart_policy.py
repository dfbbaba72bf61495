from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.units import MINUTE, SECOND
from autofutures.ops.restart_policy import Patience, RestartPolicy

QUICK = SECOND // 1_000


def test_the_first_restart_does_not_wait_and_each_further_one_waits_twice_as_long_up_to_a_limit() -> None:
    policy = RestartPolicy(Patience(step_ns=SECOND, longest_ns=5 * SECOND))
    waits = [policy.died(number, QUICK) for number in range(6)]
    assert waits == [0, SECOND, 2 * SECOND, 4 * SECOND, 5 * SECOND, 5 * SECOND]


def test_who_lived_long_enough_is_started_at_once() -> None:
    policy = RestartPolicy(Patience(calm_ns=10 * SECOND))
    assert [policy.died(0, QUICK), policy.died(1, QUICK)] == [0, SECOND // 10]
    assert policy.died(2, 10 * SECOND) == 0
    assert policy.died(3, QUICK) == SECOND // 10


def test_who_dies_again_and_again_right_after_its_start_is_given_up_soon() -> None:
    policy = RestartPolicy(Patience(quick=3))
    assert [policy.died(at, QUICK) for at in range(4)] == [0, SECOND // 10, SECOND // 5, None]


def test_lives_that_ended_to_begin_anew_are_no_trouble_until_the_budget_is_used_up() -> None:
    policy = RestartPolicy(Patience(quick=3, budget=5))
    assert [policy.died(at, QUICK, replaced=True) for at in range(6)] == [0, 0, 0, 0, 0, None]


def test_too_many_deaths_in_a_window_are_given_up_and_old_ones_are_forgotten() -> None:
    policy = RestartPolicy(Patience(budget=3, window_ns=MINUTE))
    assert all(policy.died(at, MINUTE) == 0 for at in (0, 1, 2))
    assert policy.died(MINUTE, MINUTE) == 0
    assert policy.died(MINUTE, MINUTE) is None
    assert policy.restarts == 4


@given(st.lists(st.tuples(st.integers(0, 10 * SECOND), st.integers(0, 20 * SECOND)), max_size=200))
def test_no_wait_is_negative_or_beyond_the_longest_and_no_window_holds_more_than_the_budget(
    deaths: list[tuple[int, int]],
) -> None:
    patience = Patience()
    policy, at, allowed = RestartPolicy(patience), 0, list[int]()
    for later, lived_ns in deaths:
        at += later
        wait = policy.died(at, lived_ns)
        if wait is not None:
            assert 0 <= wait <= patience.longest_ns
            allowed.append(at)
        recent = [moment for moment in allowed if moment > at - patience.window_ns]
        assert len(recent) <= patience.budget
