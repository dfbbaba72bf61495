import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.telemetry.latency import Arrivals, LatencySummary, LatencyTally, Stalls, percentile


@pytest.mark.parametrize(
    ("count", "per_mille", "rank"),
    [
        (1, 500, 1),
        (2, 500, 1),
        (3, 500, 2),
        (5, 500, 3),
        (7, 500, 4),
        (100, 990, 99),
        (101, 990, 100),
        (300, 990, 297),
        (1_000, 999, 999),
        (1_001, 999, 1_000),
        (10, 999, 10),
        (10, 1_000, 10),
    ],
)
def test_a_percentile_is_that_of_the_nearest_rank(count: int, per_mille: int, rank: int) -> None:
    ordered = [1_000 * number for number in range(1, count + 1)]
    assert percentile(ordered, per_mille) == rank


@given(st.lists(st.integers(0, 10**9), min_size=1), st.sampled_from((500, 990, 999)))
def test_at_least_so_many_reach_it_and_no_smaller_one_would_do(durations: list[int], per_mille: int) -> None:
    ordered = sorted(durations)
    found = percentile(ordered, per_mille)
    assert found is not None
    reached = sum(duration / 1_000 <= found for duration in ordered)
    below = sum(duration / 1_000 < found for duration in ordered)
    assert reached * 1_000 >= per_mille * len(ordered) > below * 1_000


def test_nothing_measured_is_none_not_zero() -> None:
    assert LatencyTally().summary() == LatencySummary(0, None, None, None)


def test_durations_in_any_order_make_a_summary_in_microseconds() -> None:
    tally = LatencyTally()
    for duration_ns in (3_000, 1_000, 2_500):
        tally.add(duration_ns)
    assert tally.summary() == LatencySummary(3, 2.5, 3.0, 3.0)


def test_a_number_is_as_old_as_the_frame_in_which_it_came() -> None:
    arrivals = Arrivals()
    for last, at in ((1, 100), (5, 200), (9, 300)):
        arrivals.add(last, at)
    assert [arrivals.of(number) for number in (2, 5, 6, 9, 10)] == [200, 200, 300, 300, 0]


def test_arrivals_and_stalls_are_bounded() -> None:
    arrivals, stalls = Arrivals(), Stalls()
    for number in range(1, 20_000):
        arrivals.add(number, number)
        stalls.add(number, 1)
    assert arrivals.of(2) == 0
    assert arrivals.of(19_000) == 19_000
    assert len(stalls.kept) == 10_000
