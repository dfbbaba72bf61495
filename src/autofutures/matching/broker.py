"""The far side of a broker's wire: sessions, the account's own books, and an exchange behind; it may misbehave.

A node without clock, socket and thread. Its driver calls, with the time, in virtual time or by the clock:

    connect(now)                   a login: what the broker says first; nothing where nobody answers
    hear(request, session, now)    `Submit`, `Cancel` or `Query`, as it was sent in that session
    market(event, now)             the feed's next event
    due_at                         when the broker will say something; `NEVER` for not before something happens
    is_calm(symbol)                whether a trade may be said at once instead: the way for many thousands a second
    passed(trade)                  the last one that was said so
    say(now)                       what it says by now, in order; only what a session hears
    drop(now)                      the link is cut: what was not said is lost, or said at a login with replay
    statement()                    the books, which judge

**What a test may rely on.** Whatever the faults: (1) an order that was heard in a session is in the books at that
moment, once for each time it was heard, and trades as any other. (2) It is in every list that is looked at later
than `STALEST_NS` after that moment, but for one list in its life. So of two lists asked for after the quiet period
one holds it, and an order that is in neither never arrived. A list that is short (`list_ns`) says nothing of what ended
before its `since`; in a session's first `list_ns` it goes back to where the gateway was heard before. (3) A session
hears in the sequence in which it was told, so that a list asked for after an order knows the order. (4) Nothing that
was sent in a session is heard after its end. (5) Trades are never late, twice or out of turn within a session, and
what a session missed of them is declared by a `Gap` at the next login.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import msgspec

from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Cancel,
    Canceled,
    Expired,
    Filled,
    Gap,
    LinkChanged,
    Query,
    Rejected,
    Report,
    SessionEnded,
    Snapshot,
    Submit,
    Tick,
    VenueOrder,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OpenClose, OrderType, Side, TimeInForce
from autofutures.market.limits import day_band
from autofutures.matching.exchange import Exchange
from autofutures.matching.faults import NONE, BrokerFaults
from autofutures.matching.ledger import LIVE, Entry, Ledger, Statement
from autofutures.matching.margins import initial_margin
from autofutures.matching.model import FeedEvent
from autofutures.matching.said import NEVER, Said

LOCKED = "nobody is on the other side"

MARKET_SOURCE = "exchange.market"
"""The source of the `Gap` that says what a session missed of the market."""

SETTLES = "day"
"""The session at whose end a trading day is over. Its last price stands for the settlement price here."""

PAGE_ROWS = 128
PAGE_NS = 5_000_000
"""A list is said in pages of so many rows, one in so long: a page takes each process less than a millisecond, and all
of a day's ten thousand orders at once took a tenth of a second, in which no trade was heard."""


class Broker:
    """One account at one broker.

    Args:
        exchange: where its orders trade.
        faults: how it misbehaves.
        seed: of every chance.
        name: the venue's, in `LinkChanged`.
        ids: marks its order numbers, which must be unique for the life of a journal.

    Attributes:
        session: the number of the last login.
        up: whether that session lasts.
        faults: what went wrong so far, by kind.
        locked: the price is locked at its limit: nobody trades against us, and no order of ours gets into the market.
        ledger: the books.
    """

    def __init__(
        self,
        exchange: Exchange,
        faults: BrokerFaults = NONE,
        seed: int = 1,
        *,
        name: str = "paper",
        ids: str = "B",
    ) -> None:
        self._exchange = exchange
        self._chances = faults
        self._trades_are_safe = not (faults.stranger or faults.disconnect)
        self._random = Random(f"broker/{seed}")
        self._name = name
        self._ids = ids
        self.faults: Counter[str] = Counter()
        self.faults["skew"] += faults.skew_ns != 0
        self._said = Said(self._random, faults, self.faults)
        self.ledger = Ledger()
        self.session = 0
        self.up = False
        self.locked = False
        self._last_words: list[AnyMessage] = []
        self._began_at = 0
        self._heard_until = 0
        self._away_until = 0
        self._closed: set[str] = set()
        self._last_ticks: dict[str, int] = {}
        self._limits: dict[str, tuple[int, int]] = {}
        self._margins: dict[str, int] = {}
        self._lacked: set[str] = set()
        self._phantoms: list[tuple[int, VenueOrder]] = []
        self._last_submit: Submit | None = None

    def resume(self, statement: Statement) -> None:
        """Goes on with the books of an earlier life, whose sessions have ended."""
        self.ledger.restore(statement)
        self.session = statement.sessions

    @property
    def due_at(self) -> int:
        """When the broker will say something, if nothing happens before."""
        if self._last_words:
            return 0
        return self._said.due_at if self.up else NEVER

    def connect(self, now: int) -> Sequence[AnyMessage]:
        """A login. It begins a session and ends the one before; nothing is said where nobody answers.

        Returns:
            `LinkChanged` with the price limits and margins that are known, the gap in the market's stream since the
            last session, and what is replayed.
        """
        if now < self._away_until:
            self.faults["login unanswered"] += 1
            return ()
        self._said.silence()
        self._last_words = []
        self.session += 1
        self._began_at = now
        self.up = True
        link = LinkChanged(
            self._name,
            now,
            up=True,
            session=self.session,
            limits=dict(self._limits),
            margins=dict(self._margins),
        )
        said: list[AnyMessage] = [link]
        if self.session > 1:
            # At least one: of what was under way when the link broke nobody knows what arrived.
            said.append(Gap(MARKET_SOURCE, now, max(1, self._said.lost_market)))
            if self._said.happens("replay", self._chances.replay):
                said += self._said.again()
            else:
                self.faults["login without replay"] += 1
        self._said.lost_market = 0
        self._said.forget()
        return said

    def drop(self, now: int) -> None:
        """The link is cut; without a session nothing happens."""
        if self.up:
            self.up = False
            self._said.silence()

    def log_out(self, now: int, until: int, reason: str) -> None:
        """The broker ends the session, says so, and answers no login before `until`."""
        if self.up:
            self.drop(now)
            self._away_until = until
            self._last_words = [LinkChanged(self._name, now, up=False, session=self.session, reason=reason)]

    def hear(self, message: Submit | Cancel | Query, session: int, now: int) -> None:
        """A request, as it arrives. What was sent in another session is not heard."""
        if not self.up or session != self.session:
            self.faults["of an old session"] += 1
            return
        match message:
            case Submit():
                self._submit(message, now)
            case Cancel():
                self._cancel(message, now)
            case Query():
                self._query(message, now)

    def market(self, event: FeedEvent, now: int) -> None:
        """The feed's next event happens."""
        trade: Tick | None = None
        for said in self._exchange.handle(event, event.at):
            if type(said) is Tick:
                trade = said
            if isinstance(said, Report):
                self._report(said, now)
                self.faults["expired with its session"] += isinstance(said, Expired)
            elif self.up:
                self._said.put(now, said)
            elif self.session:
                self._said.lost_market += 1
        if trade is not None:
            self.passed(trade)
        if isinstance(event, SessionEnded):
            self._closed.add(event.symbol)
            self._settle(event)
        elif self._closed:
            self._closed.discard(event.symbol)
        if trade is not None:
            self._trouble(trade, now)

    def passed(self, trade: Tick) -> None:
        """A trade was the last so far, whoever has said it."""
        self._last_ticks[trade.symbol] = trade.price_ticks

    def _settle(self, ended: SessionEnded) -> None:
        """A trading day is over: the next one has other price limits and margins, which a login tells."""
        if ended.session != SETTLES:
            return
        item, last_ticks = instrument(ended.symbol), self._last_ticks.get(ended.symbol, 0)
        limits = day_band(item, last_ticks, ended.day)
        if limits is not None:
            self._limits[ended.symbol] = limits
            self._margins[ended.symbol] = initial_margin(last_ticks, item.product.tick_value)
            self._exchange.set_limits(ended.symbol, *limits)

    def is_calm(self, symbol: str) -> bool:
        """Whether a trade of the symbol can do nothing here but be said: then a driver may say it by itself.

        It must have said before what was due, and not let the trade happen here.
        """
        return (
            self.up
            and self._trades_are_safe
            and symbol not in self._closed
            and self._exchange.is_idle(symbol)
        )

    def close(self, now: int) -> None:
        """There is no more market: what works or is on its way to it is void, and what comes later is refused."""
        for expired in self._exchange.void(now):
            self._report(expired, now)
        self._closed.update(self._exchange.symbols)

    def say(self, now: int) -> list[AnyMessage]:
        """What the broker says by now, in order."""
        said, self._last_words = self._last_words, []
        return said + self._said.take(now) if self.up else said

    def behave(self) -> None:
        """From now on nothing goes wrong any more; its clock stays as it is, and what was never said stays unsaid."""
        self._chances = BrokerFaults(skew_ns=self._chances.skew_ns)
        self._said.behave()
        self._away_until = 0

    def statement(self) -> Statement:
        """The books, with the faults by kind."""
        return self.ledger.statement(self.session, self.faults)

    def _submit(self, submit: Submit, now: int) -> None:
        """An order; whether its id was there before is not the broker's concern."""
        entry = self._receive(submit, now)
        self._last_submit = submit
        self._said.of_order(entry.venue_id)
        if self._said.happens("reject", self._chances.reject):
            self._report(Rejected(entry.venue_id, now, "refused by the broker's own controls"), now)
        elif submit.symbol in self._closed:
            self._report(Rejected(entry.venue_id, now, "no session in which it could trade"), now)
        elif self.locked:
            self.faults["locked at its limit"] += 1
            self._report(Accepted(entry.venue_id, now, entry.venue_id), now)
            self._report(Canceled(entry.venue_id, now, submit.qty, LOCKED), now)
        else:
            self._exchange.handle(msgspec.structs.replace(submit, client_id=entry.venue_id), now)

    def _receive(self, submit: Submit, now: int) -> Entry:
        venue_id = f"{self._ids}{len(self.ledger.orders) + 1}"
        return self.ledger.receive(venue_id, submit, now, self.session)

    def _cancel(self, cancel: Cancel, now: int) -> None:
        """Takes back every order of that id; one that is over, or never was, cannot be."""
        live = [entry for entry in self.ledger.of_client(cancel.client_id) if entry.status in LIVE]
        for entry in live:
            self._exchange.handle(Cancel(entry.venue_id, cancel.at, cancel.symbol), now)
        if not live:
            reason = "nothing to cancel: the order is not in the market"
            self._said.report("", Rejected(cancel.client_id, now, reason, of_cancel=True), now)

    def _report(self, report: Report, now: int) -> None:
        """The exchange's word enters the books, and is said under the order's own id and by the broker's clock."""
        entry = self.ledger.orders[report.client_id]
        for place, piece in enumerate(self._pieces(report)):
            told = msgspec.structs.replace(
                piece, client_id=entry.client_id, at=piece.at + self._chances.skew_ns
            )
            if isinstance(told, Accepted):
                told = msgspec.structs.replace(told, venue_id=entry.venue_id)
            self.ledger.report(entry, told, now)
            if entry.client_id:  # Of other people's orders only the list tells.
                after_ns = self._random.randrange(self._chances.partial_ns) if place else 0
                self._said.report(entry.venue_id, told, now, after_ns)

    def _pieces(self, report: Report) -> tuple[Report, ...]:
        """A fill of several contracts may come as two."""
        if not isinstance(report, Filled) or report.qty < 2:
            return (report,)
        if not self._said.happens("partial", self._chances.partial):
            return (report,)
        first = self._random.randrange(1, report.qty)
        replace = msgspec.structs.replace
        return (
            replace(report, qty=first, fill_id=f"{report.fill_id}.1"),
            replace(report, qty=report.qty - first, fill_id=f"{report.fill_id}.2"),
        )

    def _query(self, query: Query, now: int) -> None:
        """Says the list, as it is now or was a little while ago, at once or late, or not at all."""
        chances, said = self._chances, self._said
        if said.happens("no_answer", chances.no_answer):
            return
        stale = said.happens("stale", chances.stale)
        seen_at = now - (1 + self._random.randrange(chances.stale_ns) if stale else 0)
        late = said.happens("slow_answer", chances.slow_answer)
        due = now + (self._random.randrange(chances.slow_answer_ns) if late else 0)
        since = self._since(seen_at, now)
        since_told = since and since + chances.skew_ns
        snapshot = Snapshot(
            flow=query.flow,
            at=now + chances.skew_ns,
            since=since_told,
            orders=(*self._rows(seen_at, since), *self._ghosts(now)),
            fills=self.ledger.fills(seen_at, since_told),
            positions=self.ledger.positions_at(seen_at),
        )
        for place, page in enumerate(_in_pages(snapshot)):
            said.put(due + place * PAGE_NS, page)

    def _since(self, seen_at: int, now: int) -> int:
        """From when on a list tells what has ended; at first in a session also what an absence has missed."""
        short_ns = self._chances.list_ns
        if not short_ns:
            return 0
        if now - self._began_at < short_ns:
            return max(0, min(seen_at, self._heard_until) - short_ns)
        self._heard_until = now
        return max(0, seen_at - short_ns)

    def _rows(self, seen_at: int, since: int) -> Iterator[VenueOrder]:
        for entry, row in self.ledger.rows(seen_at, since, self._chances.skew_ns):
            may_lack = row.status in LIVE and entry.venue_id not in self._lacked
            if may_lack and self._said.happens("lack", self._chances.lack):
                self._lacked.add(entry.venue_id)
            else:
                yield row

    def _ghosts(self, now: int) -> list[VenueOrder]:
        """Rows that look like our last order on its way, and are none."""
        self._phantoms = [(until, row) for until, row in self._phantoms if until > now]
        order = self._last_submit
        if order is not None and self._said.happens("phantom", self._chances.phantom):
            row = VenueOrder("", "", order.symbol, order.side, order.qty, 0, Status.SENT, now)
            self._phantoms.append((now + self._random.randrange(self._chances.phantom_ns), row))
        return [row for _, row in self._phantoms]

    def _trouble(self, tick: Tick, now: int) -> None:
        """What may befall an account at any trade: somebody else trades in it, or the session ends."""
        if self._said.happens("stranger", self._chances.stranger):
            side = self._random.choice((Side.BUY, Side.SELL))
            by_hand = Submit(
                "",
                now,
                tick.symbol,
                side,
                1,
                OrderType.MARKET,
                0,
                TimeInForce.IOC,
                OpenClose.AUTO,
                day_trade=False,
            )
            entry = self._receive(by_hand, now)
            self._exchange.handle(msgspec.structs.replace(by_hand, client_id=entry.venue_id), now)
        if self.up and self._said.happens("disconnect", self._chances.disconnect):
            until = now + self._random.randrange(self._chances.away_ns)
            self.log_out(now, until, "the broker ended the session")


def _in_pages(whole: Snapshot) -> Iterator[Snapshot]:
    """A list as it is said: fills before the orders that they ended, and every page with the positions."""
    fills, orders = len(whole.fills), len(whole.orders)
    pages = max(1, -(-(fills + orders) // PAGE_ROWS))
    for page in range(pages):
        start, end = page * PAGE_ROWS, (page + 1) * PAGE_ROWS
        yield msgspec.structs.replace(
            whole,
            fills=whole.fills[start:end],
            orders=whole.orders[max(0, start - fills) : max(0, end - fills)],
            page=page,
            pages=pages,
        )
