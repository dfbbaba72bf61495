"""The last trading day of a contract, by the rule of its product's exchange.

Certainty: the rules are the exchanges' contract specifications (high). They count business days, and holidays of CME
and Eurex are not known here, so a day that depends on one (Thanksgiving for CL and GC, Good Friday for an index in
April) is right only when the calendar's overrides name the holiday.
"""

from collections.abc import Callable

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument
from autofutures.market.dates import add_days
from autofutures.market.sessions import Calendar, last_trading_day, nth_weekday

_WEDNESDAY, _FRIDAY = 2, 4

_Rule = Callable[[int, Calendar, str], int]
"""Takes the delivery month (YYYYMM), the calendar, and the hours whose trading days count."""


def last_day_of(item: Instrument, calendar: Calendar) -> int:
    """The contract's last trading day, YYYYMMDD; 0 where it has none, or its rule is not known.

    Raises:
        BadInput: the expiry is none that its exchange lists.
    """
    product = item.product
    if not item.expiry:
        return 0
    if product.exchange == "TAIFEX":
        return last_trading_day(product.root, item.expiry, calendar)
    rule = _RULES.get(product.root) if product.grid_checked else None
    if rule is None:
        return 0
    if len(item.expiry) != len("YYYYMM"):
        raise BadInput(f"{item.symbol}: weekly contracts are known of TAIFEX only, write YYYYMM")
    return rule(int(item.expiry), calendar, product.sessions)


def _third_friday(month: int, calendar: Calendar, sessions: str) -> int:
    """CME's equity indices and FESX; the business day before where it is closed."""
    return _on_or_before(nth_weekday(month, _FRIDAY, 3), calendar, sessions)


def _before_third_wednesday(month: int, calendar: Calendar, sessions: str) -> int:
    """6E: the second business day before the third Wednesday."""
    return _business_days_before(nth_weekday(month, _WEDNESDAY, 3), 2, calendar, sessions)


def _third_last_business_day(month: int, calendar: Calendar, sessions: str) -> int:
    """GC: the third last business day of the delivery month."""
    return _business_days_before(_next_month(month) * 100 + 1, 3, calendar, sessions)


def _before_the_25th(month: int, calendar: Calendar, sessions: str) -> int:
    """CL: three business days before the 25th of the month before, or before the business day preceding it."""
    day = _previous_month(month) * 100 + 25
    return _business_days_before(_on_or_before(day, calendar, sessions), 3, calendar, sessions)


_RULES: dict[str, _Rule] = {
    "ES": _third_friday,
    "MES": _third_friday,
    "NQ": _third_friday,
    "MNQ": _third_friday,
    "FESX": _third_friday,
    "6E": _before_third_wednesday,
    "GC": _third_last_business_day,
    "CL": _before_the_25th,
}


def _on_or_before(day: int, calendar: Calendar, sessions: str) -> int:
    is_open = calendar.is_trading_day(day, sessions)
    return day if is_open else calendar.previous_trading_day(day, sessions)


def _business_days_before(day: int, count: int, calendar: Calendar, sessions: str) -> int:
    for _ in range(count):
        day = calendar.previous_trading_day(day, sessions)
    return day


def _next_month(month: int) -> int:
    return add_days(month * 100 + 28, 4) // 100


def _previous_month(month: int) -> int:
    return add_days(month * 100 + 1, -1) // 100
