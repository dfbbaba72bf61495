"""Reads what a day left: every input of the trader with its time, and the stream that came of it, turn by turn.

The record proves itself: the numbers of its envelopes have no hole, each turn has as many messages as it says, and a
check runs over all of them. Where one fails, what follows is not read.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from autofutures.bus.codec import CONTROL
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput, BadMessage
from autofutures.domain.messages import (
    MARKET,
    AnyMessage,
    Envelope,
    Gap,
    Heard,
    Quote,
    Started,
    Stop,
    Tick,
    decode_frame,
)
from autofutures.processes.stream import frames_of
from autofutures.seats.port import TRADER
from autofutures.seats.record import Listed, Rows, Short, check_of

_decode_inputs = msgspec.msgpack.Decoder(list[Short]).decode


class Turn(msgspec.Struct):
    """What was handled together: inputs, each with the trader's clock, and the stream that came of them."""

    epoch: int
    at: int
    """When it settled, which is what strategies were told."""
    number: int
    """Of the first input in its life."""
    market_seq: int
    inputs: list[tuple[AnyMessage, int]]
    stream: list[AnyMessage]
    untold: tuple[str, ...] = ()
    """Strategies that did not hear the stream."""


class Hole(msgspec.Struct, frozen=True):
    """The record cannot be trusted from here on."""

    epoch: int
    number: int
    """Of the first input that is not known."""
    at: int
    why: str


class Recording(msgspec.Struct):
    """A day as it was recorded, up to its end or its first hole."""

    turns: list[Turn]
    hole: Hole | None
    ended: bool
    """Whether the trader ended in order: nothing is missing behind."""

    @property
    def starts(self) -> list[Started]:
        """Every life of the trader."""
        return [message for turn in self.turns for message in turn.stream if isinstance(message, Started)]

    def inputs(self) -> Iterator[tuple[Turn, int, AnyMessage, int]]:
        """Every input: its turn, its number in its life, itself, and the trader's time."""
        for turn in self.turns:
            for place, (message, now) in enumerate(turn.inputs):
                yield turn, turn.number + place, message, now

    def said(self) -> Iterator[tuple[Turn, AnyMessage]]:
        """The whole stream."""
        for turn in self.turns:
            for message in turn.stream:
                yield turn, message


def settings_of(started: Started) -> RunSettings:
    """What the run was told to do when this life began.

    Raises:
        BadMessage: it is not what a run's settings are in this version.
    """
    try:
        return msgspec.json.decode(started.settings, type=RunSettings)
    except msgspec.MsgspecError as error:
        raise BadMessage(f"the settings that the record begins with cannot be read: {error}") from error


def read_recording(path: Path) -> Recording:
    """The record of a day.

    Raises:
        BadInput: there is none, or it is of a version that did not keep what the trader heard.
        BadMessage: a frame is not of this version's messages.
    """
    if not path.exists():
        raise BadInput(f"there is no record at {path}: name the folder of a run that traded by the clock")
    recording = recording_of(frame for _, frame in frames_of(path))
    if not recording.starts:
        raise BadInput(
            f"{path} does not say what its trader heard: it was recorded by an older version of autofutures, or is of "
            "a replay, which `autofutures backtest` repeats as it was"
        )
    return recording


def recording_of(frames: Iterable[bytes]) -> Recording:
    """What frames of the trader's record hold, up to the first hole.

    Raises:
        BadMessage: a frame is not of this version's messages.
    """
    reader = _Reader()
    for frame in frames:
        if not reader.take(decode_frame(frame)):
            break
    return reader.recording


class _Reader:
    """Makes turns of envelopes."""

    def __init__(self) -> None:
        self.recording = Recording([], None, ended=False)
        self._seen: dict[tuple[str, int], int] = {}
        self._heard: Heard | None = None
        self._stream: list[AnyMessage] = []
        self._epoch = 0
        self._check = 0
        self._number = 1
        self._rows = Rows()

    def take(self, envelopes: Iterable[Envelope]) -> bool:
        """Reads a frame; `False` where it must not be read further."""
        for envelope in envelopes:
            body = envelope.body
            if isinstance(body, Stop):
                self.recording.ended = True
            elif not isinstance(body, CONTROL) and not (self._follows(envelope) and self._take(envelope)):
                return False
        return True

    def _follows(self, envelope: Envelope) -> bool:
        """Whether its number is the next."""
        body, life = envelope.body, (envelope.source, envelope.epoch)
        expected = self._seen.get(life, 0) + 1
        if isinstance(body, Gap) and body.source == envelope.source:
            self._fail(envelope, f"the recorder lost {body.missed} messages of {_of(body.source)}")
            return False
        if envelope.seq != expected:
            missed = envelope.seq - expected
            what = f"{missed} of {_of(envelope.source)} are missing" if missed > 0 else "a number comes again"
            self._fail(envelope, f"number {expected} is due and {envelope.seq} comes: {what}")
            return False
        self._seen[life] = envelope.seq
        return True

    def _take(self, envelope: Envelope) -> bool:
        body = envelope.body
        if isinstance(body, Heard):
            if self._heard is not None:
                lacks = self._heard.said - len(self._stream)
                self._fail(envelope, f"{lacks} messages of the stream are missing before it")
                return False
            if envelope.epoch != self._epoch:
                self._epoch, self._check, self._number = envelope.epoch, 0, 1
                self._rows = Rows()
                self.recording.ended = False
            self._heard, self._stream = body, []
        else:
            self._stream.append(body)
        heard = self._heard
        if heard is None:
            self._fail(envelope, "a message of the stream belongs to nothing that was heard")
            return False
        return len(self._stream) < heard.said or self._close(heard, envelope)

    def _close(self, heard: Heard, envelope: Envelope) -> bool:
        """A turn is whole."""
        self._check = check_of(self._check, heard.inputs, self._stream)
        self._heard = None
        if heard.check != self._check or heard.number != self._number:
            self._fail(envelope, "it does not fit its check: somebody altered the record here")
            return False
        inputs = _timed(heard, self._stream, self._rows)
        turn = Turn(self._epoch, heard.at, heard.number, heard.market_seq, inputs, self._stream, heard.untold)
        self._number += len(inputs)
        self.recording.turns.append(turn)
        return True

    def _fail(self, envelope: Envelope, why: str) -> None:
        self.recording.hole = Hole(envelope.epoch, self._number, envelope.at, why)


def _of(source: str) -> str:
    return "the market" if source == TRADER + MARKET else f"what the {source} said"


def _timed(heard: Heard, stream: list[AnyMessage], rows: Rows) -> list[tuple[AnyMessage, int]]:
    """The inputs, in order, with their times."""
    market = (message for message in stream if isinstance(message, (Tick, Quote)))
    whole: list[AnyMessage] = []
    for item in _decode_inputs(heard.inputs):
        if isinstance(item, int):
            whole += [next(market) for _ in range(item)]
        else:
            whole.append(rows.whole(item) if isinstance(item, Listed) else item)
    times = [now for count, now in heard.moments for _ in range(count)]
    return list(zip(whole, times, strict=True))
