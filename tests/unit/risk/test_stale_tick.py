import pytest

from autofutures.domain.units import SECOND
from autofutures.risk.base import Violation
from autofutures.risk.stale_tick import StaleTick
from tests.makers import OPEN, exposure, intent


@pytest.mark.parametrize("age", [0, 10 * SECOND])
def test_a_trade_as_old_as_the_limit_still_counts(age: int) -> None:
    assert StaleTick(10_000).check(intent(), exposure(now=OPEN + age, last_at=OPEN)) is None


def test_a_trade_one_nanosecond_older_does_not() -> None:
    violation = StaleTick(10_000).check(intent(), exposure(now=OPEN + 10 * SECOND + 1, last_at=OPEN))
    assert violation == Violation(10_000, 10_001, "the last trade or quote is 10.0 s old")


def test_a_market_that_was_never_heard_takes_no_order() -> None:
    violation = StaleTick(10_000).check(intent(), exposure(last_at=0))
    assert violation is not None
    assert "no trade or quote of TAIFEX:TXF202108 has been heard yet" in violation.reason


def test_the_limit_is_ten_seconds_unless_told() -> None:
    assert StaleTick().max_age_ms == 10_000
