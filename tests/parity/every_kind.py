"""A strategy without sense that does all that can be done, in numbers alone: it runs compiled and interpreted."""

from typing import ClassVar, Literal

from autofutures.domain.messages import (
    Bar,
    ExitMoved,
    ExitPlan,
    OrderChanged,
    Quote,
    Refused,
    SessionEnded,
    Tick,
    Traded,
    Woke,
)
from autofutures.domain.units import MINUTE, SECOND, OpenClose, TimeInForce
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context

KINDS_OF_PLANS = {
    "take profit and stop": ExitPlan(take_profit_ticks=5, stop_ticks=4),
    "bracket": ExitPlan(take_profit_ticks=3, stop_ticks=6, bracket=True),
    "trail": ExitPlan(trail_ticks=5, take_profit_ticks=12),
    "break even": ExitPlan(stop_ticks=8, break_even_ticks=4, break_even_offset_ticks=1),
    "levels": ExitPlan(stop_ticks=9, levels=((3, 50), (6, 50))),
    "true range": ExitPlan(stop_ticks=7, trail_atr=200, atr_span_ns=MINUTE, atr_periods=5),
    "time stop": ExitPlan(stop_ticks=20, time_stop_ns=20 * SECOND),
    "flat before close": ExitPlan(stop_ticks=20, flat_before_close_ns=10 * MINUTE),
    "take profit alone": ExitPlan(take_profit_ticks=4),
    "without sense": ExitPlan(stop_ticks=-1),
}
"""One of each kind; the last makes no sense and is refused."""

PLANS = tuple(KINDS_OF_PLANS.values())
PLANS_N = len(PLANS)


class EveryKind(Strategy):
    """Orders of every kind on both legs, plans, cancels, closes and timers, drawn from its seed."""

    exits: ClassVar[Literal["plans", "own"]] = "own"
    exit_plans: ClassVar[tuple[ExitPlan, ...]] = PLANS
    bars: ClassVar[tuple[str, ...]] = ("1m", "40t", "300v")

    seed: int = 1
    pace: int = 3
    legs: int = 1
    plans: int = 1
    """1: some orders carry an exit plan; 0: none does."""

    _drawn: int = 1
    _heard: int = 0
    _next: int = 0
    _h0: int = 0
    _h1: int = 0
    _h2: int = 0
    _h3: int = 0
    _h4: int = 0
    _h5: int = 0
    _h6: int = 0
    _h7: int = 0

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        self._mix(tick.price_ticks + tick.qty + int(tick.auction))
        if self._draw(self.pace) == 0:
            self._act(ctx)

    def on_quote(self, quote: Quote, ctx: Context) -> None:
        self._mix(quote.bid_ticks + quote.ask_qty)
        if self._draw(self.pace) == 0:
            self._act(ctx)

    def on_bar(self, bar: Bar, ctx: Context) -> None:
        self._mix(
            bar.close_ticks + bar.high_ticks - bar.low_ticks + bar.qty + bar.trades + bar.day + bar.at % 1_000
        )
        if self._draw(12) == 0:
            self._act(ctx)

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        self._mix(int(event.status) + event.filled + event.left)
        if not event.refused and self._draw(12) == 0:
            self._act(ctx)

    def on_fill(self, fill: Traded, ctx: Context) -> None:
        self._mix(fill.price_ticks + fill.qty + fill.position + fill.fee + fill.tax + fill.n)
        if self._draw(12) == 0:
            self._act(ctx)

    def on_exit(self, event: ExitMoved, ctx: Context) -> None:
        self._mix(event.open_qty + event.stop_ticks + event.take_profit_ticks + event.attempts)
        if self._draw(20) == 0:
            ctx.close(event.handle)

    def on_timer(self, event: Woke, ctx: Context) -> None:
        self._mix(event.timer)
        self._act(ctx)

    def on_session_close(self, event: SessionEnded, ctx: Context) -> None:
        self._mix(event.day)
        self._act(ctx)

    def _mix(self, number: int) -> None:
        """What was heard decides what comes, so that whatever differs once differs for ever."""
        self._heard = (self._heard * 31 + number) % 1_000_003

    def _draw(self, below: int) -> int:
        self._drawn = (self._drawn * 1_103_515_245 + 12_345 + self.seed + self._heard) % 2_147_483_648
        return (self._drawn // 65_536) % below

    def _act(self, ctx: Context) -> None:  # noqa: C901, PLR0915 - one branch for each thing that can be done
        leg = self._draw(self.legs)
        qty = 1 + self._draw(4) if self._draw(40) else 11 + self._draw(3)
        last = ctx.last_of(leg)
        near = self._draw(9) - 4
        drawn = self._draw(60)
        if drawn == 0:
            near = 2_000
        elif drawn < 5:
            near = self._draw(161) - 80
        drawn = self._draw(3)
        ctx.open_close = OpenClose.AUTO
        if drawn == 1:
            ctx.open_close = OpenClose.OPEN
        elif drawn == 2:
            ctx.open_close = OpenClose.CLOSE
        tif = TimeInForce.ROD
        drawn = self._draw(3)
        if drawn == 1:
            tif = TimeInForce.IOC
        elif drawn == 2:
            tif = TimeInForce.FOK
        ctx.day_trade = self._draw(2) == 0
        plan = self._draw(PLANS_N + 1) if self.plans and self._draw(2) == 0 else 0
        flat = ctx.position_of(leg)
        kind = self._draw(18)
        handle = 0
        if kind == 0:
            handle = ctx.buy_market(qty, leg=leg, exit=plan, why=0)
        elif kind == 1:
            handle = ctx.sell_market(qty, leg=leg, exit=plan)
        elif kind == 2:
            handle = ctx.buy_mwp(qty, leg=leg, exit=plan)
        elif kind == 3:
            handle = ctx.sell_mwp(qty, leg=leg, exit=plan)
        elif kind <= 6:
            handle = ctx.buy_limit(qty, last + near, tif=tif, leg=leg, exit=plan, plan_ticks=last)
        elif kind <= 9:
            handle = ctx.sell_limit(qty, last + near, tif=tif, leg=leg, exit=plan)
        elif kind == 10:
            handle = ctx.buy_stop(qty, last + 1 + self._draw(5), leg=leg, exit=plan)
        elif kind == 11:
            handle = ctx.sell_stop(qty, last - 1 - self._draw(5), price_ticks=last - 6, leg=leg, exit=plan)
        elif kind == 12:
            handle = ctx.buy_stop(qty, last + 1, price_ticks=last + 4, leg=leg)
        elif kind == 13 and flat > 0:
            handle = ctx.sell_market(flat, leg=leg)
        elif kind == 13 and flat < 0:
            handle = ctx.buy_market(-flat, leg=leg)
        elif kind == 14:
            far = MINUTE if self._draw(30) == 0 else SECOND
            ctx.wake_at(ctx.now + self._draw(30) * far, self._draw(5))
        elif kind == 15:
            ctx.close(self._kept(self._draw(8)))
        else:
            ctx.cancel(self._kept(self._draw(8)))
        if handle:
            self._keep(handle)

    def _keep(self, handle: int) -> None:
        place = self._next % 8
        self._next += 1
        if place == 0:
            self._h0 = handle
        elif place == 1:
            self._h1 = handle
        elif place == 2:
            self._h2 = handle
        elif place == 3:
            self._h3 = handle
        elif place == 4:
            self._h4 = handle
        elif place == 5:
            self._h5 = handle
        elif place == 6:
            self._h6 = handle
        else:
            self._h7 = handle

    def _kept(self, place: int) -> int:
        if place == 0:
            return self._h0
        if place == 1:
            return self._h1
        if place == 2:
            return self._h2
        if place == 3:
            return self._h3
        if place == 4:
            return self._h4
        if place == 5:
            return self._h5
        return self._h6 if place == 6 else self._h7
