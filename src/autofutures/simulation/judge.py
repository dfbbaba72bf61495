"""The judge of a simulation: says which promise of the house was broken.

It believes the broker's ledger and the journal, never the trader. Every broken promise is raised, with its figures.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from autofutures.assemble.nodes import make_trader
from autofutures.config import RunSettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import (
    TRADER_K,
    AnyMessage,
    BookMode,
    BookStop,
    Cancel,
    Canceled,
    Configured,
    ExitMoved,
    Expired,
    Filled,
    Intent,
    OrderChanged,
    Placed,
    Ready,
    Reconciled,
    Refused,
    Request,
    Restored,
    Revoke,
    Saved,
    Snapshot,
    Stray,
    Submit,
    Tick,
    Traded,
)
from autofutures.domain.order_life import ALIVE, Status
from autofutures.domain.units import Mode, Side
from autofutures.orders.account import OUTSIDE
from autofutures.orders.book import HELD_TYPES
from autofutures.simulation.causes import Causes
from autofutures.simulation.compared import book_of, order_of
from autofutures.simulation.kill_judge import KillJudge
from autofutures.simulation.limits import LimitsJudge, mode_besides
from autofutures.simulation.recoveries import Recoveries
from autofutures.simulation.room import Room
from autofutures.storage.journal import Journal
from autofutures.trader import Trader

Key = tuple[str, int, int]
"""A decision: (strategy, cause_seq, k)."""

WHOLE_EVERY = 64
"""After so many batches the whole book is compared, not only what the batch touched."""


class Known(msgspec.Struct):
    """An order by the journal's facts alone."""

    intent: Intent
    status: Status
    left: int
    filled: int = 0
    cost: int = 0
    """Of its fills, ticks × contracts."""
    written: bool = False
    """Its `Submit` is in the journal."""

    @property
    def key(self) -> Key:
        """The decision that made it."""
        return self.intent.strategy, self.intent.cause_seq, self.intent.k

    @property
    def is_exit(self) -> bool:
        """The trader decided it."""
        return self.intent.k >= TRADER_K or self.intent.strategy == OUTSIDE


class Judge:
    """Watches one house.

    Args:
        run: what the house was made from.
        clock: the house's.

    Attributes:
        orders: every order by client id, as the journal has it.
        arrived: client ids of orders that reached the broker.
        counts: what happened.
        recoveries: what was mended, by branch.
        kill: the judge of the kill switch.
    """

    def __init__(self, run: RunSettings, clock: Callable[[], int] = lambda: 0) -> None:
        self._clock = clock
        self._shadow = make_trader(run)
        self._symbols = run.symbols
        self._room = Room(run.limits["position"]["max_contracts"], self._shadow.covers)
        self._limits = LimitsJudge(run.limits, self._shadow, self._room, run.bands)
        self._causes = Causes(run)
        self._inputs: Sequence[AnyMessage] = ()
        self._saved: dict[str, bytes] = {}
        self._conditions: set[tuple[str, str]] = set()
        self._decisions: dict[Key, str] = {}
        self._heard: set[str] = set()
        self._exited: Counter[Key] = Counter()
        self._mode = Mode.REDUCING
        self._stopped: set[tuple[str, str]] = set()
        self._batches = 0
        self.orders: dict[str, Known] = {}
        self.arrived: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.recoveries = Recoveries()
        self.kill = KillJudge(run, self._causes.session, self.recoveries.counts)

    # --- a batch is in the journal

    def new_life(self) -> None:
        """A trader starts: until it says otherwise it has compared with nobody, and may open nothing."""
        self._mode = Mode.REDUCING
        self._causes.new_life()
        self._limits.new_life()
        self.kill.new_life()

    def kept(self, trader: Trader, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """A batch is in the journal: what the trader is now must be what its journal says."""
        self._inputs = inputs
        self._causes.heard(inputs, outputs, self._clock())
        for message in inputs:
            if type(message) is not Tick:
                self._never_silent(trader, message, outputs)
                self._fact(message)
        if not outputs:
            self._causes.links(inputs, outputs)
            self._limits.kept(inputs, outputs)
            return
        self.recoveries.heard(inputs, outputs)
        self.kill.kept(inputs, outputs, self._room.own)
        ends = self._ends(inputs)
        for message in outputs:
            self._fold(message)
        self._still_owed(ends)
        self._causes.links(inputs, outputs)
        self._limits.kept(inputs, outputs)
        self._batches += 1
        if self._batches % WHOLE_EVERY == 0:
            self.same_book(trader, "the live trader")
        for message in outputs:
            if isinstance(message, OrderChanged):
                self._same_order(trader, message.client_id)
        for symbol in self._symbols:
            self._same_position(trader, symbol)
        self._exits(trader)
        if trader.uncovered():
            raise BrokenInvariant(
                f"{trader.uncovered()} open contracts have no exit that is live or on its way"
            )

    def _fact(self, message: AnyMessage) -> None:
        """An input that is a fact itself."""
        match message:
            case Saved():
                self._saved[message.strategy] = message.state
            case Configured(verb="add"):
                self._conditions.add((message.strategy, message.name))
            case Configured(verb="remove"):
                self._conditions.discard((message.strategy, message.name))
            case Configured():
                pass
            case _:
                return
        self._shadow.fold(message)

    def _fold(self, message: AnyMessage) -> None:
        match message:
            case Placed():
                self._placed(message)
            case Submit():
                order = self.orders[message.client_id]
                order.written = True
                self._causes.leaves(message, order.intent)
                if order.intent.type in HELD_TYPES:
                    self._causes.stop_leaves(order.intent)
                    self._may_leave(message.client_id, order)
            case OrderChanged():
                self._changed(message)
            case BookMode():
                self._mode = mode_besides(message)
            case BookStop():
                (self._stopped.add if message.fired else self._stopped.discard)(
                    (message.strategy, message.symbol)
                )
            case Reconciled():
                self._causes.reconciled()
            case ExitMoved():
                self._causes.exit_moves(message)
                self._origin(message)
            case Traded():
                if message.fill_id in self._heard:
                    raise BrokenInvariant(f"fill {message.fill_id} was booked twice: {message}")
                self._heard.add(message.fill_id)
                self._room.traded(message)
                self._cover(message)
                self.counts["fills"] += 1
            case Refused():
                self.counts["refused"] += 1
            case _:
                pass  # The shadow trader below compares the rest.
        self._shadow.fold(message)
        self._limits.fold(message)

    def _placed(self, placed: Placed) -> None:
        order = Known(placed.intent, placed.status, placed.intent.qty)
        if order.key in self._decisions:
            raise BrokenInvariant(f"decision {order.key} was placed twice, the second time as {placed}")
        self._decisions[order.key] = placed.client_id
        if placed.client_id in self.orders:
            raise BrokenInvariant(f"client id {placed.client_id} was given to two orders")
        if placed.status is Status.SENT:
            self._may_leave(placed.client_id, order)
        if not order.is_exit:
            self._room.let_through(order.intent)
            if not self._reduces(order.intent, 0):
                self._limits.sent_today(order.intent, self._clock())
        self.orders[placed.client_id] = order
        self._room.works(order.intent, order.left)
        self.counts["decisions"] += 1

    def _changed(self, changed: OrderChanged) -> None:
        order = self.orders[changed.client_id]
        self._room.works(order.intent, changed.left - order.left)
        self.recoveries.moved(order.status, changed)
        order.status, order.left = changed.status, changed.left
        if changed.status is Status.ABSENT and changed.client_id in self.arrived:
            raise BrokenInvariant(f"{changed.client_id} is said to be absent, and the broker has it")

    def _may_leave(self, client_id: str, order: Known) -> None:
        """While something is in doubt, only what reduces may go."""
        intent = order.intent
        if order.is_exit:
            return
        if (intent.strategy, intent.symbol) in self._stopped:
            raise BrokenInvariant(f"{intent} leaves, and the book stop of {intent.strategy} has fired")
        own = order.left if client_id in self.orders else 0
        if self._reduces(intent, own):
            return
        self._limits.let_through(intent, own)
        if self._mode is not Mode.NORMAL:
            raise BrokenInvariant(f"{intent} leaves while the book is {self._mode.word}")
        why_not = self._causes.may_open(self._inputs)
        if why_not:
            raise BrokenInvariant(f"{intent} leaves {why_not}")
        unknown = [
            other
            for other, known in self.orders.items()
            if known.status is Status.UNKNOWN and known.intent.symbol == intent.symbol
        ]
        if unknown:
            raise BrokenInvariant(f"{intent} leaves while the outcome of {unknown} is not known")

    def _reduces(self, intent: Intent, own: int) -> bool:
        """Whether it can only bring the account's position nearer to zero; `own` of what works is the order's."""
        working = self._room.working[intent.symbol, intent.side] - own
        return self._room.held[intent.symbol] * intent.side + working + intent.qty <= 0

    def _ends(self, inputs: Sequence[AnyMessage]) -> list[Canceled | Expired]:
        """What the venue says of orders that were alive and are over now; a list may say more, and comes first."""
        if any(isinstance(message, Snapshot) for message in inputs):
            return []
        reports = [message for message in inputs if isinstance(message, (Canceled, Expired))]
        return [
            report
            for report in reports
            if report.client_id in self.orders and self.orders[report.client_id].status in ALIVE
        ]

    def _still_owed(self, ends: Sequence[Canceled | Expired]) -> None:
        """What the venue counts as filled and nobody has heard of counts as at work until it comes."""
        for report in ends:
            order = self.orders[report.client_id]
            owed = order.intent.qty - report.left - order.filled
            if order.left < owed:
                raise BrokenInvariant(
                    f"{report} leaves {owed} filled of which nobody has heard, and {order.left} count as at work"
                )

    def _origin(self, moved: ExitMoved) -> None:
        """Distances of an exit count from what was planned, or from the average fill to the nearest tick."""
        entry = self.orders.get(self.order_at((moved.strategy, moved.order_seq, moved.order_k)))
        if entry is None or not moved.open_qty or entry.intent.exit is None or not entry.filled:
            return
        planned = entry.intent.exit.plan_ticks
        off = (
            moved.origin_ticks - planned if planned else 2 * (moved.origin_ticks * entry.filled - entry.cost)
        )
        if abs(off) > (0 if planned else entry.filled):
            raise BrokenInvariant(
                f"{moved} counts from {moved.origin_ticks}, and {entry} was filled elsewhere"
            )

    def _cover(self, traded: Traded) -> None:
        """Counts what an order has filled, and what plans ought to cover."""
        if not traded.client_id:
            return  # A stranger's.
        order = self.orders[traded.client_id]
        order.filled += traded.qty
        order.cost += traded.qty * traded.price_ticks
        intent = order.intent
        self._room.covers(intent, traded.qty)
        if intent.closes_k:
            self._exited[intent.strategy, intent.closes_seq, intent.closes_k] += traded.qty

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
                answered = any(
                    isinstance(output, Stray)
                    or (isinstance(output, Traded) and output.fill_id == message.fill_id)
                    for output in outputs
                )
            case _:
                pass  # Nothing else needs an answer.
        if not answered:
            raise BrokenInvariant(f"{message} was met with silence")

    # --- the live trader beside the facts

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
        heard = self._room.held[symbol]
        if not live == kept == heard:
            raise BrokenInvariant(
                f"the position in {symbol} is {live}; the journal's facts make {kept}, "
                f"the fills booked, each once, {heard}"
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
        for where in {*covered, *self._room.planned}:
            open_qty, bare = self._room.planned[where], self._room.bare[where]
            if not open_qty - bare <= covered[where] <= open_qty:
                raise BrokenInvariant(
                    f"{where}: {open_qty} opened with an exit plan and not closed by it, {bare} traded "
                    f"against that without a plan, and plans cover {covered[where]}"
                )

    def same_book(self, trader: Trader, who: str) -> None:
        """A trader must be what the facts that were committed say."""
        live, kept = book_of(trader), book_of(self._shadow)
        for part, value in live.items():
            if value != kept[part]:
                raise BrokenInvariant(
                    f"{part} of {who}: {value}; by the facts that were committed: {kept[part]}"
                )

    # --- what leaves

    def leaves(self, requests: Iterable[Request]) -> None:
        """Requests are about to be sent: an order must be in the journal, approved by the gate."""
        for request in requests:
            if isinstance(request, Cancel):
                continue
            order = self.orders.get(request.client_id)
            if order is None or not order.written:
                raise BrokenInvariant(f"{request} leaves, and is not in the journal as placed by the gate")
            intent = order.intent
            session = self._causes.session
            if intent.type in HELD_TYPES and session(intent.symbol, intent.at) != session(
                intent.symbol, request.at
            ):
                raise BrokenInvariant(f"{request} leaves for {intent}, whose session has ended")

    def sends(self, request: AnyMessage, now: int) -> None:
        """The gateway gives a request to the venue."""
        if isinstance(request, Submit):
            self._causes.sends(request, now)
        self.kill.sends(request, now)

    def welcomes(self, restored: Restored) -> None:
        """A strategy is told what it must know: its state, its positions, and how far the market is.

        That is not so far back that its decisions pass for repeats.
        """
        if restored.state != self._saved.get(restored.strategy, b""):
            raise BrokenInvariant(
                f"{restored.strategy} starts again, and not with the state that it saved last"
            )
        for symbol, position in restored.positions.items():
            if position != self._room.own[restored.strategy, symbol]:
                raise BrokenInvariant(f"{restored} is told of a position that its fills do not make")
        newest = max(
            (seq for strategy, seq, k in self._decisions if strategy == restored.strategy and k < TRADER_K),
            default=0,
        )
        if restored.cause_seq < newest:
            raise BrokenInvariant(
                f"{restored.strategy} starts again at event {restored.cause_seq} and has an order decided at "
                f"{newest}: until then all it decides would be refused as repeated"
            )

    def is_absent(self, client_id: str) -> bool:
        """Whether the journal says that the order never reached the broker."""
        return self.orders[client_id].status is Status.ABSENT

    def order_at(self, key: Key) -> str:
        """The client id that a decision was given; empty where it made no order."""
        return self._decisions.get(key, "")

    # --- at rest

    def at_rest(self, trader: Trader, journal: Journal, run: RunSettings) -> None:
        """Nothing moves any more: the trader is its journal, and a new one made from it is the same."""
        self.same_book(trader, "the live trader")
        folded = make_trader(run)
        for fact in journal.facts():
            folded.fold(fact)
        self.same_book(folded, "a trader from the journal")
        for strategy, state in self._saved.items():
            (restored, *_) = folded.handle(Ready(strategy), 0)
            if not isinstance(restored, Restored) or restored.state != state:
                raise BrokenInvariant(f"the journal has not kept the last state of {strategy}")
        unknown = [client_id for client_id, order in self.orders.items() if order.status is Status.UNKNOWN]
        if unknown:
            raise BrokenInvariant(f"at rest the outcome of {unknown} is still not known")
        if trader.inquiry.standing.mode is not Mode.NORMAL:
            raise BrokenInvariant(f"at rest the book is not normal: {trader.inquiry.standing.reasons}")

    def knows(self, strategy: str, positions: Mapping[str, int], conditions: set[str]) -> None:
        """At rest a strategy knows what it holds, and watches what people have added and not removed."""
        for symbol, position in positions.items():
            held = self._room.own[strategy, symbol]
            if position != held:
                raise BrokenInvariant(
                    f"{strategy} believes that it holds {position} of {symbol}; it is {held}"
                )
        asked = {name for owner, name in self._conditions if owner == strategy}
        if conditions != asked:
            raise BrokenInvariant(
                f"{strategy} watches {sorted(conditions)}, and people have asked for {sorted(asked)}"
            )


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
