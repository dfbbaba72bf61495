"""The account's side of an order's life: a report moves the order, its fill the position, and that the exit plans.

Everything the venue says of an order comes in through `hear`, whether it was told, repeated, or found in a list.
"""

from collections.abc import Iterator, Mapping

import msgspec

from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import (
    Accepted,
    Alert,
    AnyMessage,
    BookKept,
    Cancel,
    Canceled,
    Expired,
    Filled,
    LedgerKept,
    Rejected,
    Report,
    Stray,
    Traded,
)
from autofutures.domain.order_life import ALIVE, Event, Status
from autofutures.orders.book import PART_OF, Order, Orders
from autofutures.orders.book_stop import BookStops
from autofutures.orders.doubt import Doubts
from autofutures.orders.exits import Exits
from autofutures.orders.plan import Plan
from autofutures.portfolio import pnl
from autofutures.portfolio.book import Portfolio
from autofutures.portfolio.costs import Costs

OUTSIDE = "outside"
"""The ledger of what others traded in our account, where the policy is to take it in."""

_EVENTS: dict[type[Report], Event] = {
    Accepted: Event.ACCEPTED,
    Rejected: Event.REJECTED,
    Canceled: Event.CANCELED,
    Expired: Event.EXPIRED,
}

Said = list[AnyMessage]


def part_of(fill: Filled, qty: int, strategy: str) -> Filled:
    """A part of a fill, under a name of its own where it is not the first or the whole."""
    name = f"{fill.fill_id}{PART_OF}{strategy}" if strategy and qty < fill.qty else fill.fill_id
    return msgspec.structs.replace(fill, qty=qty, fill_id=name)


class Account:
    """Orders, positions and exit plans, which move together or not at all.

    Args:
        instruments: everything that may be traded, by symbol.
        orders: the book of orders.
        costs: fees and taxes of fills.
        doubts: hears of every request to cancel, and of reports that should follow.
        limits: what each strategy with exits of its own may lose in one symbol, in minor units of money.

    Attributes:
        now: the trader's time of what is being handled; 0 to believe the venue's.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        orders: Orders,
        costs: Costs,
        doubts: Doubts,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self.instruments = instruments
        self.orders = orders
        self.costs = costs
        self.portfolio = Portfolio()
        self.exits = Exits()
        self.stops = BookStops(limits or {}, instruments)
        self.now = 0
        self._doubts = doubts

    def hear(self, report: Report, said: Said) -> None:
        """What the venue says of an order; a repeat changes nothing."""
        if isinstance(report, Filled):
            self._filled(report, said)
        else:
            self._changed(report, said)

    def cancel(self, order: Order, now: int, said: Said) -> None:
        """Asks the venue for an order back, again and again until something came of it."""
        self._doubts.cancel_asked(order.client_id, now)
        said.append(Cancel(order.client_id, now, order.intent.symbol))

    def cancel_recorded(self, cancel: Cancel) -> None:
        """A recorded request to cancel: nobody knows whether it arrived, so it is said again."""
        self._doubts.cancel_asked(cancel.client_id, cancel.at)

    def _order_of(self, report: Report, said: Said) -> Order | None:
        order = self.orders.get(report.client_id)
        if order is None:
            reason = f"{type(report).__name__} for an order that is not in the book"
            said.append(Stray(report.client_id, report.at, reason))
        elif order.status is Status.HELD:
            reason = f"{type(report).__name__} for a stop that was never sent"
            said.append(Stray(report.client_id, report.at, reason))
            return None
        return order

    def _filled(self, report: Filled, said: Said) -> None:
        order = self._order_of(report, said)
        if order is None:
            return
        intent, before_status = order.intent, order.status
        if (report.symbol, report.side) != (intent.symbol, intent.side):
            reason = f"fill {report.fill_id} is of {report.side.word} {report.symbol}, and the order is not"
            said.append(Stray(report.client_id, report.at, reason))
            return
        if not self.orders.fill(order, report):  # We have heard this fill before.
            return
        before = self.portfolio.position(intent.strategy, intent.symbol)
        said.append(self._booked(report, intent.strategy, order))
        self._cover(order, report, pnl.opening_part(before, intent.side, report.qty), said)
        self.free_exit(order)
        said.append(order.changed(report.at, ""))
        self._back_from_absence(order, before_status, report.at, said)

    def _cover(self, order: Order, report: Filled, opening: int, said: Said) -> None:
        """Moves the exit plans with a fill: what it opened is covered, what it closed is not covered any more.

        An entry that carries a plan has a lot of its own, whatever else its strategy holds: the conditions of both
        sides of one contract stay independent.
        """
        intent = order.intent
        touched: list[Plan] = []
        if intent.closes_k:
            own = self.exits.plan(intent.strategy, intent.closes_seq, intent.closes_k)
            closed = 0 if own is None else min(own.open_qty, report.qty)
            if own is not None:
                own.progressed()
                self.exits.close(own, closed)
                touched.append(own)
            touched += self.exits.close_oldest(
                intent.strategy, intent.symbol, intent.side, report.qty - closed
            )
        elif intent.exit is not None:
            at = self.now or report.at
            touched.append(self.exits.open(intent, intent.exit, report.qty, order.average_ticks, at))
        else:
            closing = report.qty - opening
            touched += self.exits.close_oldest(intent.strategy, intent.symbol, intent.side, closing)
        said += [plan.moved(report.at) for plan in touched]

    def _changed(self, report: Accepted | Rejected | Canceled | Expired, said: Said) -> None:
        order = self._order_of(report, said)
        if order is None:
            return
        if isinstance(report, Rejected) and report.of_cancel:
            said.append(order.changed(report.at, report.reason))  # It says nothing of the order itself.
            self._doubts.expect(self.now)
            return
        before = order.status
        untraded = report.left if isinstance(report, (Canceled, Expired)) else None
        if not self.orders.hear(order, _EVENTS[type(report)], untraded):
            return
        said.append(order.changed(report.at, getattr(report, "reason", "")))
        if order.left and order.status not in ALIVE:
            self._doubts.expect(
                self.now
            )  # It ended with fewer left than we know of: fills are on their way, or lost.
        self.free_exit(order)
        self._back_from_absence(order, before, report.at, said)

    def _back_from_absence(self, order: Order, before: Status, at: int, said: Said) -> None:
        """An order that was proved absent is there after all: what it was for may have been decided again."""
        if before is not Status.ABSENT or order.status is Status.ABSENT:
            return
        text = (
            "it was proved absent and the venue has it: it is asked back, and what it filled is in the book"
        )
        said.append(Alert("unknown_order", at, order.client_id, text))
        if order.left:
            self.cancel(order, at, said)

    def free_exit(self, order: Order) -> None:
        """What an exit order will not fill any more frees its plan to be decided again."""
        if order.intent.closes_k:
            self.exits.on_its_way(order.client_id, order.intent, order.left)

    def adopt(self, fill: Filled, said: Said) -> None:
        """A stranger's fill enters a ledger of its own, so that the sum of ledgers is the account again."""
        self.orders.note_foreign(fill)
        said.append(self._booked(fill, OUTSIDE, None))

    def settle(self, strategy: str, fill: Filled, said: Said) -> None:
        """A contract ends: the strategy's position becomes money, and what covered it covers nothing any more."""
        self.orders.note_foreign(fill)
        said.append(self._booked(fill, strategy, None))
        touched = self.exits.close_oldest(strategy, fill.symbol, fill.side, fill.qty)
        said += [plan.moved(fill.at) for plan in touched]

    def closed_by_kill(self, fill: Filled, said: Said) -> int:
        """The kill switch traded: it closes what strategies hold on that side, by name, each one's oldest lots first.

        Returns:
            Contracts that no strategy held: they were strangers'.
        """
        left = fill.qty
        for strategy, symbol, ledger in list(self.portfolio.ledgers()):
            held = -fill.side * ledger.position
            if symbol == fill.symbol and held > 0 and left:
                qty = min(held, left)
                self.settle(strategy, part_of(fill, qty, strategy if left < fill.qty else ""), said)
                left -= qty
        return left

    def _booked(self, fill: Filled, strategy: str, order: Order | None) -> Traded:
        """The fill in its strategy's ledger, with what it cost."""
        fee, tax = self.costs.of(self.instruments[fill.symbol], fill.price_ticks, fill.qty)
        position = self.portfolio.apply(
            strategy, fill.symbol, fill.side, fill.qty, fill.price_ticks, fee, tax
        )
        self.stops.filled(strategy, fill.symbol, self.portfolio.ledger(strategy, fill.symbol))
        return Traded(
            client_id="" if order is None else order.client_id,
            strategy=strategy,
            order_seq=0 if order is None else order.intent.cause_seq,
            order_k=0 if order is None else order.intent.k,
            n=0 if order is None else order.fills,
            at=fill.at,
            symbol=fill.symbol,
            side=fill.side,
            qty=fill.qty,
            price_ticks=fill.price_ticks,
            fee=fee,
            tax=tax,
            position=position,
            fill_id=fill.fill_id,
        )

    def fold_fill(self, traded: Traded) -> None:
        """Takes a recorded fill back in."""
        if not traded.client_id:
            self.orders.note_foreign(traded)
        else:
            self.orders.restore_fill(traded)
        self.portfolio.apply(
            traded.strategy,
            traded.symbol,
            traded.side,
            traded.qty,
            traded.price_ticks,
            traded.fee,
            traded.tax,
        )
        self.stops.filled(
            traded.strategy, traded.symbol, self.portfolio.ledger(traded.strategy, traded.symbol)
        )

    # --- snapshots

    def forget(self) -> None:
        """Drops orders and fills that are over and old."""
        self.orders.forget({plan.key for plan in self.exits.plans()})

    def facts(self, now: int, *, whole: bool) -> Iterator[AnyMessage]:
        """Facts whose fold is this account; of orders, unless it is `whole`, those that changed since the last time."""
        for strategy, symbol, ledger in self.portfolio.ledgers():
            yield ledger.kept(strategy, symbol)
        yield from self.stops.kept(now)
        yield from self.orders.kept(whole=whole)
        for client_id, asked_at in self._doubts.cancels_open():
            order = self.orders.get(client_id)
            if order is not None and order.left:
                yield Cancel(client_id, asked_at, order.intent.symbol)
        yield from self.exits.ranges.kept()
        for plan in self.exits.plans():
            yield plan.moved(now)

    def fold_head(self, kept: BookKept) -> None:
        """A snapshot begins: what it says whole replaces what an earlier one said."""
        self.exits.clear()
        self._doubts.clear_cancels()
        self.orders.restore_fills(kept.fills, kept.forgotten_at)

    def fold_ledger(self, kept: LedgerKept) -> None:
        """Takes a ledger of a snapshot back in, with the stop that watches it."""
        self.portfolio.restore(kept)
        ledger = self.portfolio.ledger(kept.strategy, kept.symbol)
        if ledger.contracts:
            self.stops.filled(kept.strategy, kept.symbol, ledger)
