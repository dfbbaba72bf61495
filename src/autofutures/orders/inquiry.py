"""Asks the venue and believes neither side alone: silence, broken links and snapshots become facts about our orders.

Hears beats, links that come and go, and snapshots; says queries, doubts, proofs of absence, differences, and what the
book may do. A live order is never dropped to make a sum come out.
"""

from collections.abc import Iterable

from autofutures.domain.messages import (
    Alert,
    AnyMessage,
    Beat,
    Cancel,
    Canceled,
    Command,
    Expired,
    Killed,
    LinkChanged,
    Reconciled,
    Rejected,
    Report,
    SessionEnded,
    Snapshot,
)
from autofutures.domain.order_life import Event, Status
from autofutures.domain.units import MINUTE
from autofutures.market.view import MarketView
from autofutures.orders.acceptance import Acceptance
from autofutures.orders.account import OUTSIDE, Account, part_of
from autofutures.orders.book import Order
from autofutures.orders.breaker import Breaker, Breakers
from autofutures.orders.doubt import MOST_OPEN, Doubts
from autofutures.orders.ids import is_kill_id
from autofutures.orders.policy import Policy
from autofutures.orders.reconcile import Difference, compare, unexplained
from autofutures.orders.standing import Standing

Said = list[AnyMessage]

FillLine = tuple[str, int, str, int]
"""Id, time, symbol and signed contracts of a fill."""

NOT_SENT = "not sent"
"""How the reason begins of a rejection that is not the venue's: the order never left."""

CLOCKS_NS = MINUTE
"""A venue's clock and ours differ by less than this."""


class Inquiry:
    """The conversation with the venue about what is.

    Args:
        account: what the answers move.
        doubts: when to ask.
        policy: how long to wait, and what becomes of strangers' orders.
        view: the calendar, for news of a session's end may have come while nobody listened.
    """

    def __init__(self, account: Account, doubts: Doubts, policy: Policy, view: MarketView) -> None:
        self._account = account
        self._orders = account.orders
        self._policy = policy
        self._view = view
        self._strangers: set[str] = set()
        self._ignored: dict[str, FillLine] = {}
        self._ended: dict[str, int] = {}
        self._cut_until: dict[str, int] = {}
        self._down: LinkChanged | None = None
        self._lists: dict[str, Difference] = {}
        self._trouble_about = ""
        self.doubts = doubts
        failures = policy.breaker_failures if policy.reconciles else 0
        sent = account.orders.sent
        breakers = Breakers(failures, policy.breaker_pause_ns, lambda: bool(sent))
        self.standing = Standing(reconciles=policy.reconciles, breakers=breakers)
        self.acceptance = Acceptance(account, self.standing)

    def session_ended(self, ended: SessionEnded, now: int) -> None:
        """Orders were valid only for the session: one that the venue's list lacks from now on is over."""
        self._ended[ended.symbol] = now
        session = self._view.session(ended.symbol, now)
        if session is not None and (session.day, session.name) == (ended.day, ended.session):
            self._cut_until[ended.symbol] = session.ends_at  # It has ended before its time.
        self.standing.breakers.look_at_trial()
        self.soon(now)

    def soon(self, now: int) -> None:
        """Something may have been missed: the next beat asks."""
        self.doubts.ask_at(now)

    def beat(self, beat: Beat, now: int, said: Said) -> None:
        """Notices what did not come, and asks."""
        about = (beat.about or "disk") if beat.trouble else ""
        if about and about != self._trouble_about:
            text = f"{beat.trouble}: no entries until that has passed"
            said.append(Alert(about, now, "journal" if about == "disk" else "computer", text))
        self._trouble_about, self.standing.trouble = about, beat.trouble
        self._tell_link(now, said)
        breakers = self.standing.breakers
        breakers.tick(now)
        for order in self.doubts.overdue(self._orders.sent.values(), now):
            self._doubt(order, now, "no answer in time", said)
            self._failed(breakers.submit, "no answer in time", now, said)
        self._exits_in_doubt(now, said)
        if self.standing.link_up and self._policy.reconciles:
            repeated = self.doubts.cancels(self._orders.alive(), now)
            if repeated:
                said += repeated
                self._failed(breakers.cancel, "nothing came of it", now, said)
            query = self.doubts.query(now)
            if query is not None:
                said.append(query)
                if self.doubts.unanswered:
                    self._failed(breakers.query, "no answer", now, said)
        self._say_mode(now, said)

    def accept(self, command: Command, now: int, said: Said) -> None:
        """A person accepts a difference; the venue is compared with at once."""
        self.acceptance.decide(command, now, said)
        self.soon(now)
        self._say_mode(now, said)

    def heard(self, report: Report, now: int, said: Said) -> None:
        """What the venue says of an order tells, too, whether it does what it is asked to; the account has heard it."""
        breakers = self.standing.breakers
        before = breakers.are_closed
        if not isinstance(report, Rejected):
            breakers.succeeded(breakers.cancel if isinstance(report, Canceled) else breakers.submit)
        elif report.of_cancel:
            breakers.succeeded(breakers.cancel)  # It was too late, say: an answer all the same.
        elif not report.reason.startswith(NOT_SENT):
            self._failed(breakers.submit, report.reason, now, said)
        if not (before and breakers.are_closed):
            self._say_mode(now, said)

    def _failed(self, breaker: Breaker, why: str, now: int, said: Said) -> None:
        if self.standing.breakers.failed(breaker, now, why):
            text = f"{breaker.reason(on_trial=False)}: no entries for a while, exits and cancels go on"
            said.append(Alert("breaker", now, breaker.operation, text))

    def unheard(self, symbols: Iterable[str], now: int, said: Said) -> None:
        """Symbols in the book that the run does not trade: their exits go by time until a trade is heard."""
        before, self.standing.unheard = self.standing.unheard, tuple(symbols)
        for symbol in self.standing.unheard:
            if symbol not in before:
                net = self._account.portfolio.net(symbol)
                text = (
                    f"the book holds {net:+d}, and this run does not trade it: until a trade of it is heard its exits "
                    "go by time alone, and nothing is opened; start the machine with that contract to close it"
                )
                said.append(Alert("left_over", now, symbol, text))

    def _doubt(self, order: Order, now: int, why: str, said: Said) -> None:
        """The outcome is not known: entries of this instrument wait, a person is told, and the venue is asked."""
        if self._orders.hear(order, Event.DOUBTED):
            said.append(order.changed(now, why))
            said.append(Alert("unknown_order", now, order.client_id, f"{why}; the venue is being asked"))
            self.doubts.ask_at(now)

    def _exits_in_doubt(self, now: int, said: Said) -> None:
        """An exit that stays unknown past its deadline halts the book and is asked back; what else works is too."""
        overdue = self.doubts.exits_overdue(self._orders.unknown.values(), now)
        before = self.standing.exits_in_doubt
        self.standing.exits_in_doubt = tuple(order.client_id for order in overdue)
        for order in overdue:
            if order.client_id not in before:
                text = (
                    f"the outcome of exit {order.client_id} is not known: the book halts, and all that works is "
                    "asked back"
                )
                said.append(Alert("halted", now, "exits", text))
        if overdue and not before:
            for order in self._orders.at_venue():
                self._account.cancel(order, now, said)

    def recovered(self) -> None:
        """All is folded. A book that was halted stays so until the outcome of its exits is known."""
        if self.standing.was_halted:
            overdue = self.doubts.still_overdue(self._orders.unknown.values())
            self.standing.exits_in_doubt = tuple(order.client_id for order in overdue)

    def link(self, changed: LinkChanged, now: int, said: Said) -> None:
        """A broken link leaves every order without a word in doubt; a new one begins with questions."""
        was_up = self.standing.link_up
        self.standing.link(changed)
        if changed.up:
            self._down = None
        else:
            self.doubts.link_lost()
            self._lists.clear()
            if was_up:  # One that never was up is no news: the book's mode says it.
                self._down = changed
            self._tell_link(now, said)
            for order in tuple(self._orders.sent.values()):
                self._doubt(order, now, "the link broke before its answer", said)
        self.doubts.ask_at(now)
        self._say_mode(now, said)

    def _tell_link(self, now: int, said: Said) -> None:
        """A link that is down is told as soon as an order could want it: venues log everyone out after a session."""
        down = self._down
        if down is not None and any(self._takes_orders(symbol, now) for symbol in self._account.instruments):
            self._down = None
            said.append(Alert("link_down", now, down.venue, down.reason))

    def _takes_orders(self, symbol: str, now: int) -> bool:
        return now >= self._cut_until.get(symbol, 0) and self._view.accepts_orders(symbol, now)

    def killed(self, killed: Killed, now: int, said: Said) -> None:
        """The gateway says how far the kill switch is: nothing is opened meanwhile, and what it closed is asked for."""
        before = self.standing.killed.level if self.standing.killed is not None else 0
        self.standing.killed = killed
        if killed.level > before:
            text = f"{killed.who or 'somebody'} used the kill switch: {killed.level.word}; it lasts until `resume`"
            said.append(Alert("killed", now, killed.level.word, text))
        self.doubts.ask_at(now)
        self._say_mode(now, said)

    def _say_mode(self, now: int, said: Said) -> None:
        self.standing.breakers.look_at_trial()
        mode = self.standing.said(now)
        if mode is not None:
            said.append(mode)

    def compare(self, snapshot: Snapshot, now: int, said: Said) -> None:
        """Book and venue are compared; what the venue knows more comes in as reports do, with each page of its list."""
        found = self._so_far(snapshot)
        if found is None:
            return
        is_whole = found.page + 1 == snapshot.pages
        flow, doubts = snapshot.flow, self.doubts
        asked_at = doubts.answered(flow) if is_whole else doubts.being_answered(flow, now)
        if asked_at is None:
            return
        self.standing.breakers.succeeded(self.standing.breakers.query)
        compare(self._orders, snapshot, asked_at, found)
        for row in snapshot.orders:
            self.doubts.seen(row.client_id)
        for report in found.reports:
            self._account.hear(report, said)
        if is_whole:
            self._conclude(snapshot, found, asked_at, now, said)
        else:
            self._lists[snapshot.flow] = found
            self._say_mode(now, said)

    def _so_far(self, page: Snapshot) -> Difference | None:
        """What the pages before have said; none where one of them was lost: such a list is asked for again."""
        found = self._lists.pop(page.flow, None) if page.page else Difference()
        while len(self._lists) >= MOST_OPEN:
            del self._lists[next(iter(self._lists))]
        return found if found is not None and found.page == page.page else None

    def _conclude(self, snapshot: Snapshot, found: Difference, asked_at: int, now: int, said: Said) -> None:
        """The list is whole: what it lacks counts, and the positions are compared."""
        beyond = snapshot.since + CLOCKS_NS if snapshot.since else 0
        absent = sum(self._missing(order, asked_at, beyond, now, said) for order in found.missing)
        ignored = len(self._ignored)
        outside = self._outside(found, snapshot.since, now, said)
        book = self._account.portfolio.nets()
        counted = found.counted | self.acceptance.ids
        differs = unexplained(self._orders, book, snapshot, counted, outside, self._policy.quiet_ns)
        if self.standing.compared(differs):
            for symbol, qty in self.standing.unexplained.items():
                text = f"the venue's position is {qty:+d} from the book's, and no fill explains it"
                said.append(Alert("unexplained", now, symbol, text))
        again = now + self._policy.query_ns // 2
        if differs:
            self.doubts.ask_at(again)
        for order in (*found.missing, *self._orders.unknown.values()):
            working = order.status is Status.WORKING
            self.doubts.ask_at(again if working else max(again, self.doubts.proof_at(order)))
        strangers, news = len(found.strangers), self.ignored()[ignored:]
        applied = found.applied + len(found.reports)
        said.append(Reconciled(snapshot.flow, now, applied, absent, strangers, differs, news))
        self._exits_in_doubt(now, said)
        self._say_mode(now, said)

    def _missing(self, order: Order, asked_at: int, beyond: int, now: int, said: Said) -> bool:
        """The venue's list lacks a live order of ours: absent if it never was there, else in doubt. Never dropped.

        An order sent before `beyond` may have ended before the list begins, so that the list proves nothing of it.
        """
        if not self.doubts.missed(order, asked_at):
            return False
        symbol = order.intent.symbol
        if order.sent_at < self._ended.get(symbol, 0) or self._view.session_over(symbol, order.sent_at, now):
            self._account.hear(Expired(order.client_id, now, order.left), said)
            return False
        if order.acknowledged:
            self._doubt(order, now, "the venue had it, and its list does not any more", said)
            return False
        if order.sent_at < beyond:
            self._doubt(order, now, "the venue's list does not go back to when it was sent", said)
            return False
        if not self._orders.hear(order, Event.MISSED):
            self._doubt(order, now, "the venue's list does not have it", said)
            return False
        said.append(order.changed(now, "proved absent: the venue's list lacked it twice"))
        self._account.free_exit(order)
        return True

    def _outside(self, found: Difference, since: int, now: int, said: Said) -> dict[str, int]:
        """Orders that are not ours, by policy. Returns what they traded that is not in the book, by symbol.

        What a list that begins at `since` does not tell any more is remembered: it is still in the venue's position.
        """
        policy = self._policy.strangers
        for row in found.strangers:
            if row.venue_id not in self._strangers and not is_kill_id(row.client_id):
                self._strangers.add(row.venue_id)
                text = f"{row.side.word} {row.qty} {row.symbol} is not an order of ours; policy: {policy}"
                said.append(Alert("stranger", now, row.venue_id, text))
            if policy == "flatten" and row.client_id and row.status is Status.WORKING:
                said.append(Cancel(row.client_id, now, row.symbol))
        booked = self._orders.has_heard
        counted = {line[0]: line for line in self._ignored.values() if line[1] < since or booked(line[0])}
        for fill in found.foreign:
            if booked(fill.fill_id):
                continue
            left = fill.qty
            if is_kill_id(fill.client_id) and fill.fill_id not in self._ignored:
                left = self._account.closed_by_kill(fill, said)
            if left == 0:
                continue
            if policy == "ignore" or fill.symbol not in self._account.instruments:
                line = (fill.fill_id, fill.at, fill.symbol, fill.side * left)
                counted[fill.fill_id] = self._ignored[fill.fill_id] = line
            elif not self._orders.is_forgotten(fill.at):
                self._account.adopt(part_of(fill, left, OUTSIDE), said)
        outside: dict[str, int] = {}
        for _, _, symbol, signed in counted.values():
            outside[symbol] = outside.get(symbol, 0) + signed
        return outside

    def ignored(self) -> tuple[FillLine, ...]:
        """Strangers' fills that are not in the book, and are in the venue's position for ever."""
        return tuple(self._ignored.values())

    def restore_ignored(self, lines: Iterable[FillLine]) -> None:
        """Takes recorded ones back in."""
        self._ignored.update({line[0]: line for line in lines})

    def to_flatten(self) -> list[tuple[str, int]]:
        """Strangers' positions that the policy is to undo, by symbol, where nothing is under way yet."""
        if self._policy.strangers != "flatten":
            return []
        at_work = {order.intent.symbol for order in self._orders.alive() if order.intent.strategy == OUTSIDE}
        positions = [
            (symbol, self._account.portfolio.position(OUTSIDE, symbol))
            for symbol in self._account.instruments
            if symbol not in at_work
        ]
        return [(symbol, position) for symbol, position in positions if position]
