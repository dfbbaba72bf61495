import pytest

from autofutures.risk.base import Violation
from autofutures.risk.order_size import OrderSize
from tests.makers import exposure, intent


@pytest.mark.parametrize("qty", [1, 10])
def test_an_order_up_to_the_limit_passes(qty: int) -> None:
    assert OrderSize(10).check(intent(qty=qty), exposure()) is None


@pytest.mark.parametrize("qty", [11, 0, -1])
def test_an_order_beyond_it_or_for_nothing_is_refused(qty: int) -> None:
    violation = Violation(10, qty, f"{qty} contracts: an order is for 1 to 10")
    assert OrderSize(10).check(intent(qty=qty), exposure()) == violation


def test_the_limit_is_ten_unless_told() -> None:
    assert OrderSize().max_contracts == 10
