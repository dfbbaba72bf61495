"""Whether each market is heard: in a session there are trades or quotes, and long silence means that they are lost."""

from collections.abc import Iterable

from autofutures.domain.units import SECOND
from autofutures.market.view import MarketView


def silent_ns(view: MarketView, symbol: str, now: int) -> int:
    """For how long a symbol has been silent, counted from its session's open; 0 while it is closed."""
    session = view.session(symbol, now)
    if session is None:
        return 0
    return max(0, now - max(session.opens_at, view.heard_at(symbol)))


def silent_markets(view: MarketView, symbols: Iterable[str], quiet_ns: int, now: int) -> list[str]:
    """A sentence for each symbol that has been silent for longer than `quiet_ns`; none where that is 0."""
    if not quiet_ns:
        return []
    silences = ((symbol, silent_ns(view, symbol, now)) for symbol in symbols)
    return [
        f"{symbol}: no trade or quote for {silence // SECOND} s, though its session is open"
        for symbol, silence in silences
        if silence > quiet_ns
    ]
