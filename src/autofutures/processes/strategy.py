"""A strategy process: one strategy, alone. Hears the trader's stream, answers each frame with decisions and `Done`."""

from pathlib import Path

import zmq

from autofutures.assemble.nodes import make_host
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.faults import Faults
from autofutures.bus.sockets import Link
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import AnyMessage, Done, Ready, Stop
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log, run_process
from autofutures.processes.live_strategy import trade


def body(run: Path, name: str, log: Log) -> None:
    """Runs the strategy of that name until the trader says stop."""
    folder = Folder(run)
    settings = folder.run()
    machine = folder.machine()
    mine = next((strategy for strategy in settings.strategies if strategy.name == name), None)
    if mine is None:
        raise BadInput(f"the run in {run} has no strategy {name!r}")
    if machine.live:
        trade(folder, mine, log)
        return
    host = make_host(settings, mine)
    source = f"strategy/{name}"
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    link = Link(
        context, folder.endpoint("trader"), load_keys(Path(machine.keys), "strategy"), "trader", source
    )
    inbox, outbox = Inbox(), Outbox(source)
    faults = Faults(machine.pause_seed, source)
    life = Life()
    link.send(outbox.frame((Ready(name, host.symbols),), 0))
    frames, stopped = 0, False
    while not stopped:
        envelopes = inbox.open(life.wait_for(link))
        faults.pause()
        frames += 1
        said: list[AnyMessage] = []
        for envelope in envelopes:
            said += host.handle(envelope.body, envelope.at)
            stopped = stopped or isinstance(envelope.body, Stop)
        at = envelopes[-1].at if envelopes else 0
        link.send(outbox.frame((*said, Done(name, frames)), at))
    log.info("stopped", frames=frames, repeated=inbox.repeated)
    link.close()
    context.term()


if __name__ == "__main__":
    run_process("strategy", body)
