"""When the sessions of a strategy's markets open: heard from the first trade, or from a timer where nothing trades yet.

No exchange says it, so the host finds it in the calendar: it asks to be woken at each opening, and at the same instant
a trade comes before a timer. So the strategy hears of a session once, before its first trade.
"""

from collections.abc import Sequence

from autofutures.domain.messages import Decision, SessionOpened, WakeAt
from autofutures.market.view import MarketView

TIMER = -(1 << 30)
"""The host's own timer for the first symbol; those of the others are below it. A strategy's own begin at 0."""

_NEVER = 1 << 62


class Openings:
    """What a strategy was told of.

    Args:
        name: the strategy's.
        symbols: its legs, in order.
        view: knows their sessions.
    """

    def __init__(self, name: str, symbols: Sequence[str], view: MarketView) -> None:
        self._name = name
        self._timers = {symbol: TIMER - leg for leg, symbol in enumerate(symbols)}
        self._view = view
        self._next_at: dict[str, int] = dict.fromkeys(symbols, 0)
        self._told: dict[str, int] = {}
        self._last_day_told: dict[str, int] = {}

    def forget_next(self) -> None:
        """The calendar has changed: the next look asks it anew."""
        self._next_at = dict.fromkeys(self._next_at, 0)

    def look(self, symbol: str, now: int, said: list[Decision]) -> SessionOpened | None:
        """The session under way, where it was not told yet; asks to be woken when the next one opens."""
        if now < self._next_at[symbol]:
            return None
        session = self._view.session(symbol, now)
        coming = self._view.next_session(symbol, session.ends_at if session is not None else now)
        self._next_at[symbol] = coming.opens_at if coming is not None else _NEVER
        if coming is not None:
            said.append(WakeAt(self._name, coming.opens_at, self._timers[symbol]))
        if session is None or self._told.get(symbol) == session.opens_at:
            return None
        self._told[symbol] = session.opens_at
        return SessionOpened(symbol, session.opens_at, session.day, session.name, session.closes_at)

    def is_last_day(self, opened: SessionOpened) -> bool:
        """Whether the session begins its contract's last trading day; once for each day."""
        symbol, day = opened.symbol, opened.day
        if day != self._view.last_day(symbol) or self._last_day_told.get(symbol) == day:
            return False
        self._last_day_told[symbol] = day
        return True
