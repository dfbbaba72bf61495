import pytest

from autofutures.domain.units import OrderType
from autofutures.risk.base import Violation
from autofutures.risk.collar import Collar, distance_bp
from tests.makers import exposure, intent


@pytest.mark.parametrize("price", [10_200, 9_800, 10_000])
def test_a_limit_price_at_the_collar_exactly_passes(price: int) -> None:
    order = intent(kind=OrderType.LIMIT, price_ticks=price)
    assert Collar(200).check(order, exposure(last_ticks=10_000)) is None


@pytest.mark.parametrize(("price", "value"), [(10_201, 201), (9_799, 201), (1, 9_999)])
def test_a_limit_price_beyond_it_is_refused_on_either_side(price: int, value: int) -> None:
    order = intent(kind=OrderType.LIMIT, price_ticks=price)
    reason = f"price {price} is {value} bp from the last price 10000"
    assert Collar(200).check(order, exposure(last_ticks=10_000)) == Violation(200, value, reason)


@pytest.mark.parametrize(
    ("kind", "price", "stop"),
    [
        (OrderType.STOP, 0, 10_300),
        (OrderType.STOP_LIMIT, 10_300, 10_100),
        (OrderType.STOP_LIMIT, 10_100, 10_300),
    ],
)
def test_stop_prices_are_held_to_it_too(kind: OrderType, price: int, stop: int) -> None:
    violation = Collar(200).check(
        intent(kind=kind, price_ticks=price, stop_ticks=stop), exposure(last_ticks=10_000)
    )
    assert violation is not None
    assert violation.value == 300


@pytest.mark.parametrize("kind", [OrderType.MARKET, OrderType.MWP])
def test_an_order_without_a_price_has_none_to_compare(kind: OrderType) -> None:
    assert Collar(200).check(intent(kind=kind), exposure(last_ticks=10_000)) is None


def test_before_the_first_trade_there_is_nothing_to_compare_with() -> None:
    order = intent(kind=OrderType.LIMIT, price_ticks=5)
    assert Collar(200).check(order, exposure(last_ticks=0, last_at=0)) is None


@pytest.mark.parametrize(
    ("price", "last", "bp"), [(17_748, 17_400, 200), (17_749, 17_400, 201), (-98, -100, 200), (1, 0, 10_000)]
)
def test_the_distance_is_rounded_up_in_basis_points_of_the_last_trade(price: int, last: int, bp: int) -> None:
    assert distance_bp(price, last) == bp


def test_the_collar_is_two_percent_unless_told() -> None:
    assert Collar().max_bp == 200
