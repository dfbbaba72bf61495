"""What the processes of a live run share: the run's clock, ports over sockets, and when time has come to beat."""

import fcntl
import gc
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from autofutures import clock
from autofutures.bus.sockets import Hub, Link
from autofutures.domain.messages import AnyMessage
from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder, Machine
from autofutures.ops.process import Log
from autofutures.seats.port import BEAT_NS, NOBODY, Watch

MILLISECOND = SECOND // 1_000
COLLECT_EVERY = 100
"""Beats between two looks for garbage that counting references does not find: ten seconds."""


class LiveClock:
    """The hour of a run: the computer's, shifted so that a generated session is now."""

    def __init__(self, machine: Machine) -> None:
        self._offset = machine.clock_offset_ns
        self._jumps = sorted(machine.clock_jumps)

    def now(self) -> int:
        """UTC nanoseconds."""
        now = clock.now_ns()
        while self._jumps and now >= self._jumps[0][0]:
            self._offset = self._jumps.pop(0)[1]
        return now + self._offset


class Pulse:
    """Tells when to beat, and keeps the garbage collector from stopping the process whenever it likes.

    Args:
        now: the time it begins.
    """

    def __init__(self, now: int) -> None:
        self._next = now
        self._beats = 0
        gc.collect()
        gc.freeze()
        gc.disable()

    def is_due(self, now: int) -> bool:
        """Whether it is time to beat; the next time comes a beat later."""
        if now < self._next:
            return False
        self._next = now + BEAT_NS
        self._beats += 1
        if self._beats % COLLECT_EVERY == 0:
            gc.collect(1)
        return True

    def is_late(self, now: int) -> bool:
        """Whether the beat has been due for a while: what waits must not keep it off for ever."""
        return now - self._next > BEAT_NS

    def wait_ms(self, now: int, wake_at: int = 0) -> int:
        """How long there is nothing to do but to listen."""
        until = min(self._next, wake_at) if wake_at else self._next
        return max(0, -(-(until - now) // MILLISECOND))


class HubPort:
    """A seat's way to peers that connect to its hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def send(self, peer: str, data: bytes) -> bool:
        """Hands a frame over; `False`: the peer is away or overloaded, and nothing was sent."""
        return self._hub.offer(peer, data)


class LinkPort:
    """A seat's way to the one hub that it connects to."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def send(self, _peer: str, data: bytes) -> bool:
        """Hands a frame over; `False`: no hub is there, or it is overloaded, and nothing was sent."""
        return self._link.offer(data)


LOCK_PATIENCE_NS = 60 * SECOND
"""How long a process waits for its former life to be gone: longer than a supervisor bears with anyone who starts."""


def await_lock(path: Path, log: Log) -> None:
    """Waits until the former life has let go of a file: it may still be about to end."""
    until = clock.stopwatch_ns() + LOCK_PATIENCE_NS
    waited = False
    while path.exists() and clock.stopwatch_ns() < until:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waited:
                log.warning("waits for the former life", file=str(path))
            waited = True
            clock.sleep_ns(SECOND // 50)
        else:
            return
        finally:
            os.close(lock)
    if waited:
        log.error("the former life has not let go", file=str(path))


class Dies(Watch):
    """A drill: ends this process at a named point of the first batch in which a kind of message is, once in a run.

    Args:
        folder: remembers that it has happened.
        drill: `role:point:kind`, where the kind is a message's class by name; empty for any batch.
    """

    def __init__(self, folder: Folder, drill: str) -> None:
        self._died = folder.died
        self._drill = drill
        _, self._point, self._kind = drill.split(":")

    def at(self, point: str, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """Ends the process where this is the point."""
        if point != self._point:
            return
        if not self._kind or any(type(message).__name__ == self._kind for message in (*inputs, *outputs)):
            with self._died.open("a") as died:
                died.write(f"{self._drill}\n")
            os.kill(os.getpid(), signal.SIGKILL)


def watch_of(folder: Folder, role: str) -> Watch:
    """What the run's drill asks of this life of a process: the first point of its own at which none has died yet."""
    died = folder.died.read_text().splitlines() if folder.died.exists() else []
    for drill in folder.machine().die_at.split(","):
        if drill.startswith(f"{role}:") and drill not in died:
            return Dies(folder, drill)
    return NOBODY
