import pytest

from autofutures.domain.units import OrderType
from autofutures.risk.base import Violation
from autofutures.risk.price_limit import PriceLimit
from tests.makers import exposure, intent

BAND = (15_661, 19_140)


@pytest.mark.parametrize("price", [15_661, 17_400, 19_140])
def test_a_price_within_the_days_limits_passes_the_limits_themselves_too(price: int) -> None:
    assert PriceLimit().check(intent(kind=OrderType.LIMIT, price_ticks=price), exposure(band=BAND)) is None


@pytest.mark.parametrize(("price", "limit"), [(15_660, 15_661), (19_141, 19_140)])
@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.STOP_LIMIT])
def test_a_price_outside_them_is_refused(kind: OrderType, price: int, limit: int) -> None:
    reason = f"price {price} is outside the day's limits 15661..19140"
    violation = PriceLimit().check(intent(kind=kind, price_ticks=price), exposure(band=BAND))
    assert violation == Violation(limit, price, reason)


@pytest.mark.parametrize("kind", [OrderType.MARKET, OrderType.MWP, OrderType.STOP])
def test_an_order_without_a_limit_price_passes(kind: OrderType) -> None:
    assert PriceLimit().check(intent(kind=kind), exposure(band=BAND)) is None


def test_without_a_settlement_price_everything_passes() -> None:
    assert PriceLimit().check(intent(kind=OrderType.LIMIT, price_ticks=1), exposure(band=(0, 0))) is None
