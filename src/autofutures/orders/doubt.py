"""What the venue owes us a word on: when an order is in doubt, when to ask, and when absence is proved.

Hears what was sent and what was answered; says which orders are overdue and when a query is due. It writes nothing and
resends nothing: a request to submit leaves once, a query and a cancel may be repeated.
"""

from collections.abc import Iterable

from autofutures.domain.messages import TRADER_K, Cancel, Query
from autofutures.domain.order_life import Status
from autofutures.orders.book import Order
from autofutures.orders.policy import Policy

MISSES = 2
"""So many snapshots in turn must lack an order before it is taken for absent, or a working one for lost."""

MOST_OPEN = 8
"""So many of the last queries may still be answered: with three seconds between two, for more than twenty seconds."""


class Doubts:
    """Time limits of one trader's life; after a restart they begin anew.

    Args:
        policy: the limits.
        name: begins the ids of queries; no two lives of a trader may share it.
    """

    def __init__(self, policy: Policy, name: str = "q") -> None:
        self._policy = policy
        self._name = name
        self._queries = 0
        self._open: dict[str, tuple[int, int]] = {}
        self._newest = ""
        self._asked_at = 0
        self._used = 0
        self._tries = 0
        self._due_at = 0
        self._misses: dict[str, int] = {}
        self._cancels: dict[str, tuple[int, int]] = {}
        self._exits: dict[str, int] = {}

    # --- what is overdue

    def overdue(self, sent: Iterable[Order], now: int) -> list[Order]:
        """Orders that were sent and of which the venue has said nothing in time."""
        limit = now - self._policy.answer_ns
        return [order for order in sent if order.sent_at <= limit]

    # --- queries

    def ask_at(self, at: int) -> None:
        """Something happened that only the venue can explain: the first beat from then on asks."""
        self._due_at = min(self._due_at, at)

    def expect(self, now: int) -> None:
        """More should be said of an order: what is on its way has as long as any answer, then the venue is asked."""
        self.ask_at(now + self._policy.answer_ns)

    def link_lost(self) -> None:
        """An answer that was due will not come any more."""
        self._open.clear()
        self._newest, self._tries = "", 0

    @property
    def unanswered(self) -> int:
        """How often the newest query was repeated without an answer."""
        return self._tries

    def query(self, now: int) -> Query | None:
        """The query that is due now, if one is: asked for, periodic, or one that got no answer."""
        policy = self._policy
        if self._newest:
            wait = min(policy.query_ns << self._tries, policy.every_ns)
            if now - self._asked_at < wait:
                return None
            self._tries += 1
        elif now < self._due_at:
            return None
        self._queries += 1
        self._newest, self._asked_at = f"{self._name}{self._queries}", now
        self._open[self._newest] = (self._queries, now)
        while len(self._open) > MOST_OPEN:
            del self._open[next(iter(self._open))]
        self._due_at = now + policy.every_ns
        return Query(self._newest, now)

    def answered(self, flow: str) -> int | None:
        """When the query of this answer was asked; `None` where nobody asked, or the answer to a later one was used.

        A broker may be slower than the next query is due: then each answer counts, however many were asked since.
        """
        number, asked_at = self._open.pop(flow, (0, 0))
        if flow == self._newest:
            self._newest, self._tries = "", 0
        if number <= self._used:
            return None
        self._used = number
        return asked_at

    def being_answered(self, flow: str, now: int) -> int | None:
        """As `answered`, of an answer that is not whole yet: its query is not repeated while it is coming."""
        number, asked_at = self._open.get(flow, (0, 0))
        if flow == self._newest:
            self._asked_at = now
        return asked_at if number > self._used else None

    # --- absence

    def seen(self, client_id: str) -> None:
        """The venue has, or had, the order: what was missed before proves nothing any more."""
        self._misses.pop(client_id, None)

    def missed(self, order: Order, asked_at: int) -> bool:
        """A snapshot asked for at `asked_at` lacks the order; whether that was the last one needed.

        A snapshot proves nothing of an order that might still have been on its way when it was asked for.
        """
        latest = max(order.sent_at, order.until)
        if order.status is not Status.WORKING and asked_at < latest + self._policy.quiet_ns:
            return False
        count = self._misses.get(order.client_id, 0) + 1
        self._misses[order.client_id] = count
        return count >= MISSES

    def proof_at(self, order: Order) -> int:
        """From when on a query may prove that the order is absent."""
        return max(order.sent_at, order.until) + self._policy.quiet_ns

    def exits_overdue(self, unknown: Iterable[Order], now: int) -> list[Order]:
        """Orders of the trader's own, which close lots, whose outcome has been unknown for too long."""
        exits = {order.client_id: order for order in unknown if order.intent.k >= TRADER_K}
        self._exits = {client_id: self._exits.get(client_id, now) for client_id in exits}
        limit = now - self._policy.exit_doubt_ns
        return [order for client_id, order in exits.items() if self._exits[client_id] <= limit]

    def still_overdue(self, unknown: Iterable[Order]) -> list[Order]:
        """The book was halted when its last life ended: its exits in doubt have no new time."""
        exits = [order for order in unknown if order.intent.k >= TRADER_K]
        self._exits = {order.client_id: 0 for order in exits}
        return exits

    # --- cancels

    def cancel_asked(self, client_id: str, now: int) -> None:
        """A request to cancel is on its way; it may be lost."""
        self._cancels[client_id] = (now + self._policy.answer_ns, 1)

    def clear_cancels(self) -> None:
        """No cancel is under way: a snapshot that follows says which are."""
        self._cancels.clear()

    def cancels_open(self) -> list[tuple[str, int]]:
        """Client ids of which a cancel is due again, and when it was asked for if it was never repeated."""
        return [
            (client_id, due_at - self._policy.answer_ns) for client_id, (due_at, _) in self._cancels.items()
        ]

    def cancels(self, alive: Iterable[Order], now: int) -> list[Cancel]:
        """Requests to cancel that nothing came of, to be said again, ever more slowly."""
        if not self._cancels:
            return []
        orders = {order.client_id: order for order in alive}
        said = []
        for client_id, (due_at, tries) in tuple(self._cancels.items()):
            order = orders.get(client_id)
            if order is None:
                del self._cancels[client_id]
            elif due_at <= now:
                wait = min(self._policy.answer_ns << tries, self._policy.every_ns)
                self._cancels[client_id] = (now + wait, tries + 1)
                said.append(Cancel(client_id, now, order.intent.symbol))
        return said
