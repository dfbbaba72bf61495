import pytest

from autofutures.domain.errors import BadInput
from autofutures.strategies.filler import Filler
from tests.unit.strategies.house import House


def test_without_a_position_every_nth_trade_buys() -> None:
    house = House(Filler(every=3, hold=2))
    assert [house.tick(17_400) for _ in range(6)] == [[], [], ["buy 1"]] * 2


@pytest.mark.parametrize(("every", "hold"), [(0, 1), (1, 0)])
def test_nothing_to_count_or_to_hold_is_refused(every: int, hold: int) -> None:
    with pytest.raises(BadInput, match=f"every={every} and hold={hold} must be at least 1"):
        Filler(every=every, hold=hold)
