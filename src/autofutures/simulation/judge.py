"""The judge of a simulation: keeps the exchange's own ledger, and says which promise of the house was broken.

It believes the exchange and the journal, never the trader. Every broken promise is raised, with its figures.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from autofutures.assemble.nodes import calendar_of, last_day_of, make_trader
from autofutures.bus.codec import CONTROL
from autofutures.config import RunSettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    AnyMessage,
    Cancel,
    Canceled,
    Configured,
    Envelope,
    Expired,
    Filled,
    Gap,
    Intent,
    OrderChanged,
    Placed,
    Refused,
    Rejected,
    Report,
    Request,
    Restored,
    Revoke,
    Saved,
    Stray,
    Submit,
    Traded,
)
from autofutures.domain.units import Side
from autofutures.market.sessions import Session
from autofutures.orders.book import HELD_TYPES, Order
from autofutures.risk.position import reach
from autofutures.storage.journal import Journal
from autofutures.trader import Trader

Key = tuple[str, int, int]
"""A decision: (strategy, cause_seq, k)."""

WHOLE_EVERY = 64
"""After so many batches the whole book is compared, not only what the batch touched."""


class AtExchange(msgspec.Struct):
    """An order as the exchange knows it; `working` contracts may still trade, `cost` is ticks × contracts."""

    submit: Submit
    working: int
    filled: int = 0
    cost: int = 0


def book_of(trader: Trader) -> dict[str, object]:
    """All of a trader that money depends on, in a form that two traders can be compared by."""
    orders = trader.orders
    return {
        "ledgers": [
            (strategy, symbol, ledger.position, ledger.cost, ledger.realised, ledger.fees, ledger.tax)
            for strategy, symbol, ledger in trader.portfolio.ledgers()
        ],
        "orders": [order_of(order) for order in orders.alive()],
        "working": [(symbol, orders.working(symbol, side)) for symbol in trader.instruments for side in Side],
        "held": sorted(orders.held),
        "plans": [
            (plan.key, plan.open_qty, plan.take_profit_ticks, plan.stop_ticks, plan.reason)
            for plan in trader.exits.plans()
        ],
    }


def order_of(order: Order | None) -> object:
    """An order's account, in a form that can be compared."""
    return order and (order.client_id, order.status, order.filled, order.fills, order.cost, order.left)


class Continuity:
    """Watches what one process hears from its peers: every number is there, or a gap says that it is not."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], int] = {}

    def heard(self, envelopes: Iterable[Envelope]) -> None:
        """What an inbox let in, in order.

        Raises:
            BrokenInvariant: something was lost in silence, or heard twice.
        """
        for envelope in envelopes:
            body = envelope.body
            if isinstance(body, CONTROL):
                continue
            life = (envelope.source, envelope.epoch)
            number = self._last.get(life, 0) + 1
            if isinstance(body, Gap) and body.source == envelope.source and envelope.seq != number:
                number += body.missed - 1
            elif envelope.seq != number:
                raise BrokenInvariant(f"{envelope} was heard where number {number} of {life} was due")
            self._last[life] = number


class Judge:
    """Watches one house.

    Args:
        run: what the house was made from; its position limit is the one that counts.
    """

    def __init__(self, run: RunSettings) -> None:
        self._limit = run.limits["position"]["max_contracts"]
        self._shadow = make_trader(run)
        self._symbols = run.symbols
        self._calendar = calendar_of(run)
        self._placed: dict[str, Intent] = {}
        self._written: set[str] = set()
        self._decisions: set[Key] = set()
        self._heard: set[str] = set()
        self._fills: Counter[str] = Counter()
        self._planned: Counter[tuple[str, str, Side]] = Counter()
        self._exited: Counter[Key] = Counter()
        self._bare: Counter[tuple[str, str, Side]] = Counter()
        self._batches = 0
        self._working: Counter[tuple[str, Side]] = Counter()
        self.exchange: dict[str, AtExchange] = {}
        self.positions: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def kept(self, trader: Trader, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """A batch is in the journal: what the trader is now must be what its journal says."""
        for message in inputs:
            self._never_silent(trader, message, outputs)
            if isinstance(message, (Saved, Configured)):
                self._shadow.fold(message)
        for message in outputs:
            self._fold(message)
        if not outputs:
            return
        self._batches += 1
        if self._batches % WHOLE_EVERY == 0:
            self.same_book(trader, "the live trader")
        for message in outputs:
            if isinstance(message, OrderChanged):
                self._same_order(trader, message.client_id)
        for symbol in self._symbols:
            self._same_position(trader, symbol)
        self._exits(trader)

    def _fold(self, message: AnyMessage) -> None:
        match message:
            case Placed():
                intent = message.intent
                key = (intent.strategy, intent.cause_seq, intent.k)
                if key in self._decisions:
                    raise BrokenInvariant(f"decision {key} was placed twice, the second time as {message}")
                self._decisions.add(key)
                self._placed[message.client_id] = intent
                self.counts["orders"] += 1
            case Submit():
                self._written.add(message.client_id)
            case Traded():
                self._cover(message)
                self.counts["fills"] += 1
            case Refused():
                self.counts["refused"] += 1
            case _:
                pass  # The shadow trader below compares the rest.
        self._shadow.fold(message)

    def _cover(self, traded: Traded) -> None:
        """Counts what plans ought to cover (entries that carry one, less exits), and what trades without."""
        intent, qty = self._placed[traded.client_id], traded.qty
        where = (intent.strategy, intent.symbol)
        if intent.closes_k:
            self._planned[*where, intent.side.opposite] -= qty
            self._exited[intent.strategy, intent.closes_seq, intent.closes_k] += qty
        elif intent.exit is not None:
            self._planned[*where, intent.side] += qty
        else:
            self._bare[*where, intent.side.opposite] += qty

    def _never_silent(self, trader: Trader, message: AnyMessage, outputs: Sequence[AnyMessage]) -> None:
        """Whatever asks for something, or reports something new, has an answer in the same batch."""
        answered = True
        match message:
            case Intent():
                key = (message.strategy, message.cause_seq, message.k)
                answered = any(_decision_of(output) == key for output in outputs)
            case Revoke():
                order = trader.orders.decided(message.strategy, message.order_seq, message.order_k)
                key = (message.strategy, message.cause_seq, message.k)
                answered = any(
                    _decision_of(output) == key if order is None else _order_id(output) == order.client_id
                    for output in outputs
                )
            case Filled() if message.fill_id not in self._heard:
                self._heard.add(message.fill_id)
                booked = any(
                    isinstance(output, Traded) and output.fill_id == message.fill_id for output in outputs
                )
                self._fills[message.symbol] += booked * message.side * message.qty
                answered = booked or any(isinstance(output, Stray) for output in outputs)
            case _:
                pass  # Nothing else needs an answer.
        if not answered:
            raise BrokenInvariant(f"{message} was met with silence")

    def _same_order(self, trader: Trader, client_id: str) -> None:
        order, kept = trader.orders.get(client_id), self._shadow.orders.get(client_id)
        if order_of(order) != order_of(kept):
            raise BrokenInvariant(
                f"the live order {order_of(order)} is {order_of(kept)} in the journal's facts"
            )
        if order is not None and not 0 <= order.filled <= order.intent.qty:
            raise BrokenInvariant(f"{client_id} is for {order.intent.qty} and {order.filled} are filled")

    def _same_position(self, trader: Trader, symbol: str) -> None:
        live, kept = trader.portfolio.net(symbol), self._shadow.portfolio.net(symbol)
        heard = self._fills[symbol]
        if not live == kept == heard:
            raise BrokenInvariant(
                f"the position in {symbol} is {live}; the journal's facts make {kept}, "
                f"the fills heard, each once, {heard}"
            )
        for side in Side:
            live, kept = trader.orders.working(symbol, side), self._shadow.orders.working(symbol, side)
            if live != kept:
                raise BrokenInvariant(
                    f"{live} {side.word} contracts of {symbol} work, by the journal's facts {kept}"
                )

    def _exits(self, trader: Trader) -> None:
        """Plans cover what is open, all that should be covered, and nothing twice."""
        covered: Counter[tuple[str, str, Side]] = Counter()
        for plan in trader.exits.plans():
            entry, exited = trader.orders.decided(*plan.key), self._exited[plan.key]
            if entry is None or not 0 < plan.open_qty <= entry.filled - exited:
                raise BrokenInvariant(
                    f"plan {plan.moved(0)} covers more than is open: {order_of(entry)} "
                    f"less {exited} that its exits closed"
                )
            covered[plan.intent.strategy, plan.intent.symbol, plan.intent.side] += plan.open_qty
        for where in {*covered, *self._planned}:
            open_qty, bare = self._planned[where], self._bare[where]
            if not open_qty - bare <= covered[where] <= open_qty:
                raise BrokenInvariant(
                    f"{where}: {open_qty} opened with an exit plan and not closed by it, {bare} traded "
                    f"against that without a plan, and plans cover {covered[where]}"
                )

    def leaves(self, requests: Iterable[Request]) -> None:
        """Requests are about to be sent: an order must be in the journal, approved by the gate."""
        for request in requests:
            if isinstance(request, Cancel):
                continue
            intent = self._placed.get(request.client_id)
            if intent is None or request.client_id not in self._written:
                raise BrokenInvariant(f"{request} leaves, and is not in the journal as placed by the gate")
            if intent.type in HELD_TYPES and self._session(intent.symbol, intent.at) != self._session(
                intent.symbol, request.at
            ):
                raise BrokenInvariant(f"{request} leaves for {intent}, whose session has ended")

    def _session(self, symbol: str, at: int) -> Session | None:
        """The session that an order of this moment is for: the one under way, else the next."""
        item = instrument(symbol)
        return self._calendar.next_session(item.product.sessions, last_day_of(item, self._calendar), at)

    def welcomes(self, restored: Restored) -> None:
        """A strategy is told how far the market is: not so far back that its decisions pass for repeats."""
        newest = max(
            (seq for strategy, seq, _ in self._decisions if strategy == restored.strategy), default=0
        )
        if restored.cause_seq < newest:
            raise BrokenInvariant(
                f"{restored.strategy} starts again at event {restored.cause_seq} and has an order decided at "
                f"{newest}: until then all it decides would be refused as repeated"
            )

    def same_book(self, trader: Trader, who: str) -> None:
        """A trader must be what the facts that were committed say."""
        live, kept = book_of(trader), book_of(self._shadow)
        for part, value in live.items():
            if value != kept[part]:
                raise BrokenInvariant(
                    f"{part} of {who}: {value}; by the facts that were committed: {kept[part]}"
                )

    def reached(self, request: Request) -> None:
        """A request is at the exchange: once for each decision, and within the limit."""
        if isinstance(request, Cancel):
            return
        client_id = request.client_id
        if client_id in self.exchange:
            raise BrokenInvariant(f"order {client_id} reached the exchange twice")
        if client_id not in self._written:
            raise BrokenInvariant(f"order {client_id} reached the exchange and is not in the journal")
        self.exchange[client_id] = AtExchange(request, request.qty)
        self._working[request.symbol, request.side] += request.qty
        self._within_limit(request.symbol)

    def reported(self, report: Report) -> None:
        """The exchange has said something of an order: its ledger moves."""
        order = self.exchange.get(report.client_id)
        if order is None:
            return  # A cancel came for an order that was lost on its way.
        before = order.working
        match report:
            case Filled():
                order.filled += report.qty
                order.cost += report.qty * report.price_ticks
                order.working -= report.qty
                self.positions[report.symbol] += report.side * report.qty
            case Canceled() | Expired():
                order.working = 0
            case Rejected() if not report.of_cancel:
                order.working = 0
            case _:
                pass  # Accepted, and cancels that came too late.
        if order.working < 0:
            raise BrokenInvariant(f"{report} is more than was ordered")
        submit = order.submit
        self._working[submit.symbol, submit.side] += order.working - before
        self._within_limit(submit.symbol)

    def _within_limit(self, symbol: str) -> None:
        position = self.positions[symbol]
        for side in Side:
            working = self._working[symbol, side]
            value = reach(position, working, side, 0)
            if value > self._limit:
                raise BrokenInvariant(
                    f"the exchange has {position} of {symbol} and {working} working to {side.word}: "
                    f"{value} passes the limit of {self._limit}"
                )

    def at_rest(self, trader: Trader, journal: Journal, run: RunSettings) -> None:
        """All has been said to everyone: the trader's book is the exchange's ledger, and the journal's."""
        owners: Counter[tuple[str, str]] = Counter()
        for client_id, order in self.exchange.items():
            own = trader.orders.get(client_id)
            if own is None or (own.filled, own.cost, own.left) != (order.filled, order.cost, 0):
                raise BrokenInvariant(f"{client_id} at the exchange is {order}, in the book {order_of(own)}")
            owners[self._placed[client_id].strategy, order.submit.symbol] += order.submit.side * order.filled
        for client_id in self._placed.keys() - self.exchange.keys():
            own = trader.orders.get(client_id)
            if own is None or own.filled:
                raise BrokenInvariant(f"{order_of(own)} never reached the exchange")
        for symbol in self._symbols:
            book, ledger = trader.portfolio.net(symbol), self.positions[symbol]
            if book != ledger:
                raise BrokenInvariant(f"the book has {book} of {symbol}, the exchange {ledger}")
        for (strategy, symbol), position in owners.items():
            book = trader.portfolio.position(strategy, symbol)
            if book != position:
                raise BrokenInvariant(
                    f"{strategy} has {book} of {symbol}, the exchange filled it to {position}"
                )
        self.same_book(trader, "the live trader")
        folded = make_trader(run)
        for fact in journal.facts():
            folded.fold(fact)
        self.same_book(folded, "a trader from the journal")


def _decision_of(message: AnyMessage) -> Key | None:
    match message:
        case Placed():
            return message.intent.strategy, message.intent.cause_seq, message.intent.k
        case Refused():
            return message.strategy, message.cause_seq, message.k
        case _:
            return None


def _order_id(message: AnyMessage) -> str:
    return message.client_id if isinstance(message, (Cancel, OrderChanged)) else ""
