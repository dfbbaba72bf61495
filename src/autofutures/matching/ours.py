"""Our own orders in a market that is known from outside: what they may pay, which of them rest, who comes first."""

from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.matching import quote_rules as rules
from autofutures.matching.book_rules import UNBOUNDED, mwp_limit
from autofutures.matching.model import Execution, Order, Outcome

# Bound once, as in `book_market`: CPython 3.11 is slow to find a member of an enum.
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_ROD, _FOK = TimeInForce.ROD, TimeInForce.FOK

_OWN_SIDE = {Side.BUY: "bid", Side.SELL: "offer"}


class Ours:
    """The orders of ours that rest in one market.

    Args:
        mwp_points: the protection of an MWP order in ticks beyond the best price of its own side.
        low_ticks: the day's lower price limit, 0 where it is not known.
        high_ticks: the day's upper price limit, 0 where it is not known.
    """

    def __init__(self, mwp_points: int, low_ticks: int, high_ticks: int) -> None:
        self._mwp_points = mwp_points
        self.low_ticks = low_ticks
        self.high_ticks = high_ticks
        self.resting: dict[str, Order] = {}

    def set_limits(self, low_ticks: int, high_ticks: int) -> None:
        """A new day has new price limits; 0 where they are not known."""
        self.low_ticks, self.high_ticks = low_ticks, high_ticks

    def limit_of(self, order: Order, best_ticks: int, best_qty: int) -> int | str:
        """The worst price in ticks at which the order may trade, or why the market will not take it.

        Args:
            order: it has just arrived.
            best_ticks: the best price of its own side.
            best_qty: the size there, 0 where there is none.
        """
        low, high, kind = self.low_ticks, self.high_ticks, order.type
        if order.left <= 0:
            return f"quantity {order.left}: an order is for at least 1 contract"
        if order.client_id in self.resting:
            return "an order with this client id is working already: give every order an id of its own"
        if kind is _LIMIT:
            if (high and order.price_ticks > high) or (low and order.price_ticks < low):
                return f"outside the limits {low}..{high}"
            return order.price_ticks
        if kind is _MARKET:
            return order.side * UNBOUNDED
        if kind is not OrderType.MWP:
            return f"{kind.word}: the exchange knows no stop orders, the trader holds them"
        if not best_qty:
            return f"mwp {order.side.word}: no best {_OWN_SIDE[order.side]} to count the protection from"
        return mwp_limit(order.side, best_ticks, self._mwp_points, low or -UNBOUNDED, high or UNBOUNDED)

    def kill(self, order: Order, there: int, outcome: Outcome) -> bool:
        """Whether the order is FOK and not all of it is there: it is over then, untouched."""
        if order.tif is not _FOK or there >= order.left:
            return False
        reason = f"fok: {there} of {order.left} contracts were there"
        outcome.canceled.append((order.client_id, order.left, reason))
        return True

    def keep(self, order: Order, limit_ticks: int, queue_ahead: int, outcome: Outcome) -> None:
        """What is left of an order that took all that it could: it rests where it may, and is canceled otherwise."""
        if not order.left:
            return
        if order.tif is _ROD and order.type is not _MARKET:
            order.price_ticks = limit_ticks
            order.resting = True
            order.queue_ahead = queue_ahead
            self.resting[order.client_id] = order
            return
        reason = "no more contracts within its limit, and it does not wait"
        outcome.canceled.append((order.client_id, order.left, reason))

    def execute(self, order: Order, qty: int, price_ticks: int, outcome: Outcome) -> int:
        """Fills so much of an order, and returns it."""
        order.left -= qty
        outcome.executions.append(Execution(order.client_id, qty, price_ticks))
        if not order.left:
            self.resting.pop(order.client_id, None)
            outcome.done.append(order.client_id)
        return qty

    def by_priority(self) -> list[Order]:
        """Buys before sells, on each side the best price first, then the oldest."""
        return sorted(
            self.resting.values(),
            key=lambda order: (-order.side, -order.side * order.price_ticks, order.arrival),
        )

    def hear_trade(
        self, price_ticks: int, qty: int, bid: tuple[int, int], ask: tuple[int, int], outcome: Outcome
    ) -> None:
        """Lets a trade serve those who rest; a contract traded serves one of ours at most.

        Args:
            price_ticks: the trade's price.
            qty: its contracts.
            bid: price and size of the best bid as it was displayed.
            ask: the same of the best offer.
            outcome: what it does is added here.
        """
        reaches_buys = rules.reaches_side(1, price_ticks, *ask)
        reaches_sells = rules.reaches_side(-1, price_ticks, *bid)
        for order in self.by_priority():
            if not (reaches_buys if order.side > 0 else reaches_sells):
                continue
            side, limit, queue, passed = order.side, order.price_ticks, order.queue_ahead, order.passed
            served = rules.served_by_trade(side, limit, queue, passed, price_ticks, qty)
            order.queue_ahead = rules.queue_after_trade(side, limit, queue, passed, price_ticks, qty)
            order.passed = rules.passed_after_trade(limit, passed, price_ticks, qty)
            if served:
                qty -= self.execute(order, min(order.left, served), limit, outcome)

    def hear_size(self, order: Order, own_ticks: int, own_qty: int) -> None:
        """The best price of the order's own side, or the level where it rests, shows another size."""
        before = order.queue_ahead
        after = rules.queue_after_quote(order.side, order.price_ticks, before, own_ticks, own_qty)
        order.queue_ahead = after
        order.passed = rules.passed_after_quote(order.passed, before, after)

    def cancel(self, client_id: str) -> int | None:
        """Takes an order off; returns what was left of it, `None` if it is not here."""
        order = self.resting.pop(client_id, None)
        return None if order is None else order.left

    def close(self) -> list[tuple[str, int]]:
        """Voids what still works, in the sequence in which it came to rest."""
        left = [(order.client_id, order.left) for order in self.resting.values()]
        self.resting.clear()
        return left
