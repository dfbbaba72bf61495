"""The days and the sessions on which a contract trades, as its product's hours, its expiry and the calendar say."""

from autofutures.domain.instrument import instrument
from autofutures.market.dates import add_days
from autofutures.market.expiry import last_day_of
from autofutures.market.sessions import Calendar, Session


def sessions_of(symbol: str, day: int, calendar: Calendar) -> tuple[Session, ...]:
    """A contract's sessions of a trading day, in order: what a session's end counts."""
    item = instrument(symbol)
    return calendar.sessions_of(day, item.product.sessions, last_day_of(item, calendar))


def trading_days(symbol: str, first: int, last: int, calendar: Calendar) -> list[int]:
    """The days from `first` to `last` on which a contract trades, as far as the calendar knows."""
    days, day = [], first
    while day <= last:
        if sessions_of(symbol, day, calendar):
            days.append(day)
        day = add_days(day, 1)
    return days
