"""How near the end of each contract is: what is held in it then is closed in good time, where the policy says so."""

from autofutures.market.view import MarketView


class Expiries:
    """From when on nothing is held in a contract any more.

    Args:
        view: knows the contracts' last trading days.
        before_ns: how long before the close of its last session; 0: everything is held to its end.
    """

    def __init__(self, view: MarketView, before_ns: int) -> None:
        self._view = view
        self._before_ns = before_ns
        self._from: dict[str, tuple[int, int]] = {}

    def watches(self, symbol: str) -> bool:
        """Whether the contract ends, and somebody minds."""
        return self._before_ns > 0 and self._view.last_day(symbol) > 0

    def is_near(self, symbol: str, now: int) -> bool:
        """Whether nothing is to be held any more."""
        if not self.watches(symbol):
            return False
        day = self._view.last_day(symbol)
        known_day, since = self._from.get(symbol, (0, 0))
        if day != known_day:
            sessions = self._view.calendar.sessions_of(day, self._view.of(symbol).sessions_id, day)
            since = sessions[-1].closes_at - self._before_ns if sessions else 0
            self._from[symbol] = (day, since)
        return 0 < since <= now
