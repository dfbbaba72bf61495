"""The judge of days on end: the journal and the exchange's own books beside the calendar.

It asks of every order whether it ended with the session that it was entered for, of every close whether journal and
exchange hold the same, of every contract whether anything is left of it after its last session, of every id whether
it came once, and of every trading day what `counters.py` asks. What the machine says of itself does not count.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from autofutures.assemble.nodes import calendar_of, finals_of, instruments_of
from autofutures.config import RunSettings
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import OrderChanged, Placed, Traded
from autofutures.market.contract_days import sessions_of, trading_days
from autofutures.market.dates import iso_day
from autofutures.market.expiry import last_day_of
from autofutures.market.sessions import Session
from autofutures.matching.ledger import FillLine, OrderLine, Statement
from autofutures.ops.folder import Folder
from autofutures.processes.counters import judge_counters
from autofutures.storage.journal import Journal

SHOWN = 3
"""Examples of each kind of broken promise."""

Trade = tuple[int, str, int]
"""When, which contract, and how many contracts, sold ones below zero."""


class Lived(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, how often each promise was broken, and examples: after a good run there are none."""

    closes: int
    """Ends of a contract's session at which both books were compared."""
    orders: int
    fills: int
    outlived: int
    """Orders that were over later than their session, by the journal or by the exchange."""
    held_after_expiry: int
    """Contracts that the journal still held after their last session."""
    unequal_books: int
    """Closes at which journal and exchange held different positions."""
    repeated_ids: int
    """Ids of orders, decisions and fills that came more than once."""
    days_begun: int
    """Trading days that began their risk counters anew; none where no limit asks for it."""
    messages: int
    """Orders and cancels sent, which the days' counters were held against."""
    wrong_counters: int
    """Days that began not once, not at their roll or not at zero, and counts that are not those of orders and fills."""
    examples: tuple[str, ...]

    @property
    def broken(self) -> int:
        """How many promises were broken."""
        broken = self.outlived + self.held_after_expiry + self.unequal_books
        return broken + self.repeated_ids + self.wrong_counters


class Kept(msgspec.Struct):
    """What the journal says of the run."""

    placed: list[Placed] = []
    over_at: dict[str, int] = {}
    """When each order was over, by client id."""
    fills: list[Traded] = []
    held: Counter[str] = msgspec.field(default_factory=Counter)
    """Positions of before the run."""
    ends_at: int = 0
    """The last thing that it knows of."""


def judge(folder: Folder) -> Lived:
    """Judges the run of a folder, which has ended."""
    run = folder.run()
    statement = msgspec.json.decode(folder.exchange.read_bytes(), type=Statement)
    kept = _read(folder, _begins_at(run))
    counters = judge_counters(folder)
    found: dict[str, list[str]] = {
        "outlived": [*_outlived(run, kept), *_outlived_there(run, statement.orders)],
        "held_after_expiry": list(_held(run, kept)),
        "unequal_books": list(_unequal(run, kept, statement.fills)),
        "repeated_ids": list(_repeated(kept, statement)),
        "wrong_counters": list(counters.wrong),
    }
    return Lived(
        closes=sum(1 for _ in _closes(run, kept.ends_at)),
        orders=len(kept.placed),
        fills=len(kept.fills),
        days_begun=counters.days,
        messages=counters.messages,
        examples=tuple(text for texts in found.values() for text in texts[:SHOWN]),
        **{kind: len(texts) for kind, texts in found.items()},
    )


def _begins_at(run: RunSettings) -> int:
    calendar = calendar_of(run)
    opens = [
        sessions[0].accepts_from
        for one in instruments_of(run)
        if (sessions := sessions_of(one, run.day, calendar))
    ]
    return min(opens, default=0)


def _read(folder: Folder, since: int) -> Kept:
    kept = Kept()
    with Journal.open(folder.journal) as journal:
        for batch in journal.batches():
            for message in batch.outputs:
                if batch.at < since:
                    if isinstance(message, Traded):
                        kept.held[message.symbol] += message.side * message.qty
                    continue
                match message:
                    case Placed():
                        kept.placed.append(message)
                    case OrderChanged() if not message.left:
                        kept.over_at.setdefault(message.client_id, message.at)
                    case Traded():
                        kept.fills.append(message)
                        kept.ends_at = max(kept.ends_at, message.at)
                    case _:
                        pass
            kept.ends_at = max(kept.ends_at, batch.at)
    return kept


def _closes(run: RunSettings, until: int) -> Iterator[tuple[str, Session]]:
    """Every session of every contract that the run has lived to the end of."""
    calendar = calendar_of(run)
    for symbol in instruments_of(run):
        for day in trading_days(symbol, *run.days_of(symbol), calendar):
            for session in sessions_of(symbol, day, calendar):
                if session.ends_at <= until:
                    yield symbol, session


def _session_of(run: RunSettings, symbol: str, at: int) -> Session | None:
    """The session that an order entered at `at` was for."""
    item, calendar = instrument(symbol), calendar_of(run)
    return calendar.next_session(item.product.sessions, last_day_of(item, calendar), at)


def _outlived(run: RunSettings, kept: Kept) -> Iterator[str]:
    for one in kept.placed:
        session = _session_of(run, one.intent.symbol, one.intent.at)
        over_at = kept.over_at.get(one.client_id)
        if session is None or over_at is None or over_at > session.ends_at:
            yield f"order {one.client_id} in {one.intent.symbol}, decided at {one.intent.at}: over at {over_at}"


def _outlived_there(run: RunSettings, orders: Sequence[OrderLine]) -> Iterator[str]:
    for one in orders:
        session = _session_of(run, one.symbol, one.at)
        if session is None or one.left or one.moved_at > session.ends_at:
            yield f"order {one.client_id} in {one.symbol} at the exchange: {one.status} at {one.moved_at}"


def _held(run: RunSettings, kept: Kept) -> Iterator[str]:
    """Of each contract that ends in the run, what is left of it after its last session."""
    calendar = calendar_of(run)
    for symbol, final in finals_of(run).items():
        ends_at = sessions_of(symbol, final.day, calendar)[-1].ends_at
        position = kept.held[symbol] + sum(one.side * one.qty for one in kept.fills if one.symbol == symbol)
        late = sum(1 for one in kept.fills if one.symbol == symbol and one.at > ends_at)
        if kept.ends_at >= ends_at and (position or late):
            yield f"{position} of {symbol} after its end on {iso_day(final.day)}, {late} fills later than that"


def _unequal(run: RunSettings, kept: Kept, there: Sequence[FillLine]) -> Iterator[str]:
    """A settlement is money and no trade: the exchange's books have none of it."""
    ours = _by_symbol([(one.at, one.symbol, one.side * one.qty) for one in kept.fills if one.client_id])
    theirs = _by_symbol([(one.at, one.symbol, one.side * one.qty) for one in there])
    for symbol, session in _closes(run, kept.ends_at):
        mine, its = (_until(books.get(symbol, []), session.ends_at) for books in (ours, theirs))
        if mine != its:
            yield f"{symbol} at the end of the {session.name} of {iso_day(session.day)}: {mine} here, {its} there"


def _by_symbol(trades: Sequence[Trade]) -> Mapping[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for at, symbol, signed in trades:
        found.setdefault(symbol, []).append((at, signed))
    return found


def _until(trades: Sequence[tuple[int, int]], at: int) -> tuple[int, int]:
    """Contracts held, and trades that made it."""
    signed = [qty for when, qty in trades if when <= at]
    return sum(signed), len(signed)


def _repeated(kept: Kept, statement: Statement) -> Iterator[str]:
    intents = [one.intent for one in kept.placed]
    ids = {
        "client id": [one.client_id for one in kept.placed],
        "decision": [f"{one.strategy} {one.cause_seq}.{one.k}" for one in intents],
        "fill": [one.fill_id for one in kept.fills],
        "client id at the exchange": [one.client_id for one in statement.orders],
        "fill at the exchange": [one.fill_id for one in statement.fills],
    }
    for what, values in ids.items():
        for value, count in Counter(values).items():
            if count > 1:
                yield f"{what} {value}: {count} times"
