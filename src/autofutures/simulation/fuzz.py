"""What the simulation trades: a market and strategies without sense, that do all which can be done."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import ClassVar, Literal

from autofutures.domain.messages import (
    ExitPlan,
    Gap,
    OrderChanged,
    Refused,
    SessionEnded,
    Tick,
    Traded,
    Woke,
    handle_of,
)
from autofutures.domain.units import SECOND, TimeInForce
from autofutures.market.sessions import Session
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context

_JUMP_TICKS = 60
_LULL = 400
"""One trade in so many is followed by a lull."""

Event = Tick | SessionEnded


def random_market(
    random: Random,
    prices: Mapping[str, int],
    sessions: Iterable[Session],
    pace_ns: int,
    enough: Callable[[], bool],
) -> Iterator[Event]:
    """Trades of one session after the other, in time order, each ended for each symbol, until it is enough.

    Some sessions are stamped in whole seconds, as old files are, some in nanoseconds. A session is a stretch
    somewhere in its hours, often its opening or its last moments; prices jump, and time does.

    Args:
        random: decides.
        prices: where each symbol's market begins.
        sessions: more than will be needed.
        pace_ns: between two trades, on average.
        enough: asked after each trade; then its session is the last.
    """
    last = dict(prices)
    symbols = tuple(prices)
    for session in sessions:
        whole_seconds = random.randrange(3) == 0
        count = 200 + random.randrange(1_800)
        at = start = _start(random, session, count * pace_ns)
        number = 0
        while at < session.ends_at and number < count:
            symbol = random.choice(symbols)
            last[symbol] += (
                random.randint(-3, 3) if random.randrange(60) else random.randint(-_JUMP_TICKS, _JUMP_TICKS)
            )
            stamp = max(start, at // SECOND * SECOND) if whole_seconds else at
            yield Tick(symbol, stamp, last[symbol], random.choice((1, 1, 1, 2, 3, 5)), auction=number == 0)
            number += 1
            at += _step(random, pace_ns)
        for symbol in symbols:
            yield SessionEnded(symbol, session.ends_at, session.day, session.name)
        if enough():
            return


def _start(random: Random, session: Session, length_ns: int) -> int:
    latest = max(session.opens_at, session.closes_at - length_ns)
    somewhere = session.opens_at + random.randrange(latest - session.opens_at + 1)
    return random.choice((session.opens_at, somewhere, latest)) // SECOND * SECOND


def _step(random: Random, pace_ns: int) -> int:
    if random.randrange(_LULL) == 0:
        return random.randrange(15) * SECOND
    return random.randrange(8 * pace_ns // 3) if random.randrange(4) else 0


class Fuzz(Strategy):
    """Orders of every kind, cancels of anything, timers, and saves, drawn from its seed.

    Settings: `seed`; `pace`, one action in so many trades; `most`, the largest order.
    """

    reasons: ClassVar[tuple[str, ...]] = ("on a trade", "on news of an order", "on a timer")
    exit_plans: ClassVar[tuple[ExitPlan, ...]] = (
        ExitPlan(take_profit_ticks=5, stop_ticks=4),
        ExitPlan(take_profit_ticks=2),
        ExitPlan(stop_ticks=6),
    )
    may_be_bare: ClassVar[bool] = True
    """Whether it orders without an exit plan, too."""

    seed: int = 1
    pace: int = 4
    most: int = 3

    _drawn: int = 0

    def __init__(self, **settings: int) -> None:
        super().__init__(**settings)
        self._handles: list[int] = []

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Does something, at its pace."""
        if self._draw(self.pace) == 0:
            self._act(ctx, ctx.leg_of(tick.symbol), 0)

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        """Rarely answers the news; a refusal never, or it would argue for ever."""
        if isinstance(event, OrderChanged) and self._draw(12) == 0:
            self._act(ctx, ctx.leg_of(event.symbol), 1)

    def on_fill(self, fill: Traded, ctx: Context) -> None:
        """Rarely answers a fill, or has itself kept."""
        if self._draw(12) == 0:
            self._act(ctx, ctx.leg_of(fill.symbol), 1)
        elif self._draw(8) == 0:
            ctx.save()

    def on_gap(self, gap: Gap, ctx: Context) -> None:
        """Has itself kept as it was before."""
        ctx.save()

    def on_timer(self, event: Woke, ctx: Context) -> None:
        """Does something between trades."""
        self._act(ctx, event.timer, 2)

    def _act(self, ctx: Context, leg: int, why: int) -> None:
        if ctx.last_of(leg) == 0:
            return
        choice = self._draw(14)
        if choice < 2:
            self._cancel(ctx)
        elif choice == 2:
            ctx.wake_at(ctx.now + self._draw(3 * SECOND), leg)
        else:
            self._handles.append(self._order(choice, ctx, leg, why))
            del self._handles[:-8]

    def _order(self, choice: int, ctx: Context, leg: int, why: int) -> int:
        bare = int(self.may_be_bare)
        buys, exits = self._draw(2) == 0, 1 - bare + self._draw(len(self.exit_plans) + bare)
        qty = 1 + self._draw(self.most)
        last = ctx.last_of(leg)
        side = 1 if buys else -1
        near = last + self._draw(9) - 4
        if choice < 5:
            send = ctx.buy_market if buys else ctx.sell_market
            return send(qty, leg=leg, exit=exits, why=why, plan_ticks=last if choice == 4 else 0)
        if choice == 5:
            protected = ctx.buy_mwp if buys else ctx.sell_mwp
            return protected(qty, leg=leg, exit=exits, why=why)
        if choice < 11:
            limit = ctx.buy_limit if buys else ctx.sell_limit
            price = near if self._draw(40) else last + side * last // 10  # Far beyond every collar.
            return limit(qty, price, tif=TimeInForce(self._draw(3)), leg=leg, exit=exits, why=why)
        stop = ctx.buy_stop if buys else ctx.sell_stop
        trigger = last + side * self._draw(6)
        price = trigger + side * 2 if choice == 13 else 0
        return stop(qty, trigger, price_ticks=price, leg=leg, exit=exits, why=why)

    def _cancel(self, ctx: Context) -> None:
        """Asks back one of its last orders, over or not, or one that never was."""
        if self._handles and self._draw(10):
            ctx.cancel(self._handles[self._draw(len(self._handles))])
        else:
            ctx.cancel(handle_of(ctx.cause_seq, 999))

    def _draw(self, below: int) -> int:
        """A number from 0: its only state is one integer, so that a restart goes on where it was."""
        if not self._drawn:
            self._drawn = self.seed
        self._drawn = (self._drawn * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**63
        return (self._drawn >> 31) % below


class Planned(Fuzz):
    """As `Fuzz`, with an exit plan behind every order: of every kind that there is."""

    exits: ClassVar[Literal["plans", "own"]] = "plans"
    exit_plans: ClassVar[tuple[ExitPlan, ...]] = (
        ExitPlan(take_profit_ticks=6, stop_ticks=5),
        ExitPlan(trail_ticks=5),
        ExitPlan(stop_ticks=6, trail_atr=200, atr_span_ns=5 * SECOND, atr_periods=3),
        ExitPlan(stop_ticks=8, break_even_ticks=3, break_even_offset_ticks=1),
        ExitPlan(stop_ticks=20, time_stop_ns=20 * SECOND),
        ExitPlan(stop_ticks=15, flat_before_close_ns=20 * SECOND),
        ExitPlan(stop_ticks=9, levels=((3, 50), (6, 50))),
        ExitPlan(take_profit_ticks=4, stop_ticks=6, bracket=True),
    )
    may_be_bare: ClassVar[bool] = False
