"""Wall clocks of exchanges, from and to UTC nanoseconds; Taipei's without asking a time-zone table."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from autofutures.domain.units import SECOND
from autofutures.market.dates import DAY_NS, TAIPEI_OFFSET_NS, day_from_number, day_number

TAIPEI = "Asia/Taipei"
_HOUR_NS = 3600 * SECOND


def zone_offset_ns(ns: int, zone: str) -> int:
    """What the zone's clock is ahead of UTC at the instant `ns`, in nanoseconds."""
    return TAIPEI_OFFSET_NS if zone == TAIPEI else _offset_in_hour(zone, ns // _HOUR_NS)


@lru_cache(maxsize=8192)
def _offset_in_hour(zone: str, hour: int) -> int:
    # The clocks of exchanges change on whole hours of UTC.
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) * SECOND


def local_day_second(ns: int, zone: str) -> tuple[int, int]:
    """The zone's date (YYYYMMDD) at the instant `ns`, and the whole seconds on its clock since midnight."""
    local = ns + zone_offset_ns(ns, zone)
    return day_from_number(local // DAY_NS), local % DAY_NS // SECOND


def zone_ns(day: int, second: int, zone: str) -> int:
    """The instant when the zone's clock shows `second` on `day`; below 0 it is the day before, past 86,400 the next.

    A time that the clock skips in spring, or shows twice in autumn, is none at which an exchange opens.
    """
    local = day_number(day) * DAY_NS + second * SECOND
    return local - zone_offset_ns(local - zone_offset_ns(local, zone), zone)
