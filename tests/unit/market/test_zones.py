from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.units import SECOND
from autofutures.market.dates import taipei_ns
from autofutures.market.zones import TAIPEI, local_day_second, zone_ns


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("day", "second", "zone", "instant"),
    [
        (20240102, 17 * 3600, "America/Chicago", "2024-01-02 23:00"),
        (20240702, 17 * 3600, "America/Chicago", "2024-07-02 22:00"),
        # Summer time begins on Sunday 2024-03-10: Monday's session opens that evening, by the new clock.
        (20240311, -7 * 3600, "America/Chicago", "2024-03-10 22:00"),
        (20240308, -7 * 3600, "America/Chicago", "2024-03-07 23:00"),
        (20240331, 22 * 3600, "Europe/Berlin", "2024-03-31 20:00"),
        (20210726, 8 * 3600, TAIPEI, "2021-07-26 00:00"),
    ],
)
def test_a_clock_of_an_exchange_in_utc(day: int, second: int, zone: str, instant: str) -> None:
    assert zone_ns(day, second, zone) == utc(instant)


@given(
    st.integers(utc("2000-01-01 00:00"), utc("2035-01-01 00:00")),
    st.sampled_from([TAIPEI, "America/Chicago", "Europe/Berlin", "UTC"]),
)
def test_the_local_clock_is_the_one_of_the_time_zone_table(ns: int, zone: str) -> None:
    day, second = local_day_second(ns, zone)
    local = datetime.fromtimestamp(ns // SECOND, UTC).astimezone(ZoneInfo(zone))
    assert (day, second) == (
        int(local.strftime("%Y%m%d")),
        local.hour * 3600 + local.minute * 60 + local.second,
    )


def test_taipei_needs_no_table() -> None:
    assert zone_ns(20210726, 31_500, TAIPEI) == taipei_ns(20210726, 31_500)
