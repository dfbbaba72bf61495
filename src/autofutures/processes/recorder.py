"""The recorder process: keeps the trader's whole stream, as it was said, in one file of frames."""

import struct
from collections.abc import Iterator
from pathlib import Path

import zmq

from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.faults import Faults
from autofutures.bus.sockets import Link
from autofutures.domain.errors import BadMessage
from autofutures.domain.messages import Done, Envelope, Ready, Stop, decode_frame
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log, run_process

LENGTH = struct.Struct("<I")
"""Each frame in the file stands behind its length in bytes."""


def read_stream(path: Path) -> Iterator[Envelope]:
    """Everything that a recorder kept, in order.

    Raises:
        BadMessage: the file ends inside a frame, or holds what is none.
    """
    data = path.read_bytes()
    place = 0
    while place < len(data):
        header = data[place : place + LENGTH.size]
        size = LENGTH.unpack(header)[0] if len(header) == LENGTH.size else 0
        frame = data[place + LENGTH.size : place + LENGTH.size + size]
        if not size or len(frame) < size:
            raise BadMessage(f"{path} ends inside a frame at byte {place}: the recorder was killed there")
        yield from decode_frame(frame)
        place += LENGTH.size + size


def body(run: Path, _name: str, log: Log) -> None:
    """Writes frames down until the trader says stop."""
    folder = Folder(run)
    machine = folder.machine()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    keys = load_keys(Path(machine.keys), "recorder")
    link = Link(context, folder.endpoint("trader"), keys, "trader", "recorder")
    inbox, outbox = Inbox(), Outbox("recorder")
    faults = Faults(machine.pause_seed, "recorder")
    life = Life()
    link.send(outbox.frame((Ready("recorder"),), 0))
    stopped = False
    with folder.stream.open("ab") as stream:
        while not stopped:
            data = life.wait_for(link)
            faults.pause()
            stream.write(LENGTH.pack(len(data)) + data)
            envelopes = inbox.open(data)
            stopped = any(isinstance(envelope.body, Stop) for envelope in envelopes)
    link.send(outbox.frame((Done("recorder", 1),), 0))
    log.info("stopped", repeated=inbox.repeated)
    link.close()
    context.term()


if __name__ == "__main__":
    run_process("recorder", body)
