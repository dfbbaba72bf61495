"""The day's market as it ought to have been: the run's own feed and exchange, and where the record differs from it.

A generated market keeps a book, so our orders move it. They enter here at the very event at which the day's venue says
that they did, so that a difference is the data's, never ours. Fills are compared with the model's, where each order
leaves when it left and takes the model's way.
"""

from collections.abc import Iterator, Sequence

import msgspec

from autofutures.assemble.market import make_exchange, make_feed
from autofutures.config import RunSettings
from autofutures.domain.messages import (
    Accepted,
    Cancel,
    Canceled,
    Filled,
    Quote,
    Rejected,
    SessionEnded,
    Snapshot,
    Submit,
    Tick,
)
from autofutures.domain.units import OpenClose, OrderType, TimeInForce
from autofutures.processes.parity.recording import Recording

FURTHEST = 20_000
"""Events that may be missing or added in one place; beyond it the two markets have nothing in common."""

Event = Tick | Quote | SessionEnded


class Heard(msgspec.Struct, frozen=True):
    """A market event of the day, with the trader's clock and input number."""

    event: Event
    now: int
    epoch: int
    number: int


class Difference(msgspec.Struct, frozen=True):
    """Market events that one side lacks, or that differ: `recorded` or `reference` is the first of them."""

    kind: str
    """`missing`, `added` or `altered`."""
    count: int
    recorded: Heard | None
    reference: Event | None
    recorded_before: int
    """Events of the record before it."""


class Entry(msgspec.Struct, frozen=True):
    """One of our requests, and the event of the venue's market before which it acted."""

    request: Submit | Cancel
    acted_at: int
    ours: bool


class Passed(msgspec.Struct):
    """The reference market, with what each entry needs to know of the time before it."""

    events: list[Event]
    before: dict[int, int]
    """By the time of an event at which a request acted: the time of the feed's event before it."""


def market_of(recording: Recording) -> list[Heard]:
    """Every market event that the trader was told, prints that are no trades among them."""
    return [
        Heard(message, now, turn.epoch, number)
        for turn, number, message, now in recording.inputs()
        if isinstance(message, (Tick, Quote, SessionEnded))
    ]


def entries_of(recording: Recording, skew_ns: int = 0) -> list[Entry]:
    """Our requests that acted, and other people's of which the venue's list tells, as they entered the market.

    Args:
        recording: the day.
        skew_ns: by so much the venue's clock is ahead.
    """
    acted: dict[str, int] = {}
    ended: dict[str, int] = {}
    foreign: dict[str, Filled] = {}
    requests: list[Submit | Cancel] = [
        message for _, message in recording.said() if isinstance(message, (Submit, Cancel))
    ]
    ours = {request.client_id for request in requests}
    for _, _, message, _ in recording.inputs():
        if isinstance(message, (Accepted, Filled)):
            acted[message.client_id] = min(message.at, acted.get(message.client_id, message.at))
        elif isinstance(message, Canceled) or (isinstance(message, Rejected) and message.of_cancel):
            ended.setdefault(message.client_id, message.at)
        elif isinstance(message, Snapshot):
            foreign.update({fill.fill_id: fill for fill in message.fills if fill.client_id not in ours})
    entries = [Entry(_by_hand(fill), fill.at - skew_ns, ours=False) for fill in foreign.values()]
    for request in requests:
        at = (acted if isinstance(request, Submit) else ended).get(request.client_id)
        if at is not None:
            entries.append(Entry(request, at - skew_ns, ours=True))
    return sorted(entries, key=lambda entry: entry.acted_at)


def _by_hand(fill: Filled) -> Submit:
    """Somebody else's order, as far as its fill tells."""
    return Submit(
        fill.fill_id,
        fill.at,
        fill.symbol,
        fill.side,
        fill.qty,
        OrderType.MARKET,
        0,
        TimeInForce.IOC,
        OpenClose.AUTO,
        day_trade=False,
    )


def reference_market(run: RunSettings, entries: Sequence[Entry], until: int) -> Passed:
    """The run's market, with our requests where they were, as far as the day went."""
    exchange = make_exchange(msgspec.structs.replace(run, order_latency_ns=0))
    times = {entry.acted_at for entry in entries}
    passed, place, before = Passed([], {}), 0, 0
    for event in make_feed(run):
        if event.at > until:
            break
        if event.at in times:
            passed.before[event.at] = before
        while place < len(entries) and entries[place].acted_at <= event.at:
            exchange.handle(entries[place].request, entries[place].acted_at)
            place += 1
        for said in exchange.handle(event, event.at):
            if isinstance(said, (Tick, Quote, SessionEnded)):
                passed.events.append(said)
        before = event.at
    return passed


def model_fills(run: RunSettings, recording: Recording, until: int) -> list[Filled]:
    """What the run's model makes of the orders of the day: each left when it left, and takes the model's way."""
    exchange = make_exchange(run)
    requests = iter([message for _, message in recording.said() if isinstance(message, (Submit, Cancel))])
    coming = next(requests, None)
    fills: list[Filled] = []
    for event in make_feed(run):
        while coming is not None and coming.at < event.at:  # Never on its own cause.
            exchange.handle(coming, coming.at)
            coming = next(requests, None)
        if event.at > until and coming is None:
            break
        fills += [said for said in exchange.handle(event, event.at) if isinstance(said, Filled)]
    return fills


def differences(recorded: Sequence[Heard], reference: Sequence[Event]) -> Iterator[Difference]:
    """Where the record has another market than the reference. What the day did not come to is no difference."""
    here, there = 0, 0
    while here < len(recorded) and there < len(reference):
        if recorded[here].event == reference[there]:
            here, there = here + 1, there + 1
            continue
        kind, count = _step(recorded, here, reference, there)
        yield Difference(
            kind,
            count,
            None if kind == "missing" else recorded[here],
            None if kind == "added" else reference[there],
            here,
        )
        here += 0 if kind == "missing" else count
        there += 0 if kind == "added" else count
    if here < len(recorded):
        yield Difference("added", len(recorded) - here, recorded[here], None, here)


def _step(recorded: Sequence[Heard], here: int, reference: Sequence[Event], there: int) -> tuple[str, int]:
    """The least that explains why two events differ."""
    most = min(FURTHEST, max(len(recorded) - here, len(reference) - there))
    for count in range(1, most):
        in_both = here + count < len(recorded) and there + count < len(reference)
        if in_both and recorded[here + count].event == reference[there + count]:
            return "altered", count
        if there + count < len(reference) and recorded[here].event == reference[there + count]:
            return "missing", count
        if here + count < len(recorded) and recorded[here + count].event == reference[there]:
            return "added", count
    return "altered", max(1, min(len(recorded) - here, len(reference) - there))
