"""The sentence: an intent passes the gate, enters the book and leaves as an order; a report moves what we hold.

Everything that happens to money happens here: the book of orders, positions, exit plans.
"""

from collections.abc import Mapping, Sequence

from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import (
    TRADER_K,
    Accepted,
    AnyMessage,
    BadTick,
    Cancel,
    Canceled,
    Command,
    CommandRefused,
    Configured,
    ExitMoved,
    Expired,
    Filled,
    Intent,
    OrderChanged,
    Placed,
    Quote,
    Ready,
    Refused,
    Rejected,
    Report,
    Restored,
    Revoke,
    Saved,
    SessionEnded,
    Stray,
    Submit,
    Tick,
    Traded,
)
from autofutures.domain.order_life import Event, Status
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.market.view import MarketView
from autofutures.orders.book import Order, Orders
from autofutures.orders.exits import Exits, Plan
from autofutures.portfolio import pnl
from autofutures.portfolio.book import Portfolio
from autofutures.portfolio.costs import Costs
from autofutures.risk.base import Exposure
from autofutures.risk.gate import Gate

_EVENTS: dict[type[Report], Event] = {
    Accepted: Event.ACCEPTED,
    Rejected: Event.REJECTED,
    Canceled: Event.CANCELED,
    Expired: Event.EXPIRED,
}

Said = list[AnyMessage]


class Trader:
    """One book's trader.

    Args:
        instruments: everything that may be traded, by symbol.
        view: what is known of their markets and sessions.
        gate: the pre-trade controls.
        orders: the book of orders.
        costs: fees and taxes of fills.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        view: MarketView,
        gate: Gate,
        orders: Orders,
        costs: Costs,
    ) -> None:
        self.instruments = instruments
        self.view = view
        self.gate = gate
        self.orders = orders
        self.costs = costs
        self.portfolio = Portfolio()
        self.exits = Exits()
        self.market_seq = 0
        self._own_k = (0, TRADER_K)
        self._states: dict[str, bytes] = {}
        self._settings: dict[str, dict[str, Configured]] = {}
        self._strategies: set[str] = set()
        self._spreads = frozenset(symbol for symbol, item in instruments.items() if item.is_spread)

    def handle(self, message: AnyMessage, now: int) -> Sequence[AnyMessage]:
        """Handles one input; what it says must be kept before it leaves."""
        if isinstance(message, Tick):
            return self._tick(message, now)
        said: Said = []
        match message:
            case Intent():
                self._intent(message, now, said)
            case Revoke():
                self._revoke(message, now, said)
            case Filled():
                self._filled(message, said)
            case Accepted() | Rejected() | Canceled() | Expired():
                self._report(message, said)
            case Quote():
                self.market_seq += 1
            case SessionEnded():
                self._session_ended(message, said)
            case Ready():
                self._strategies.add(message.source)
                said.append(self._restored(message.source))
                said += [
                    plan.moved(now) for plan in self.exits.plans() if plan.intent.strategy == message.source
                ]
            case Command() if message.strategy not in self._strategies:
                names = ", ".join(sorted(self._strategies)) or "none"
                reason = f"there is no strategy {message.strategy!r} here; running: {names}"
                said.append(CommandRefused(message.flow, message.strategy, now, reason))
            case Saved():
                self._states[message.strategy] = message.state
            case Configured():
                self._configured(message)
            case _:
                pass  # Timers, gaps and answers move nothing here: the stream alone carries them on.
        return said

    def _tick(self, tick: Tick, now: int) -> Sequence[AnyMessage]:
        low_ticks, high_ticks = self.view.band(tick.symbol)
        if tick.price_ticks <= 0 and tick.symbol not in self._spreads:
            return (BadTick(tick.symbol, now, tick.price_ticks, "a price of zero or less is no trade"),)
        if high_ticks and not low_ticks <= tick.price_ticks <= high_ticks:
            reason = f"outside the day's limits {low_ticks}..{high_ticks}"
            return (BadTick(tick.symbol, now, tick.price_ticks, reason),)
        self.market_seq += 1
        self.view.on_tick(tick.symbol, now, tick.price_ticks)
        if not self.orders.held and not self.exits.watches(tick.symbol):
            return ()
        said: Said = []
        self._fire_stops(tick, now, said)
        for plan in self.exits.reached(tick.symbol, tick.price_ticks):
            self._exit(plan, now, said)
        return said

    def exposure(self, symbol: str, now: int) -> Exposure:
        """What the gate may know of an instrument and our stake in it."""
        low_ticks, high_ticks = self.view.band(symbol)
        return Exposure(
            now=now,
            position=self.portfolio.net(symbol),
            working_buy=self.orders.working(symbol, Side.BUY) + self.exits.pending(symbol, Side.BUY),
            working_sell=self.orders.working(symbol, Side.SELL) + self.exits.pending(symbol, Side.SELL),
            last_ticks=self.view.last(symbol) or 0,
            last_at=self.view.last_at(symbol) or 0,
            session_open=self.view.accepts_orders(symbol, now),
            low_ticks=low_ticks,
            high_ticks=high_ticks,
        )

    def _intent(self, intent: Intent, now: int, said: Said, *, exits: bool = False) -> Placed | None:
        self.market_seq = max(
            self.market_seq, intent.cause_seq
        )  # After a restart its strategy may have heard more.
        if intent.symbol not in self.instruments:
            reason = f"{intent.symbol} is not traded by this book"
            said.append(Refused(intent.strategy, intent.cause_seq, intent.k, now, "symbol", 1, 0, reason))
            return None
        verdict = self.gate.check(intent, self.exposure(intent.symbol, now), exits=exits)
        if isinstance(verdict, Refused):
            said.append(verdict)
            return None
        placed = self.orders.place(verdict, now)
        said.append(placed)
        if placed.status is Status.SENT:
            said.append(_submit(placed.client_id, intent, intent.type, now))
        return placed

    def _revoke(self, revoke: Revoke, now: int, said: Said) -> None:
        order = self.orders.decided(revoke.strategy, revoke.order_seq, revoke.order_k)
        if order is None:
            reason = f"decision {revoke.order_seq}.{revoke.order_k} made no order that could be canceled"
            said.append(Refused(revoke.strategy, revoke.cause_seq, revoke.k, now, "cancel", 1, 0, reason))
        elif order.status is Status.HELD:
            self.orders.hear(order, Event.CANCELED)
            said.append(_changed(order, now, "asked to"))
        elif order.left:
            said.append(Cancel(order.client_id, now, order.intent.symbol))
        else:
            said.append(_changed(order, now, "it was over before"))

    def _fire_stops(self, tick: Tick, now: int, said: Said) -> None:
        session = self.view.session(tick.symbol, now)
        if session is None:
            return
        for order in tuple(self.orders.held.values()):
            intent = order.intent
            if intent.symbol != tick.symbol:
                continue
            if not session.accepts_from <= intent.at < session.ends_at:
                # News of its session's end was lost, or came while we were away.
                self.orders.hear(order, Event.EXPIRED)
                said.append(_changed(order, now, "its session has ended"))
            elif (tick.price_ticks - intent.stop_ticks) * intent.side >= 0:
                self.orders.hear(order, Event.FIRED)
                said.append(_changed(order, now, f"a trade at {tick.price_ticks} fired it"))
                kind = OrderType.MARKET if intent.type is OrderType.STOP else OrderType.LIMIT
                said.append(_submit(order.client_id, intent, kind, now))

    def _exit(self, plan: Plan, now: int, said: Said) -> None:
        """Sends what a fired plan still has open, as a decision of the trader's own."""
        entry = plan.intent
        seq, k = self._own_k
        k = k + 1 if seq == self.market_seq else TRADER_K
        self._own_k = (self.market_seq, k)
        intent = Intent(
            strategy=entry.strategy,
            cause_seq=self.market_seq,
            k=k,
            at=now,
            symbol=entry.symbol,
            side=entry.side.opposite,
            qty=self.exits.due(plan),
            type=OrderType.MARKET,
            tif=TimeInForce.IOC,
            day_trade=entry.day_trade,
            leg=entry.leg,
            closes_seq=entry.cause_seq,
            closes_k=entry.k,
        )
        said.append(plan.moved(now))
        if self._intent(intent, now, said, exits=True) is not None:
            self.exits.leaving(intent, intent.qty)

    def _order_of(self, report: Report, said: Said) -> Order | None:
        order = self.orders.get(report.client_id)
        if order is None:
            reason = f"{type(report).__name__} for an order that is not in the book"
            said.append(Stray(report.client_id, report.at, reason))
        elif order.status is Status.HELD:
            reason = f"{type(report).__name__} for a stop that was never sent"
            said.append(Stray(report.client_id, report.at, reason))
            return None
        return order

    def _filled(self, report: Filled, said: Said) -> None:
        order = self._order_of(report, said)
        if order is None:
            return
        intent, left = order.intent, order.left
        if (report.symbol, report.side) != (intent.symbol, intent.side):
            reason = f"fill {report.fill_id} is of {report.side.word} {report.symbol}, and the order is not"
            said.append(Stray(report.client_id, report.at, reason))
            return
        if not self.orders.fill(order, report):  # We have heard this fill before.
            return
        fee, tax = self.costs.of(self.instruments[intent.symbol], report.price_ticks, report.qty)
        before = self.portfolio.position(intent.strategy, intent.symbol)
        position = self.portfolio.apply(
            intent.strategy, intent.symbol, intent.side, report.qty, report.price_ticks, fee, tax
        )
        said.append(
            Traded(
                client_id=order.client_id,
                strategy=intent.strategy,
                order_seq=intent.cause_seq,
                order_k=intent.k,
                n=order.fills,
                at=report.at,
                symbol=intent.symbol,
                side=intent.side,
                qty=report.qty,
                price_ticks=report.price_ticks,
                fee=fee,
                tax=tax,
                position=position,
                fill_id=report.fill_id,
            )
        )
        self._cover(order, report, pnl.opening_part(before, intent.side, report.qty), said)
        self._free_exit(order, left)
        said.append(_changed(order, report.at, ""))

    def _cover(self, order: Order, report: Filled, opening: int, said: Said) -> None:
        """Moves the exit plans with a fill: what it opened is covered, what it closed is not covered any more.

        An entry that carries a plan has a lot of its own, whatever else its strategy holds: the conditions of both
        sides of one contract stay independent.
        """
        intent = order.intent
        touched: list[Plan] = []
        if intent.closes_k:
            own = self.exits.plan(intent.strategy, intent.closes_seq, intent.closes_k)
            closed = 0 if own is None else min(own.open_qty, report.qty)
            if own is not None:
                self.exits.close(own, closed)
                touched.append(own)
            touched += self.exits.close_oldest(
                intent.strategy, intent.symbol, intent.side, report.qty - closed
            )
        elif intent.exit is not None:
            touched.append(self.exits.open(intent, intent.exit, report.qty, order.average_ticks))
        else:
            closing = report.qty - opening
            touched += self.exits.close_oldest(intent.strategy, intent.symbol, intent.side, closing)
        said += [plan.moved(report.at) for plan in touched]

    def _report(self, report: Accepted | Rejected | Canceled | Expired, said: Said) -> None:
        order = self._order_of(report, said)
        if order is None:
            return
        if isinstance(report, Rejected) and report.of_cancel:
            said.append(_changed(order, report.at, report.reason))  # It says nothing of the order itself.
            return
        left = order.left
        untraded = report.left if isinstance(report, (Canceled, Expired)) else None
        if not self.orders.hear(order, _EVENTS[type(report)], untraded):
            return
        said.append(_changed(order, report.at, getattr(report, "reason", "")))
        self._free_exit(order, left)

    def _free_exit(self, order: Order, left_before: int) -> None:
        """What an exit order will not fill any more frees its plan to be decided again."""
        if order.intent.closes_k:
            self.exits.leaving(order.intent, order.left - left_before)

    def _session_ended(self, ended: SessionEnded, said: Said) -> None:
        """Stops that the trader holds are void with their session, as the exchange's own orders are."""
        for order in tuple(self.orders.held.values()):
            if order.intent.symbol == ended.symbol:
                self.orders.hear(order, Event.EXPIRED)
                said.append(_changed(order, ended.at, "the session ended"))

    def _configured(self, message: Configured) -> None:
        settings = self._settings.setdefault(message.strategy, {})
        if message.verb == "remove":
            settings.pop(message.name, None)
        else:
            settings[message.name] = message

    def configured(self, strategy: str) -> Mapping[str, Configured]:
        """What people have set, by name."""
        return self._settings.get(strategy, {})

    def _restored(self, strategy: str) -> Restored:
        alive = [order for order in self.orders.alive() if order.intent.strategy == strategy]
        return Restored(
            strategy=strategy,
            cause_seq=self.market_seq,
            state=self._states.get(strategy, b""),
            configured=tuple(self._settings.get(strategy, {}).values()),
            placed=tuple(Placed(order.client_id, order.status, order.intent) for order in alive),
            changed=tuple(_changed(order, 0, "") for order in alive),
            positions={symbol: self.portfolio.position(strategy, symbol) for symbol in self.instruments},
        )

    def fold(self, message: AnyMessage) -> None:
        """Takes a recorded fact back in. Decides nothing: new code might decide otherwise."""
        match message:
            case Placed():
                self.orders.enter(message)
                self.gate.remember(message.intent, message.intent.at)
                self.market_seq = max(self.market_seq, message.intent.cause_seq)
            case Refused():
                self.market_seq = max(self.market_seq, message.cause_seq)
            case OrderChanged():
                self.orders.restore(message)
            case Traded():
                self.orders.restore_fill(message)
                self.portfolio.apply(
                    message.strategy,
                    message.symbol,
                    message.side,
                    message.qty,
                    message.price_ticks,
                    message.fee,
                    message.tax,
                )
            case ExitMoved():
                entry = self.orders.decided(message.strategy, message.order_seq, message.order_k)
                if entry is not None:
                    self.exits.restore(entry.intent, message)
            case Saved():
                self._states[message.strategy] = message.state
            case Configured():
                self._configured(message)
            case _:
                pass  # Everything else in the journal is input, whose consequences are recorded beside it.

    def recovered(self, now: int) -> Sequence[AnyMessage]:
        """All is folded. Orders that were sent and never answered for are in doubt, and are said to be."""
        self.market_seq += 1
        said: Said = []
        for order in self.orders.alive():
            if order.intent.closes_k:
                self.exits.leaving(order.intent, order.left)
            if order.status is Status.SENT and self.orders.hear(order, Event.DOUBTED):
                said.append(_changed(order, now, "no answer before the restart"))
        return said


def _submit(client_id: str, intent: Intent, kind: OrderType, now: int) -> Submit:
    market = kind is OrderType.MARKET or kind is OrderType.MWP
    return Submit(
        client_id=client_id,
        at=now,
        symbol=intent.symbol,
        side=intent.side,
        qty=intent.qty,
        type=kind,
        price_ticks=0 if market else intent.price_ticks,
        tif=TimeInForce.IOC if market and intent.tif is TimeInForce.ROD else intent.tif,
        open_close=intent.open_close,
        day_trade=intent.day_trade,
    )


def _changed(order: Order, at: int, reason: str) -> OrderChanged:
    intent = order.intent
    return OrderChanged(
        client_id=order.client_id,
        strategy=intent.strategy,
        order_seq=intent.cause_seq,
        order_k=intent.k,
        at=at,
        symbol=intent.symbol,
        status=order.status,
        filled=order.filled,
        left=order.left,
        reason=reason,
    )
