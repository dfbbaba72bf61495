"""The measurement behind `autofutures soak`: the machine by the clock under load, and what each process uses meanwhile.

The exchange makes the load and is measured by nobody. What grows is found in what is left after a warm-up, in which
interpreters fill their memory, and the system gathers it into larger pages (half a megabyte at once, after about 90 s).
The trader keeps the orders of its session, a little over 1 KB each, until the session ends: that is in its slope.
"""

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.assemble.paper import by_the_clock, offset_ns
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.units import MINUTE, SECOND
from autofutures.ops.folder import Folder, make_folder
from autofutures.ops.vitals import MEGABYTE, Vitals, vitals_of
from autofutures.portfolio.tally import Summary
from autofutures.processes.live_supervisor import LiveSupervisor
from autofutures.telemetry.latency import LatencySummary
from autofutures.telemetry.trend import Trend, trend_of

SYMBOL = "TAIFEX:TXF202608"
DAY = 20260803

EXCHANGE_PEAK = 11_810
"""Trades a second: ten times 1,181, the most of all futures of TAIFEX in one second of 2021-07-26."""
TXF_PEAK = 323
"""The most of TXF in one second of that day, all of its contracts."""

OPENS_AFTER_NS = 12 * SECOND
"""Everyone has met by then, also where others keep the computer busy."""
SAMPLE_NS = SECOND
WARM_SHARE = 0.5
"""Of a stage, and at most this long, is warm-up."""
WARM_MOST_S = 120.0

MOST_MB = 1_024.0
MOST_CORE_PERCENT = 50.0
GROWS_MB_PER_H = 8.0
"""A slope that is surely above this is growth: below it a year of trading days fits into the memory that is allowed."""
FRAMES = 256
"""So many frames of a stream wait for a recorder that does not keep up."""
LAG_MS = 1_000.0
"""Trades that are so old when the trader has them wait in a queue."""

GENERATOR = "exchange"


class Stage(msgspec.Struct, frozen=True):
    """A load, for so long."""

    name: str
    ticks_per_s: int
    minutes: float
    bounds_cpu: bool = False
    """Whether the bound of processor time is asked for at this load."""


class Sample(msgspec.Struct, frozen=True):
    """What one process used at a moment of the stopwatch."""

    at: int
    pid: int
    vitals: Vitals


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process during a stage, after its warm-up."""

    memory_mb_max: float
    memory_mb_per_hour: Trend | None
    descriptors_first: int
    """Files and sockets, the fewest of the first third of the time: who asks how it goes opens one for a moment."""
    descriptors_last: int
    """And the fewest of the last third."""
    cpu_percent: float
    """Of one core, on average."""
    restarts: int


class Queues(msgspec.Struct, frozen=True, kw_only=True):
    """What waited, during a stage: trades on their way to the trader, and frames that the recorder has not taken."""

    lag_ms_median: float
    lag_ms_max: float
    lag_ms_per_minute: Trend | None
    recorder_frames_max: int


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage showed."""

    name: str
    ticks_per_s_asked: int
    ticks_per_s: float
    """By the trader's count, after the warm-up."""
    seconds: float
    ticks: int
    lost: int
    orders: int
    latency_us: LatencySummary
    processes: dict[str, Process]
    queues: Queues
    broken: tuple[str, ...]


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `broken` is each promise that was not kept, as a sentence."""

    stages: tuple[StageResult, ...]
    seconds: float
    broken: tuple[str, ...]


def stages_of(minutes: float) -> tuple[Stage, ...]:
    """The loads, which share the time."""
    share = minutes / 3
    return (
        Stage("ten times the recorded peak of all TAIFEX futures", EXCHANGE_PEAK, share),
        Stage("ten times TXF's recorded peak", 10 * TXF_PEAK, share),
        Stage("TXF's recorded peak", TXF_PEAK, share, bounds_cpu=True),
    )


def settings_of(stage: Stage) -> RunSettings:
    """A run of steady trades, with two strategies; one of them orders every two seconds."""
    rate = stage.ticks_per_s
    pinger = StrategySettings(
        name="pinger", use="pinger", symbols=(SYMBOL,), settings={"every": 2 * rate}, book_stop=10**9
    )
    # Not one that compares averages: in a market that goes to and fro it would order hundreds of times a second.
    listener = StrategySettings(
        name="listener", use="pinger", symbols=(SYMBOL,), settings={"every": 10**12}, book_stop=10**9
    )
    trades = round(rate * (stage.minutes * 60 + OPENS_AFTER_NS / SECOND))
    return by_the_clock(
        RunSettings(
            symbols=(SYMBOL,),
            day=DAY,
            source="steady",
            strategies=(pinger, listener),
            trades=trades,
            interval_ns=SECOND // rate,
            limits={"message_rate": {"max_per_second": 1_000}},
        )
    )


class Sampler:
    """Looks at every process of a machine once a second, from a thread of its own.

    Args:
        folder: the run's.

    Attributes:
        samples: of each process, in order.
        statuses: what the trader said of itself, with the stopwatch's time.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._over = threading.Event()
        self.samples: dict[str, list[Sample]] = {}
        self.statuses: list[tuple[int, Mapping[str, object]]] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def heard(self, status: Mapping[str, object]) -> None:
        """The trader's word."""
        self.statuses.append((clock.stopwatch_ns(), status))

    def end(self) -> None:
        """The machine has ended."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_NS / SECOND):
            if not self._folder.children.exists():
                continue
            pids = msgspec.json.decode(self._folder.children.read_bytes(), type=dict[str, int])
            now = clock.stopwatch_ns()
            for name, pid in pids.items():
                vitals = vitals_of(pid)
                if vitals is not None and name != GENERATOR:
                    self.samples.setdefault(name, []).append(Sample(now, pid, vitals))


def soak(
    stages: Sequence[Stage], tell: Callable[[str], object], heard: Callable[[int], None] | None = None
) -> Soak:
    """Runs the stages one after the other.

    Args:
        stages: the loads.
        tell: hears what begins.
        heard: hears how many trades the machine has had, about once a second.
    """
    began = clock.stopwatch_ns()
    results = [_stage(stage, tell, heard) for stage in stages]
    broken = tuple(f"{result.name}: {sentence}" for result in results for sentence in result.broken)
    seconds = round((clock.stopwatch_ns() - began) / SECOND, 1)
    return Soak(stages=tuple(results), seconds=seconds, broken=broken)


def _stage(stage: Stage, tell: Callable[[str], object], heard: Callable[[int], None] | None) -> StageResult:
    tell(f"{stage.name}: {stage.ticks_per_s:,} trades a second for {stage.minutes:.1f} minutes")
    with tempfile.TemporaryDirectory(prefix="autofutures-soak-") as place:
        run = settings_of(stage)
        offset = offset_ns(run, clock.now_ns(), OPENS_AFTER_NS)
        minutes = stage.minutes + OPENS_AFTER_NS / MINUTE
        folder = make_folder(Path(place) / "run", run, live=True, clock_offset_ns=offset, minutes=minutes)
        sampler = Sampler(folder)

        def looked(status: dict[str, object]) -> None:
            sampler.heard(status)
            if heard is not None:
                heard(int(str(status["events"])))

        try:
            LiveSupervisor(folder, looked).run()
        finally:
            sampler.end()
        return _result(stage, folder, sampler)


def _result(stage: Stage, folder: Folder, sampler: Sampler) -> StageResult:
    ends = sampler.statuses[-1][0] if sampler.statuses else 0
    begins = ends - round(stage.minutes * MINUTE)
    warm = begins + round(min(WARM_SHARE * stage.minutes * 60, WARM_MOST_S) * SECOND)
    statuses = [(at, status) for at, status in sampler.statuses if warm <= at <= ends]
    restarts = msgspec.json.decode(
        folder.restarts.read_bytes() if folder.restarts.exists() else b"{}", type=dict[str, int]
    )
    processes = {
        name: process_of([one for one in samples if warm <= one.at <= ends], restarts.get(name, 0))
        for name, samples in sorted(sampler.samples.items())
        if any(warm <= one.at <= ends for one in samples)
    }
    summary = msgspec.json.decode(folder.result.read_bytes(), type=Summary)
    queues = queues_of(statuses)
    rate = _rate(statuses)
    return StageResult(
        name=stage.name,
        ticks_per_s_asked=stage.ticks_per_s,
        ticks_per_s=round(rate, 1),
        seconds=round((ends - warm) / SECOND, 1),
        ticks=summary.ticks_seen,
        lost=summary.ticks_lost,
        orders=summary.orders,
        latency_us=msgspec.json.decode(folder.latency.read_bytes(), type=LatencySummary),
        processes=processes,
        queues=queues,
        broken=tuple(broken_by(stage, rate, summary.ticks_lost, processes, queues)),
    )


def process_of(samples: Sequence[Sample], restarts: int) -> Process:
    """What one process used."""
    first, last = samples[0], samples[-1]
    hours = [(one.at - first.at) / (60 * MINUTE) for one in samples]
    megabytes = [one.vitals.rss_bytes / MEGABYTE for one in samples]
    third = len(samples) // 3
    spent = last.vitals.cpu_ns - first.vitals.cpu_ns if first.pid == last.pid else last.vitals.cpu_ns
    return Process(
        memory_mb_max=round(max(megabytes), 1),
        memory_mb_per_hour=trend_of(hours, megabytes),
        descriptors_first=min(one.vitals.descriptors for one in samples[: third or 1]),
        descriptors_last=min(one.vitals.descriptors for one in samples[-(third or 1) :]),
        cpu_percent=round(100 * spent / max(1, last.at - first.at), 1),
        restarts=restarts,
    )


def queues_of(statuses: Sequence[tuple[int, Mapping[str, object]]]) -> Queues:
    """What waited, by the trader's words."""
    waiting = [(at, msgspec.convert(status["queues"], dict[str, float])) for at, status in statuses]
    lags = [table["lag_ms"] for _, table in waiting] or [0.0]
    minutes = [at / MINUTE for at, _ in waiting]
    return Queues(
        lag_ms_median=round(sorted(lags)[len(lags) // 2], 1),
        lag_ms_max=round(max(lags), 1),
        lag_ms_per_minute=trend_of(minutes, lags) if waiting else None,
        recorder_frames_max=round(max((table["recorder_frames"] for _, table in waiting), default=0)),
    )


def _rate(statuses: Sequence[tuple[int, Mapping[str, object]]]) -> float:
    """Trades a second by the trader's count, and by the time at which it says it counted."""
    if len(statuses) < 2:
        return 0.0
    first, last = statuses[0][1], statuses[-1][1]
    count = int(str(last["ticks_seen"])) - int(str(first["ticks_seen"]))
    return count * SECOND / max(1, int(str(last["at"])) - int(str(first["at"])))


def broken_by(
    stage: Stage, rate: float, lost: int, processes: Mapping[str, Process], queues: Queues
) -> list[str]:
    """Each promise that was not kept, as a sentence."""
    found: list[str] = []
    for name, used in processes.items():
        trend = used.memory_mb_per_hour
        if used.memory_mb_max >= MOST_MB:
            found.append(f"{name} held {used.memory_mb_max} MB, at most {MOST_MB:.0f} are allowed")
        if trend is not None and trend.low > GROWS_MB_PER_H:
            found.append(f"{name} grows by {trend.low:.1f} to {trend.high:.1f} MB an hour")
        if used.descriptors_last > used.descriptors_first:
            found.append(
                f"{name} opened {used.descriptors_last - used.descriptors_first} files and kept them"
            )
        if stage.bounds_cpu and used.cpu_percent >= MOST_CORE_PERCENT:
            found.append(f"{name} used {used.cpu_percent} % of a core, at most {MOST_CORE_PERCENT:.0f}")
        if used.restarts:
            found.append(f"{name} was started again {used.restarts} times")
    if rate < 0.99 * stage.ticks_per_s:
        found.append(f"{rate:,.0f} trades a second were heard of {stage.ticks_per_s:,}")
    if lost:
        found.append(f"{lost} trades were lost")
    if queues.recorder_frames_max > FRAMES:
        found.append(f"{queues.recorder_frames_max} frames waited for the recorder")
    lag = queues.lag_ms_per_minute
    if queues.lag_ms_median > LAG_MS or (lag is not None and lag.low > LAG_MS / 10):
        found.append(
            f"trades wait: {queues.lag_ms_median:.0f} ms at the median, {queues.lag_ms_max:.0f} at most"
        )
    return found
