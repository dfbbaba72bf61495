"""Frames: each end of a link numbers what it says, and hears what is missing.

Market data and everything else are numbered apart, so that a gap says what was lost; so is each life of a
process, for one that starts again counts from 1. What an older life said late is for the receiver to refuse,
by its epoch. Control messages (`Step`, `Done`, `Ready`, `Stop`, heartbeats, questions) carry the number reached
and do not raise it: they may be repeated, and they bring a gap to light even when nothing follows.

Market data are the hot path, many thousands a second: their loops make no call for a message that can be spared.
"""

from collections.abc import Iterable, Mapping, Sequence

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
    Heartbeat,
    Quote,
    Ready,
    Step,
    Stop,
    Tick,
    decode_frame,
    encode,
)

CONTROL = (Step, Done, Ready, Stop, Heartbeat, Ask, Answer, Command)


_UNNUMBERED = frozenset(CONTROL)


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

    @property
    def market_seq(self) -> int:
        """How many market data were wrapped."""
        return self._market_seq

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

    def wrap_all(self, messages: Iterable[AnyMessage], at: int, cause: int = 0) -> list[Envelope]:
        """Messages of one moment in their envelopes, in order."""
        envelopes: list[Envelope] = []
        append, source, epoch, number = envelopes.append, self._market_source, self._epoch, self._market_seq
        for message in messages:
            if type(message) is Tick:
                number += 1
                append(Envelope(SCHEMA, source, epoch, number, at, cause, "", message))
            else:
                self._market_seq = number
                append(self.wrap(message, at, cause))
                number = self._market_seq
        self._market_seq = number
        return envelopes

    def wrap_events(self, events: Iterable[tuple[AnyMessage, int]]) -> list[Envelope]:
        """Messages in their envelopes, in order, each with its own moment."""
        envelopes: list[Envelope] = []
        append, source, epoch, number = envelopes.append, self._market_source, self._epoch, self._market_seq
        for message, at in events:
            if type(message) is Tick:
                number += 1
                append(Envelope(SCHEMA, source, epoch, number, at, 0, "", message))
            else:
                self._market_seq = number
                append(self.wrap(message, at))
                number = self._market_seq
        self._market_seq = number
        return envelopes

    def frame(self, messages: Iterable[AnyMessage], at: int, cause: int = 0, flow: str = "") -> bytes:
        """A frame of messages of one moment, in order."""
        if not flow:
            return encode(self.wrap_all(messages, at, cause))
        return encode([self.wrap(message, at, cause, flow) for message in messages])

    def beat(self, at: int) -> list[Envelope]:
        """A sign of life, with both numbers reached: what was lost before it comes to light."""
        beat = Heartbeat(self._source, at)
        return [
            Envelope(SCHEMA, self._source, self._epoch, self._seq, at, 0, "", beat),
            Envelope(SCHEMA, self._market_source, self._epoch, self._market_seq, at, 0, "", beat),
        ]


class Inbox:
    """Opens what one process hears from one other: repeats are dropped, gaps become messages.

    Args:
        joins: it begins in the middle of a conversation: the first number of each source is taken as it comes.
        seen: the numbers that were reached before, by source and life.

    Attributes:
        seen: the numbers that are reached.
        repeated: messages that had been heard before.
        missed: messages that were lost, market data not counted.
    """

    def __init__(self, *, joins: bool = False, seen: Mapping[tuple[str, int], int] | None = None) -> None:
        self.seen: dict[tuple[str, int], int] = dict(seen or {})
        self._joins = joins
        self.repeated = 0
        self.missed = 0

    def open(self, data: bytes) -> list[Envelope]:
        """The new messages of a frame, each gap just before what shows it.

        Raises:
            BadMessage: the bytes are no frame of this version.
        """
        return self.take(decode_frame(data))

    def take(self, envelopes: list[Envelope]) -> list[Envelope]:
        """As `open`, of a frame that is decoded."""
        if self._is_next(envelopes):
            return envelopes
        heard: list[Envelope] = []
        for envelope in envelopes:
            if self._take(envelope, heard):
                heard.append(envelope)
        return heard

    def _is_next(self, envelopes: Sequence[Envelope]) -> bool:
        """Whether these are numbered, of one source, and follow without a hole on what was heard; then they count."""
        if not envelopes:
            return True
        first = envelopes[0]
        source, epoch, number = first.source, first.epoch, first.seq
        life = (source, epoch)
        if self.seen.get(life, 0) + 1 != number:
            return False
        for envelope in envelopes:
            if (
                envelope.seq != number
                or type(envelope.body) in _UNNUMBERED
                or envelope.source != source
                or envelope.epoch != epoch
            ):
                return False
            number += 1
        self.seen[life] = number - 1
        return True

    def _take(self, envelope: Envelope, heard: list[Envelope]) -> bool:
        source, seq = envelope.source, envelope.seq
        life = (source, envelope.epoch)
        control = isinstance(envelope.body, CONTROL)
        step = 0 if control else 1
        seen = self.seen.get(life)
        if seen is None:
            seen = seq - step if self._joins else 0
        missed = seq - seen - step
        if missed < 0:
            self.repeated += step
            return control
        self.seen[life] = seq
        if missed:
            if not source.endswith(MARKET):
                self.missed += missed
            gap = Gap(source, envelope.at, missed)
            heard.append(Envelope(SCHEMA, source, envelope.epoch, seq, envelope.at, 0, "", gap))
        return True
