"""Processes of a simulation: each is one seat at a time, which may die, stand still, and be started again."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Protocol

from autofutures.bus.memory import MemoryBus
from autofutures.domain.messages import Restored, decode_frame
from autofutures.domain.units import SECOND
from autofutures.seats.strategy import StrategySeat
from autofutures.simulation.fate import Fate

NOTICED_NS = SECOND // 5
"""So long after a process's death its peers may still hand frames over to it: they are lost."""


class Seat(Protocol):
    """One life."""

    def hear(self, peer: str, data: bytes, now: int, /) -> None:
        """A frame."""

    def beat(self, now: int) -> None:
        """Time has come so far."""


class Process:
    """One process.

    Args:
        name: on the bus.
        fate: when it dies.
        start: makes its next seat.

    Attributes:
        seat: `None` while it does not live.
        died_at: when it died last.
        deaths: how often in a row it died while it started.
    """

    def __init__(self, name: str, fate: Fate, start: Callable[[], Seat]) -> None:
        self.name = name
        self.fate = fate
        self.start = start
        self.seat: Seat | None = None
        self.died_at = 0
        self.deaths = 0
        self.starts = 0
        self.stopped_until = 0


class Counter:
    """Numbers of lives, kept outside of them."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = count(1)

    def __call__(self) -> int:
        """A number above all that were given before."""
        return next(self._numbers)


class BusPort:
    """One process's way to the others.

    Args:
        bus: carries.
        processes: who there is.
        me: whose way it is.
        welcomes: is shown what strategies are told when they start.
    """

    def __init__(
        self,
        bus: MemoryBus,
        processes: dict[str, Process],
        me: Process,
        welcomes: Callable[[Restored], None] | None = None,
    ) -> None:
        self._welcomes = welcomes
        self._bus = bus
        self._processes = processes
        self._me = me

    def send(self, peer: str, data: bytes) -> bool:
        """Hands a frame over; `False`: nobody is there, and nothing was sent."""
        fate = self._me.fate
        fate.at("before send")
        if self._welcomes is not None and peer.startswith("strategy/"):
            self._look(peer, data)
        process = self._processes.get(peer)
        if process is not None and process.seat is None:
            if self._bus.now - process.died_at > NOTICED_NS:
                return False
            self._bus.faults["sent to the dead"] += 1
            return True
        sent = self._bus.send(self._me.name, peer, data)
        fate.at("after send")
        return sent

    def _look(self, peer: str, data: bytes) -> None:
        """A strategy that has not been told yet may be told now."""
        seat = self._processes[peer].seat
        if self._welcomes is not None and isinstance(seat, StrategySeat) and not seat.restored:
            for envelope in decode_frame(data):
                if isinstance(envelope.body, Restored):
                    self._welcomes(envelope.body)
