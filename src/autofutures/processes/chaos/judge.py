"""The judge of a drill: the exchange's own ledger against the journal; what the machine says of itself does not count.

All that is asked of a book is asked of a fresh trader that has folded the whole journal, batch by batch.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from autofutures.assemble.nodes import make_trader
from autofutures.domain.messages import AnyMessage, OrderChanged, Placed, Submit, Traded
from autofutures.domain.order_life import Status
from autofutures.matching.ledger import FillLine, OrderLine, Statement
from autofutures.ops.folder import Folder
from autofutures.processes.chaos.figures import (
    Figures,
    Span,
    availability_of,
    by_role,
    in_flight,
    recovery_of,
)
from autofutures.processes.chaos.watch import Sight, share_outside
from autofutures.storage.journal import Journal, facts_of
from autofutures.storage.verify import verify
from autofutures.trader import Trader

NEVER = 1 << 62
SHOWN = 3
"""Examples of each kind of broken promise."""

Decision = tuple[str, int, int]


class Course(msgspec.Struct, frozen=True):
    """How a drill went."""

    sight: Sight
    begins_at: int
    """When the machine was ready first, UTC nanoseconds by the computer."""
    ends_at: int
    """When the last strike had healed."""
    broken: tuple[str, ...]
    """Promises that were broken on the way."""
    seconds: float


class Book:
    """What the journal says.

    Args:
        trader: a fresh one, which folds it.

    Attributes:
        decisions: what each client id was given to.
        booked: how often each fill was booked.
        sent_at: when each order left, by the trader's time; and so `answered_at` and `over_at`.
    """

    def __init__(self, trader: Trader) -> None:
        self.trader = trader
        self.decisions: dict[str, Decision] = {}
        self.booked: Counter[str] = Counter()
        self.sent_at: dict[str, int] = {}
        self.answered_at: dict[str, int] = {}
        self.over_at: dict[str, int] = {}

    def note(self, outputs: Iterable[AnyMessage], at: int) -> None:
        """Takes a batch in."""
        for message in outputs:
            match message:
                case Placed():
                    intent = message.intent
                    self.decisions[message.client_id] = (intent.strategy, intent.cause_seq, intent.k)
                case Submit():
                    self.sent_at[message.client_id] = at
                case Traded():
                    self.booked[message.fill_id] += 1
                case OrderChanged():
                    self._changed(message, at)
                case _:
                    pass  # Only orders and fills are counted.

    def _changed(self, message: OrderChanged, at: int) -> None:
        if message.status not in (Status.HELD, Status.SENT, Status.UNKNOWN):
            self.answered_at.setdefault(message.client_id, at)
        if not message.left:
            self.over_at.setdefault(message.client_id, at)

    def spans(self, until: dict[str, int]) -> list[Span]:
        """From when to when each order was in flight, where `until` says when it was not any more."""
        return [(at, until.get(client_id, NEVER)) for client_id, at in self.sent_at.items()]


def read_book(folder: Folder) -> tuple[Book, list[str]]:
    """The book by every batch of the journal, and what a trader that starts, from a snapshot, knows otherwise."""
    book, restarted = Book(make_trader(folder.run())), make_trader(folder.run())
    with Journal.open(folder.journal) as journal:
        for fact in journal.facts():
            restarted.fold(fact)
        for batch in journal.batches():
            for fact in facts_of(batch):
                book.trader.fold(fact)
            book.note(batch.outputs, batch.at)
    whole, short = standing_of(book.trader), standing_of(restarted)
    return book, [
        f"{part} by the snapshot {short[part]}, by all batches {value}"
        for part, value in whole.items()
        if short[part] != value
    ]


def standing_of(trader: Trader) -> dict[str, object]:
    """All of a trader that money depends on now, in a form that two traders can be compared by."""
    return {
        "ledgers": sorted(
            (strategy, symbol, ledger.position, ledger.cost, ledger.realised, ledger.fees, ledger.tax)
            for strategy, symbol, ledger in trader.portfolio.ledgers()
        ),
        "orders": sorted((o.client_id, o.status, o.filled, o.left) for o in trader.orders.alive()),
        "plans": sorted(
            (plan.key, plan.open_qty, plan.take_profit_ticks, plan.stop_ticks, plan.reason)
            for plan in trader.exits.plans()
        ),
    }


class Comparison:
    """Ledger and book side by side.

    Args:
        statement: the exchange's ledger.
        book: the machine's.
        forgotten: what its snapshots know otherwise.
    """

    def __init__(self, statement: Statement, book: Book, forgotten: Sequence[str] = ()) -> None:
        self.orders = [line for line in statement.orders if line.client_id]
        self.fills = [line for line in statement.fills if line.client_id]
        self.per_decision = Counter(
            book.decisions.get(line.client_id, (line.client_id, 0, 0)) for line in self.orders
        )
        self.unknown = [line.client_id for line in self.orders if line.client_id not in book.decisions]
        self.lost = [line.fill_id for line in self.fills if line.fill_id not in book.booked]
        self.doubled = [fill_id for fill_id, count in book.booked.items() if count > 1]
        self.doubled += sorted(book.booked.keys() - {line.fill_id for line in self.fills})
        self.differences = [
            *_positions(statement, book.trader),
            *_orders(self.orders, book.trader),
            *_filled(self.fills, self.orders),
            *forgotten,
        ]

    @property
    def equal(self) -> bool:
        """Whether the books are."""
        return not (self.lost or self.doubled or self.differences)

    def broken(self) -> Iterator[str]:
        """Each promise that was broken, as a sentence with its figure and examples."""
        repeated = [str(decision) for decision, count in self.per_decision.items() if count > 1]
        for examples, what in (
            (repeated, "decisions have more than one order at the exchange"),
            (self.unknown, "orders at the exchange are not in the journal"),
            (self.lost, "fills of the exchange are not in the book"),
            (self.doubled, "fills were booked twice, or are none of the exchange"),
            (self.differences, "differences between the book and the ledger"),
        ):
            if examples:
                yield f"{len(examples)} {what}: {'; '.join(examples[:SHOWN])}"


def _positions(statement: Statement, trader: Trader) -> Iterator[str]:
    for symbol in sorted({*trader.instruments, *statement.positions}):
        ledger = statement.positions.get(symbol, 0) - statement.strangers.get(symbol, 0)
        if (own := trader.portfolio.net(symbol)) != ledger:
            yield f"{own} of {symbol} in the book, {ledger} in the ledger"


def _orders(lines: Sequence[OrderLine], trader: Trader) -> Iterator[str]:
    """What each order has filled and left, and orders that work in the book and not at the exchange."""
    for line in lines:
        order = trader.orders.get(line.client_id)
        if order is None:
            yield f"{line.client_id} is not in the book"
        elif (order.filled, order.left) != (line.filled, line.left):
            yield (
                f"{line.client_id} in the book is {order.status.word}, {order.filled} filled and {order.left} left; "
                f"in the ledger {line.status}, {line.filled} and {line.left}"
            )
    there = {line.client_id for line in lines}
    for order in trader.orders.at_venue():
        if order.client_id not in there:
            yield f"{order.client_id} is {order.status.word} in the book and was never at the exchange"


def _filled(fills: Sequence[FillLine], orders: Sequence[OrderLine]) -> Iterator[str]:
    """Nothing may be filled beyond what was decided, whatever the number of orders."""
    filled: Counter[str] = Counter()
    for line in fills:
        filled[line.client_id] += line.qty
    for order in orders:
        if filled[order.client_id] > order.qty:
            yield f"{order.client_id} was for {order.qty}, and {filled[order.client_id]} were filled"


def judge(folder: Folder, course: Course) -> Figures:
    """Counts everything, and says which promises were broken.

    Args:
        folder: the run's, which has ended.
        course: how it went.
    """
    sight = course.sight
    statement = msgspec.json.decode(folder.ledger.read_bytes(), type=Statement)
    verdict = verify(folder.journal)
    book, forgotten = read_book(folder) if verdict.ok else (Book(make_trader(folder.run())), [])
    found = Comparison(statement, book, forgotten)
    uncovered = max(sight.uncovered_lots, book.trader.uncovered())
    broken = [*course.broken, *found.broken()]
    if uncovered:
        broken.append(f"{uncovered} open contracts had no exit plan")
    if not verdict.ok:
        broken.append(f"{verdict.first_bad} of the journal: {verdict.why}")
    kills = [wound for wound in sight.wounds if wound.strike.signal == "kill"]
    stops = [wound for wound in sight.wounds if wound.strike.signal == "stop"]
    offset_ns = folder.machine().clock_offset_ns
    return Figures(
        seed=folder.run().seed,
        kills=len(kills),
        kills_by_role=by_role(kills),
        kills_in_flight=in_flight(kills, offset_ns, book.spans(book.over_at)),
        kills_unanswered=in_flight(kills, offset_ns, book.spans(book.answered_at)),
        stops=len(stops),
        stops_by_role=by_role(stops),
        killed_by_watchdog=sight.stuck,
        links_cut=statement.faults.get("cut", 0),
        sessions=statement.sessions,
        orders=len(found.orders),
        fills=len(found.fills),
        orders_per_decision_max=max(found.per_decision.values(), default=0),
        orders_unknown_to_journal=len(found.unknown),
        fills_lost=len(found.lost),
        fills_doubled=len(found.doubled),
        uncovered_lots=uncovered,
        books_equal=found.equal,
        journal_verified=verdict.ok,
        recovery_s=recovery_of(sight.wounds),
        recovery_alone_s=recovery_of([wound for wound in sight.wounds if wound.alone]),
        availability=round(share_outside(sight.down, course.begins_at, course.ends_at), 4),
        availability_parts=availability_of(sight, course.begins_at, course.ends_at),
        restarts=sum(sight.starts.values()) - len(sight.starts),
        alerts=dict(sorted(sight.alerts.items())),
        broker_faults=statement.faults,
        violations=len(broken),
        broken=tuple(broken),
        seconds=round(course.seconds, 1),
        folder=str(folder.root),
    )
