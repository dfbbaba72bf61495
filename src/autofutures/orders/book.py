"""The book of orders: who ordered what, what became of it, and how much may still trade."""

from collections.abc import Container, Iterable, Iterator

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import (
    TRADER_K,
    Filled,
    Intent,
    OrderChanged,
    OrderKept,
    Placed,
    Submit,
    Traded,
)
from autofutures.domain.order_life import ALIVE, Event, Status, after
from autofutures.domain.units import SECOND, OrderType, Side, TimeInForce
from autofutures.market.dates import DAY_NS, TAIPEI_OFFSET_NS
from autofutures.orders.ids import ClientIds
from autofutures.risk.base import Approved

HELD_TYPES = (OrderType.STOP, OrderType.STOP_LIMIT)
"""What no TAIFEX order can be: the trader holds these until a trade fires them."""

DATES_KEPT = 3
"""Orders of so many dates are remembered after they are over: two trading days with the nights before them."""

PART_OF = " for "
"""Between the venue's id of a fill and a strategy, in the name of each part but the first of one that is shared."""

_MARGIN_NS = 3_600 * SECOND
"""A fill's time is the venue's, an order's is ours: fills are remembered for so much longer."""

_AT_VENUE = (Status.SENT, Status.WORKING, Status.UNKNOWN)


class Order:
    """One order's running account; the intent never changes.

    Attributes:
        sent_at: when it left for the venue; 0 while it has not.
        until: the gateway does not send it after this time.
        acknowledged: the venue has had it, whatever became of it.
    """

    __slots__ = (
        "acknowledged",
        "bound",
        "client_id",
        "cost",
        "filled",
        "fills",
        "intent",
        "sent_at",
        "status",
        "until",
    )

    def __init__(self, client_id: str, intent: Intent, status: Status) -> None:
        self.client_id = client_id
        self.intent = intent
        self.status = status
        self.bound = intent.qty
        self.filled = 0
        self.fills = 0
        self.cost = 0
        self.sent_at = 0
        self.until = 0
        self.acknowledged = False

    @property
    def left(self) -> int:
        """Contracts that may still trade.

        A canceled or expired order has some left while the venue has counted more fills than we have heard: they are on
        their way, or lost, and count against limits until they come.
        """
        return self.bound - self.filled

    @property
    def average_ticks(self) -> int:
        """The average price of its fills to the nearest tick, half up."""
        return (2 * self.cost + self.filled) // (2 * self.filled)

    def move(self, status: Status, untraded: int | None = None) -> None:
        """Takes a status, and with it the bound of what may be filled in all.

        Args:
            status: the new one.
            untraded: what the venue says it took off, of an order that is over; None: all that was left.
        """
        self.status = status
        self.acknowledged = self.acknowledged or status is Status.WORKING
        if status in ALIVE:
            self.bound = self.intent.qty
        elif untraded is None:
            self.bound = self.filled
        else:
            self.bound = max(self.filled, self.intent.qty - max(0, untraded))

    def add_fill(self, qty: int, price_ticks: int) -> None:
        """Counts contracts that traded."""
        self.filled += qty
        self.cost += qty * price_ticks
        self.bound = max(self.bound, self.filled)
        self.acknowledged = True

    def kept(self) -> OrderKept:
        """The order as a snapshot keeps it."""
        return OrderKept(
            client_id=self.client_id,
            status=self.status,
            intent=self.intent,
            filled=self.filled,
            left=self.left,
            fills=self.fills,
            cost=self.cost,
            sent_at=self.sent_at,
            until=self.until,
            acknowledged=self.acknowledged,
        )

    def changed(self, at: int, reason: str) -> OrderChanged:
        """The order as it is now, as the fact that is recorded and told."""
        intent = self.intent
        return OrderChanged(
            client_id=self.client_id,
            strategy=intent.strategy,
            order_seq=intent.cause_seq,
            order_k=intent.k,
            at=at,
            symbol=intent.symbol,
            status=self.status,
            filled=self.filled,
            left=self.left,
            reason=reason,
        )


class Orders:
    """All orders by client id and by decision, the contracts at work, and the fills already heard."""

    def __init__(self, ids: ClientIds) -> None:
        self._ids = ids
        self._orders: dict[str, Order] = {}
        self._by_decision: dict[tuple[str, int, int], Order] = {}
        self._working: dict[tuple[str, Side], int] = {}
        self._heard: dict[str, tuple[int, str, int]] = {}
        self.forgotten_at = 0
        self._alive: dict[str, Order] = {}
        self._changed: dict[str, Order] = {}
        self._new_fills: list[str] = []
        self.held: dict[str, Order] = {}
        self.sent: dict[str, Order] = {}
        self.unknown: dict[str, Order] = {}
        self._in = {Status.HELD: self.held, Status.SENT: self.sent, Status.UNKNOWN: self.unknown}

    def place(self, approved: Approved, now: int) -> Placed:
        """Enters an approved intent under a new client id."""
        intent = approved.intent
        status = Status.HELD if intent.type in HELD_TYPES else Status.SENT
        placed = Placed(self._ids.next(now), status, intent)
        self.enter(placed)
        return placed

    def enter(self, placed: Placed) -> Order:
        """Enters an order as recorded; recovery comes in here."""
        intent = placed.intent
        order = Order(placed.client_id, intent, placed.status)
        self._orders[placed.client_id] = order
        self._by_decision[intent.strategy, intent.cause_seq, intent.k] = order
        self._work(order, intent.qty)
        shelf = self._in.get(placed.status)
        if shelf is not None:
            shelf[placed.client_id] = order
        return order

    # --- snapshots

    def forget(self, plans: Container[tuple[str, int, int]]) -> None:
        """Drops what is over and older than the last `DATES_KEPT` dates with orders, with its fills.

        Kept all the same: what may still trade, the entry of each open plan (`plans` has their keys), and of each
        strategy the newest decision, and the newest that the trader took for it.
        """
        if not self._orders:
            return
        dates = sorted({_date(order.intent.at) for order in self._orders.values()})[-DATES_KEPT:]
        at_least = dates[0] * DAY_NS - TAIPEI_OFFSET_NS
        since = min((order.intent.at for order in self._alive.values()), default=at_least)
        since = min(since, at_least)
        newest = {(o.intent.strategy, o.intent.k >= TRADER_K): o for o in self._orders.values()}
        needed = {order.client_id for order in newest.values()}
        for order in list(self._orders.values()):
            decision = (order.intent.strategy, order.intent.cause_seq, order.intent.k)
            if order.intent.at < since and order.client_id not in needed and decision not in plans:
                del self._orders[order.client_id]
                self._by_decision.pop(decision, None)
        self.forgotten_at = max(self.forgotten_at, since - _MARGIN_NS)
        old = [fill_id for fill_id, (at, _, _) in self._heard.items() if self.is_forgotten(at)]
        for fill_id in old:
            del self._heard[fill_id]
        self._new_fills = [fill_id for fill_id in self._new_fills if fill_id in self._heard]

    def kept(self, *, whole: bool) -> list[OrderKept]:
        """Orders as facts, in the sequence in which they were placed: all, or what changed since the last time."""
        orders = self._orders if whole else self._changed
        self._changed = {}
        return [order.kept() for order in orders.values()]

    def kept_fills(self, *, whole: bool) -> tuple[tuple[str, int, str, int], ...]:
        """Id, time, symbol and signed contracts of fills heard: of all, or of those since the last time."""
        fills = tuple(self._heard) if whole else self._new_fills
        self._new_fills = []
        return tuple((fill_id, *self._heard[fill_id]) for fill_id in fills)

    def restore_kept(self, kept: OrderKept) -> bool:
        """Puts an order of a snapshot back, or brings it to where a later one has it; whether it is new here."""
        order = self._orders.get(kept.client_id)
        new = order is None
        if order is None:
            order = self.enter(Placed(kept.client_id, kept.status, kept.intent))
        before = order.left
        self._shelve(order, kept.status)
        order.status = kept.status
        order.filled, order.fills, order.cost = kept.filled, kept.fills, kept.cost
        order.bound = kept.filled + kept.left
        order.sent_at, order.until, order.acknowledged = kept.sent_at, kept.until, kept.acknowledged
        self._work(order, order.left - before)
        return new

    def restore_fills(self, fills: Iterable[tuple[str, int, str, int]], forgotten_at: int) -> None:
        """Puts the fills of a snapshot back, and from when on they are all."""
        self.forgotten_at = max(self.forgotten_at, forgotten_at)
        self._heard.update({fill_id: (at, symbol, signed) for fill_id, at, symbol, signed in fills})

    # --- the life of an order

    def left_for_venue(self, submit: Submit) -> None:
        """The order's request leaves now: from here on the venue owes an answer."""
        order = self._orders[submit.client_id]
        order.sent_at, order.until = submit.at, submit.until
        self._changed[order.client_id] = order

    def get(self, client_id: str) -> Order | None:
        """The order of that id."""
        return self._orders.get(client_id)

    def decided(self, strategy: str, cause_seq: int, k: int) -> Order | None:
        """The order that a decision made."""
        return self._by_decision.get((strategy, cause_seq, k))

    def alive(self) -> list[Order]:
        """Orders that may still trade."""
        return list(self._alive.values())

    def at_venue(self) -> list[Order]:
        """Orders that may still trade and are, or may be, at the venue."""
        return [order for order in self.alive() if order.status in _AT_VENUE]

    def unanswered(self) -> int:
        """Orders of which the venue's word is due any moment: a machine that stops now would not hear it."""
        return sum(
            order.status is Status.SENT or order.intent.tif is not TimeInForce.ROD
            for order in self.at_venue()
        )

    def unknown_of(self, symbol: str) -> int:
        """How many orders of the symbol have an outcome that nobody knows."""
        return sum(1 for order in self.unknown.values() if order.intent.symbol == symbol)

    def has_heard(self, fill_id: str) -> bool:
        """Whether the fill is in the book, and remembered."""
        return fill_id in self._heard

    def is_forgotten(self, at: int) -> bool:
        """Whether all that the venue dates before this is over, booked, and forgotten: it teaches nothing new."""
        return at < self.forgotten_at

    def note_foreign(self, fill: Filled | Traded) -> None:
        """Remembers a fill that is booked without an order of ours."""
        self._hear_fill(fill)

    def fills_since(self, at: int, known: set[str]) -> Iterator[tuple[str, int]]:
        """Symbol and signed contracts of each fill from `at` on that is not among the known ones."""
        for fill_id, (filled_at, symbol, signed) in self._heard.items():
            if filled_at >= at and fill_id.partition(PART_OF)[0] not in known:
                yield symbol, signed

    def working(self, symbol: str, side: Side) -> int:
        """Contracts that may still trade on one side, held stops included."""
        return self._working.get((symbol, side), 0)

    def hear(self, order: Order, event: Event, untraded: int | None = None) -> bool:
        """Moves an order by the table; `False` where nothing changed.

        A pair that the table does not know leaves the order as it is: the venue's word is doubted, not the book.
        `untraded` is what the venue says was left when it took the order off.
        """
        before = order.left
        status = after(order.status, event)
        if status is None or status is order.status:
            return False
        self._move(order, status, before, untraded)
        return True

    def fill(self, order: Order, filled: Filled) -> bool:
        """Counts a fill once; `False` where it has been heard before.

        Raises:
            BrokenInvariant: the venue filled more than was ordered.
        """
        if filled.fill_id in self._heard or self.is_forgotten(filled.at):
            return False
        if order.filled + filled.qty > order.intent.qty:
            raise BrokenInvariant(
                f"order {order.client_id} is for {order.intent.qty}, {order.filled} were filled, and the venue reports "
                f"{filled.qty} more ({filled.fill_id}): stop, and compare with the venue's own list"
            )
        before = order.left
        self._hear_fill(filled)
        order.add_fill(filled.qty, filled.price_ticks)
        order.fills += 1
        whole = order.filled == order.intent.qty
        status = after(order.status, Event.FILLED_WHOLE if whole else Event.FILLED_IN_PART)
        if status is None or status is order.status:
            self._work(order, order.left - before)
        else:
            self._move(order, status, before)
        return True

    def restore(self, changed: OrderChanged) -> None:
        """Puts a recorded status back."""
        order = self._orders[changed.client_id]
        before = order.left
        self._shelve(order, changed.status)
        order.move(changed.status)
        order.bound = changed.filled + changed.left
        self._work(order, order.left - before)

    def restore_fill(self, traded: Traded) -> None:
        """Puts a recorded fill back."""
        order = self._orders[traded.client_id]
        before = order.left
        self._hear_fill(traded)
        order.add_fill(traded.qty, traded.price_ticks)
        order.fills = traded.n
        self._work(order, order.left - before)

    def _hear_fill(self, fill: Filled | Traded) -> None:
        self._heard[fill.fill_id] = (fill.at, fill.symbol, fill.side * fill.qty)
        self._new_fills.append(fill.fill_id)

    def _move(self, order: Order, status: Status, left_before: int, untraded: int | None = None) -> None:
        """Takes an order to a status, and every index of orders with it."""
        self._shelve(order, status)
        order.move(status, untraded)
        self._work(order, order.left - left_before)

    def _shelve(self, order: Order, status: Status) -> None:
        """Moves an order from the index of its status to that of the next one, where they have any."""
        shelf, next_shelf = self._in.get(order.status), self._in.get(status)
        if shelf is not None:
            shelf.pop(order.client_id, None)
        if next_shelf is not None:
            next_shelf[order.client_id] = order

    def _work(self, order: Order, qty: int) -> None:
        """What may still trade of an order grew by `qty`, or shrank; every change of an order comes by here."""
        self._changed[order.client_id] = order
        key = (order.intent.symbol, order.intent.side)
        self._working[key] = self._working.get(key, 0) + qty
        if order.left:
            self._alive[order.client_id] = order
        else:
            self._alive.pop(order.client_id, None)


def _date(at: int) -> int:
    """The number of the date in Taipei."""
    return (at + TAIPEI_OFFSET_NS) // DAY_NS
