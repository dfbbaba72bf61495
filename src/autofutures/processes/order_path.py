"""The measurement behind `autofutures bench order-path`: the machine and the bare bus, at the same time.

What the computer's load does to one of them it does to the other. For every trade that the machine hears one frame
goes round the floor's chain, and of those as many are kept as the machine sends orders.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.config import RunSettings, StrategySettings, environment_of_children
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder, make_folder
from autofutures.processes.supervisor import Supervisor
from autofutures.telemetry.latency import LatencySummary

TICKS_PER_SECOND = 1_000
TICKS_PER_ORDER = 10
SYMBOL = "TAIFEX:TXF202608"
DAY = 20260803


class OrderPath(msgspec.Struct, frozen=True):
    """What was measured; microseconds."""

    orders: int
    ticks: int
    ticks_per_s: int
    latency_us: LatencySummary
    bus_floor_us: LatencySummary
    p50_over_floor: float | None
    seconds: float


def settings_of(orders: int) -> RunSettings:
    """A run of steady trades in which one in ten makes an order."""
    pinger = StrategySettings(
        name="pinger", use="pinger", symbols=(SYMBOL,), settings={"every": TICKS_PER_ORDER}
    )
    return RunSettings(
        symbols=(SYMBOL,),
        day=DAY,
        source="steady",
        strategies=(pinger,),
        trades=orders * TICKS_PER_ORDER,
        interval_ns=SECOND // TICKS_PER_SECOND,
        limits={"message_rate": {"max_per_second": TICKS_PER_SECOND}},
    )


def measure(orders: int) -> OrderPath:
    """Runs both chains together, and compares them.

    Raises:
        BrokenInvariant: not every order was measured.
    """
    started = clock.stopwatch_ns()
    with tempfile.TemporaryDirectory(prefix="autofutures-bench-") as place:
        folder = make_folder(Path(place) / "run", settings_of(orders), speed=1.0, until_end=True)
        children = [_floor(folder, role) for role in ("trader", "strategy", "gateway")]
        try:
            Supervisor(folder).run()
            if children[-1].wait():
                raise BrokenInvariant("the floor's chain broke; see its log")
        finally:
            for child in children:
                child.terminate()
                child.wait()
        latency = msgspec.json.decode(folder.latency.read_bytes(), type=LatencySummary)
        floor = msgspec.json.decode((folder.root / "floor.json").read_bytes(), type=LatencySummary)
    if latency.count != orders:
        raise BrokenInvariant(f"{orders} orders were asked for and {latency.count} were measured")
    ratio = round(latency.p50 / floor.p50, 2) if latency.p50 and floor.p50 else None
    return OrderPath(
        orders=orders,
        ticks=orders * TICKS_PER_ORDER,
        ticks_per_s=TICKS_PER_SECOND,
        latency_us=latency,
        bus_floor_us=floor,
        p50_over_floor=ratio,
        seconds=round((clock.stopwatch_ns() - started) / SECOND, 1),
    )


def _floor(folder: Folder, role: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "autofutures.processes.floor", "--run", str(folder.root), "--name", role],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment_of_children({}),
        start_new_session=True,
    )
