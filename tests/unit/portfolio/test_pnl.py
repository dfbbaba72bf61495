from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.instrument import instrument
from autofutures.portfolio import pnl

BTCUSD = instrument("BINANCE:BTCUSD").product.inverse_value


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


def test_the_worth_of_a_linear_contract_is_its_price() -> None:
    assert (pnl.worth(17_403, 0), pnl.worth(-3, 0), pnl.price_of_worth(17_403, 0)) == (17_403, -3, 17_403)


@pytest.mark.parametrize(
    ("qty", "entry", "leaving", "profit"),
    [
        # 100 USD x (1/20,000 - 1/25,000) = 0.001 BTC, worked by hand; a unit is 1e-12 BTC, prices are in 0.1 USD.
        (1, 200_000, 250_000, 1_000_000_000),
        (-1, 200_000, 250_000, -1_000_000_000),
        # 50 contracts x 100 USD x (1/16,000 - 1/15,000) = 5,000 x -1/240,000 = -0.020833333333 BTC.
        (50, 160_000, 150_000, -20_833_333_350),
        # One tick from 60,000.0 to 60,000.1 USD: 100 x 0.1 / (60,000 x 60,000.1) = 2.777773e-9 BTC.
        (1, 600_000, 600_001, 2_778),
    ],
)
def test_an_inverse_contract_earns_the_difference_of_the_reciprocals(
    qty: int, entry: int, leaving: int, profit: int
) -> None:
    cost = abs(qty) * pnl.worth(entry, BTCUSD)
    side = 1 if qty > 0 else -1
    assert pnl.realised(side, cost, abs(qty), pnl.worth(leaving, BTCUSD)) == profit
    assert pnl.unrealised(qty, side * side * cost, pnl.worth(leaving, BTCUSD)) == profit


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(1, 10_000))
def test_an_inverse_profit_is_at_most_one_unit_a_lot_off_the_exact_one(
    entry: int, leaving: int, qty: int
) -> None:
    exact = qty * BTCUSD * (Fraction(1, entry) - Fraction(1, leaving))
    profit = qty * (pnl.worth(leaving, BTCUSD) - pnl.worth(entry, BTCUSD))
    assert abs(profit - exact) <= qty


def test_a_half_is_rounded_up_before_the_sign() -> None:
    assert (pnl.worth(2, 5), pnl.worth(2, 7), pnl.worth(3, 7)) == (-3, -4, -2)


@given(st.integers(1, 10**7))
def test_the_price_of_a_worth_is_the_nearest_one_below(price: int) -> None:
    assert price - 1 <= pnl.price_of_worth(pnl.worth(price, BTCUSD), BTCUSD) <= price


def test_no_price_makes_an_inverse_contract_worth_nothing() -> None:
    assert pnl.price_of_worth(0, BTCUSD) == pnl.price_of_worth(5, BTCUSD) == pnl.NEVER
