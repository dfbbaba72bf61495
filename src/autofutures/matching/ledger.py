"""The broker's own books: every order that reached it, every fill, the net positions. They are the judge of a test.

Nothing that goes wrong on the way to us touches them: faults begin where the broker speaks.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec

from autofutures.domain.messages import (
    Accepted,
    Canceled,
    Expired,
    Filled,
    Rejected,
    Report,
    Submit,
    VenueOrder,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OpenClose, OrderType, Side, TimeInForce

LIVE = frozenset({Status.SENT, Status.WORKING})
"""`SENT` has reached the broker and not yet the market."""


class Entry(msgspec.Struct):
    """One order as the broker knows it. Two orders may carry one client id: the broker does not mind."""

    venue_id: str
    client_id: str
    """Empty: not sent over our link."""
    submit: Submit
    received_at: int
    session: int
    status: Status = Status.SENT
    filled: int = 0
    reason: str = ""
    history: list[tuple[int, Status, int]] = msgspec.field(default_factory=list)
    """(since, status, filled), for lists that are late."""
    newest: VenueOrder | None = None
    """The row that the last list had, while it is true: a day's orders are listed every few seconds."""

    @property
    def left(self) -> int:
        """Contracts that may still trade."""
        return self.submit.qty - self.filled if self.status in LIVE else 0

    def move(self, status: Status, at: int) -> None:
        """Takes a status, and remembers since when."""
        self.status = status
        self.history.append((at, status, self.filled))
        self.newest = None

    def row(self, seen_at: int, skew_ns: int = 0) -> VenueOrder | None:
        """The order in a list of that moment, by a clock that is so far ahead; `None` before it arrived."""
        if self.received_at > seen_at:
            return None
        known = self.newest
        if known is not None and known.at - skew_ns <= seen_at:
            return known
        at, status, filled = next(entry for entry in reversed(self.history) if entry[0] <= seen_at)
        order = self.submit
        row = VenueOrder(
            self.client_id, self.venue_id, order.symbol, order.side, order.qty, filled, status, at + skew_ns
        )
        if at == self.history[-1][0]:
            self.newest = row
        return row


class OrderLine(msgspec.Struct, frozen=True):
    """An order in a statement."""

    venue_id: str
    client_id: str
    symbol: str
    side: Side
    qty: int
    filled: int
    left: int
    status: str
    session: int
    at: int
    reason: str
    moved_at: int = 0
    """When its status changed last."""


class FillLine(msgspec.Struct, frozen=True):
    """A fill in a statement."""

    fill_id: str
    venue_id: str
    client_id: str
    symbol: str
    side: Side
    qty: int
    price_ticks: int
    at: int


class Statement(msgspec.Struct, frozen=True):
    """All of the books, as JSON writes them."""

    orders: tuple[OrderLine, ...]
    fills: tuple[FillLine, ...]
    positions: dict[str, int]
    """Net, by symbol, strangers' trades included."""
    strangers: dict[str, int]
    """The part of `positions` that was not traded over our link."""
    orders_per_client_id_max: int
    """1 where no decision made two orders, 0 where there was none."""
    sessions: int
    faults: dict[str, int]


class Held(msgspec.Struct, frozen=True):
    """What of the books is open: positions by symbol, how many orders may still trade, and how many came in all."""

    positions: dict[str, int]
    working: int
    orders: int


class Ledger:
    """The books.

    Attributes:
        orders: every order by the broker's own id, in the sequence in which they came.
        positions: net contracts by symbol.
    """

    def __init__(self) -> None:
        self.orders: dict[str, Entry] = {}
        self.positions: Counter[str] = Counter()
        self._by_client: dict[str, list[Entry]] = {}
        self._fills: list[tuple[int, str, Filled]] = []

    def receive(self, venue_id: str, submit: Submit, now: int, session: int) -> Entry:
        """An order has reached the broker."""
        entry = Entry(venue_id, submit.client_id, submit, now, session)
        entry.move(Status.SENT, now)
        self.orders[venue_id] = entry
        self._by_client.setdefault(submit.client_id, []).append(entry)
        return entry

    def restore(self, statement: Statement) -> None:
        """Takes the books of an earlier life; what worked then has ended with its session."""
        words = {status.word: status for status in Status}
        for line in statement.orders:
            entry = self.receive(line.venue_id, _submit_of(line), line.at, line.session)
            entry.filled, entry.reason = line.filled, line.reason
            status = words[line.status]
            entry.move(Status.EXPIRED if status in LIVE else status, line.at)
        for fill in statement.fills:
            filled = Filled(
                fill.client_id, fill.at, fill.fill_id, fill.symbol, fill.side, fill.qty, fill.price_ticks
            )
            self._fills.append((fill.at, fill.venue_id, filled))
            self.positions[fill.symbol] += fill.side * fill.qty

    def of_client(self, client_id: str) -> list[Entry]:
        """Every order under one client id."""
        return self._by_client.get(client_id, [])

    def report(self, entry: Entry, report: Report, now: int) -> None:
        """What became of an order; a rejected request to cancel is no event of its life."""
        match report:
            case Accepted():
                entry.move(Status.WORKING, now)
            case Filled():
                entry.filled += report.qty
                entry.move(Status.FILLED if entry.filled == entry.submit.qty else entry.status, now)
                self.positions[report.symbol] += report.side * report.qty
                self._fills.append((now, entry.venue_id, report))
            case Canceled():
                entry.reason = report.reason
                entry.move(Status.CANCELED, now)
            case Expired():
                entry.move(Status.EXPIRED, now)
            case Rejected() if not report.of_cancel:
                entry.reason = report.reason
                entry.move(Status.REJECTED, now)
            case Rejected():
                pass

    def rows(self, seen_at: int, since: int, skew_ns: int) -> Iterator[tuple[Entry, VenueOrder]]:
        """The list of orders as of a moment: those that work, and those that ended since."""
        for entry in self.orders.values():
            if entry.status in LIVE or entry.history[-1][0] >= since:
                row = entry.row(seen_at, skew_ns)
                if row is not None:
                    yield entry, row

    def fills(self, seen_at: int, since: int = 0) -> tuple[Filled, ...]:
        """The list of fills as of a moment, of those that happened since by the broker's own clock."""
        found = []
        for at, _, fill in reversed(self._fills):
            if fill.at < since:
                break
            if at <= seen_at:
                found.append(fill)
        return tuple(reversed(found))

    def positions_at(self, seen_at: int) -> dict[str, int]:
        """Net positions as of a moment."""
        positions = Counter(self.positions)
        for at, _, fill in reversed(self._fills):
            if at <= seen_at:
                break
            positions[fill.symbol] -= fill.side * fill.qty
        return {symbol: net for symbol, net in sorted(positions.items()) if net}

    def held(self) -> Held:
        """What is open now."""
        positions = {symbol: net for symbol, net in sorted(self.positions.items()) if net}
        working = sum(1 for entry in self.orders.values() if entry.status in LIVE)
        return Held(positions, working, len(self.orders))

    def statement(self, sessions: int, faults: Counter[str]) -> Statement:
        """Everything, for a judge."""
        strangers: Counter[str] = Counter()
        for _, _, fill in self._fills:
            if not fill.client_id:
                strangers[fill.symbol] += fill.side * fill.qty
        ours = [len(entries) for client_id, entries in self._by_client.items() if client_id]
        return Statement(
            orders=tuple(_order_line(entry) for entry in self.orders.values()),
            fills=tuple(_fill_line(venue_id, fill) for _, venue_id, fill in self._fills),
            positions={symbol: net for symbol, net in sorted(self.positions.items()) if net},
            strangers={symbol: net for symbol, net in sorted(strangers.items()) if net},
            orders_per_client_id_max=max(ours, default=0),
            sessions=sessions,
            faults={kind: count for kind, count in sorted(faults.items()) if count},
        )


def _submit_of(line: OrderLine) -> Submit:
    """An order that is over: how it was to trade is not known any more, and no matter."""
    return Submit(
        line.client_id,
        line.at,
        line.symbol,
        line.side,
        line.qty,
        OrderType.MARKET,
        0,
        TimeInForce.ROD,
        OpenClose.AUTO,
        day_trade=False,
    )


def _order_line(entry: Entry) -> OrderLine:
    order = entry.submit
    return OrderLine(
        entry.venue_id,
        entry.client_id,
        order.symbol,
        order.side,
        order.qty,
        entry.filled,
        entry.left,
        entry.status.word,
        entry.session,
        entry.received_at,
        entry.reason,
        entry.history[-1][0],
    )


def _fill_line(venue_id: str, fill: Filled) -> FillLine:
    return FillLine(
        fill.fill_id, venue_id, fill.client_id, fill.symbol, fill.side, fill.qty, fill.price_ticks, fill.at
    )
