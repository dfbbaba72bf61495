"""The recorder process: keeps the trader's whole stream, as it was said, in one file of frames."""

from pathlib import Path

import zmq

from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.faults import Faults
from autofutures.bus.sockets import Link
from autofutures.domain.messages import Done, Ready, Stop
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log, run_process
from autofutures.processes.live_recorder import record
from autofutures.processes.stream import LENGTH


def body(run: Path, _name: str, log: Log) -> None:
    """Writes frames down until the trader says stop."""
    folder = Folder(run)
    machine = folder.machine()
    if machine.live:
        record(folder, log)
        return
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
