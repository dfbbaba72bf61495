"""`ctx`: what a strategy may know and ask for. It shows only what was heard; every verdict is a later event.

An order that was asked for counts as working at once, and until it is refused, filled or over. Handles are
integers: the decision's `cause_seq` and `k` in one, never 0.
"""

# ruff: noqa: A002 - `exit` is what strategies call their exit plan.

from collections.abc import Sequence

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    TRADER_K,
    CloseLot,
    Decision,
    ExitPlan,
    Intent,
    OrderChanged,
    Placed,
    Quote,
    Refused,
    Revoke,
    Saved,
    Tick,
    Traded,
    WakeAt,
    handle_of,
)
from autofutures.domain.units import MINUTE, SECOND, OpenClose, OrderType, Side, TimeInForce
from autofutures.risk.exit_plan import flaw


class OpenOrder:
    """An order as its strategy knows it: fills and changes each say what is left, and the less is true."""

    __slots__ = ("left", "leg", "side", "unfilled")

    def __init__(self, leg: int, side: Side, left: int) -> None:
        self.leg = leg
        self.side = side
        self.left = left
        self.unfilled = left


class Context:
    """One strategy's view of the world, and its mouth.

    Attributes:
        now: the time of the event being heard, UTC nanoseconds.
        position: the strategy's own position in its first symbol, signed contracts.
        working: bought minus sold contracts that are still at work in its first symbol.
        last_ticks: the last trade of its first symbol; 0 before any.
        leg: the number of the symbol that the event being heard is of: a trade, a quote, a bar, a fill, a change of an
            order or an exit, a session's end. At any other event it is what it was before.
        bid_ticks: the best bid of its first symbol; 0 before any.
        bid_qty: the contracts displayed there; 0 where there is no bid.
        ask_ticks: the best offer of its first symbol; 0 before any.
        ask_qty: the contracts displayed there; 0 where there is no offer.
        cause_seq: market events heard so far.
        open_close: how the broker shall book orders from now on; the strategy may set it.
        day_trade: whether orders from now on carry the day-trade flag; the strategy may set it.
        wants_save: whether the strategy asked to be kept since the last call of `take_said`.
    """

    def __init__(self, strategy: str, symbols: Sequence[str], exit_plans: Sequence[ExitPlan] = ()) -> None:
        self.strategy = strategy
        self.symbols = tuple(symbols)
        self.now = 0
        self.cause_seq = 0
        self.position = 0
        self.working = 0
        self.last_ticks = 0
        self.leg = 0
        self.bid_ticks = self.bid_qty = 0
        self.ask_ticks = self.ask_qty = 0
        self.open_close = OpenClose.AUTO
        self.day_trade = False
        self.said: list[Decision] = []
        self._k = 0
        self._exit_plans: list[ExitPlan | None] = [None, *exit_plans]
        self._legs = {symbol: leg for leg, symbol in enumerate(self.symbols)}
        self._positions = [0] * len(self.symbols)
        self._workings = [0] * len(self.symbols)
        self._lasts = [0] * len(self.symbols)
        self._quotes = [(0, 0, 0, 0)] * len(self.symbols)
        self._open: dict[int, OpenOrder] = {}
        self.wants_save = False

    @property
    def exit_plans(self) -> Sequence[ExitPlan | None]:
        """What `exit=` indexes; the first is none."""
        return self._exit_plans

    def position_of(self, leg: int) -> int:
        """The strategy's own position in its symbol number `leg`."""
        return self._positions[leg]

    def working_of(self, leg: int) -> int:
        """Signed contracts at work in symbol number `leg`."""
        return self._workings[leg]

    def last_of(self, leg: int) -> int:
        """The last trade of symbol number `leg`; 0 before any."""
        return self._lasts[leg]

    def bid_ticks_of(self, leg: int) -> int:
        """The best bid of symbol number `leg`; 0 before any."""
        return self._quotes[leg][0]

    def bid_qty_of(self, leg: int) -> int:
        """Contracts displayed at the best bid of symbol number `leg`; 0 where there is none."""
        return self._quotes[leg][1]

    def ask_ticks_of(self, leg: int) -> int:
        """The best offer of symbol number `leg`; 0 before any."""
        return self._quotes[leg][2]

    def ask_qty_of(self, leg: int) -> int:
        """Contracts displayed at the best offer of symbol number `leg`; 0 where there is none."""
        return self._quotes[leg][3]

    def leg_of(self, symbol: str) -> int:
        """The number of one of the strategy's symbols."""
        return self._legs[symbol]

    def is_open(self, handle: int) -> bool:
        """Whether the order may still trade, as far as was heard."""
        return handle in self._open

    def buy_market(self, qty: int, *, leg: int = 0, exit: int = 0, why: int = 0, plan_ticks: int = 0) -> int:
        """Buys at once at whatever the market gives (IOC)."""
        return self._order(Side.BUY, qty, OrderType.MARKET, 0, 0, TimeInForce.IOC, leg, exit, why, plan_ticks)

    def sell_market(self, qty: int, *, leg: int = 0, exit: int = 0, why: int = 0, plan_ticks: int = 0) -> int:
        """Sells at once at whatever the market gives (IOC)."""
        return self._order(
            Side.SELL, qty, OrderType.MARKET, 0, 0, TimeInForce.IOC, leg, exit, why, plan_ticks
        )

    def buy_mwp(self, qty: int, *, leg: int = 0, exit: int = 0, why: int = 0, plan_ticks: int = 0) -> int:
        """Buys at once, no further from the market than the exchange's protection (IOC)."""
        return self._order(Side.BUY, qty, OrderType.MWP, 0, 0, TimeInForce.IOC, leg, exit, why, plan_ticks)

    def sell_mwp(self, qty: int, *, leg: int = 0, exit: int = 0, why: int = 0, plan_ticks: int = 0) -> int:
        """Sells at once, no further from the market than the exchange's protection (IOC)."""
        return self._order(Side.SELL, qty, OrderType.MWP, 0, 0, TimeInForce.IOC, leg, exit, why, plan_ticks)

    def buy_limit(
        self,
        qty: int,
        price_ticks: int,
        *,
        tif: TimeInForce = TimeInForce.ROD,
        leg: int = 0,
        exit: int = 0,
        why: int = 0,
        plan_ticks: int = 0,
    ) -> int:
        """Buys at the price or better; works until the session ends unless `tif` says otherwise."""
        return self._order(Side.BUY, qty, OrderType.LIMIT, price_ticks, 0, tif, leg, exit, why, plan_ticks)

    def sell_limit(
        self,
        qty: int,
        price_ticks: int,
        *,
        tif: TimeInForce = TimeInForce.ROD,
        leg: int = 0,
        exit: int = 0,
        why: int = 0,
        plan_ticks: int = 0,
    ) -> int:
        """Sells at the price or better; works until the session ends unless `tif` says otherwise."""
        return self._order(Side.SELL, qty, OrderType.LIMIT, price_ticks, 0, tif, leg, exit, why, plan_ticks)

    def buy_stop(
        self, qty: int, stop_ticks: int, *, price_ticks: int = 0, leg: int = 0, exit: int = 0, why: int = 0
    ) -> int:
        """Buys once a trade is at the stop or above: at the market, or with a limit at `price_ticks`."""
        kind = OrderType.STOP_LIMIT if price_ticks else OrderType.STOP
        return self._order(Side.BUY, qty, kind, price_ticks, stop_ticks, TimeInForce.ROD, leg, exit, why, 0)

    def sell_stop(
        self, qty: int, stop_ticks: int, *, price_ticks: int = 0, leg: int = 0, exit: int = 0, why: int = 0
    ) -> int:
        """Sells once a trade is at the stop or below: at the market, or with a limit at `price_ticks`."""
        kind = OrderType.STOP_LIMIT if price_ticks else OrderType.STOP
        return self._order(Side.SELL, qty, kind, price_ticks, stop_ticks, TimeInForce.ROD, leg, exit, why, 0)

    def cancel(self, handle: int) -> None:
        """Asks for an order back; whether that came in time is a later event."""
        seq, k = handle >> 16, handle & 0xFFFF
        self.said.append(Revoke(self.strategy, self.cause_seq, self._next_k(), self.now, seq, k))

    def close(self, handle: int) -> None:
        """Asks the trader to close what an entry with an exit plan opened, at the market.

        The plan's own orders are counted, so that nothing is closed twice. A strategy that declares plans closes its
        lots in this way only.
        """
        seq, k = handle >> 16, handle & 0xFFFF
        self.said.append(CloseLot(self.strategy, self.cause_seq, self._next_k(), self.now, seq, k))

    def wake_at(self, at: int, timer: int = 0) -> None:
        """Asks for `on_timer` at a time; `timer` comes back with it."""
        self.said.append(WakeAt(self.strategy, at, timer))

    def save(self) -> None:
        """Asks that the strategy's state as it is after this event be kept for a restart."""
        self.wants_save = True

    def declare_exit(  # noqa: PLR0913 - a plan is all of these, and each is named
        self,
        take_profit_ticks: int = 0,
        stop_ticks: int = 0,
        *,
        trail_ticks: int = 0,
        trail_atr: int = 0,
        atr_minutes: int = 1,
        atr_periods: int = 14,
        break_even_ticks: int = 0,
        break_even_offset_ticks: int = 0,
        time_stop_seconds: int = 0,
        flat_before_close_seconds: int = 0,
        levels: Sequence[tuple[int, int]] = (),
        bracket: bool = False,
    ) -> int:
        """Adds an exit plan to the table that `exit=` indexes, and returns its number.

        The trader keeps and fires it, whatever becomes of the strategy. The exits of one plan cancel each other.

        Args:
            take_profit_ticks: closes the lot so far in its favour.
            stop_ticks: closes it so far against it.
            trail_ticks: the stop follows the trades at this distance, in the lot's favour only.
            trail_atr: the same at hundredths of the average true range: 250 is two and a half of it. Until a first
                span is measured, `trail_ticks` counts, else `stop_ticks`: one of them must be given.
            atr_minutes: a true range is measured over so many minutes.
            atr_periods: periods of Wilder's average.
            break_even_ticks: once a trade is so far in favour, the stop moves to the entry,
            break_even_offset_ticks: or so far beyond it (negative: short of it).
            time_stop_seconds: closes it after so long.
            flat_before_close_seconds: closes it so long before its session's close.
            levels: scale-out: at (ticks, percent) so much of what was entered is closed, rounded down; nearest first.
            bracket: the take profit rests at the venue as a limit order, and fills without us; the rest of the plan
                stays with the trader, which asks it back before it closes the lot another way.

        Raises:
            BadInput: the plan makes no sense.
        """
        plan = ExitPlan(
            take_profit_ticks=take_profit_ticks,
            stop_ticks=stop_ticks,
            trail_ticks=trail_ticks,
            trail_atr=trail_atr,
            atr_span_ns=atr_minutes * MINUTE,
            atr_periods=atr_periods,
            break_even_ticks=break_even_ticks,
            break_even_offset_ticks=break_even_offset_ticks,
            time_stop_ns=time_stop_seconds * SECOND,
            flat_before_close_ns=flat_before_close_seconds * SECOND,
            levels=tuple(levels),
            bracket=bracket,
        )
        found = flaw(plan)
        if found:
            raise BadInput(f"exit plan: {found}")
        if plan not in self._exit_plans:
            self._exit_plans.append(plan)
        return self._exit_plans.index(plan)

    def _order(  # noqa: PLR0913, PLR0917 - one place fills every field of an intent
        self,
        side: Side,
        qty: int,
        kind: OrderType,
        price_ticks: int,
        stop_ticks: int,
        tif: TimeInForce,
        leg: int,
        exit_index: int,
        why: int,
        plan_ticks: int,
    ) -> int:
        k = self._next_k()
        plan = self._exit_plans[exit_index]
        if plan is not None and plan_ticks:
            plan = msgspec.structs.replace(plan, plan_ticks=plan_ticks)
        self.said.append(
            Intent(
                strategy=self.strategy,
                cause_seq=self.cause_seq,
                k=k,
                at=self.now,
                symbol=self.symbols[leg],
                side=side,
                qty=qty,
                type=kind,
                price_ticks=price_ticks,
                stop_ticks=stop_ticks,
                tif=tif,
                open_close=self.open_close,
                day_trade=self.day_trade,
                exit=plan,
                leg=leg,
                why=why,
            )
        )
        handle = handle_of(self.cause_seq, k)
        self._open[handle] = OpenOrder(leg, side, qty)
        self._work(leg, side * qty)
        return handle

    def _next_k(self) -> int:
        self._k += 1
        if self._k >= TRADER_K:
            raise BadInput(
                f"{self.strategy} took {self._k} decisions at one market event: is it answering itself?"
            )
        return self._k

    def number_from(self, cause_seq: int, k: int) -> None:
        """After a restart: decisions are numbered on from there, for an earlier life's are other decisions."""
        self.cause_seq = cause_seq
        self._k = k

    def market_event(self) -> None:
        """A market event of another's symbol was heard: decisions are counted from 1 again."""
        self.cause_seq += 1
        self._k = 0

    def hear_tick(self, tick: Tick, leg: int) -> None:
        """Counts a trade of a symbol of the strategy's, and keeps its price."""
        self.cause_seq += 1
        self._k = 0
        self.leg = leg
        self._lasts[leg] = tick.price_ticks
        if leg == 0:
            self.last_ticks = tick.price_ticks

    def hear_quote(self, quote: Quote, leg: int) -> None:
        """Counts a quote of a symbol of the strategy's, and keeps it."""
        self.cause_seq += 1
        self._k = 0
        self.leg = leg
        self._quotes[leg] = (quote.bid_ticks, quote.bid_qty, quote.ask_ticks, quote.ask_qty)
        if leg == 0:
            self.bid_ticks, self.bid_qty = quote.bid_ticks, quote.bid_qty
            self.ask_ticks, self.ask_qty = quote.ask_ticks, quote.ask_qty

    def hear_symbol(self, symbol: str) -> None:
        """What comes next is of this symbol."""
        self.leg = self._legs.get(symbol, self.leg)

    def hear_order(self, changed: OrderChanged) -> None:
        """An order moved: what is left of it is what is at work."""
        self._set_left(handle_of(changed.order_seq, changed.order_k), changed.left)

    def hear_refusal(self, refused: Refused) -> None:
        """An intent was refused. A repeat's refusal says nothing of the order that the first one made."""
        handle = handle_of(refused.cause_seq, refused.k)
        if handle in self._open:
            self.leg = self._open[handle].leg
        if refused.rule != "duplicate":
            self._set_left(handle, 0)

    def hear_fill(self, fill: Traded) -> None:
        """The book's own figure of the position; what was filled is not at work any more."""
        handle = handle_of(fill.order_seq, fill.order_k)
        order = self._open.get(handle)
        if order is not None:
            order.unfilled -= fill.qty
            self._set_left(handle, order.unfilled)
        self.set_position(fill.symbol, fill.position)

    def set_position(self, symbol: str, position: int) -> None:
        """The position as the trader knows it."""
        leg = self._legs.get(symbol)
        if leg is not None:
            self._positions[leg] = position
            if leg == 0:
                self.position = position

    def restore_order(self, placed: Placed, left: int) -> None:
        """An order that was at work before a restart; the trader's own exits are not the strategy's."""
        intent = placed.intent
        if intent.symbol in self._legs and left and intent.k < TRADER_K:
            leg = self._legs[intent.symbol]
            self._open[handle_of(intent.cause_seq, intent.k)] = OpenOrder(leg, intent.side, left)
            self._work(leg, intent.side * left)

    def take_said(self, state: bytes | None) -> list[Decision]:
        """What was asked for since the last call, with the state where that was wanted."""
        said = self.said
        self.said = []
        if self.wants_save and state is not None:
            self.wants_save = False
            said.append(Saved(self.strategy, self.now, state))
        return said

    def _set_left(self, handle: int, left: int) -> None:
        order = self._open.get(handle)
        if order is None or left >= order.left:
            return
        self._work(order.leg, order.side * (left - order.left))
        order.left = left
        if left == 0:
            del self._open[handle]

    def _work(self, leg: int, qty: int) -> None:
        self._workings[leg] += qty
        self.working = self._workings[0]
