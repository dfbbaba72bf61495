"""A strategy of your own: run it with `autofutures backtest examples/breakout.py:Breakout --generate`."""

from autofutures.domain.messages import Tick
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context


class Breakout(Strategy):
    """Buys when a trade is above the highest of the day so far, and is out at 40 ticks either way."""

    exit_ticks: int = 40
    _highest: int = 0

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Remembers the highest trade; acts on a new one while nothing is open or at work."""
        if self._highest and tick.price_ticks > self._highest and ctx.position + ctx.working == 0:
            ctx.buy_market(
                1, exit=ctx.declare_exit(take_profit_ticks=self.exit_ticks, stop_ticks=self.exit_ticks)
            )
        self._highest = max(self._highest, tick.price_ticks)
