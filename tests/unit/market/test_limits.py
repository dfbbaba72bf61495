from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.market.limits import Bands, band, day_band, limit_percent_bp


def test_the_limits_widened_to_ten_percent_in_june_2015() -> None:
    assert limit_percent_bp(20150529) == 700
    assert limit_percent_bp(20150601) == 1000


def test_a_limit_between_two_ticks_is_rounded_inward() -> None:
    assert band(17203, 1000) == (15483, 18923)
    assert band(17200, 1000) == (15480, 18920)
    assert band(17203, 700) == (15999, 18407)


@given(st.integers(1, 10**7), st.integers(1, 9999))
def test_the_band_is_the_widest_that_stays_within_the_percentage(settlement: int, percent_bp: int) -> None:
    low, high = band(settlement, percent_bp)
    reach = Fraction(settlement * percent_bp, 10_000)
    assert low - 1 < settlement - reach <= low <= settlement <= high <= settlement + reach < high + 1


@pytest.mark.parametrize(("settlement", "percent_bp"), [(0, 1000), (-5, 1000), (100, 0), (100, 10_000)])
def test_what_has_no_limits_is_refused(settlement: int, percent_bp: int) -> None:
    with pytest.raises(BadInput, match=r"must be above 0|between 1 and 9999"):
        band(settlement, percent_bp)


@pytest.mark.parametrize(
    ("symbol", "settlement"),
    [
        ("TAIFEX:TXF202108/202109", 17_200),
        ("TAIFEX:UDF202108", 17_200),
        ("CME:ES202109", 17_200),
        ("TXF202108", 0),
    ],
)
def test_limits_that_are_not_known_are_not_guessed(symbol: str, settlement: int) -> None:
    assert day_band(instrument("TXF202108"), 17_200, 20210726) == (15480, 18920)
    assert day_band(instrument(symbol), settlement, 20210726) is None


def test_each_days_limits_hold_from_their_instant_on() -> None:
    bands = Bands({100: (1, 9), 200: (0, 0), 300: (2, 8)})
    asked = [99, 100, 199, 200, 299, 300, 10**18, 150, 50]
    assert [bands.at(ns) for ns in asked] == [
        (0, 0),
        (1, 9),
        (1, 9),
        (0, 0),
        (0, 0),
        (2, 8),
        (2, 8),
        (1, 9),
        (0, 0),
    ]
    assert Bands({}).at(1) == (0, 0)
