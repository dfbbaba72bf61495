import pytest

from autofutures.domain.errors import BadInput
from autofutures.strategies.pinger import Pinger
from tests.unit.strategies.house import House


def test_every_nth_trade_orders_one_contract_by_turns_bought_and_sold() -> None:
    house = House(Pinger(every=3))
    ordered = [house.tick(17_400) for _ in range(12)]
    assert ordered == [[], [], ["buy 1"], [], [], ["sell 1"]] * 2


@pytest.mark.parametrize("every", [0, -1])
def test_less_than_one_trade_for_an_order_is_refused(every: int) -> None:
    with pytest.raises(BadInput, match=f"every={every} must be at least 1"):
        Pinger(every=every)
