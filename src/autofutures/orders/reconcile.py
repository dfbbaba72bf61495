"""Book and venue side by side: what a list teaches, as the reports that were missing. Pure; decides nothing.

Neither side alone is true: a venue's list is late, holds rows that are none and lacks rows. So a row can only add (a
fill, an end), and what a list lacks is handed back to be asked for again. The same list twice teaches nothing new.
"""

from collections.abc import Iterator, Mapping

import msgspec

from autofutures.domain.messages import (
    Accepted,
    Canceled,
    Expired,
    Filled,
    Rejected,
    Report,
    Snapshot,
    VenueOrder,
)
from autofutures.domain.order_life import Status
from autofutures.orders.book import Order, Orders

_WHY = "found in the venue's list"

_LISTED = (Status.SENT, Status.UNKNOWN, Status.REJECTED, Status.ABSENT)
"""Statuses of ours that a row which still works contradicts."""


class Difference(msgspec.Struct):
    """What a list says that the book did not know, page by page, and what it lacks."""

    page: int = 0
    """So many of its pages were compared."""
    reports: list[Report] = msgspec.field(default_factory=list)
    """What the last page taught."""
    applied: int = 0
    """Reports of the pages before."""
    counted: set[str] = msgspec.field(default_factory=set)
    """Ids of all fills."""
    listed: set[str] = msgspec.field(default_factory=set)
    """Client ids of orders of ours."""
    missing: list[Order] = msgspec.field(default_factory=list)
    """Orders of ours that may still trade and were sent before the query, and that the whole list lacks."""
    strangers: list[VenueOrder] = msgspec.field(default_factory=list)
    foreign: list[Filled] = msgspec.field(default_factory=list)
    """Fills of orders that are not ours."""
    phantoms: int = 0
    """Rows without any id: no order that could be asked for, and nothing is counted on them."""


def compare(orders: Orders, snapshot: Snapshot, asked_at: int, found: Difference) -> None:
    """What the next page of a list teaches about the book of orders; fills come before the ends of their orders.

    Args:
        orders: the book, with what the pages before have taught.
        snapshot: the page.
        asked_at: when the list was asked for; orders sent later prove nothing by being missing.
        found: what the pages before said; this one is added.
    """
    found.page += 1
    found.applied += len(found.reports)
    found.reports = []
    for fill in snapshot.fills:
        found.counted.add(fill.fill_id)
        if orders.get(fill.client_id) is None:
            if not (fill.client_id and orders.is_forgotten(fill.at)):  # Else it was ours.
                found.foreign.append(fill)
        elif not (orders.has_heard(fill.fill_id) or orders.is_forgotten(fill.at)):
            found.reports.append(fill)
    for row in snapshot.orders:
        order = orders.get(row.client_id) if row.client_id else None
        if order is not None:
            found.listed.add(row.client_id)
            found.reports.extend(_news(order, row))
        elif row.venue_id and not orders.is_forgotten(row.at):
            found.strangers.append(row)
        elif not row.venue_id:
            found.phantoms += 1
    if found.page == snapshot.pages:
        found.missing = [
            order
            for order in orders.at_venue()
            if order.client_id not in found.listed and order.sent_at <= asked_at
        ]


def _news(order: Order, row: VenueOrder) -> Iterator[Report]:
    """The report that takes the order to where its row is; none where it is there already."""
    untraded = row.qty - row.filled
    match row.status:
        case Status.WORKING if order.status in _LISTED:
            yield Accepted(row.client_id, row.at, row.venue_id)
        case Status.CANCELED if order.left:
            yield Canceled(row.client_id, row.at, untraded, _WHY)
        case Status.EXPIRED if order.left:
            yield Expired(row.client_id, row.at, untraded)
        case Status.REJECTED if order.left and order.status is Status.WORKING:
            yield Canceled(row.client_id, row.at, untraded, "the venue's list says that it was rejected")
        case Status.REJECTED if order.left:
            yield Rejected(row.client_id, row.at, _WHY)
        case _:
            pass  # The book knows it, it is not in the market yet, or only fills can say more.


def unexplained(
    orders: Orders,
    book: Mapping[str, int],
    snapshot: Snapshot,
    counted: set[str],
    outside: Mapping[str, int],
    late_ns: int,
) -> dict[str, int]:
    """The venue's position less what the book and the strangers' fills make of it, by symbol, where they differ.

    Args:
        orders: knows each fill that was heard.
        book: the book's net positions by symbol, with the fills of this list.
        snapshot: any page of the list: the venue's positions.
        counted: ids of all its fills.
        outside: contracts by symbol that strangers traded, as far as the list goes, and that are not in the book.
        late_ns: by so much a list may be late. An older fill that it lacks is one that the venue does not have.
    """
    later: dict[str, int] = {}
    for symbol, signed in orders.fills_since(max(snapshot.since, snapshot.at - late_ns), counted):
        later[symbol] = later.get(symbol, 0) + signed
    found = {}
    for symbol in sorted({*book, *snapshot.positions, *outside}):
        seen = book.get(symbol, 0) - later.get(symbol, 0) + outside.get(symbol, 0)
        if snapshot.positions.get(symbol, 0) != seen:
            found[symbol] = snapshot.positions.get(symbol, 0) - seen
    return found
