"""The venue's lists as the kill switch reads them: what works, what is held, and what each order has filled.

A list may be late: fills that were heard, or were in an earlier list, and that it lacks, are added to its positions.
"""

from collections.abc import Sequence

import msgspec

from autofutures.domain.messages import Filled, Snapshot, VenueOrder
from autofutures.domain.order_life import ALIVE
from autofutures.domain.units import SECOND, Side

LATE_NS = SECOND
"""By so much a list may be late; older fills that it lacks ended before it begins."""

ASK_NS = SECOND // 20
"""How soon after a list the next is asked for, while there is something to do."""

CALM_NS = SECOND
"""As above where all is done: strangers may still trade."""

ANSWER_NS = SECOND // 2
"""A query without an answer is asked again after so long."""

MOST_FILLS = 4_096
"""So many of the newest fills are remembered."""


class _Open(msgspec.Struct):
    """A list that is being said."""

    flow: str
    asked_at: int
    pages: int = 0
    rows: dict[str, VenueOrder] = msgspec.field(default_factory=dict)
    nameless: list[VenueOrder] = msgspec.field(default_factory=list)
    fills: set[str] = msgspec.field(default_factory=set)


class VenueLists:
    """The newest whole list, brought up to date by what was heard since.

    Attributes:
        asked_at: when it was asked for; 0 where there is none.
    """

    def __init__(self) -> None:
        self.asked_at = 0
        self._open: _Open | None = None
        self._ready = False
        self._next_at = 0
        self._rows: dict[str, VenueOrder] = {}
        self._nameless: list[VenueOrder] = []
        self._positions: dict[str, int] = {}
        self._fills: dict[str, Filled] = {}

    def forget(self) -> None:
        """What is known may be old: the next list is asked for at once."""
        self.asked_at = self._next_at = 0
        self._open, self._ready = None, False

    # --- the conversation

    def is_due(self, now: int, *, calm: bool) -> bool:
        """Whether a list is to be asked for now."""
        if self._open is not None:
            return now - self._open.asked_at >= ANSWER_NS and not self._open.pages
        return now >= self._next_at + (CALM_NS if calm and self._next_at else 0)

    def asked(self, flow: str, now: int) -> None:
        """A list was asked for."""
        self._open = _Open(flow, now)

    def take(self) -> bool:
        """Whether a list has become whole since this was asked last."""
        ready, self._ready = self._ready, False
        return ready

    def page(self, snapshot: Snapshot) -> None:
        """The next page of a list; of one that nobody waits for nothing counts."""
        found = self._open
        if found is None or found.flow != snapshot.flow:
            return
        if snapshot.page != found.pages:
            self.forget()  # A page was lost: it is asked for again.
            return
        found.pages += 1
        for fill in snapshot.fills:
            found.fills.add(fill.fill_id)
            if fill.at >= snapshot.at - 2 * LATE_NS:
                self._remember(fill)
        for row in snapshot.orders:
            if row.client_id:
                found.rows[row.client_id] = row
            elif row.venue_id:
                found.nameless.append(row)
        if found.pages == snapshot.pages:
            self._whole(found, snapshot)

    def _whole(self, found: _Open, snapshot: Snapshot) -> None:
        self._open, self._ready = None, True
        self.asked_at, self._next_at = found.asked_at, found.asked_at + ASK_NS
        self._rows, self._nameless = found.rows, found.nameless
        self._positions = dict(snapshot.positions)
        for fill in self._fills.values():
            if fill.fill_id not in found.fills and fill.at >= max(snapshot.since, snapshot.at - LATE_NS):
                self._move(fill)

    def fill(self, fill: Filled) -> None:
        """A fill is heard; again: nothing changes."""
        if self._remember(fill):
            self._move(fill)

    def _remember(self, fill: Filled) -> bool:
        if fill.fill_id in self._fills:
            return False
        self._fills[fill.fill_id] = fill
        if len(self._fills) > MOST_FILLS:
            del self._fills[next(iter(self._fills))]
        return True

    def _move(self, fill: Filled) -> None:
        self._positions[fill.symbol] = self._positions.get(fill.symbol, 0) + fill.side * fill.qty

    # --- what it says

    def position(self, symbol: str) -> int:
        """Contracts held, as the venue states it."""
        return self._positions.get(symbol, 0)

    def positions(self) -> list[tuple[str, int]]:
        """What is held, by symbol."""
        return [(symbol, net) for symbol, net in sorted(self._positions.items()) if net]

    def row(self, client_id: str) -> VenueOrder | None:
        """An order's row."""
        return self._rows.get(client_id)

    def filled(self, client_id: str) -> int:
        """Contracts of an order whose fills were heard."""
        return sum(fill.qty for fill in self._fills.values() if fill.client_id == client_id)

    def at_work(self, symbol: str = "") -> Sequence[VenueOrder]:
        """Orders that may still trade, of one symbol or of all."""
        rows = [*self._rows.values(), *self._nameless]
        return [row for row in rows if row.status in ALIVE and symbol in ("", row.symbol)]

    def working(self, symbol: str, side: Side) -> int:
        """Contracts that may still trade on one side."""
        return sum(row.qty - row.filled for row in self.at_work(symbol) if row.side is side)
