import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.portfolio import pnl


@pytest.mark.parametrize(
    ("position", "side", "qty", "opening"),
    [(0, 1, 3, 3), (2, 1, 3, 3), (2, -1, 2, 0), (2, -1, 1, 0), (2, -1, 5, 3), (-2, 1, 5, 3), (-2, -1, 1, 1)],
)
def test_what_does_not_close_opens(position: int, side: int, qty: int, opening: int) -> None:
    assert pnl.opening_part(position, side, qty) == opening


def test_the_cost_of_a_part_is_rounded_down_and_the_rest_stays() -> None:
    assert pnl.closed_cost(301, 3, 1) == 100
    assert pnl.closed_cost(201, 2, 2) == 201
    assert pnl.closed_cost(201, -2, 1) == 100


@pytest.mark.parametrize(("side", "profit"), [(1, 20), (-1, -20)])
def test_a_long_position_earns_what_a_short_one_loses(side: int, profit: int) -> None:
    assert pnl.realised(side, 200, 2, 110) == profit
    assert pnl.unrealised(2 * side, 200, 110) == profit


@given(st.integers(-50, 50).filter(bool), st.integers(-20_000, 20_000), st.integers(-20_000, 20_000))
def test_open_profit_is_what_closing_it_all_would_realise(position: int, paid: int, last: int) -> None:
    size, side = abs(position), 1 if position > 0 else -1
    assert pnl.unrealised(position, paid * size, last) == pnl.realised(side, paid * size, size, last)
