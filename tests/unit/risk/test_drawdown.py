from autofutures.domain.messages import PeakMoved
from autofutures.domain.units import Side
from autofutures.risk.drawdown import Drawdown
from tests.unit.risk.halts import Bench


def test_what_the_days_best_gave_back_halts_though_the_day_is_won() -> None:
    bench = Bench({"drawdown": {"max_loss": 2_000}})
    bench.order(Side.BUY)
    bench.at(17_430)  # 30 × 200 - 90 = 5,910; kept as 5,920, in steps of 20.
    assert not bench.at(17_421)  # 4,110, 1,810 below.
    bench.at(17_420)  # 3,910, 2,010 below.
    assert bench.halts() == [("drawdown", "", 2_000, 2_010)]
    assert bench.refused(Side.BUY) == "drawdown"
    assert bench.refused(Side.SELL) == ""


def test_the_best_is_told_in_steps_of_a_hundredth_of_the_limit() -> None:
    bench = Bench({"drawdown": {"max_loss": 200_000}})
    bench.order(Side.BUY)
    said = [bench.at(17_400 + move) for move in range(12)]
    peaks = [one.peak for some in said for one in some if isinstance(one, PeakMoved)]
    assert peaks == [2_000, 4_000]  # 1 × 200 - 90 rounds up to 2,000; 11 × 200 - 90 = 2,110 to 4,000.


def test_a_best_below_zero_is_rounded_up_too() -> None:
    assert Drawdown(1_000).peak_of(-25) == -20


def test_no_drawdown_is_too_much_unless_told() -> None:
    assert Drawdown().off
