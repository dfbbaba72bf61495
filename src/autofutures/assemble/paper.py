"""A run by the clock from the settings of a generated one: its market is open now, and its book asks its broker."""

import msgspec

from autofutures.assemble.market import session_of
from autofutures.assemble.nodes import calendar_of
from autofutures.config import RunSettings
from autofutures.domain.units import MINUTE, SECOND

OPENS_AFTER_NS = 3 * SECOND
"""The session opens so long after the start: everyone has met by then."""

LEAST_TRADES = 90_000
"""Of a session that somebody looks at: five a second."""

LIST_NS = 10 * MINUTE
"""The broker's lists tell of what ended within so long: they are asked for every few seconds, all day."""


def by_the_clock(run: RunSettings, former: RunSettings | None = None) -> RunSettings:
    """The run as it trades by the clock.

    Args:
        run: of a generated or steady market.
        former: the run that the same book traded before; it goes on with the next trading day, for time in a
            journal only goes forward.
    """
    day = run.day
    if former is not None and former.last_day >= day:
        day = calendar_of(run).next_trading_day(former.last_day)
    return msgspec.structs.replace(
        run,
        day=day,
        trades=max(run.trades, LEAST_TRADES) if run.source == "generated" else run.trades,
        faults={"list_ns": LIST_NS, **run.faults},
        policy=msgspec.structs.replace(run.policy, reconciles=True),
    )


def for_days(run: RunSettings, days: int) -> RunSettings:
    """The run until the end of so many trading days; one day is the one session that it names."""
    until, calendar = run.day, calendar_of(run)
    for _ in range(days - 1):
        until = calendar.next_trading_day(until)
    return msgspec.structs.replace(run, until=until if days > 1 else 0)


def offset_ns(run: RunSettings, now: int, opens_after_ns: int = OPENS_AFTER_NS) -> int:
    """What to add to the clock, so that the run's session opens in a moment.

    Raises:
        BadInput: the run has no such session.
    """
    return session_of(run).opens_at - opens_after_ns - now
