"""Trades that move nothing: between which prices, and for how long, only the last price of a market changes.

Most trades are such ones. What can make them matter is an order, a fill, an exit plan or a command: whoever has found a
calm must forget it at everything else that is heard.
"""

from autofutures.market.view import Seen
from autofutures.portfolio.pnl import NEVER

EVERYWHERE = (-NEVER, NEVER)
NOWHERE = (0, 0)


class Calm:
    """What a trade of one symbol must keep to.

    Args:
        seen: what is known of the symbol.
        low_ticks: the price must be above it,
        high_ticks: and below this one. The day's limits count besides.
        now: an instant at which the limits hold; they may end.
    """

    __slots__ = ("high_ticks", "low_ticks", "seen", "since", "until")

    def __init__(self, seen: Seen, low_ticks: int, high_ticks: int, now: int) -> None:
        lowest, highest = seen.bands.at(now)
        self.seen = seen
        self.low_ticks = max(low_ticks, lowest - 1 if highest else low_ticks, seen.lowest_ticks - 1)
        self.high_ticks = min(high_ticks, highest + 1) if highest else high_ticks
        self.since, self.until = seen.bands.span_at(now)
