"""The bare bus, as a floor to measure the machine against: three processes, the machine's hops, and nothing else.

`--name gateway` sends a frame for each of the machine's trades; it goes to `trader`, from there to `strategy`, and
back the same way. The sockets, the frame's size and CURVE are the machine's.
"""

from pathlib import Path

import msgspec
import zmq

from autofutures import clock
from autofutures.bus.curve import Keys, load_keys
from autofutures.bus.sockets import Hub, Link
from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder
from autofutures.ops.process import BREATH_MS, Life, Log, run_process
from autofutures.telemetry.latency import LatencyTally

FRAME = bytes(160)
"""As long as the machine's own frames on the way of an order, about."""

LOOK_EVERY_NS = SECOND // 100

HUB = "floor"


def body(run: Path, name: str, _log: Log) -> None:
    """Plays one part of the chain."""
    folder = Folder(run)
    keys = load_keys(Path(folder.machine().keys), name)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    endpoint = folder.endpoint(HUB)
    if name == "trader":
        _pass_on(Hub(context, endpoint, keys))
    elif name == "strategy":
        _return(_link(context, endpoint, keys, name))
    else:
        _measure(folder, _link(context, endpoint, keys, name))


def _link(context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, keys: Keys, name: str) -> Link:
    return Link(context, endpoint, keys, "trader", name)


def _pass_on(hub: Hub) -> None:
    """What the gateway says goes to the strategy, and back; the first word of the strategy says that it is there."""
    life = Life()
    other = {"gateway": "strategy", "strategy": "gateway"}
    present: set[str] = set()
    while True:
        heard = hub.receive(BREATH_MS)
        if heard is None:
            life.check()
            continue
        peer, data = heard
        if data:
            hub.send(other[peer], data)
            continue
        present.add(peer)
        if len(present) == len(other):
            hub.send("gateway", b"")


def _return(link: Link) -> None:
    life = Life()
    link.send(b"")
    while True:
        link.send(life.wait_for(link))


def _measure(folder: Folder, link: Link) -> None:
    """Waits until the machine has begun to trade, then sends a frame for each of its trades, at the same pace.

    As many round trips are kept as the machine sends orders: a chain that rested longer would be slower to wake.
    """
    life = Life()
    link.send(b"")
    life.wait_for(link)
    while not (folder.stream.exists() and folder.stream.stat().st_size):
        clock.sleep_ns(LOOK_EVERY_NS)
        life.check()
    run = folder.run()
    every = int(run.strategies[0].settings["every"])
    tally = LatencyTally()
    due = clock.stopwatch_ns()
    for number in range(1, run.trades + 1):
        due += run.interval_ns
        clock.sleep_ns(due - clock.stopwatch_ns())
        sent = clock.stopwatch_ns()
        link.send(FRAME)
        life.wait_for(link)
        if number % every == 0:
            tally.add(clock.stopwatch_ns() - sent)
    (folder.root / "floor.json").write_bytes(msgspec.json.encode(tally.summary()))


if __name__ == "__main__":
    run_process("floor", body)
