"""The recorder's seat: keeps the trader's whole stream, and what is missing of it as a gap with a count."""

from collections.abc import Callable, Mapping
from typing import Protocol

from autofutures.bus.codec import Inbox, Outbox
from autofutures.domain.messages import Done, Envelope, Heartbeat, Ready, Stop, encode
from autofutures.seats.port import GREET_NS, RECORDER, TRADER, Port


class Tape(Protocol):
    """Where frames are kept."""

    def write(self, frame: bytes) -> None:
        """Puts a frame behind all others."""
        ...


class RecorderSeat:
    """One life of the recorder.

    Args:
        tape: where it keeps what it hears.
        port: the way to the trader.
        next_life: a number above all that were given before.
        seen: numbers that earlier lives have reached, by source and life: what is missing since is a gap.

    Attributes:
        life: how often it greeted a trader, over all processes.
        greeted: whether the trader has answered.
        stopped: the trader asked it to end.
    """

    def __init__(
        self, tape: Tape, port: Port, next_life: Callable[[], int], seen: Mapping[tuple[str, int], int]
    ) -> None:
        self._tape = tape
        self._port = port
        self._next_life = next_life
        self._inbox = Inbox(seen=seen)
        self._trader_epoch = 0
        self._begin()
        self.stopped = False

    @property
    def seen(self) -> Mapping[tuple[str, int], int]:
        """The numbers that were reached, by source and life."""
        return self._inbox.seen

    def _begin(self) -> None:
        self.life = self._next_life()
        self._outbox = Outbox(RECORDER, self.life)
        self._greeted_at = 0
        self.greeted = False

    def beat(self, now: int) -> None:
        """Greets until it was answered, then gives signs of life."""
        if self.greeted:
            self._port.send(TRADER, encode(self._outbox.beat(now)))
        elif now - self._greeted_at >= GREET_NS and self._greet(now):
            self._greeted_at = now

    def _greet(self, now: int) -> bool:
        return self._port.send(TRADER, self._outbox.frame((Ready(RECORDER),), now))

    def hear(self, _peer: str, data: bytes, now: int) -> None:
        """Keeps a frame; signs of life and repeats are left out."""
        kept: list[Envelope] = []
        for envelope in self._inbox.open(data):
            message = envelope.body
            if envelope.epoch > self._trader_epoch:
                if self._trader_epoch:
                    self._begin()
                self._trader_epoch = envelope.epoch
            if isinstance(message, Ready):
                self.greeted = self.greeted or envelope.cause == self.life
            elif not isinstance(message, Heartbeat):
                kept.append(envelope)
                self.stopped = self.stopped or isinstance(message, Stop)
        if kept:
            self._tape.write(encode(kept))
        if self.stopped:
            self._port.send(TRADER, self._outbox.frame((Done(RECORDER, 1),), now))
