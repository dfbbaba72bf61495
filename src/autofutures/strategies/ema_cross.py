"""Two exponential averages of every trade; at each change of sign of their difference, stop and reverse.

One market order at every change, the first included, of what is missing to one lot (`lots`) long or short,
with orders at work counted; those are neither cancelled nor waited for. The averages run on across sessions
and nothing is flattened at the end. A difference of exactly zero is no sign.
"""

from typing import ClassVar, Literal

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Restored, Tick
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context


class EmaCross(Strategy):
    """Settings: `fast` and `slow` are the averages' lengths in trades, `lots` the size of the position."""

    exits: ClassVar[Literal["plans", "own"]] = "own"
    reasons: ClassVar[tuple[str, ...]] = ("crossed up", "crossed down")

    fast: int = 20
    slow: int = 60
    lots: int = 1

    _fast_weight: float = 0.0
    _slow_weight: float = 0.0
    _fast_mean: float = 0.0
    _slow_mean: float = 0.0
    _started: bool = False
    _sign: int = 0

    def check(self) -> None:
        """The fast average must be the faster one."""
        if not 1 <= self.fast < self.slow:
            raise BadInput(f"fast={self.fast} must be at least 1 and below slow={self.slow}")
        if self.lots < 1:
            raise BadInput(f"lots={self.lots} must be at least 1")

    def on_start(self, event: Restored, ctx: Context) -> None:
        """Each average moves by α = 2/(n+1) of the distance."""
        self._fast_weight = 2.0 / (self.fast + 1.0)
        self._slow_weight = 2.0 / (self.slow + 1.0)

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Moves both averages, and acts on a new sign."""
        price = float(tick.price_ticks)
        if not self._started:
            self._started = True
            self._fast_mean = price
            self._slow_mean = price
        self._fast_mean += (price - self._fast_mean) * self._fast_weight
        self._slow_mean += (price - self._slow_mean) * self._slow_weight
        difference = self._fast_mean - self._slow_mean
        if difference == 0.0:
            return
        sign = 1 if difference > 0.0 else -1
        if sign == self._sign:
            return
        self._sign = sign
        missing = sign * self.lots - (ctx.position + ctx.working)
        if missing > 0:
            ctx.buy_market(missing, why=0)
        elif missing < 0:
            ctx.sell_market(-missing, why=1)
