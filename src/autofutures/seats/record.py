"""What the trader's seat tells recorder and counters, late: what they do now would keep the processor from orders.

Each batch is one `Heard` and the stream that came of it. What no recorder has taken yet is kept for it, as far as there
is room; then the oldest is given up, and the numbers show it.
"""

from collections import deque
from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

from autofutures.bus.codec import Outbox
from autofutures.domain.messages import (
    AnyMessage,
    Envelope,
    Filled,
    Heard,
    Message,
    Quote,
    Restored,
    Snapshot,
    Tick,
    VenueOrder,
    encode,
)
from autofutures.portfolio.tally import Tally
from autofutures.seats.port import RECORDER, Port

RECORD_EVERY = 32
"""Messages of the stream that the recorder is sent at once; a beat sends what there is. Eight times as many kept a
trade or an order waiting for a millisecond."""

MOST_FRAMES = 16_000
"""Frames that may wait for a recorder: some 500,000 trades."""

Moments = Sequence[tuple[int, int]]
"""From which input on (its place in the batch), the trader's clock said what."""

MOST_ROWS = 100_000

_Row = TypeVar("_Row", VenueOrder, Filled)
_Batch = tuple[Sequence[AnyMessage], Moments, Sequence[AnyMessage], int, int, int, Sequence[str]]


class Listed(Message, frozen=True):
    """A page of the venue's list as the record keeps it: a row or fill that was told before is its number there."""

    flow: str
    at: int
    since: int
    orders: tuple[int | VenueOrder, ...]
    fills: tuple[int | Filled, ...]
    positions: dict[str, int]
    page: int
    pages: int


Short = int | AnyMessage | Listed
"""An input in the record, or so many trades and quotes."""


_ONE_TRADE: list[Short] = [1]
"""What nearly every batch of a quiet market is."""


class Rows:
    """Rows of the venue's lists by number: it says the same ones every few seconds, all day.

    Writer and reader number alike, from 0, and both begin anew when there are many.
    """

    def __init__(self) -> None:
        self._numbers: dict[VenueOrder | Filled, int] = {}
        self._rows: list[VenueOrder | Filled] = []

    def short(self, page: Snapshot) -> Listed:
        """The page as it is kept."""
        self._make_room()
        orders = tuple([self._number(row) for row in page.orders])
        fills = tuple([self._number(fill) for fill in page.fills])
        return Listed(page.flow, page.at, page.since, orders, fills, page.positions, page.page, page.pages)

    def whole(self, kept: Listed) -> Snapshot:
        """The page as it was heard.

        Raises:
            IndexError: it names a row that was never told.
        """
        self._make_room()
        orders = tuple([self._row(item, VenueOrder) for item in kept.orders])
        fills = tuple([self._row(item, Filled) for item in kept.fills])
        return Snapshot(kept.flow, kept.at, kept.since, orders, fills, kept.positions, kept.page, kept.pages)

    def _make_room(self) -> None:
        if len(self._numbers) > MOST_ROWS or len(self._rows) > MOST_ROWS:
            self._numbers.clear()
            self._rows.clear()

    def _number(self, row: _Row) -> int | _Row:
        number = self._numbers.get(row)
        if number is not None:
            return number
        self._numbers[row] = len(self._numbers)
        return row

    def _row(self, item: int | _Row, kind: type[_Row]) -> _Row:
        if not isinstance(item, int):
            self._rows.append(item)
            return item
        row = self._rows[item]
        if not isinstance(row, kind):
            raise IndexError(item)
        return row


class Record:
    """One life's record.

    Args:
        outbox: numbers what the recorder is told.
        port: the way to it.
        tally: counts what happened.
    """

    def __init__(self, outbox: Outbox, port: Port, tally: Tally) -> None:
        self._outbox = outbox
        self._port = port
        self._tally = tally
        self._batches: list[_Batch] = []
        self._count = 0
        self._number = 1
        self._check = 0
        self._rows = Rows()
        self._frames: deque[bytes] = deque()
        self._lag_ns = 0

    def take_lag_ns(self) -> int:
        """How old the newest trade of a batch was when it was settled: the most since the last time it was asked."""
        lag_ns, self._lag_ns = self._lag_ns, 0
        return lag_ns

    @property
    def waits(self) -> bool:
        """Whether something is numbered that the recorder has not taken: nothing may overtake it."""
        return bool(self._frames)

    @property
    def waiting(self) -> int:
        """How many frames that is."""
        return len(self._frames)

    def note(
        self,
        inputs: Sequence[AnyMessage],
        moments: Moments,
        stream: Sequence[AnyMessage],
        at: int,
        cause: int,
        market_seq: int,
        untold: Sequence[str] = (),
    ) -> None:
        """Keeps a batch in mind: what was heard, at which times, what the stream said of it, and who missed that."""
        self._batches.append((inputs, moments, stream, at, cause, market_seq, untold))
        self._count += 1 + len(stream)
        if self._count >= RECORD_EVERY:
            self.flush()

    def flush(self) -> None:
        """Counts what there is, and tells the recorder of it."""
        if self._batches:
            self._wrap()
        frames = self._frames
        while frames and self._port.send(RECORDER, frames[0]):
            frames.popleft()
        while len(frames) > MOST_FRAMES:
            frames.popleft()

    def _wrap(self) -> None:
        outbox, count = self._outbox, self._tally.handle
        envelopes: list[Envelope] = []
        for inputs, moments, stream, at, cause, market_seq, untold in self._batches:
            if stream and type(stream[-1]) is Tick and at - stream[-1].at > self._lag_ns:
                self._lag_ns = at - stream[-1].at
            short = encode(self._shortened(inputs, stream))
            self._check = check_of(self._check, short, stream)
            heard = Heard(
                at=at,
                number=self._number,
                moments=_spans(moments, len(inputs)),
                market_seq=market_seq,
                said=len(stream),
                inputs=short,
                check=self._check,
                untold=tuple(untold),
            )
            self._number += len(inputs)
            envelopes.append(outbox.wrap(heard, at, cause))
            envelopes += outbox.wrap_all(stream, at, cause)
            for message in stream:
                if type(message) is not Restored:  # Its positions are counted already.
                    count(message, at)
        self._batches, self._count = [], 0
        self._frames.append(encode(envelopes))

    def _shortened(self, inputs: Sequence[AnyMessage], stream: Sequence[AnyMessage]) -> list[Short]:
        """The inputs, with a number for each run of trades and quotes that the stream has too."""
        if len(inputs) == 1 and len(stream) == 1 and inputs[0] is stream[0] and type(inputs[0]) is Tick:
            return _ONE_TRADE
        market = [message for message in stream if type(message) is Tick or type(message) is Quote]
        short: list[Short] = []
        told, run = 0, 0
        for message in inputs:
            if told < len(market) and market[told] is message:
                told += 1
                run += 1
                continue
            if run:
                short.append(run)
                run = 0
            short.append(self._rows.short(message) if isinstance(message, Snapshot) else message)
        if run:
            short.append(run)
        return short


def check_of(before: int, inputs: bytes, stream: Sequence[AnyMessage]) -> int:
    """The next link of the record's chain."""
    return crc32(encode(stream), crc32(inputs, before))


def _spans(moments: Moments, count: int) -> tuple[tuple[int, int], ...]:
    """How many inputs each time is of."""
    if not count:
        return ()
    if len(moments) == 1:
        return ((count, moments[0][1]),)
    ends = [place for place, _ in moments[1:]] + [count]
    return tuple((end - place, now) for (place, now), end in zip(moments, ends, strict=True) if end > place)
