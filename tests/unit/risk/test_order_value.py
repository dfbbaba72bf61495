import pytest

from autofutures.domain.messages import Intent
from autofutures.domain.units import OrderType
from autofutures.risk.order_value import OrderValue
from tests.makers import exposure, intent

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        # TXF: NT$200 a point (TAIFEX contract specifications). 2 × 17,400 × 200.
        (intent(qty=2), 6_960_000),
        (intent(qty=2, kind=OrderType.LIMIT, price_ticks=17_300), 6_920_000),
        (intent(qty=2, kind=OrderType.STOP, stop_ticks=17_500), 7_000_000),
        (intent(qty=2, kind=OrderType.STOP_LIMIT, stop_ticks=17_500, price_ticks=17_510), 7_004_000),
    ],
)
def test_an_order_worth_more_than_the_limit_is_refused_with_its_value(asked: Intent, value: int) -> None:
    violation = OrderValue(value - 1).check(asked, exposure(tick_value=200))
    assert violation is not None
    assert (violation.limit, violation.value) == (value - 1, value)
    assert OrderValue(value).check(asked, exposure(tick_value=200)) is None


def test_an_inverse_contract_is_measured_in_its_coin() -> None:
    # 100 USD a lot, a tick of 0.1 USD, coin unit 1e-12 BTC: at 50,000.0 USD a lot is 0.002 BTC, 2e9 units.
    seen = exposure(last_ticks=500_000, inverse_value=1_000 * 10**12)
    assert OrderValue(2_000_000_000).check(intent(), seen) is None
    assert OrderValue(1_999_999_999).check(intent(), seen) is not None


def test_what_nobody_knows_the_worth_of_does_not_pass() -> None:
    violation = OrderValue(MILLION).check(intent(), exposure(tick_value=0))
    assert violation is not None
    assert "what a tick of TAIFEX:TXF202108 is worth" in violation.reason


def test_without_a_limit_the_rule_is_off() -> None:
    assert OrderValue().off
    assert not OrderValue(MILLION).off
