"""A book of orders with price-time priority, over integers.

It knows prices, quantities and queues. Whose the orders are, of what type, and in which phase the session is,
that is `book_market`'s. Prices are ticks, quantities contracts, sides the sign of `Side`.
"""

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush

from autofutures.domain.errors import BadInput
from autofutures.matching.book_rules import UNBOUNDED, auction_price, crosses

OrderId = int | str
"""Other participants' orders are numbered, ours carry their client id."""

Match = tuple[OrderId, OrderId, int, int]
"""(maker id, taker id, qty, price_ticks); in a call auction (buyer id, seller id, qty, price_ticks).

A plain tuple: a named one costs as much as the match itself.
"""

_SLACK = 16
"""Canceled orders that a queue may carry on top of its living ones before it is swept."""


class Resting:
    """An order in the book; `left` contracts may still trade, 0 once it is gone."""

    __slots__ = ("left", "level", "order_id", "side")

    def __init__(self, order_id: OrderId, side: int, left: int, level: "Level") -> None:
        self.order_id = order_id
        self.side = side
        self.left = left
        self.level = level

    @property
    def price_ticks(self) -> int:
        """The price at which the order stands."""
        return self.level.price_ticks


class Level:
    """One price: its orders in the sequence of their arrival, `qty` contracts in `orders` living ones.

    A canceled order stays in `queue` with nothing left until it comes to the front or the queue is swept:
    taking it out of the middle would cost a walk.
    """

    __slots__ = ("orders", "price_ticks", "qty", "queue")

    def __init__(self, price_ticks: int) -> None:
        self.price_ticks = price_ticks
        self.qty = 0
        self.orders = 0
        self.queue: deque[Resting] = deque()

    def front(self) -> Resting:
        """The oldest living order; the level must have one."""
        queue = self.queue
        while not queue[0].left:
            queue.popleft()
        return queue[0]

    def take(self, order: Resting, qty: int) -> None:
        """Takes `qty` contracts off an order of this level."""
        order.left -= qty
        self.qty -= qty
        if order.left:
            return
        self.orders -= 1
        if not self.orders:
            self.queue.clear()
        elif len(self.queue) > 2 * self.orders + _SLACK:
            self.queue = deque(resting for resting in self.queue if resting.left)


class _Ladder:
    """The levels of one side; the heap holds each price once, the empty ones until they surface."""

    __slots__ = ("heap", "levels", "orders", "sign")

    def __init__(self, side: int) -> None:
        self.sign = -side
        self.levels: dict[int, Level] = {}
        self.heap: list[int] = []
        self.orders = 0

    def level(self, price_ticks: int) -> Level:
        level = self.levels.get(price_ticks)
        if level is None:
            level = self.levels[price_ticks] = Level(price_ticks)
            heappush(self.heap, self.sign * price_ticks)
        return level

    def best(self) -> Level | None:
        heap, levels = self.heap, self.levels
        while heap:
            level = levels[self.sign * heap[0]]
            if level.orders:
                return level
            del levels[level.price_ticks]
            heappop(heap)
        return None

    def living(self) -> list[Level]:
        ordered = (self.levels[self.sign * key] for key in sorted(self.heap))
        return [level for level in ordered if level.orders]


class Book:
    """Buys and sells of one instrument. It matches only when told to: before a call the sides may overlap."""

    def __init__(self) -> None:
        self._bids = _Ladder(1)
        self._asks = _Ladder(-1)
        self._orders: dict[OrderId, Resting] = {}

    def __len__(self) -> int:
        """Orders in the book, both sides."""
        return len(self._orders)

    def orders(self, side: int) -> int:
        """Orders on one side."""
        return self._ladder(side).orders

    def find(self, order_id: OrderId) -> Resting | None:
        """The order, `None` if it is not in the book (any more)."""
        return self._orders.get(order_id)

    def best(self, side: int) -> tuple[int, int] | None:
        """(price_ticks, qty) of the best level of one side, `None` where the side is empty."""
        level = self._ladder(side).best()
        return None if level is None else (level.price_ticks, level.qty)

    def levels(self, side: int) -> list[tuple[int, int]]:
        """(price_ticks, qty) of every level of one side, best first."""
        return [(level.price_ticks, level.qty) for level in self._ladder(side).living()]

    def rest(self, order_id: OrderId, side: int, price_ticks: int, qty: int) -> None:
        """Puts an order at the end of its price's queue, without matching.

        Raises:
            BadInput: the id is in the book already, or the quantity is not positive.
        """
        if order_id in self._orders:
            raise BadInput(f"order {order_id!r} is in the book already: give every order an id of its own")
        if qty <= 0:
            raise BadInput(f"order {order_id!r} has quantity {qty}: a quantity is at least 1 contract")
        ladder = self._bids if side > 0 else self._asks
        level = ladder.level(price_ticks)
        order = Resting(order_id, side, qty, level)
        level.queue.append(order)
        level.qty += qty
        level.orders += 1
        ladder.orders += 1
        self._orders[order_id] = order

    def take(self, order_id: OrderId, side: int, limit_ticks: int, qty: int) -> tuple[list[Match], int]:
        """Matches an incoming order: best price of the other side first, then oldest, at the makers' prices.

        Returns:
            The matches, and what is left of the incoming order; that is not put into the book.
        """
        matches: list[Match] = []
        ladder = self._asks if side > 0 else self._bids
        while qty:
            level = ladder.best()
            if level is None or not crosses(side, limit_ticks, level.price_ticks):
                break
            maker = level.front()
            size = min(qty, maker.left)
            matches.append((maker.order_id, order_id, size, level.price_ticks))
            self._trade(ladder, maker, size)
            qty -= size
        return matches, qty

    def limit(self, order_id: OrderId, side: int, price_ticks: int, qty: int) -> list[Match]:
        """A limit order for the rest of the session: matches what it can, and what is left waits."""
        matches, left = self.take(order_id, side, price_ticks, qty)
        if left:
            self.rest(order_id, side, price_ticks, left)
        return matches

    def depth(self, side: int, limit_ticks: int, enough: int) -> int:
        """Contracts that an incoming order of `side` could take up to its limit, counted until `enough`."""
        found = 0
        for level in self._ladder(-side).living():
            if found >= enough or not crosses(side, limit_ticks, level.price_ticks):
                break
            found += level.qty
        return found

    def cancel(self, order_id: OrderId) -> int | None:
        """Takes an order off; returns what was left of it, `None` if it is not here."""
        order = self._orders.get(order_id)
        if order is None:
            return None
        left = order.left
        self._trade(self._ladder(order.side), order, left)
        return left

    def reduce(self, order_id: OrderId, left: int) -> None:
        """Makes an order smaller, so that `left` contracts remain; it keeps its place in the queue.

        Raises:
            BadInput: the order is not here, or `left` is not between 1 and what it has.
        """
        order = self._orders.get(order_id)
        if order is None:
            raise BadInput(f"order {order_id!r} is not in the book: it traded, was canceled, or never came")
        if not 1 <= left <= order.left:
            raise BadInput(
                f"order {order_id!r} has {order.left} left: reduce it to 1..{order.left}, or cancel it"
            )
        order.level.take(order, order.left - left)

    def queue_ahead(self, order_id: OrderId) -> int | None:
        """Contracts that trade before this order at its price; `None` if it is not here."""
        order = self._orders.get(order_id)
        if order is None:
            return None
        ahead = 0
        for other in order.level.queue:
            if other is order:
                break
            ahead += other.left
        return ahead

    def auction(
        self, reference_ticks: int | None, low_ticks: int, high_ticks: int
    ) -> tuple[list[Match], list[tuple[OrderId, int]]]:
        """Holds the call auction at one price: market orders (at `UNBOUNDED`) first, then price and time.

        Returns:
            The matches, and (order id, left) of the market orders that found nobody: they leave the book.
        """
        found = auction_price(self.levels(1), self.levels(-1), reference_ticks, low_ticks, high_ticks)
        matches = [] if found is None else self._uncross(*found)
        return matches, self._drop_market_orders()

    def _uncross(self, price_ticks: int, contracts: int) -> list[Match]:
        matches: list[Match] = []
        while contracts and (bids := self._bids.best()) and (asks := self._asks.best()):
            buyer, seller = bids.front(), asks.front()
            size = min(buyer.left, seller.left, contracts)
            matches.append((buyer.order_id, seller.order_id, size, price_ticks))
            self._trade(self._bids, buyer, size)
            self._trade(self._asks, seller, size)
            contracts -= size
        return matches

    def _drop_market_orders(self) -> list[tuple[OrderId, int]]:
        dropped: list[tuple[OrderId, int]] = []
        for side in (1, -1):
            level = self._ladder(side).levels.get(side * UNBOUNDED)
            while level is not None and level.orders:
                order = level.front()
                dropped.append((order.order_id, order.left))
                self._trade(self._ladder(side), order, order.left)
        return dropped

    def _trade(self, ladder: _Ladder, order: Resting, qty: int) -> None:
        order.level.take(order, qty)
        if not order.left:
            ladder.orders -= 1
            del self._orders[order.order_id]

    def _ladder(self, side: int) -> _Ladder:
        return self._bids if side > 0 else self._asks

    def __iter__(self) -> Iterator[Resting]:
        """Every order, in the sequence in which they came to rest."""
        return iter(self._orders.values())
