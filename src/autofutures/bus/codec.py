"""Frames: each end of a link numbers what it says, and hears what is missing.

Market data and everything else are numbered apart, so that a gap says what was lost; so is each life of a
process, for one that starts again counts from 1. What an older life said late is for the receiver to refuse,
by its epoch. Control messages (`Step`, `Done`, `Ready`, `Stop`, questions) carry the number reached and do
not raise it: they may be repeated, and they bring a gap to light even when nothing follows.
"""

from collections.abc import Iterable

from autofutures.domain.messages import (
    MARKET,
    SCHEMA,
    Answer,
    AnyMessage,
    Ask,
    Command,
    Done,
    Envelope,
    Gap,
    Quote,
    Ready,
    Step,
    Stop,
    Tick,
    decode_frame,
    encode,
)

CONTROL = (Step, Done, Ready, Stop, Ask, Answer, Command)


class Outbox:
    """Wraps what one process says to one other.

    Args:
        source: the process's name.
        epoch: the process's life, so that its peers can refuse one that was replaced.
    """

    def __init__(self, source: str, epoch: int = 0) -> None:
        self._source = source
        self._market_source = source + MARKET
        self._epoch = epoch
        self._seq = 0
        self._market_seq = 0

    def wrap(self, message: AnyMessage, at: int, cause: int = 0, flow: str = "") -> Envelope:
        """One message in its envelope, numbered."""
        if isinstance(message, (Tick, Quote)):
            self._market_seq += 1
            source, seq = self._market_source, self._market_seq
        elif isinstance(message, Step):
            source, seq = self._market_source, self._market_seq
        else:
            if not isinstance(message, CONTROL):
                self._seq += 1
            source, seq = self._source, self._seq
        return Envelope(SCHEMA, source, self._epoch, seq, at, cause, flow, message)

    def frame(self, messages: Iterable[AnyMessage], at: int, cause: int = 0, flow: str = "") -> bytes:
        """A frame of messages of one moment, in order."""
        return encode([self.wrap(message, at, cause, flow) for message in messages])


class Inbox:
    """Opens what one process hears from one other: repeats are dropped, gaps become messages.

    Attributes:
        repeated: messages that had been heard before.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], int] = {}
        self.repeated = 0

    def open(self, data: bytes) -> list[Envelope]:
        """The new messages of a frame, each gap just before what shows it.

        Raises:
            BadMessage: the bytes are no frame of this version.
        """
        heard: list[Envelope] = []
        for envelope in decode_frame(data):
            if self._take(envelope, heard):
                heard.append(envelope)
        return heard

    def _take(self, envelope: Envelope, heard: list[Envelope]) -> bool:
        source, seq = envelope.source, envelope.seq
        life = (source, envelope.epoch)
        seen = self._seen.get(life, 0)
        control = isinstance(envelope.body, CONTROL)
        missed = seq - seen - (0 if control else 1)
        if missed < 0:
            self.repeated += 0 if control else 1
            return control
        self._seen[life] = seq
        if missed:
            gap = Gap(source, envelope.at, missed)
            heard.append(Envelope(SCHEMA, source, envelope.epoch, seq, envelope.at, 0, "", gap))
        return True
