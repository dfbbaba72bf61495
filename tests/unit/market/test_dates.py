from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.market import dates

TAIPEI = timezone(timedelta(hours=8))
SECOND = 1_000_000_000


def as_int(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31)))
def test_a_date_has_the_number_and_the_weekday_that_the_standard_library_gives_it(day: date) -> None:
    assert dates.day_number(as_int(day)) == (day - date(1970, 1, 1)).days
    assert dates.day_from_number((day - date(1970, 1, 1)).days) == as_int(day)
    assert dates.weekday(as_int(day)) == day.weekday()
    assert dates.parse_day(str(day)) == dates.parse_day(str(as_int(day))) == as_int(day)


@given(st.integers(min_value=-2_000_000_000, max_value=7_000_000_000), st.integers(0, SECOND - 1))
def test_an_instant_has_the_date_and_the_second_of_the_clock_in_taipei(second: int, rest: int) -> None:
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    there = then.astimezone(TAIPEI)
    at = second * SECOND + rest
    assert dates.taipei_day(at) == as_int(there.date())
    assert dates.utc_day(at) == as_int(then.date())
    assert dates.taipei_second(at) == there.hour * 3600 + there.minute * 60 + there.second
    assert dates.taipei_ns(dates.taipei_day(at), dates.taipei_second(at)) == second * SECOND


def test_days_are_added_over_a_leap_day_and_a_year() -> None:
    assert dates.add_days(20240228, 2) == 20240301
    assert dates.add_days(20250101, -1) == 20241231


@pytest.mark.parametrize(
    "text", ["2021-02-29", "2021-0726", "yesterday", "20211301", "0000-00-00", "2021-07-26T08"]
)
def test_what_is_not_a_date_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="is not a date: write YYYY"):
        dates.parse_day(text)
