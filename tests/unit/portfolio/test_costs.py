from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.instrument import instrument
from autofutures.portfolio.costs import Costs, tax_half_up

RATE = 20_000
"""0.00002 of the contract's value, in parts per billion."""


@pytest.mark.parametrize(
    ("price", "multiplier", "qty", "tax"),
    [
        (17_403, 200, 1, 70),  # 69.612
        (17_403, 200, 2, 139),  # 139.224: rounded once a fill, not once a contract
        (17_375, 200, 1, 70),  # 69.5 is rounded up
        (17_374, 200, 1, 69),  # 69.496
        (17_403, 50, 1, 17),  # 17.403
        (17_500, 50, 1, 18),  # 17.5
        (0, 200, 1, 0),
    ],
)
def test_tax_is_rounded_half_up_for_each_fill(price: int, multiplier: int, qty: int, tax: int) -> None:
    assert tax_half_up(price * multiplier * qty, RATE) == tax


@pytest.mark.parametrize(("value", "tax"), [(24_999, 0), (25_000, 1), (25_001, 1), (74_999, 1), (75_000, 2)])
def test_a_half_exactly_goes_up(value: int, tax: int) -> None:
    assert tax_half_up(value, RATE) == tax


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_tax_is_the_nearest_whole_number(value: int, rate: int) -> None:
    exact = Fraction(value * rate, 10**9)
    assert -Fraction(1, 2) < tax_half_up(value, rate) - exact <= Fraction(1, 2)


def test_a_spread_with_a_negative_price_is_taxed_on_its_size() -> None:
    assert tax_half_up(-25_000, RATE) == tax_half_up(25_000, RATE) == 1


def test_a_fill_pays_the_fee_of_each_contract_and_the_tax_of_its_value() -> None:
    assert Costs(20).of(instrument("TXF202108"), 17_403, 3) == (60, 209)
    assert Costs(0).of(instrument("MXF202108"), 17_403, 1) == (0, 17)


def test_the_fee_is_twenty_unless_told() -> None:
    assert Costs().fee_per_contract == 20


def test_a_product_that_we_do_not_specify_pays_no_tax() -> None:
    assert Costs(20).of(instrument("ABC202108"), 10_000, 1) == (20, 0)
