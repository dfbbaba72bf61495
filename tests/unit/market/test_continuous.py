from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.market.continuous import WHOLE_PPB, Contract, Roll, Segment, adjusted, fronts, segments_of

AUG, SEP, OCT = Contract("AUG", 18, 17), Contract("SEP", 28, 27), Contract("OCT", 38, 37)
ALL = [AUG, SEP, OCT]


def by_volume(table: dict[tuple[str, int], int], days: list[int]) -> list[str]:
    return list(fronts(days, ALL, "volume", lambda symbol, day: table.get((symbol, day), 0)).values())


def test_the_day_before_decides_and_the_day_itself_is_not_asked() -> None:
    table = {("AUG", 1): 9, ("SEP", 1): 1, ("AUG", 2): 4, ("SEP", 2): 5, ("AUG", 3): 1, ("SEP", 3): 9}
    assert by_volume(table, [1, 2, 3, 4]) == ["AUG", "AUG", "SEP", "SEP"]
    asked = set()

    def volume(_symbol: str, day: int) -> int:
        asked.add(day)
        return 0

    fronts([1, 2, 3], ALL, "volume", volume)
    assert asked == {1, 2}


def test_a_front_month_never_goes_back_and_equal_volume_stays() -> None:
    table = {("SEP", 1): 9, ("AUG", 2): 9, ("SEP", 2): 1, ("SEP", 3): 5, ("OCT", 3): 5}
    assert by_volume(table, [1, 2, 3, 4]) == ["AUG", "SEP", "SEP", "SEP"]


def test_an_expired_contract_is_not_in_front_whatever_it_traded() -> None:
    assert by_volume({("AUG", 18): 99, ("SEP", 18): 1}, [18, 19]) == ["AUG", "SEP"]
    assert by_volume({}, [39]) == []


def test_by_calendar_the_nearest_is_in_front_until_it_leaves() -> None:
    found = fronts([16, 17, 18, 19, 27, 28, 37, 38], ALL, "calendar", lambda *_: 0)
    assert list(found.values()) == ["AUG", "AUG", "SEP", "SEP", "SEP", "OCT", "OCT", "OCT"]


SEGMENTS = [Segment("AUG", 1, 3), Segment("SEP", 4, 6), Segment("OCT", 7, 9)]
ROLLS = [Roll(4, "AUG", "SEP", 3, 100, 97), Roll(7, "SEP", "OCT", 6, 90, 92)]


def test_days_in_a_row_with_one_front_month_are_a_segment() -> None:
    days = {1: "AUG", 2: "AUG", 3: "AUG", 4: "SEP", 6: "SEP", 7: "OCT", 9: "OCT"}
    assert segments_of(days) == SEGMENTS
    assert adjusted(SEGMENTS, ROLLS, "none") == SEGMENTS


def test_the_newest_contract_keeps_its_prices_and_earlier_ones_are_moved_by_the_steps() -> None:
    assert [one.shift_ticks for one in adjusted(SEGMENTS, ROLLS, "back")] == [-3 + 2, 2, 0]
    assert [one.shift_ticks for one in adjusted(SEGMENTS, ROLLS, "back", "oldest")] == [0, 3, 3 - 2]


def test_of_a_ratio_the_product_of_the_quotients_is_rounded_once() -> None:
    newest = adjusted(SEGMENTS, ROLLS, "ratio")
    exact = [Fraction(97 * 92, 100 * 90), Fraction(92, 90), Fraction(1)]
    assert [one.ratio_ppb for one in newest] == [int(one * WHOLE_PPB + Fraction(1, 2)) for one in exact]
    oldest = adjusted(SEGMENTS, ROLLS, "ratio", "oldest")
    assert [one.ratio_ppb for one in oldest] == [10**9, 1_030_927_835, 1_008_516_360]
    assert oldest[1].to_series(97) == 100
    assert oldest[1].to_series(96) == 99  # 98.97: to the nearest tick.


def test_a_step_that_is_not_known_is_refused_in_words() -> None:
    rolls = [Roll(4, "AUG", "SEP", 3, 100, None), ROLLS[1]]
    with pytest.raises(BadInput, match="SEP has no data on 3, the day before the roll"):
        adjusted(SEGMENTS, rolls, "back")
    assert adjusted(SEGMENTS, rolls, "none") == SEGMENTS
    with pytest.raises(BadInput, match="closed at zero or less"):
        adjusted(SEGMENTS, [Roll(4, "AUG", "SEP", 3, 100, -5), ROLLS[1]], "ratio")


PRICES = st.integers(1, 10**6)


@given(st.integers(-500, 500), st.integers(WHOLE_PPB // 3, WHOLE_PPB * 3), PRICES)
def test_a_limit_of_the_series_is_the_furthest_price_of_the_contract_that_keeps_it(
    shift_ticks: int, ratio_ppb: int, price: int
) -> None:
    segment = Segment("AUG", 1, 1, shift_ticks, ratio_ppb)
    most, least = segment.at_most(price), segment.at_least(price)
    assert segment.to_series(most) <= price < segment.to_series(most + 1)
    assert segment.to_series(least - 1) < price <= segment.to_series(least)
