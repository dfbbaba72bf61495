"""What the recorder keeps, and the proof that all of the trader's stream is there, or a gap that says what is not."""

from collections.abc import Iterable

from autofutures.bus.codec import CONTROL
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Gap, decode_frame
from autofutures.simulation.fate import Fate


class Tape:
    """What the recorder keeps.

    Args:
        fate: the recorder's, who may die while he writes.
    """

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        """Puts a frame behind all others."""
        self._fate.at("before write")
        self.frames.append(frame)
        self._fate.at("after write")

    def seen(self) -> dict[tuple[str, int], int]:
        """The numbers that are reached, by source and life: a new life goes on there."""
        return {
            (envelope.source, envelope.epoch): envelope.seq
            for frame in self.frames
            for envelope in decode_frame(frame)
        }


def check_tape(frames: Iterable[bytes]) -> None:
    """Every number of each life is there, once and in sequence, or a gap counts it.

    Raises:
        BrokenInvariant: something is missing in silence, or there twice.
    """
    last: dict[tuple[str, int], int] = {}
    for frame in frames:
        for envelope in decode_frame(frame):
            body = envelope.body
            if isinstance(body, CONTROL):
                continue
            life = (envelope.source, envelope.epoch)
            number = last.get(life, 0) + 1
            if isinstance(body, Gap) and body.source == envelope.source and envelope.seq != number:
                number += body.missed - 1
            elif envelope.seq != number:
                raise BrokenInvariant(f"{envelope} was kept where number {number} of {life} was due")
            last[life] = number
