"""One contract at every n-th trade, by turns bought and sold: for measuring an order's way, not for money."""

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Tick
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context


class Pinger(Strategy):
    """Settings: `every` is the number of trades for each order."""

    every: int = 10

    _trades: int = 0
    _bought: bool = False

    def check(self) -> None:
        """At least one trade for an order."""
        if self.every < 1:
            raise BadInput(f"every={self.every} must be at least 1")

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Counts, and orders when it is time."""
        self._trades += 1
        if self._trades % self.every:
            return
        self._bought = not self._bought
        if self._bought:
            ctx.buy_market(1)
        else:
            ctx.sell_market(1)
