import pytest

from autofutures.domain.units import Side
from autofutures.risk.account_value import AccountValue
from autofutures.risk.base import Exposure
from tests.makers import exposure, intent

LOT = 17_400 * 200
"""One TXF at 17,400: NT$200 a point (TAIFEX contract specifications)."""


@pytest.mark.parametrize(
    ("seen", "side", "lots"),
    [
        (exposure(tick_value=200), Side.BUY, 2),
        (exposure(tick_value=200, position=3), Side.BUY, 5),
        (exposure(tick_value=200, position=-3), Side.SELL, 5),
        (exposure(tick_value=200, position=1, working_buy=2), Side.BUY, 5),
        # Either side may fill alone: 1 long and 4 at work to sell could be 3 short, 2 to buy could be 3 long.
        (exposure(tick_value=200, position=1, working_sell=5), Side.BUY, 4),
    ],
)
def test_what_could_be_worth_more_than_the_limit_is_refused(seen: Exposure, side: Side, lots: int) -> None:
    violation = AccountValue(lots * LOT - 1).check(intent(side, 2), seen)
    assert violation is not None
    assert violation.value == lots * LOT
    assert AccountValue(lots * LOT).check(intent(side, 2), seen) is None


def test_other_instruments_count_with_what_they_are_worth() -> None:
    seen = exposure(tick_value=200, others_value=1_000_000)
    violation = AccountValue(LOT + 999_999).check(intent(), seen)
    assert violation is not None
    assert violation.value == LOT + 1_000_000


def test_an_order_that_only_reduces_passes_however_much_is_open() -> None:
    assert AccountValue(1).check(intent(Side.SELL, 2), exposure(tick_value=200, position=9)) is None
    assert AccountValue(1).check(intent(Side.SELL, 10), exposure(tick_value=200, position=9)) is not None


def test_what_nobody_knows_the_worth_of_does_not_pass_and_without_a_limit_the_rule_is_off() -> None:
    assert AccountValue(10**9).check(intent(), exposure(tick_value=0)) is not None
    assert AccountValue().off
