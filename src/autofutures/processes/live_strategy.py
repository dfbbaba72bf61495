"""The strategy process by the clock: its seat, and the socket that feeds it."""

from pathlib import Path

import zmq

from autofutures.bus.curve import load_keys
from autofutures.bus.sockets import Link
from autofutures.config import StrategySettings
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log
from autofutures.processes.live import LinkPort, LiveClock, Pulse
from autofutures.seats.strategy import StrategySeat


def trade(folder: Folder, settings: StrategySettings, log: Log) -> None:
    """Runs the strategy until the trader says stop."""
    machine, name = folder.machine(), f"strategy/{settings.name}"
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    keys = load_keys(Path(machine.keys), "strategy")
    link = Link(context, folder.endpoint("trader"), keys, "trader", name, live=True)
    seat = StrategySeat(folder.run(), settings, LinkPort(link), lambda: folder.next_life(name))
    clock, life, known = LiveClock(machine), Life(), 0
    pulse = Pulse(clock.now())
    while not seat.stopped:
        data = link.take()
        now = clock.now()
        if data is not None:
            seat.hear("trader", data, now)
        if pulse.is_due(now):
            life.check()
            seat.beat(now)
            if seat.restored and seat.life != known:
                known = seat.life
                log.info("restored", life=known)
        elif data is None:
            link.wait(pulse.wait_ms(now))
    log.info("stopped", life=seat.life)
    link.close()
    context.term()
