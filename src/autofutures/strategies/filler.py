"""One contract at every n-th trade, bought until so many are held, then sold and bought by turns: for drills."""

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Tick
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context


class Filler(Strategy):
    """Settings: `every` is the number of trades for each order, `hold` the contracts that it keeps about."""

    every: int = 1
    hold: int = 12

    _trades: int = 0

    def check(self) -> None:
        """At least one trade for an order, and one contract to hold."""
        if self.every < 1 or self.hold < 1:
            raise BadInput(f"every={self.every} and hold={self.hold} must be at least 1")

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Orders when it is time, whatever became of the orders before."""
        self._trades += 1
        if self._trades % self.every:
            return
        if ctx.position_of(0) < self.hold:
            ctx.buy_market(1)
        else:
            ctx.sell_market(1)
