"""When a market trades: trading days, their sessions, and the last trading day of a contract.

Hours are data with a time zone; `HOURS` says how certain each is. TAIFEX's holidays are dated data
(`data/taifex_days.csv`) that a user may override, for a typhoon is announced the evening before. Holidays of CME and
Eurex are not known here: every weekday is taken for a trading day, full hours and all, until an override closes it.
"""

import csv
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND
from autofutures.market.dates import (
    DAY_NS,
    add_days,
    checked_day,
    day_number,
    parse_day,
    utc_day,
    weekday,
)
from autofutures.market.zones import TAIPEI, local_day_second, zone_ns

NIGHT = "night"
DAY = "day"

FIRST_NIGHT_DAY = 20170516
"""The first trading day with a night session: after-hours trading began on the evening of 2017-05-15."""

_LONGEST_CLOSURE_DAYS = 60
_FRIDAY = 4
_WEDNESDAY = 2
_SATURDAY = 5
_KINDS = ("closed", "open")
_EXPIRY = re.compile(r"(?P<month>\d{4}(?:0[1-9]|1[0-2]))(?:(?P<week>[WF])(?P<nth>[1-5]))?")

OTHER_EXPIRY_RULES = frozenset({"BRF", "F1F", "GDF", "SPF", "TGF", "TJF", "UDF", "UNF"})
"""Roots on gold, oil and foreign indices: not the third Wednesday, and their own rules are not encoded."""


class Session(msgspec.Struct, frozen=True):
    """One session of one trading day. Instants are UTC nanoseconds."""

    day: int
    """The trading day, YYYYMMDD: a night session belongs to the trading day after it."""
    name: str
    """`night` or `day`."""
    opens_at: int
    closes_at: int
    """The nominal close, as 13:45:00."""
    ends_at: int
    """The first instant after it: a trade stamped within the closing second belongs to the session."""
    accepts_from: int
    """From when orders may be entered."""

    def holds(self, at: int) -> bool:
        """Whether a trade at this instant belongs to the session."""
        return self.opens_at <= at < self.ends_at


class Hours(msgspec.Struct, frozen=True):
    """Trading hours in seconds after midnight on the zone's clock; past 86,400 lies in the next calendar day.

    A day session that opens below 0 opens on the calendar day before, a weekend's last day for a Monday.
    """

    day_opens: int
    day_closes: int
    last_day_closes: int
    """The day session's close on the contract's last trading day."""
    night_opens: int = 0
    """0: no night session."""
    night_closes: int = 0
    rolls: int = 15 * 3600
    """From this second on the next trading day is meant, whether or not a night session opens."""
    zone: str = TAIPEI
    former: "Hours | None" = None
    """The hours before these, on trading days until `former_until`."""
    former_until: int = 0


def _clock(hour: int, minute: int = 0) -> int:
    return hour * 3600 + minute * 60


def _globex(last_day_closes: int) -> Hours:
    """CME Globex: from 17:00 Chicago of the evening before (Sunday's for a Monday) to 16:00, one session.

    Until 2015-09-20 it closed at 16:15 (medium; seen in the files of 2013). Equity indices also paused from 15:15 to
    15:30 until mid-2021, which is not encoded: nothing trades in it.
    """
    since_2015 = Hours(
        _clock(-7),
        _clock(16),
        last_day_closes,
        rolls=_clock(17),
        zone="America/Chicago",
        former_until=20150920,
    )
    former = msgspec.structs.replace(since_2015, day_closes=_clock(16, 15), former_until=0)
    return msgspec.structs.replace(since_2015, former=former)


HOURS = {
    # Certain: seen in the exchange's files of 2021 and 2026, the early close on the last trading day too.
    "taifex-index": Hours(_clock(8, 45), _clock(13, 45), _clock(13, 30), _clock(15), _clock(29)),
    # Medium: FXF printed no night trade on 2021-07-26; whether it has a night session today is to be checked.
    "taifex-index-day": Hours(_clock(8, 45), _clock(13, 45), _clock(13, 30)),
    # Night hours as the exchange states them; the earlier close of the last trading day is not known: none
    # kept.
    "taifex-fx": Hours(
        _clock(8, 45), _clock(16, 15), _clock(16, 15), _clock(17, 25), _clock(29), rolls=_clock(17, 25)
    ),
    # Unchecked and lenient, for products that we do not specify: the widest hours seen on 2021-07-26 (08:20
    # to 16:12, nights from 17:25). Roots whose night opens at 15:00 (UDF, UNF, SPF, F1F, ZEF) want
    # `taifex-index`.
    "taifex-other": Hours(
        _clock(8), _clock(16, 15), _clock(16, 15), _clock(17, 25), _clock(29), rolls=_clock(17, 25)
    ),
    # High: contract specifications; an expiring contract stops at 08:30 on its last day.
    "cme-equity": _globex(_clock(8, 30)),
    # Hours high, the close of the last day medium: 09:16, 12:30 and 13:30 Chicago.
    "cme-fx": _globex(_clock(9, 16)),
    "comex-metal": _globex(_clock(12, 30)),
    "nymex-energy": _globex(_clock(13, 30)),
    # Products of CME that we do not specify: the widest hours.
    "cme-globex": _globex(_clock(16)),
    # Medium: since 2018-12-10 from 01:10, before that from 07:50; an expiring contract stops at 12:00.
    "eurex-index": Hours(
        _clock(1, 10),
        _clock(22),
        _clock(12),
        rolls=_clock(23),
        zone="Europe/Berlin",
        former=Hours(_clock(7, 50), _clock(22), _clock(12), rolls=_clock(23), zone="Europe/Berlin"),
        former_until=20181209,
    ),
    # Products of Eurex that we do not specify: the widest hours.
    "eurex": Hours(_clock(1, 10), _clock(22, 30), _clock(22, 30), rolls=_clock(23), zone="Europe/Berlin"),
}

TAIFEX = "taifex-index"
"""The hours whose calendar answers where nobody names any."""

ALWAYS = "always"
"""Round the clock: one `day` session for each UTC date, weekends too."""

DAY_ENTRY_S = 15 * 60
NIGHT_ENTRY_S = 10 * 60
"""How long before the open orders may be entered: 15 minutes by day, 10 by night (TAIFEX trading hours)."""


@lru_cache(maxsize=1)
def taifex_days() -> dict[int, bool]:
    """Dates (YYYYMMDD) that differ from "weekdays trade": True is open, False is closed.

    Sources, as the file's `source` column names them: `daily` is the exchange's daily series
    1998..2026-03-27 (a fact: a row is a trading day), `xtai` the XTAI calendar of exchange_calendars 4.13.2
    (the stock exchange, which keeps the same days), `calendar-2026` the exchange's published calendar. The
    library calls 2011-05-02, 2022-02-04, 2023-01-18 and 2024-10-31 (typhoon Kong-rey) open, and no
    Saturday: the daily series settles it.
    """
    text = resources.files("autofutures.market").joinpath("data/taifex_days.csv").read_text("utf-8")
    return {parse_day(row["date"]): row["kind"] == "open" for row in csv.DictReader(text.splitlines())}


class Calendar:
    """The trading days of every market: dated data where there is any, then weekdays, the user's overrides above both.

    Asked without hours it answers for TAIFEX. Overrides hold for every market but those that never close.

    Args:
        overrides: date (YYYYMMDD) to `closed` or `open`, as `{20261102: "closed"}` for a typhoon.

    Raises:
        BadInput: an override is no date, or neither `closed` nor `open`.
    """

    known_from = 20100101
    known_until = 20261231
    """Outside these dates every weekday is taken for a trading day.

    After 2026-03-27 only the announced holidays are known: a typhoon day needs an override.
    """

    def __init__(self, overrides: Mapping[int, str] | None = None) -> None:
        self._elsewhere: dict[int, bool] = {}
        for day, kind in (overrides or {}).items():
            if kind not in _KINDS:
                raise BadInput(f"override {day} = {kind!r}: write 'closed' or 'open'")
            self._elsewhere[checked_day(day)] = kind == "open"
        self._taifex = taifex_days() | self._elsewhere

    def change(self, day: int, kind: str) -> bool:
        """One more override; whether it changes anything.

        Raises:
            BadInput: it is no date, or neither `closed` nor `open`.
        """
        if kind not in _KINDS:
            raise BadInput(f"override {day} = {kind!r}: write 'closed' or 'open'")
        opens = kind == "open"
        if self._elsewhere.get(checked_day(day)) is opens:
            return False
        self._elsewhere[day] = self._taifex[day] = opens
        return True

    def local_day(self, ns: int, sessions_id: str = TAIFEX) -> int:
        """The date on the market's own clock."""
        return utc_day(ns) if sessions_id == ALWAYS else local_day_second(ns, _hours(sessions_id).zone)[0]

    def is_trading_day(self, day: int, sessions_id: str = TAIFEX) -> bool:
        """Whether the market holds a day session on this date."""
        if sessions_id == ALWAYS:
            return True
        known = (self._taifex if sessions_id.startswith("taifex-") else self._elsewhere).get(day)
        return weekday(day) < _SATURDAY if known is None else known

    def next_trading_day(self, day: int, sessions_id: str = TAIFEX) -> int:
        """The first trading day after this date."""
        return self._nearest(day, 1, sessions_id)

    def previous_trading_day(self, day: int, sessions_id: str = TAIFEX) -> int:
        """The last trading day before this date."""
        return self._nearest(day, -1, sessions_id)

    def _nearest(self, day: int, step: int, sessions_id: str) -> int:
        for _ in range(_LONGEST_CLOSURE_DAYS):
            day = add_days(day, step)
            if self.is_trading_day(day, sessions_id):
                return day
        raise BadInput(
            f"no trading day within {_LONGEST_CLOSURE_DAYS} days of {day}: check the calendar's overrides"
        )

    def trading_day_of(self, ns: int, sessions_id: str) -> int:
        """The trading day (YYYYMMDD) that an instant belongs to, also between sessions.

        From 15:00 Taipei it is TAIFEX's next trading day, from 17:00 Chicago CME's; the small hours of the Saturday
        after, or the whole Sunday, belong to it too.
        """
        if sessions_id == ALWAYS:
            return utc_day(ns)
        hours = _hours(sessions_id)
        day, second = local_day_second(ns, hours.zone)
        if second < hours.rolls and self.is_trading_day(day, sessions_id):
            return day
        return self.next_trading_day(day, sessions_id)

    def trading_day_ends_at(self, day: int, sessions_id: str) -> int:
        """The first instant of the trading day after this one: 15:00 Taipei for TAIFEX's index futures."""
        if sessions_id == ALWAYS:
            return (day_number(day) + 1) * DAY_NS
        hours = _hours(sessions_id)
        return zone_ns(day, hours.rolls, hours.zone)

    def sessions_of(self, day: int, sessions_id: str, last_trading_day: int = 0) -> tuple[Session, ...]:
        """The sessions of a trading day, night first; none on a closed date or after the last trading day.

        The night session opens on the evening of the previous trading day, before a long holiday too
        ("where there is a day session there is a night session": the regulator on the 2024 calendar;
        certainty high). A contract trades the night before its last trading day, closes earlier on it, and
        has no session that evening.

        Args:
            day: the trading day, YYYYMMDD.
            sessions_id: a key of `HOURS`, or `always`.
            last_trading_day: the contract's, YYYYMMDD; 0 when it has none.

        Raises:
            BadInput: the sessions id is unknown.
        """
        if last_trading_day and day > last_trading_day:
            return ()
        if sessions_id == ALWAYS:
            return (_whole_day(day),)
        hours = _hours(sessions_id)
        if not self.is_trading_day(day, sessions_id):
            return ()
        if hours.former is not None and day <= hours.former_until:
            hours = hours.former
        zone = hours.zone
        closes = hours.last_day_closes if day == last_trading_day else hours.day_closes
        opens_at, closes_at = zone_ns(day, hours.day_opens, zone), zone_ns(day, closes, zone)
        by_day = _session(day, DAY, opens_at, closes_at, DAY_ENTRY_S)
        if not hours.night_opens or day < FIRST_NIGHT_DAY:
            return (by_day,)
        evening = self.previous_trading_day(day)
        opens_at, closes_at = (
            zone_ns(evening, hours.night_opens, zone),
            zone_ns(evening, hours.night_closes, zone),
        )
        return (_session(day, NIGHT, opens_at, closes_at, NIGHT_ENTRY_S), by_day)

    def session_at(self, sessions_id: str, last_trading_day: int, ns: int) -> Session | None:
        """The session that a trade at `ns` belongs to; None while closed."""
        for session in self.sessions_of(self.trading_day_of(ns, sessions_id), sessions_id, last_trading_day):
            if session.holds(ns):
                return session
        return None

    def next_session(self, sessions_id: str, last_trading_day: int, ns: int) -> Session | None:
        """The session under way at `ns`, else the next to open; None after the contract's last one.

        Orders may be entered when it exists and its `accepts_from` <= ns < `closes_at`.
        """
        day = self.trading_day_of(ns, sessions_id)
        for candidate in (day, self.next_trading_day(day, sessions_id)):
            for session in self.sessions_of(candidate, sessions_id, last_trading_day):
                if ns < session.ends_at:
                    return session
        return None


def _hours(sessions_id: str) -> Hours:
    hours = HOURS.get(sessions_id)
    if hours is None:
        raise BadInput(f"unknown sessions {sessions_id!r}: choose one of {', '.join([*HOURS, ALWAYS])}")
    return hours


def _session(day: int, name: str, opens_at: int, closes_at: int, entry_s: int) -> Session:
    return Session(day, name, opens_at, closes_at, closes_at + SECOND, opens_at - entry_s * SECOND)


def _whole_day(day: int) -> Session:
    # No closing second: the next session opens at that very instant.
    opens_at = day_number(day) * DAY_NS
    return Session(day, DAY, opens_at, opens_at + DAY_NS, opens_at + DAY_NS, opens_at)


def last_trading_day(root: str, expiry: str, calendar: Calendar) -> int:
    """The last trading day (YYYYMMDD) of a contract; 0 when it has none, or its rule is not encoded.

    The third Wednesday of the delivery month; the n-th Wednesday for a weekly `YYYYMMWn`, the n-th Friday for
    `YYYYMMFn`; moved to the next business day if it is not a trading day (TAIFEX contract specifications; for
    Friday weeklies, listed since 2025-06, certainty medium).

    Raises:
        BadInput: the expiry is no delivery month, or the month has no such week.
    """
    if not expiry:
        return 0
    match = _EXPIRY.fullmatch(expiry)
    if match is None:
        raise BadInput(
            f"{expiry!r} is not an expiry: write YYYYMM, or YYYYMMWn or YYYYMMFn with n from 1 to 5"
        )
    if root in OTHER_EXPIRY_RULES:
        return 0
    day = nth_weekday(
        int(match["month"]), _FRIDAY if match["week"] == "F" else _WEDNESDAY, int(match["nth"] or 3)
    )
    if day // 100 != int(match["month"]):
        raise BadInput(f"{expiry!r} is not an expiry: that month has no week {match['nth']}")
    return day if calendar.is_trading_day(day) else calendar.next_trading_day(day)


def nth_weekday(month: int, of_week: int, nth: int) -> int:
    """The n-th Monday (0) to Sunday (6) of a month (YYYYMM); past the month's end where it has no such."""
    first = month * 100 + 1
    return add_days(first, (of_week - weekday(first)) % 7 + 7 * (nth - 1))
