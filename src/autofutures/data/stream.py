"""Recorded markets as columns: any number of days and contracts, merged by time, a chunk at a time.

A run's memory does not grow with its days: of each contract one slice of a Parquet file is held, of the run the chunk
that is handled and the one that a thread decodes meanwhile. One feed for every engine: the kernel takes the columns,
`data/feed.py` makes the nodes' messages of them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from sys import getrefcount
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from autofutures.config import Market, RunSettings
from autofutures.data.bar_path import ticks_of_bars
from autofutures.data.catalog import ROW_GROUP, Catalog, DepthColumns, QuoteColumns, TickColumns
from autofutures.data.rules import Kind
from autofutures.domain.errors import BadInput
from autofutures.market.contract_days import sessions_of
from autofutures.market.dates import iso_day
from autofutures.market.sessions import Calendar, Session

TICK, QUOTE, SESSION_END, DEPTH = 0, 1, 2, 3
"""What a row of a chunk is: `Chunk.kind`."""

ROWS = ROW_GROUP

COLUMNS = ("at", "kind", "leg", "a", "b", "c", "d")


@dataclass(slots=True, eq=False)
class Chunk:
    """Events in order, as columns of equal length.

    Of a tick: `a` price in ticks, `b` contracts, `c` 1 of an auction else 0. Of a quote: `a` bid in ticks, `b` its
    quantity, `c` ask, `d` its quantity. Of a session's end: `a` its trading day, `b` its number in that day. Of a
    change of depth: `a` the side's sign, `b` price in ticks, `c` all that rests there, `d` 1 where it starts a
    snapshot, plus 2 where more of the same change follows.
    """

    at: NDArray[np.int64]
    """UTC nanoseconds."""
    kind: NDArray[np.uint8]
    leg: NDArray[np.uint8]
    """Index into the run's symbols."""
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    c: NDArray[np.int64]
    d: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)

    def part(self, start: int, stop: int) -> "Chunk":
        """Rows `start` to `stop`, as views."""
        return Chunk(*(getattr(self, name)[start:stop] for name in COLUMNS))


def chunks(run: RunSettings, rows: int = ROWS) -> Iterator[Chunk]:
    """The recorded market of a run in order of time, at most `rows` events at once and never none.

    At equal times the legs come in the order of the run's symbols, and of one leg its trades before the quotes or the
    depth that they left behind; the order of each file is kept. A session ends when the next event of its leg is past
    it, and when its day is over; one without events does not end.

    Raises:
        BadInput: at once, where the catalogue has not what the run's market needs of one of the symbols.
    """
    calendar, catalog = Calendar(run.closed_days), Catalog(Path(run.catalog))
    if len(run.symbols) > np.iinfo(np.uint8).max:
        raise BadInput(f"a run has at most 255 symbols, and {len(run.symbols)} were named")
    legs = []
    for leg, symbol in enumerate(run.symbols):
        traded = days_of(catalog, symbol, *run.days_of(symbol))
        days = _run_days(catalog, run, symbol)
        parts = [
            (day, _parts(catalog, calendar, run.market, symbol, leg, day, traded=day in traded))
            for day in days
        ]
        legs.append(_leg(calendar, symbol, leg, parts))
    return ahead(filled(merged(legs), rows))


KINDS: Mapping[Market, tuple[Kind, ...]] = {
    "prints": ("ticks", "spreads"),
    "quotes": ("quotes",),
    "depth": ("depth",),
    "bars": ("bars",),
}
"""What a market cannot do without: the days that have it are those of its run."""


def days_of(
    catalog: Catalog, symbol: str, first: int, last: int, kinds: Sequence[Kind] = KINDS["prints"]
) -> list[int]:
    """The trading days from `first` to `last` of which the catalogue has data of a symbol, ascending."""
    days = {day for kind in kinds for day in catalog.days(symbol, kind)}
    return sorted(day for day in days if first <= day <= last)


def _run_days(catalog: Catalog, run: RunSettings, symbol: str) -> list[int]:
    """The trading days of a run.

    Raises:
        BadInput: the catalogue has none that the run's market can use, or one of them has trades alone.
    """
    days = days_of(catalog, symbol, *run.days_of(symbol), KINDS[run.market])
    if not days:
        _say_what_there_is(catalog, run.market, symbol, run.day)
    for day in days_of(catalog, symbol, *run.days_of(symbol)):
        if day not in days and run.market != "bars":
            raise BadInput(
                f"the catalogue has trades of {symbol} on {iso_day(day)}, and no {run.market}: import them, or "
                "choose --market prints"
            )
    return days


def _say_what_there_is(catalog: Catalog, market: Market, symbol: str, day: int) -> None:
    match market:
        case "prints":
            catalog.ticks(symbol, day)
        case "quotes":
            catalog.quotes(symbol, day)
        case "depth":
            catalog.depth(symbol, day)
        case "bars":
            catalog.bars(symbol, day)


def _leg(
    calendar: Calendar, symbol: str, leg: int, days: Iterable[tuple[int, Iterator[Chunk]]]
) -> Iterator[Chunk]:
    """One contract, day after day."""
    for day, parts in days:
        yield from with_ends(parts, sessions_of(symbol, day, calendar), leg)


def _parts(
    catalog: Catalog, calendar: Calendar, market: Market, symbol: str, leg: int, day: int, *, traded: bool
) -> Iterator[Chunk]:
    """All of a contract's day that the run's market hears; a generator, so that no file is opened before its turn."""
    if market == "bars":
        yield of_ticks(ticks_of_bars(catalog.bars(symbol, day), sessions_of(symbol, day, calendar)), leg)
        return
    sources: list[Iterator[Chunk]] = []
    if traded:
        sources.append(of_ticks(ticks, leg) for ticks in catalog.slices(symbol, day, ROWS))
    if market == "quotes":
        sources.append(of_quotes(quotes, leg) for quotes in catalog.quote_slices(symbol, day, ROWS))
    elif market == "depth":
        sources.append(of_depth(catalog.depth_slices(symbol, day, ROWS), leg))
    yield from merged(sources)


def of_ticks(ticks: TickColumns, leg: int) -> Chunk:
    """Trades as a chunk."""
    count = len(ticks)
    kinds, legs = np.array(TICK, np.uint8), np.array(leg, np.uint8)
    return Chunk(
        at=ticks.at,
        kind=np.broadcast_to(kinds, count),
        leg=np.broadcast_to(legs, count),
        a=ticks.price_ticks,
        b=ticks.qty,
        c=ticks.auction.astype(np.int64),
        d=np.broadcast_to(np.array(0, np.int64), count),
    )


def of_quotes(quotes: QuoteColumns, leg: int) -> Chunk:
    """Quotes as a chunk."""
    count = len(quotes)
    kinds, legs = np.array(QUOTE, np.uint8), np.array(leg, np.uint8)
    return Chunk(
        at=quotes.at,
        kind=np.broadcast_to(kinds, count),
        leg=np.broadcast_to(legs, count),
        a=quotes.bid_ticks,
        b=quotes.bid_qty,
        c=quotes.ask_ticks,
        d=quotes.ask_qty,
    )


def of_depth(slices: Iterable[DepthColumns], leg: int) -> Iterator[Chunk]:
    """Depth as chunks: rows of one time are one change, unless a snapshot starts among them."""
    before: DepthColumns | None = None
    for depth in slices:
        if before is not None:
            goes_on = len(depth) > 0 and depth.at[0] == before.at[-1] and not depth.first[0]
            yield _depth_chunk(before, leg, goes_on=bool(goes_on))
        before = depth if len(depth) else None
    if before is not None:
        yield _depth_chunk(before, leg, goes_on=False)


def _depth_chunk(depth: DepthColumns, leg: int, *, goes_on: bool) -> Chunk:
    count = len(depth)
    more = np.append((depth.at[1:] == depth.at[:-1]) & ~depth.first[1:], goes_on)
    kinds, legs = np.array(DEPTH, np.uint8), np.array(leg, np.uint8)
    return Chunk(
        at=depth.at,
        kind=np.broadcast_to(kinds, count),
        leg=np.broadcast_to(legs, count),
        a=depth.side,
        b=depth.price_ticks,
        c=depth.qty,
        d=depth.first + 2 * more.astype(np.int64),
    )


def with_ends(parts: Iterable[Chunk], sessions: Sequence[Session], leg: int) -> Iterator[Chunk]:
    """A leg's day with the end of each session that had events, before the first event past it."""
    coming = deque(enumerate(sessions))
    heard = False
    for part in parts:
        start = 0
        while coming and start < len(part):
            number, session = coming[0]
            past = part.at[start:] >= session.ends_at
            stop = start + int(past.argmax()) if past.any() else len(part)
            if stop > start:
                yield part.part(start, stop)
                start, heard = stop, True
            if stop < len(part):
                if heard:
                    yield _end(number, session, leg)
                coming.popleft()
                heard = False
        if start < len(part):
            yield part.part(start, len(part))
    if heard and coming:
        yield _end(*coming[0], leg)


def _end(number: int, session: Session, leg: int) -> Chunk:
    end = _Arrays().chunk(1)
    end.at[0], end.kind[0], end.leg[0] = session.ends_at, SESSION_END, leg
    end.a[0], end.b[0], end.c[0], end.d[0] = session.day, number, 0, 0
    return end


class _Head:
    """The rows of one leg that wait to be merged. `key` is their time, or the newest before it: order is kept."""

    def __init__(self, parts: Iterator[Chunk]) -> None:
        self._parts = parts
        self._newest = 0
        self._rows = _Arrays().chunk(0)
        self.key = self._rows.at

    def fill(self) -> bool:
        """Has rows, if there are any left."""
        while not len(self._rows):
            rows = next(self._parts, None)
            if rows is None:
                return False
            self._rows = rows
            self.key = np.maximum.accumulate(np.maximum(rows.at, self._newest))
            if len(rows):
                self._newest = int(self.key[-1])
        return True

    def take(self, until: int, side: Literal["left", "right"]) -> tuple[Chunk, NDArray[np.int64]]:
        """Takes off what is before `until` (left), or not after it (right)."""
        count = int(np.searchsorted(self.key, until, side))
        taken = self._rows.part(0, count), self.key[:count]
        self._rows, self.key = self._rows.part(count, len(self._rows)), self.key[count:]
        return taken


def merged(legs: Sequence[Iterator[Chunk]]) -> Iterator[Chunk]:
    """Several legs as one, by time; at equal times in the order in which they are given."""
    if len(legs) == 1:
        yield from legs[0]
        return
    heads, arrays = [_Head(leg) for leg in legs], _Arrays()
    while heads := [head for head in heads if head.fill()]:
        # Whatever the legs say next is not before the earliest of their last rows: until there all is known.
        lasts = [int(head.key[-1]) for head in heads]
        until = min(lasts)
        first = lasts.index(until)
        taken = [head.take(until, "right" if n <= first else "left") for n, head in enumerate(heads)]
        yield _interleaved([one for one in taken if len(one[0])], arrays)


def _interleaved(taken: Sequence[tuple[Chunk, NDArray[np.int64]]], arrays: "_Arrays") -> Chunk:
    if len(taken) == 1:
        return taken[0][0]
    parts = [part for part, _ in taken]
    order = np.concatenate([key for _, key in taken]).argsort(kind="stable")
    whole, sorted_rows = arrays.chunk(len(order)), arrays.chunk(len(order))
    for name in COLUMNS:
        column = getattr(whole, name)
        np.concatenate([getattr(part, name) for part in parts], out=column)
        np.take(column, order, out=getattr(sorted_rows, name), mode="clip")
    return sorted_rows


def filled(parts: Iterable[Chunk], rows: int) -> Iterator[Chunk]:
    """The same events in chunks of `rows`; only the last is shorter."""
    arrays = _Arrays()
    chunk, used = arrays.chunk(rows), 0
    for part in parts:
        start = 0
        while start < len(part):
            count = min(rows - used, len(part) - start)
            for name in COLUMNS:
                getattr(chunk, name)[used : used + count] = getattr(part, name)[start : start + count]
            start, used = start + count, used + count
            if used == rows:
                yield chunk
                del chunk  # So that its arrays are free where nobody kept them.
                chunk, used = arrays.chunk(rows), 0
    if used:
        yield chunk.part(0, used)


class _Arrays:
    """Room for columns, used again once nobody holds it: fresh memory costs more than what is written to it."""

    def __init__(self) -> None:
        self._numbers: list[NDArray[np.int64]] = []
        self._bytes: list[NDArray[np.uint8]] = []

    def chunk(self, rows: int) -> Chunk:
        """A chunk of so many rows that hold anything."""
        at, a, b, c, d = (_room(self._numbers, rows, np.int64) for _ in range(5))
        kind, leg = (_room(self._bytes, rows, np.uint8) for _ in range(2))
        return Chunk(at, kind, leg, a, b, c, d)


_Number = TypeVar("_Number", np.uint8, np.int64)


def _room(held: list[NDArray[_Number]], rows: int, kind: type[_Number]) -> NDArray[_Number]:
    for array in held:
        # Nobody but the list, the loop and the call: whoever has a view of an array holds it too.
        if len(array) >= rows and getrefcount(array) == _HELD_BY_NOBODY:
            return array[:rows]
    array = np.empty(rows, kind)
    if len(held) < _MOST_HELD:
        held.append(array)
    return array[:rows]


_HELD_BY_NOBODY = 3
_MOST_HELD = 60


def ahead(source: Iterator[Chunk]) -> Iterator[Chunk]:
    """The same chunks; a thread makes the next one while this one is handled."""
    with ThreadPoolExecutor(1, "decode") as thread:
        future = thread.submit(next, source, None)
        while (chunk := future.result()) is not None:
            future = thread.submit(next, source, None)
            yield chunk
