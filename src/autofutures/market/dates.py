"""Taipei dates as integers YYYYMMDD, from and to UTC nanoseconds, by integer arithmetic alone.

Taiwan keeps UTC+8 the whole year (since 1979), so no time-zone table is asked; `datetime` would cost a
microsecond a tick and cannot hold nanoseconds.
"""

import re

from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND

DAY_SECONDS = 86_400
DAY_NS = DAY_SECONDS * SECOND
TAIPEI_OFFSET_NS = 8 * 3600 * SECOND
"""What Taipei's clock is ahead of UTC, in nanoseconds."""

_TEXT = re.compile(r"(\d{4})(-?)(\d{2})\2(\d{2})")


def day_number(day: int) -> int:
    """Days from 1970-01-01 to the date `day` (YYYYMMDD), which is not checked.

    The arithmetic of Howard Hinnant's "chrono-compatible low-level date algorithms": years begin in March, so
    that the leap day is the last of its year.
    """
    year, month, of_month = day // 10_000, day // 100 % 100, day % 100
    if month <= 2:
        year -= 1
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + of_month - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def day_from_number(number: int) -> int:
    """The date (YYYYMMDD) so many days after 1970-01-01; the inverse of `day_number`."""
    number += 719_468
    era = number // 146_097
    day_of_era = number - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    return year * 10_000 + month * 100 + day_of_year - (153 * shifted + 2) // 5 + 1


def add_days(day: int, days: int) -> int:
    """The date `days` after `day`."""
    return day_from_number(day_number(day) + days)


def weekday(day: int) -> int:
    """0 for Monday to 6 for Sunday."""
    return (day_number(day) + 3) % 7


def taipei_day(ns: int) -> int:
    """Taipei's date (YYYYMMDD) at the instant `ns` (UTC nanoseconds)."""
    return day_from_number((ns + TAIPEI_OFFSET_NS) // DAY_NS)


def taipei_second(ns: int) -> int:
    """Whole seconds since Taipei's midnight at the instant `ns`."""
    return (ns + TAIPEI_OFFSET_NS) % DAY_NS // SECOND


def taipei_ns(day: int, second: int = 0) -> int:
    """The instant (UTC nanoseconds) so many seconds after Taipei's midnight of `day`, a day or more too."""
    return day_number(day) * DAY_NS + second * SECOND - TAIPEI_OFFSET_NS


def utc_day(ns: int) -> int:
    """The UTC date (YYYYMMDD) at the instant `ns`."""
    return day_from_number(ns // DAY_NS)


def checked_day(day: int) -> int:
    """`day` itself, when it is a date.

    Raises:
        BadInput: there is no such date.
    """
    if not 1900_01_01 <= day <= 2199_12_31 or day_from_number(day_number(day)) != day:
        raise BadInput(f"{day} is not a date: write YYYYMMDD, as in 20210726")
    return day


def iso_day(day: int) -> str:
    """`2021-07-26` of 20210726."""
    return f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"


def parse_day(text: str) -> int:
    """The date that `2021-07-26` or `20210726` names, as YYYYMMDD.

    Raises:
        BadInput: the text is not a date.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"{text!r} is not a date: write YYYY-MM-DD, as in 2021-07-26")
    return checked_day(int(match[1] + match[3] + match[4]))
