"""Plans that the trader keeps: scale-out and a trailing stop. The last line printed is the hash of its orders.

Run it as a program, or with `autofutures backtest examples/swing.py:Swing --generate`.
"""

from typing import ClassVar, Literal

from autofutures.domain.messages import Tick
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context


class Swing(Strategy):
    """Buys four when trades have risen `rise` ticks from their lowest, sells four when they have fallen so far.

    Half of the lot is closed at 12 ticks. For the rest the stop goes to the entry after 8, follows at 15, and after ten
    minutes, or a minute before the close, the lot is closed anyway: whether or not this strategy is still there.
    """

    exits: ClassVar[Literal["plans", "own"]] = "plans"

    rise: int = 10

    _lowest: int = 0
    _highest: int = 0

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Remembers the swing so far; acts on its turn while nothing is open or at work."""
        price = tick.price_ticks
        self._lowest = min(self._lowest or price, price)
        self._highest = max(self._highest, price)
        if ctx.position or ctx.working:
            return
        plan = ctx.declare_exit(
            stop_ticks=15,
            trail_ticks=15,
            break_even_ticks=8,
            levels=((12, 50),),
            time_stop_seconds=600,
            flat_before_close_seconds=60,
        )
        if price >= self._lowest + self.rise:
            ctx.buy_market(4, exit=plan)
            self._lowest = self._highest = price
        elif price <= self._highest - self.rise:
            ctx.sell_market(4, exit=plan)
            self._lowest = self._highest = price


def main() -> None:
    """Backtests it on a generated session."""
    from autofutures import backtest  # noqa: PLC0415 - a strategy's process needs none of this

    summary = backtest.run(f"{__file__}:Swing", generate=True, trades=1_500).summary
    print(f"{summary.orders} orders, {summary.fills} fills")
    print(summary.order_hash)


if __name__ == "__main__":
    main()
