"""The recorder process by the clock: one file for all its lives, of which a torn end is cut off and said."""

from collections import deque
from pathlib import Path
from typing import IO

import zmq

from autofutures.bus.curve import load_keys
from autofutures.bus.sockets import Link
from autofutures.domain.messages import MARKET, decode_frame
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log
from autofutures.processes.live import LinkPort, LiveClock, Pulse
from autofutures.processes.stream import LENGTH, frames_of
from autofutures.seats.port import TRADER
from autofutures.seats.recorder import RecorderSeat

LAST_FRAMES = 4_096
"""The newest frames hold what was reached last: the trader gives signs of life, with its numbers, several a second."""

Seen = dict[tuple[str, int], int]


class Reel:
    """The stream's file, appended to."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, frame: bytes) -> None:
        """Puts a frame behind all others."""
        self._stream.write(LENGTH.pack(len(frame)) + frame)


def mend(path: Path) -> tuple[int, Seen]:
    """Cuts off what a dead recorder wrote in part; returns how many bytes that were, and the numbers it had reached."""
    last: deque[bytes] = deque(maxlen=LAST_FRAMES)
    end = 0
    for place, frame in frames_of(path):
        last.append(frame)
        end = place
    torn = path.stat().st_size - end if path.exists() else 0
    if torn:
        with path.open("r+b") as stream:
            stream.truncate(end)
    seen: Seen = {}
    for frame in reversed(last):
        for envelope in reversed(decode_frame(frame)):
            seen.setdefault((envelope.source, envelope.epoch), envelope.seq)
        newest = max(epoch for _, epoch in seen)
        if {(TRADER, newest), (TRADER + MARKET, newest)} <= seen.keys():
            break
    return torn, seen


def record(folder: Folder, log: Log) -> None:
    """Writes frames down until the trader says stop."""
    machine = folder.machine()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    keys = load_keys(Path(machine.keys), "recorder")
    link = Link(context, folder.endpoint("trader"), keys, "trader", "recorder", live=True)
    torn, seen = mend(folder.stream)
    if torn:
        log.warning("torn frame cut off", bytes=torn)
    clock, life = LiveClock(machine), Life()
    with folder.stream.open("ab") as stream:
        seat = RecorderSeat(Reel(stream), LinkPort(link), lambda: folder.next_life("recorder"), seen)
        pulse = Pulse(clock.now())
        while not seat.stopped:
            data = link.take()
            now = clock.now()
            if data is not None:
                seat.hear("trader", data, now)
            if pulse.is_due(now):
                life.check()
                stream.flush()
                seat.beat(now)
            elif data is None:
                link.wait(pulse.wait_ms(now))
    log.info("stopped", life=seat.life)
    link.close()
    context.term()
