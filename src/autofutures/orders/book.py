"""The book of orders: who ordered what, what became of it, and how much may still trade."""

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Filled, Intent, OrderChanged, Placed, Traded
from autofutures.domain.order_life import ALIVE, Event, Status, after
from autofutures.domain.units import OrderType, Side
from autofutures.orders.ids import ClientIds
from autofutures.risk.base import Approved

HELD_TYPES = (OrderType.STOP, OrderType.STOP_LIMIT)
"""What no TAIFEX order can be: the trader holds these until a trade fires them."""


class Order:
    """One order's running account; the intent never changes."""

    __slots__ = ("bound", "client_id", "cost", "filled", "fills", "intent", "status")

    def __init__(self, client_id: str, intent: Intent, status: Status) -> None:
        self.client_id = client_id
        self.intent = intent
        self.status = status
        self.bound = intent.qty
        self.filled = 0
        self.fills = 0
        self.cost = 0

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


class Orders:
    """All orders by client id and by decision, the contracts at work, and the fills already heard."""

    def __init__(self, ids: ClientIds) -> None:
        self._ids = ids
        self._orders: dict[str, Order] = {}
        self._by_decision: dict[tuple[str, int, int], Order] = {}
        self._working: dict[tuple[str, Side], int] = {}
        self._heard: set[str] = set()
        self.held: dict[str, Order] = {}

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
        self._add_working(intent, intent.qty)
        if placed.status is Status.HELD:
            self.held[placed.client_id] = order
        return order

    def get(self, client_id: str) -> Order | None:
        """The order of that id."""
        return self._orders.get(client_id)

    def decided(self, strategy: str, cause_seq: int, k: int) -> Order | None:
        """The order that a decision made."""
        return self._by_decision.get((strategy, cause_seq, k))

    def alive(self) -> list[Order]:
        """Orders that may still trade."""
        return [order for order in self._orders.values() if order.left]

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
        if order.status is Status.HELD:
            self.held.pop(order.client_id, None)
        order.move(status, untraded)
        self._add_working(order.intent, order.left - before)
        return True

    def fill(self, order: Order, filled: Filled) -> bool:
        """Counts a fill once; `False` where it has been heard before.

        Raises:
            BrokenInvariant: the venue filled more than was ordered.
        """
        if filled.fill_id in self._heard:
            return False
        if order.filled + filled.qty > order.intent.qty:
            raise BrokenInvariant(
                f"order {order.client_id} is for {order.intent.qty}, {order.filled} were filled, and the venue reports "
                f"{filled.qty} more ({filled.fill_id}): stop, and compare with the venue's own list"
            )
        before = order.left
        self._heard.add(filled.fill_id)
        order.add_fill(filled.qty, filled.price_ticks)
        order.fills += 1
        whole = order.filled == order.intent.qty
        status = after(order.status, Event.FILLED_WHOLE if whole else Event.FILLED_IN_PART)
        if status is not None and status is not order.status:
            order.move(status)
        self._add_working(order.intent, order.left - before)
        return True

    def restore(self, changed: OrderChanged) -> None:
        """Puts a recorded status back."""
        order = self._orders[changed.client_id]
        before = order.left
        order.status = changed.status
        order.bound = changed.filled + changed.left
        if changed.status is not Status.HELD:
            self.held.pop(changed.client_id, None)
        self._add_working(order.intent, order.left - before)

    def restore_fill(self, traded: Traded) -> None:
        """Puts a recorded fill back."""
        order = self._orders[traded.client_id]
        before = order.left
        self._heard.add(traded.fill_id)
        order.add_fill(traded.qty, traded.price_ticks)
        order.fills = traded.n
        self._add_working(order.intent, order.left - before)

    def _add_working(self, intent: Intent, qty: int) -> None:
        key = (intent.symbol, intent.side)
        self._working[key] = self._working.get(key, 0) + qty
