from autofutures.domain.messages import ExitPlan
from autofutures.domain.units import SECOND
from autofutures.orders.ranges import Ranges
from tests.makers import OPEN, TXF

ATR = ExitPlan(stop_ticks=5, trail_atr=100, atr_span_ns=SECOND, atr_periods=2)


def heard(ranges: Ranges, *trades: tuple[int, int]) -> list[bool]:
    """Whether a span ended before each trade, given as (second, price)."""
    return [ranges.hear(TXF, price, OPEN + second * SECOND) for second, price in trades]


def test_an_average_is_of_whole_spans_with_the_gaps_between_them() -> None:
    ranges = Ranges()
    assert ranges.watch(TXF, ATR) == (0, 0)
    assert heard(ranges, (0, 100), (0, 110), (0, 104), (1, 120)) == [False, False, False, True]
    assert ranges.of(TXF, ATR) == (10_000, 1)
    assert heard(ranges, (1, 118), (3, 118)) == [False, True]
    assert ranges.of(TXF, ATR) == (13_000, 2), "the second span reached from the close at 104 to 120"
    heard(ranges, (4, 118))
    assert ranges.of(TXF, ATR) == (6_500, 3), "a span without a trade is left out"


def test_what_no_plan_asked_for_is_not_measured() -> None:
    ranges = Ranges()
    assert ranges.watch(TXF, ExitPlan(stop_ticks=5)) == (0, 0)
    assert not ranges.watches(TXF)
    assert heard(ranges, (0, 100), (5, 200)) == [False, False]


def test_a_later_plan_finds_the_average_that_an_earlier_one_began() -> None:
    ranges = Ranges()
    ranges.watch(TXF, ATR)
    heard(ranges, (0, 100), (0, 110), (1, 105))
    assert ranges.watch(TXF, ATR) == (10_000, 1)


def test_a_recorded_average_goes_on_where_it_was_and_an_older_one_is_not_taken() -> None:
    ranges = Ranges()
    ranges.restore(TXF, ATR, 10_000, 2)
    ranges.restore(TXF, ATR, 99_000, 1)
    heard(ranges, (0, 100), (0, 104), (1, 100))
    assert ranges.of(TXF, ATR) == (7_000, 3)
