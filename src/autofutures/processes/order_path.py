"""The measurement behind `autofutures bench order-path`: the machine by the clock and the bare bus, at the same time.

What the computer's load does to one of them it does to the other. For every trade that the machine hears one frame
goes round the floor's chain, half way between two trades, and of those as many are kept as the machine sends orders.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.assemble.paper import by_the_clock, offset_ns
from autofutures.config import RunSettings, StrategySettings, environment_of_children
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Tick
from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder, make_folder
from autofutures.portfolio.tally import Summary
from autofutures.processes.live_supervisor import LiveSupervisor
from autofutures.processes.stream import read_stream
from autofutures.storage.file import Durability
from autofutures.telemetry.latency import LatencySummary, Stall

TICKS_PER_SECOND = 1_000
TICKS_PER_ORDER = 10
SYMBOL = "TAIFEX:TXF202608"
DAY = 20260803

OPENS_AFTER_NS = 10 * SECOND
"""Everyone has met by then, also where others keep the computer busy."""

FLAT_OUT_PER_S = 60_000
FLAT_OUT_S = 6
FLAT_OUT_PER_ORDER = 6_000
"""Ten orders a second: each proves that the strategy has counted every trade before it."""


class Slow(msgspec.Struct, frozen=True):
    """Orders that took over 50 ms, and what the floor did in the same seconds."""

    count: int
    max_ms: float
    floor_stalls: int
    """Round trips of the floor over 50 ms in those seconds."""
    floor_max_ms: float
    without_floor: int
    """Orders of those in whose second the floor did not stall."""


class Sustained(msgspec.Struct, frozen=True):
    """As many trades as come, through gateway, trader and one strategy."""

    ticks_per_s: float
    """By the trader's clock, from the first to the last."""
    ticks: int
    lost: int
    orders: int
    seconds: float


class OrderPath(msgspec.Struct, frozen=True):
    """What was measured; microseconds."""

    orders: int
    """So many were measured: one that its gate refused, for others had no answer yet, cannot be."""
    ticks: int
    ticks_per_s: int
    durability: Durability
    latency_us: LatencySummary
    bus_floor_us: LatencySummary
    p50_over_floor: float | None
    p99_over_floor: float | None
    samples_over_50ms: Slow
    sustained: Sustained | None
    """`None` where it was not asked for."""
    seconds: float


def settings_of(trades: int, per_second: int, per_order: int) -> RunSettings:
    """A run of steady trades of which one in so many makes an order."""
    pinger = StrategySettings(name="pinger", use="pinger", symbols=(SYMBOL,), settings={"every": per_order})
    run = RunSettings(
        symbols=(SYMBOL,),
        day=DAY,
        source="steady",
        strategies=(pinger,),
        trades=trades,
        interval_ns=SECOND // per_second,
        limits={"message_rate": {"max_per_second": TICKS_PER_SECOND}},
    )
    return by_the_clock(run)


def measure(orders: int, durability: Durability = "process-crash", *, sustain: bool = True) -> OrderPath:
    """Runs both chains together, and compares them; then, to `sustain`, the machine alone with all that it can take.

    Raises:
        BrokenInvariant: too few orders were measured to say anything.
    """
    started = clock.stopwatch_ns()
    with tempfile.TemporaryDirectory(prefix="autofutures-bench-") as place:
        run = settings_of(orders * TICKS_PER_ORDER, TICKS_PER_SECOND, TICKS_PER_ORDER)
        folder = _folder(Path(place) / "path", run, durability)
        _run_both(folder)
        latency = msgspec.json.decode(folder.latency.read_bytes(), type=LatencySummary)
        floor = msgspec.json.decode((folder.root / "floor.json").read_bytes(), type=LatencySummary)
        slow = _slow(
            msgspec.json.decode(folder.slow.read_bytes(), type=list[Stall]),
            msgspec.json.decode((folder.root / "floor_stalls.json").read_bytes(), type=list[Stall]),
        )
        if latency.count < orders / 2:
            raise BrokenInvariant(f"{orders} orders were asked for and only {latency.count} were measured")
        sustained = _sustain(Path(place) / "sustained", durability) if sustain else None
    return OrderPath(
        orders=latency.count,
        ticks=orders * TICKS_PER_ORDER,
        ticks_per_s=TICKS_PER_SECOND,
        durability=durability,
        latency_us=latency,
        bus_floor_us=floor,
        p50_over_floor=_ratio(latency.p50, floor.p50),
        p99_over_floor=_ratio(latency.p99, floor.p99),
        samples_over_50ms=slow,
        sustained=sustained,
        seconds=round((clock.stopwatch_ns() - started) / SECOND, 1),
    )


def _folder(place: Path, run: RunSettings, durability: Durability) -> Folder:
    offset = offset_ns(run, clock.now_ns(), OPENS_AFTER_NS)
    return make_folder(place, run, live=True, until_end=True, clock_offset_ns=offset, durability=durability)


def _ratio(ours: float | None, floor: float | None) -> float | None:
    return round(ours / floor, 2) if ours and floor else None


def _run_both(folder: Folder) -> None:
    children = [_floor(folder, role) for role in ("trader", "strategy", "gateway")]
    try:
        LiveSupervisor(folder).run()
        if children[-1].wait():
            raise BrokenInvariant("the floor's chain broke; see its log")
    finally:
        for child in children:
            child.kill()  # What the chain had to say is written by then.
            child.wait()


def _floor(folder: Folder, role: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "autofutures.processes.floor", "--run", str(folder.root), "--name", role],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment_of_children({}),
        start_new_session=True,
    )


def _slow(ours: Sequence[Stall], floor: Sequence[Stall]) -> Slow:
    seconds = {at // SECOND for at, _ in ours}
    beside = [(at, took) for at, took in floor if at // SECOND in seconds]
    stalled = {at // SECOND for at, _ in beside}
    return Slow(
        count=len(ours),
        max_ms=max((took for _, took in ours), default=0) / 1e6,
        floor_stalls=len(beside),
        floor_max_ms=max((took for _, took in beside), default=0) / 1e6,
        without_floor=sum(at // SECOND not in stalled for at, _ in ours),
    )


def _sustain(place: Path, durability: Durability) -> Sustained:
    """The machine alone; the recorder's stream says what the trader heard, and when."""
    trades = FLAT_OUT_PER_S * FLAT_OUT_S
    folder = _folder(place, settings_of(trades, FLAT_OUT_PER_S, FLAT_OUT_PER_ORDER), durability)
    LiveSupervisor(folder).run()
    summary = msgspec.json.decode(folder.result.read_bytes(), type=Summary)
    heard = [envelope.at for envelope in read_stream(folder.stream) if isinstance(envelope.body, Tick)]
    span_s = (heard[-1] - heard[0]) / SECOND
    return Sustained(
        ticks_per_s=round(len(heard) / span_s, 1),
        ticks=summary.ticks_seen,
        lost=trades - min(summary.ticks_seen, len(heard), summary.orders * FLAT_OUT_PER_ORDER),
        orders=summary.orders,
        seconds=round(span_s, 2),
    )
