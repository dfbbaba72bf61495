"""How one instrument's orders meet: the seam between the exchange (who, when) and a market model (at what price).

Four models stand behind it: `prints` knows the trades alone, `quote_market` the best bid and offer too,
`depth_market` the size at every price, and `book_market` keeps a book of every order.
"""

from typing import Protocol

import msgspec

from autofutures.domain.messages import Message, Quote, SessionEnded, Tick
from autofutures.domain.units import OrderType, Side, TimeInForce


class Order(msgspec.Struct):
    """An order of ours that has reached the exchange; `left` contracts may still trade.

    `arrival` numbers orders in the sequence in which they reached the exchange: time priority.
    """

    client_id: str
    side: Side
    type: OrderType
    tif: TimeInForce
    price_ticks: int
    left: int
    arrival: int
    queue_ahead: int = 0
    """Contracts that stand before ours at its price, as far as its market can tell."""
    resting: bool = False
    passed: int = 0
    """Contracts of the queue that went without a trade, where quotes are known (`quote_rules.passed_after_quote`)."""


class Execution(msgspec.Struct, frozen=True, gc=False):
    """Part of one of our orders traded."""

    client_id: str
    qty: int
    price_ticks: int


class Outcome(msgspec.Struct):
    """What an event did, in the order in which it must be told: refusals, executions, cancels, then the market."""

    rejected: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """(client_id, reason): the order never was in the market."""
    executions: list[Execution] = msgspec.field(default_factory=list)
    canceled: list[tuple[str, int, str]] = msgspec.field(default_factory=list)
    """(client_id, left, reason): the rest does not wait."""
    done: list[str] = msgspec.field(default_factory=list)
    """Orders of ours that are full."""
    market: list[Tick | Quote] = msgspec.field(default_factory=list)


class FlowAdd(Message, frozen=True):
    """Another participant's order reaches a market that keeps a book. Never leaves the exchange."""

    symbol: str
    at: int
    order_id: int
    side: Side
    type: OrderType
    tif: TimeInForce
    price_ticks: int
    qty: int


class FlowRemove(Message, frozen=True):
    """Another participant takes an order off; one that has traded meanwhile is no error."""

    symbol: str
    at: int
    order_id: int


class DepthChanged(Message, frozen=True):
    """All that rests at a price is `qty` from now on. Never leaves the exchange: what leaves is the quote."""

    symbol: str
    at: int
    side: Side
    price_ticks: int
    qty: int
    first: bool = False
    """It starts a snapshot: what was known of the book before is void."""
    more: bool = False
    """What follows belongs to the same change; the book is whole, and matches, only after the last of it."""


class SessionOpened(Message, frozen=True):
    """The call auction is held and continuous trading begins."""

    symbol: str
    at: int
    day: int
    session: str


FeedEvent = Tick | Quote | DepthChanged | FlowAdd | FlowRemove | SessionOpened | SessionEnded
"""What a feed may put into an exchange, in time order."""


class Market(Protocol):
    """One instrument's market. No method returns before the book is consistent again."""

    hears_when_idle: bool
    """Whether it must hear events while we have no order in it; a tape need not, a book must."""

    def set_limits(self, low_ticks: int, high_ticks: int) -> None:
        """A new day has new price limits; 0 where they are not known."""
        ...

    def enter(self, order: Order, at: int) -> Outcome:
        """One of our orders reaches the market at `at`, before the event that is due next."""
        ...

    def cancel(self, client_id: str) -> int | None:
        """Takes one of our orders off; returns what was left of it, `None` if it is not here."""

    def hear(self, event: FeedEvent) -> Outcome:
        """The next event of the feed."""
        ...

    def close(self) -> list[tuple[str, int]]:
        """The session is over: forgets all orders, and returns ours that were still working, with what was left."""
        ...
