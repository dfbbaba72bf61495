"""What a seat asks of its surroundings: somebody who carries its frames, and perhaps somebody who looks on."""

from collections.abc import Sequence
from typing import Protocol

from autofutures.domain.messages import AnyMessage, Request
from autofutures.domain.units import SECOND

BEAT_NS = SECOND // 10
"""How often a seat's driver calls `beat`: signs of life go out, and what is due is done."""

SILENCE_NS = 2 * SECOND
"""A peer that has said nothing for so long is away."""

GREET_NS = SECOND // 2
"""A greeting that was not answered is said again after so long."""

MOST_MESSAGES = 512
"""How many messages a batch or a frame holds about: beyond it, what was taken is answered first."""

TRADER = "trader"
GATEWAY = "gateway"
RECORDER = "recorder"


class Port(Protocol):
    """The way to a seat's peers."""

    def send(self, peer: str, data: bytes, /) -> bool:
        """Hands a frame over. `False`: nobody is there or he is overloaded, and nothing was sent."""
        ...


class Watch:
    """Looks on at the points of a seat's batch; a simulation inspects there, or ends the seat by raising."""

    def at(self, point: str, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """The seat has come to this point of a batch, with what was heard and what was said to it so far."""

    def kept(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """A batch is in the journal."""

    def leaves(self, requests: Sequence[Request]) -> None:
        """Requests are about to be sent."""


NOBODY = Watch()
"""Looks away."""
