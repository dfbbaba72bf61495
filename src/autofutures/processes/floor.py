"""The bare bus, as a floor to measure the machine against: three processes, the machine's hops, and nothing else.

`--name gateway` sends a frame for each of the machine's trades, half way between two of them; it goes to `trader`,
from there to `strategy`, and back the same way. The sockets, the frame's size and CURVE are the machine's.
"""

from pathlib import Path

import msgspec
import zmq

from autofutures import clock
from autofutures.assemble.market import session_of
from autofutures.bus.curve import Keys, load_keys
from autofutures.bus.sockets import Hub, Link
from autofutures.ops.folder import Folder
from autofutures.ops.process import BREATH_MS, Life, Log, run_process
from autofutures.processes.live import LiveClock
from autofutures.telemetry.latency import STALL_NS, LatencyTally, Stalls

FRAME = bytes(160)
"""As long as the machine's own frames on the way of an order, about."""

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
    """Sends a frame for each of the machine's trades, at the same pace.

    As many round trips are kept as the machine sends orders: a chain that rested longer would be slower to wake.
    """
    life = Life()
    link.send(b"")
    life.wait_for(link)
    run, hour = folder.run(), LiveClock(folder.machine())
    every = int(run.strategies[0].settings["every"])
    tally, stalls = LatencyTally(), Stalls()
    due = clock.stopwatch_ns() + session_of(run).opens_at - hour.now() + run.interval_ns // 2
    for number in range(1, run.trades + 1):
        clock.sleep_ns(due - clock.stopwatch_ns())
        due += run.interval_ns
        sent = clock.stopwatch_ns()
        link.send(FRAME)
        life.wait_for(link)
        now = clock.stopwatch_ns()
        if now - sent > STALL_NS:
            stalls.add(now, now - sent)
        if number % every == 0:
            tally.add(now - sent)
    (folder.root / "floor.json").write_bytes(msgspec.json.encode(tally.summary()))
    (folder.root / "floor_stalls.json").write_bytes(msgspec.json.encode(stalls.kept))


if __name__ == "__main__":
    run_process("floor", body)
