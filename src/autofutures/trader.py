"""The sentence: an intent passes the gate, enters the book and leaves as an order; a report moves what we hold.

Everything that happens to money happens here: the book of orders, positions, exit plans.
"""

from collections.abc import Mapping, Sequence

import msgspec

from autofutures.domain.instrument import Instrument, instrument
from autofutures.domain.messages import (
    TRADER_K,
    Accepted,
    AnyMessage,
    Bad,
    BadQuote,
    BadTick,
    Beat,
    BookKept,
    BookMode,
    BookStop,
    Cancel,
    Canceled,
    CloseLot,
    Command,
    Configured,
    ExitMoved,
    Expired,
    Filled,
    Gap,
    Intent,
    Killed,
    Leave,
    LedgerKept,
    LinkChanged,
    OrderChanged,
    OrderKept,
    Placed,
    Quote,
    RangeKept,
    Ready,
    Reconciled,
    Refused,
    Rejected,
    Restored,
    Revoke,
    Saved,
    SessionEnded,
    Snapshot,
    Submit,
    Tick,
    Traded,
)
from autofutures.domain.order_life import Event, Status
from autofutures.domain.units import Mode, OrderType, Side
from autofutures.market import day_changes
from autofutures.market.quotes import is_sound
from autofutures.market.view import MarketView
from autofutures.orders.account import OUTSIDE, Account
from autofutures.orders.book import Order, Orders
from autofutures.orders.calm import NOWHERE, Calm
from autofutures.orders.commands import Commands
from autofutures.orders.cover import Cover, uncovered
from autofutures.orders.doubt import Doubts
from autofutures.orders.exit_desk import ExitDesk
from autofutures.orders.expiry import Expiries
from autofutures.orders.inquiry import Inquiry
from autofutures.orders.leaving import market_order, submit_of
from autofutures.orders.policy import Policy
from autofutures.orders.risk_desk import RiskDesk
from autofutures.orders.settlement import Final, settle
from autofutures.orders.shutdown import STOPPED, Shutdown
from autofutures.orders.stake import Stake
from autofutures.portfolio.costs import Costs
from autofutures.risk.base import Exposure
from autofutures.risk.gate import Gate

Said = list[AnyMessage]


class Trader:
    """One book's trader.

    Args:
        instruments: everything that may be traded, by symbol. What else the book's facts are of is known too, and
            only closed.
        view: what is known of their markets and sessions.
        gate: the pre-trade controls.
        orders: the book of orders.
        costs: fees and taxes of fills.
        policy: how long it waits for the venue's word, and whether it asks.
        name: of this life, for the ids of its queries.
        covers: how each strategy's open lots are covered.
        finals: when the contracts end that are settled here, by symbol.
    """

    def __init__(  # noqa: PLR0913 - the trader is where everything meets
        self,
        instruments: Mapping[str, Instrument],
        view: MarketView,
        gate: Gate,
        orders: Orders,
        costs: Costs,
        *,
        policy: Policy | None = None,
        name: str = "q",
        covers: Mapping[str, Cover] | None = None,
        finals: Mapping[str, Final] | None = None,
    ) -> None:
        self.instruments = dict(instruments)
        self._traded = frozenset(instruments)
        self._finals = dict(finals or {})
        self._left_over: list[str] = []
        self.view = view
        self.gate = gate
        self.policy = policy or Policy()
        doubts = Doubts(self.policy, name)
        self.covers = dict(covers or {})
        limits = {name: cover.book_stop for name, cover in self.covers.items() if cover.exits == "own"}
        self.account = Account(self.instruments, orders, costs, doubts, limits)
        self.orders, self.portfolio, self.exits = orders, self.account.portfolio, self.account.exits
        self.inquiry = Inquiry(self.account, doubts, self.policy, view)
        expiries = Expiries(view, self.policy.flat_before_expiry_ns)
        self.desk = ExitDesk(self.account, view, self._decide, expiries)
        self.risk = RiskDesk(self.account, view, lambda: self.gate, self.desk, self.inquiry.standing)
        self.stake = Stake(self.account, view, self.desk, self.inquiry.standing, self.covers, self.risk)
        self.leaving = Shutdown(self.account, view, self.desk)
        self.market_seq = 0
        self._own_k = (0, TRADER_K)
        self._newest: dict[str, tuple[int, int]] = {}
        self._states: dict[str, bytes] = {}
        self._settings: dict[str, dict[str, Configured]] = {}
        self.commands = Commands(view, self.desk, self.risk, self.inquiry, self.fold)
        self.calm: dict[str, Calm] = {}

    def handle(self, message: AnyMessage, now: int) -> Sequence[AnyMessage]:
        """Handles one input; what it says must be kept before it leaves."""
        if now >= self.risk.rolls_at and type(message) is not Ready:  # What that is told, nobody writes down.
            return self._begin_day(message, now)
        if type(message) is Tick:
            return self._tick(message, now)
        if isinstance(message, Quote):
            return self._quote(message, now)
        said: Said = []
        self.account.now = now
        self.calm.clear()
        match message:
            case Intent():
                self._hear_decision(message)
                self._intent(message, now, said)
            case Revoke():
                self._hear_decision(message)
                self._revoke(message, now, said)
            case CloseLot():
                self._hear_decision(message)
                self.desk.close(message, now, said)
            case Ready():
                self._welcome(message.source, now, said)
            case Command():
                self.commands.hear(message, now, said)
            case Leave():
                self.leaving.hear(message, now, said)
            case Saved():
                self._states[message.strategy] = message.state
            case Configured():
                self._configured(message)
            case _:
                self._from_venue(message, now, said)
        return self.risk.after(said, now) if said else said

    def _welcome(self, strategy: str, now: int, said: Said) -> None:
        """A strategy begins: it hears what was kept, where its plans stand, and what people said to everybody."""
        self.commands.strategies.add(strategy)
        plans = [plan for plan in self.exits.plans() if plan.intent.strategy == strategy]
        said += [self._restored(strategy), *(plan.moved(now) for plan in plans)]
        said += self.configured("").values()

    def _begin_day(self, message: AnyMessage, now: int) -> Sequence[AnyMessage]:
        """The first input of a trading day."""
        begun = self.risk.begin_day(now)
        said = self.handle(message, now)
        if said and isinstance(said[0], Bad):  # It is looked for at the head of what is said.
            return [*said, *begun]
        return [*begun, *said] if begun else said

    def _from_venue(self, message: AnyMessage, now: int, said: Said) -> None:
        """What the venue and its link say, and how much time passes without a word of theirs."""
        match message:
            case Accepted() | Rejected() | Filled() | Canceled() | Expired():
                self.account.hear(message, said)
                self.inquiry.heard(message, now, said)
            case Beat():
                if self._left_over and self.policy.reconciles:
                    self.inquiry.unheard(self.stake.unheard(self._left_over), now, said)
                self.inquiry.beat(message, now, said)
                self.desk.hear_time(now, said)
            case Snapshot():
                self.inquiry.compare(message, now, said)
                self._flatten_outside(now, said)
            case LinkChanged():
                self.inquiry.link(message, now, said)
                self.risk.link(message, said)
                if message.up:
                    self.desk.link_is_back(now, said)
            case Killed():
                self.inquiry.killed(message, now, said)
            case Gap():
                self.inquiry.soon(now)  # What was lost may have been a report.
            case SessionEnded():
                self._session_ended(message, said)
                self.inquiry.session_ended(message, now)
            case _:
                pass  # Timers and answers move nothing here: the stream alone carries them on.

    def _tick(self, tick: Tick, now: int) -> Sequence[AnyMessage]:
        symbol, price_ticks = tick.symbol, tick.price_ticks
        calm = self.calm.get(symbol)
        if calm and calm.low_ticks < price_ticks < calm.high_ticks and calm.since <= now < calm.until:
            self.market_seq += 1
            calm.seen.at = now
            calm.seen.price_ticks = price_ticks
            return ()
        seen = self.view.of(symbol)
        flaw = seen.flaw(price_ticks, now)
        if flaw:
            return (BadTick(symbol, now, price_ticks, flaw),)
        self.market_seq += 1
        seen.at = now
        seen.price_ticks = price_ticks
        return self._priced(symbol, price_ticks, "a trade", now)

    def _quote(self, quote: Quote, now: int) -> Sequence[AnyMessage]:
        """A quote moves no stop and no exit, but where no trade was ever heard and it is all that there is."""
        symbol, sides = quote.symbol, (quote.bid_ticks, quote.bid_qty, quote.ask_ticks, quote.ask_qty)
        if not is_sound(*sides, self.view.of(symbol).lowest_ticks):
            reason = "its bid must be below its offer, and both above zero"
            return (BadQuote(symbol, now, *sides, reason),)
        self.market_seq += 1
        price_ticks = self.view.on_quote(quote, now)
        return () if price_ticks is None else self._priced(symbol, price_ticks, "a quote", now)

    def _priced(self, symbol: str, price_ticks: int, what: str, now: int) -> Sequence[AnyMessage]:
        """The market is at a price: stops and exits that it reaches leave."""
        low_ticks, high_ticks = NOWHERE if self.orders.held else self.desk.quiet(symbol)
        if low_ticks < price_ticks < high_ticks:
            if self.risk.watched:
                return self.risk.priced(symbol, now)
            self.calm[symbol] = Calm(self.view.of(symbol), low_ticks, high_ticks, now)
            return ()
        self.calm.clear()
        said: Said = []
        self._fire_stops(symbol, price_ticks, what, now, said)
        self.desk.hear_trade(symbol, price_ticks, now, said)
        self.risk.after(said, now)
        return [*said, *self.risk.priced(symbol, now)]

    def uncovered(self) -> int:
        """Open lots that nothing would close: 0 in health."""
        return uncovered(self.portfolio, self.exits, self.covers)

    def exposure(self, symbol: str, now: int, strategy: str = "") -> Exposure:
        """What the gate may know of an instrument and our stake in it."""
        return self.stake.exposure(symbol, now, strategy, self.gate)

    def _hear_decision(self, decision: Intent | Revoke | CloseLot) -> None:
        """Keeps how far its strategy has numbered; after a restart of ours it may have heard more of the market."""
        self.market_seq = max(self.market_seq, decision.cause_seq)
        number = (decision.cause_seq, decision.k)
        self._newest[decision.strategy] = max(self._newest.get(decision.strategy, number), number)

    def _intent(self, intent: Intent, now: int, said: Said, *, exits: bool = False) -> Placed | None:
        over, symbols = self.leaving.over, self.instruments if exits else self._traded
        if over or intent.symbol not in symbols:
            rule, reason = STOPPED if over else ("symbol", f"{intent.symbol} is not traded by this book")
            said.append(Refused(intent.strategy, intent.cause_seq, intent.k, now, rule, 1, 0, reason))
            return None
        verdict = self.gate.check(intent, self.exposure(intent.symbol, now, intent.strategy), exits=exits)
        if isinstance(verdict, Refused):
            said.append(verdict)
            return None
        placed = self.orders.place(verdict, now)
        said.append(placed)
        if placed.status is Status.SENT:
            self._send(placed.client_id, intent, intent.type, now, said)
        return placed

    def _send(self, client_id: str, intent: Intent, kind: OrderType, now: int, said: Said) -> None:
        submit = submit_of(client_id, intent, kind, now, now + self.policy.decision_ns)
        self.orders.left_for_venue(submit)
        said.append(submit)

    def _revoke(self, revoke: Revoke, now: int, said: Said) -> None:
        order = self.orders.decided(revoke.strategy, revoke.order_seq, revoke.order_k)
        if order is None:
            reason = f"decision {revoke.order_seq}.{revoke.order_k} made no order that could be canceled"
            said.append(Refused(revoke.strategy, revoke.cause_seq, revoke.k, now, "cancel", 1, 0, reason))
        elif order.status is Status.HELD:
            self.orders.hear(order, Event.CANCELED)
            said.append(order.changed(now, "asked to"))
        elif order.left:
            self.account.cancel(order, now, said)
        else:
            said.append(order.changed(now, "it was over before"))

    def _fire_stops(self, symbol: str, price_ticks: int, what: str, now: int, said: Said) -> None:
        session = self.view.session(symbol, now)
        if session is None or self.leaving.over:
            return
        for order in tuple(self.orders.held.values()):
            intent = order.intent
            if intent.symbol != symbol:
                continue
            if not session.accepts_from <= intent.at < session.ends_at:
                # News of its session's end was lost, or came while we were away.
                self.orders.hear(order, Event.EXPIRED)
                said.append(order.changed(now, "its session has ended"))
            elif (price_ticks - intent.stop_ticks) * intent.side >= 0:
                self._fire(order, f"{what} at {price_ticks}", now, said)

    def _fire(self, order: Order, why: str, now: int, said: Said) -> None:
        """A stop leaves, unless the book has learnt since it was placed that nothing may be opened now."""
        intent = order.intent
        exposure = self.exposure(intent.symbol, now, intent.strategy)
        halts = tuple(f"{halt.control} has halted" for halt in exposure.halts)
        known = exposure.reasons or halts
        doubt = known or (("an order's outcome is not known",) if exposure.unknown else ())
        reduces = exposure.reduces_by(intent.side, 0)  # Its own contracts are among those at work.
        if exposure.mode is Mode.HALTED or (doubt and not reduces):
            self.orders.hear(order, Event.EXPIRED)
            said.append(order.changed(now, f"{why} reached it, and it is not sent: {', '.join(doubt)}"))
            return
        self.orders.hear(order, Event.FIRED)
        said.append(order.changed(now, f"{why} fired it"))
        kind = OrderType.MARKET if intent.type is OrderType.STOP else OrderType.LIMIT
        self._send(order.client_id, intent, kind, now, said)

    def _decide(self, intent: Intent, now: int, said: Said) -> Placed | None:
        """An order of the trader's own, which only ever reduces: it gets its number here."""
        numbered = msgspec.structs.replace(intent, cause_seq=self.market_seq, k=self._next_k())
        return self._intent(numbered, now, said, exits=True)

    def _next_k(self) -> int:
        """Numbers the trader's own decisions since the last market event."""
        seq, k = self._own_k
        k = k + 1 if seq == self.market_seq else TRADER_K
        self._own_k = (self.market_seq, k)
        return k

    def _flatten_outside(self, now: int, said: Said) -> None:
        """What strangers hold in our account is closed, where that is the policy."""
        for symbol, position in self.inquiry.to_flatten():
            side = Side.SELL if position > 0 else Side.BUY
            self._decide(market_order(OUTSIDE, symbol, side, abs(position), now), now, said)

    def _session_ended(self, ended: SessionEnded, said: Said) -> None:
        """Stops that the trader holds are void with their session, as the exchange's own orders are."""
        for order in tuple(self.orders.held.values()):
            if order.intent.symbol == ended.symbol:
                self.orders.hear(order, Event.EXPIRED)
                said.append(order.changed(ended.at, "the session ended"))
        final = self._finals.get(ended.symbol)
        if final is not None and final.is_of(ended):
            settle(self.account, ended, final.price_ticks or self.view.last(ended.symbol) or 0, said)

    def _configured(self, message: Configured) -> None:
        settings = self._settings.setdefault(message.strategy, {})
        if message.verb == "reset":
            return  # The trader's own: its strategy never hears of it.
        settings[message.name] = message
        if day_changes.apply(message, self.view):
            self.risk.calendar_changed()

    def configured(self, strategy: str) -> Mapping[str, Configured]:
        """What people have said last, by name; a removal too, for the settings file may still have what is gone."""
        return self._settings.get(strategy, {})

    def _restored(self, strategy: str) -> Restored:
        alive = [order for order in self.orders.alive() if order.intent.strategy == strategy]
        newest_seq, newest_k = self._newest.get(strategy, (0, 0))
        return Restored(
            strategy=strategy,
            cause_seq=self.market_seq,
            state=self._states.get(strategy, b""),
            configured=tuple(fact for fact in self.configured(strategy).values() if fact.verb != "remove"),
            placed=tuple(Placed(order.client_id, order.status, order.intent) for order in alive),
            changed=tuple(order.changed(0, "") for order in alive),
            positions={symbol: self.portfolio.position(strategy, symbol) for symbol in self.instruments},
            k=newest_k if newest_seq == self.market_seq else 0,
        )

    def _know(self, symbol: str) -> None:
        """A fact is of this symbol: the book must be able to hold and close it, though the run may not trade it."""
        if symbol in self.instruments:
            return
        item = self.instruments[symbol] = instrument(symbol)
        self.view.add_instrument(item)
        self._left_over.append(symbol)

    def fold(self, message: AnyMessage) -> None:
        """Takes a recorded fact back in. Decides nothing: new code might decide otherwise."""
        self.risk.fold(message)
        self.leaving.fold(message)
        match message:
            case Placed():
                self._know(message.intent.symbol)
                self.orders.enter(message)
                self.gate.remember(message.intent, message.intent.at)
                self.market_seq = max(self.market_seq, message.intent.cause_seq)
            case Refused():
                self.market_seq = max(self.market_seq, message.cause_seq)
            case OrderChanged():
                self.orders.restore(message)
            case Submit():
                self.orders.left_for_venue(message)
            case Cancel():
                self.account.cancel_recorded(message)
            case Traded():
                self._know(message.symbol)
                self.account.fold_fill(message)
            case BookStop():
                self.account.stops.restore(message, self.portfolio.ledger(message.strategy, message.symbol))
            case ExitMoved():
                entry = self.orders.decided(message.strategy, message.order_seq, message.order_k)
                if entry is not None:
                    self.exits.restore(entry.intent, message)
            case Saved():
                self._states[message.strategy] = message.state
            case Configured():
                self._configured(message)
            case _:
                self._fold_kept(message)

    def _fold_kept(self, message: AnyMessage) -> None:
        """Takes back in what a comparison or a snapshot keeps."""
        match message:
            case BookMode():
                self.inquiry.standing.recorded = message
            case Reconciled():
                self.inquiry.restore_ignored(message.ignored)
            case BookKept():
                self.market_seq = max(self.market_seq, message.market_seq)
                self._states.clear()
                self._settings.clear()
                self.account.fold_head(message)
                self.inquiry.standing.recorded = None
                self.inquiry.restore_ignored(message.ignored)
            case LedgerKept():
                self._know(message.symbol)
                self.account.fold_ledger(message)
            case OrderKept():
                self._know(message.intent.symbol)
                if self.orders.restore_kept(message):
                    self.gate.remember(message.intent, message.intent.at)
            case RangeKept():
                self.exits.ranges.restore_kept(message)
            case _:
                pass  # Everything else in the journal is input, whose consequences are recorded beside it.

    def facts(self, now: int, *, whole: bool = True) -> Sequence[AnyMessage]:
        """A snapshot: facts whose fold is this trader.

        Where it is not `whole` it adds to the one before it in this life: of orders and fills it has what changed
        since, so that it costs little while orders are on their way. A whole one forgets here, too, what is over and
        old, so that both stay one.
        """
        if whole:
            self.account.forget()
        fills, ignored = self.orders.kept_fills(whole=whole), self.inquiry.ignored()
        head = BookKept(now, self.market_seq, fills, self.orders.forgotten_at, ignored)
        facts = list(self.account.facts(now, whole=whole))
        saved = [Saved(strategy, now, state) for strategy, state in self._states.items()]
        settings = [fact for settings in self._settings.values() for fact in settings.values()]
        halted, leaving = self.inquiry.standing.kept(), self.leaving.kept()
        return [head, *facts, *halted, *leaving, *saved, *settings, *self.risk.state.kept(now)]

    def recovered(self, now: int) -> Sequence[AnyMessage]:
        """All is folded. Orders that were sent and never answered for are in doubt, and are said to be."""
        self.market_seq += 1
        said: Said = []
        self.inquiry.recovered()
        for order in self.orders.alive():
            self.account.free_exit(order)
            if order.status is Status.SENT and self.orders.hear(order, Event.DOUBTED):
                said.append(order.changed(now, "no answer before the restart"))
        return said
