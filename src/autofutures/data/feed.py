"""Recorded markets as the nodes hear them: the messages of `data/stream.py`'s chunks."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from autofutures.data.catalog import TickColumns
from autofutures.data.stream import DEPTH, QUOTE, TICK, Chunk, merged, of_ticks, with_ends
from autofutures.domain.messages import Quote, SessionEnded, Tick
from autofutures.domain.units import Side
from autofutures.market.sessions import Session
from autofutures.matching.model import DepthChanged

Event = Tick | Quote | DepthChanged | SessionEnded
"""What a recorded market says."""

SessionName = Callable[[int, int, int], str]
"""What the session of a leg, a trading day and a number is called."""

_SIDES = {1: Side.BUY, -1: Side.SELL}

_AT_ONCE = 8_192
"""Rows that are made Python's numbers at once: the numbers of a whole chunk would take more room than it."""


class Recorded(msgspec.Struct, frozen=True):
    """One symbol's recorded trades of a trading day, and the sessions of that day in order."""

    symbol: str
    ticks: TickColumns
    sessions: tuple[Session, ...]


def recorded(series: Sequence[Recorded]) -> Iterator[Event]:
    """Events of days that are in memory, one of each symbol, in the order that `chunks` gives."""
    legs = [with_ends([of_ticks(one.ticks, leg)], one.sessions, leg) for leg, one in enumerate(series)]
    symbols = [one.symbol for one in series]
    return events(merged(legs), symbols, lambda leg, _, number: series[leg].sessions[number].name)


def events(chunks: Iterable[Chunk], symbols: Sequence[str], session_name: SessionName) -> Iterator[Event]:
    """The messages of chunks."""
    names = dict(enumerate(symbols))
    for chunk in chunks:
        for start in range(0, len(chunk), _AT_ONCE):
            yield from _messages(chunk.part(start, start + _AT_ONCE), names, session_name)


def _messages(part: Chunk, names: Mapping[int, str], session_name: SessionName) -> Iterator[Event]:
    columns = zip(
        part.at.tolist(),
        part.kind.tolist(),
        part.leg.tolist(),
        part.a.tolist(),
        part.b.tolist(),
        part.c.tolist(),
        part.d.tolist(),
        strict=True,
    )
    for at, kind, leg, a, b, c, d in columns:
        if kind == TICK:
            yield Tick(names[leg], at, a, b, c != 0)
        elif kind == QUOTE:
            yield Quote(names[leg], at, a, b, c, d)
        elif kind == DEPTH:
            yield DepthChanged(names[leg], at, _SIDES[a], b, c, first=d & 1 == 1, more=d & 2 == 2)
        else:
            yield SessionEnded(names[leg], at, a, session_name(leg, a, b))
