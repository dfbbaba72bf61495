"""Measures a day beside its model: how late the market, decisions and orders were, and how the fills compare."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from autofutures.config import RunSettings
from autofutures.domain.messages import Accepted, Filled, Intent, Report, Submit, Tick
from autofutures.domain.units import SECOND
from autofutures.processes.parity.certificate import Measured, Spread, spread
from autofutures.processes.parity.recording import Recording
from autofutures.processes.parity.reference import Entry, Heard
from autofutures.processes.parity.replay import Cause

LONG_NS = 2 * SECOND
MANY = 20
"""Events in turn, over so long, that are all late: less is a hiccup of the computer, which is measured only."""

WINDOW = 20
LEAST_ORDERS = 3
"""Of so many orders in turn a quarter, and no fewer than this, must be late."""

MILLISECOND = SECOND // 1_000


class Way(msgspec.Struct, frozen=True):
    """An order's way to the venue: it took longer than `least_ns` and no longer than `most_ns`."""

    submit: Submit
    acted_at: int
    least_ns: int
    most_ns: int


class Late(msgspec.Struct, frozen=True):
    """From this event on the day's times are not the model's."""

    heard: Heard
    by_ns: int
    count: int


def ways_of(entries: Iterable[Entry], before: Mapping[int, int]) -> list[Way]:
    """How long each order of ours was under way: it came after the event before the one at which it acted."""
    ways = []
    for entry in entries:
        request, at = entry.request, entry.acted_at
        if entry.ours and isinstance(request, Submit) and at in before:
            ways.append(Way(request, at, before[at] - request.at, at - request.at))
    return ways


def late_market(market: Sequence[Heard], tolerance_ns: int) -> Late | None:
    """The first market event from which on every one is heard at another time than the model's, which is its own."""
    return late([(heard, heard.now - heard.event.at) for heard in market], tolerance_ns)


def late(delays: Sequence[tuple[Heard, int]], tolerance_ns: int) -> Late | None:
    """The first delay of the first long run of delays beyond the tolerance."""
    run: list[tuple[Heard, int]] = []
    count = sum(abs(delay) > tolerance_ns for _, delay in delays)
    for heard, delay in delays:
        if abs(delay) <= tolerance_ns:
            run = []
            continue
        run.append((heard, delay))
        if len(run) >= min(MANY, len(delays)) and heard.now - run[0][0].now >= LONG_NS:
            return Late(run[0][0], run[0][1], count)
    return None


def late_orders(ways: Sequence[Way], model_ns: int, tolerance_ns: int) -> tuple[Way, int, int] | None:
    """The first of several orders that the model's latency cannot explain: it, by how much, and how many there are.

    Between two events of a quiet market an order may have been fast or slow, nobody can tell: so a quarter of some
    orders in turn is enough, and a few are not.
    """
    off = [abs(_beyond(way, model_ns)) > tolerance_ns for way in ways]
    size = min(WINDOW, len(ways))
    enough = max(LEAST_ORDERS, -(-size // 4))
    for place in range(len(ways) - size + 1):
        if sum(off[place : place + size]) >= enough:
            first = place + off[place:].index(True)
            return ways[first], _beyond(ways[first], model_ns), sum(off)
    return None


def _beyond(way: Way, model_ns: int) -> int:
    """By how much an order's way is longer than the model's, at least; below zero where it is shorter."""
    return max(0, way.least_ns - model_ns) + min(0, way.most_ns - model_ns)


def best_latency(ways: Sequence[Way]) -> tuple[int, float] | None:
    """The latency within the most orders' bounds, in the middle of where it may be, and the part that it explains."""
    if not ways:
        return None
    steps = sorted(
        [(way.least_ns, 1) for way in ways] + [(way.most_ns, -1) for way in ways], key=lambda s: (s[0], -s[1])
    )
    depth, best, found = 0, 0, (0, 0)
    for (at, step), (following, _) in pairwise([*steps, (steps[-1][0], 0)]):
        depth += step
        if depth > best:
            best, found = depth, (at, following)
    return max(0, (max(0, found[0]) + found[1]) // 2), best / len(ways)


def measure(
    run: RunSettings,
    recording: Recording,
    market: Sequence[Heard],
    causes: Mapping[tuple[int, int], Cause],
    ways: Sequence[Way],
    model: Sequence[Filled],
) -> Measured:
    """All figures of a day."""
    day = [message for _, _, message, _ in recording.inputs() if isinstance(message, Filled)]
    fills = list({fill.fill_id: fill for fill in day}.values())
    compared = compare_fills(fills, model)
    best = best_latency(ways)
    return Measured(
        feed_ms=_ms([heard.now - heard.event.at for heard in market if isinstance(heard.event, Tick)]),
        decision_ms=_ms(_decided(recording, causes)),
        order_ms=_ms([way.most_ns for way in ways]),
        answer_ms=_ms(_answers(recording)),
        fill_late_ms=_ms(compared.late_ns),
        slippage_ticks=spread([float(ticks) for ticks in compared.worse]),
        slippage=dict(sorted(Counter(compared.worse).items())),
        only_day=compared.only_day,
        only_model=compared.only_model,
        model_latency_ms=run.order_latency_ns / MILLISECOND,
        model_slippage_ticks=run.slippage_ticks,
        latency_ms=round(best[0] / MILLISECOND, 3) if best else None,
        explained=round(best[1], 3) if best else None,
    )


class Compared(msgspec.Struct):
    """Fills beside the model's, contract by contract."""

    worse: list[int] = msgspec.field(default_factory=list)
    late_ns: list[int] = msgspec.field(default_factory=list)
    only_day: int = 0
    only_model: int = 0


def compare_fills(day: Iterable[Filled], model: Iterable[Filled]) -> Compared:
    """Each order's contracts in the sequence in which they traded, beside the same contracts in the model."""
    here, there = _contracts(day), _contracts(model)
    found = Compared()
    for client_id in here.keys() | there.keys():
        ours, theirs = here.get(client_id, []), there.get(client_id, [])
        for mine, other in zip(ours, theirs, strict=False):
            found.worse.append((mine.price_ticks - other.price_ticks) * mine.side)
            found.late_ns.append(mine.at - other.at)
        found.only_day += max(0, len(ours) - len(theirs))
        found.only_model += max(0, len(theirs) - len(ours))
    return found


def _contracts(fills: Iterable[Filled]) -> dict[str, list[Filled]]:
    found: dict[str, list[Filled]] = defaultdict(list)
    for fill in fills:
        found[fill.client_id] += [fill] * fill.qty
    return found


def _decided(recording: Recording, causes: Mapping[tuple[int, int], Cause]) -> list[int]:
    """How long after its market event each intent was decided."""
    found = []
    for turn, _, message, _ in recording.inputs():
        if isinstance(message, Intent):
            cause = causes.get((turn.epoch, message.cause_seq))
            if cause is not None:
                found.append(message.at - cause.market.at)
    return found


def _answers(recording: Recording) -> list[int]:
    """From an order's leaving to the trader's hearing of it, by the trader's clock."""
    left = {message.client_id: message.at for _, message in recording.said() if isinstance(message, Submit)}
    found = []
    for _, _, message, now in recording.inputs():
        if isinstance(message, Report) and message.client_id in left:
            sent = left.pop(message.client_id)
            if isinstance(message, (Accepted, Filled)):
                found.append(now - sent)
    return found


def _ms(values: Iterable[int]) -> Spread:
    return spread([value / MILLISECOND for value in values])
