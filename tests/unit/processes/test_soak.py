import msgspec
import pytest

from autofutures.domain.units import SECOND
from autofutures.ops.vitals import MEGABYTE, Vitals
from autofutures.processes.soak import (
    TXF_PEAK,
    Process,
    Queues,
    Sample,
    Stage,
    broken_by,
    process_of,
    queues_of,
    settings_of,
    stages_of,
)
from autofutures.telemetry.trend import Trend

STAGE = Stage("peak", TXF_PEAK, 1, bounds_cpu=True)
WELL = Process(
    memory_mb_max=90,
    memory_mb_per_hour=Trend(1, -2, 4, 60),
    descriptors_first=20,
    descriptors_last=20,
    cpu_percent=12,
    restarts=0,
)
CALM = Queues(lag_ms_median=1, lag_ms_max=20, lag_ms_per_minute=Trend(0, -1, 1, 60), recorder_frames_max=0)


def broken(stage: Stage = STAGE, /, **changes: float | Trend) -> list[str]:
    used = msgspec.structs.replace(WELL, **{k: v for k, v in changes.items() if hasattr(WELL, k)})
    queues = msgspec.structs.replace(CALM, **{k: v for k, v in changes.items() if hasattr(CALM, k)})
    rate, lost = changes.get("rate", TXF_PEAK), changes.get("lost", 0)
    assert isinstance(rate, int | float)
    assert isinstance(lost, int)
    return broken_by(stage, rate, lost, {"trader": used}, queues)


def test_the_loads_share_the_time_and_the_last_one_bounds_the_processor() -> None:
    stages = stages_of(9)
    assert [(stage.ticks_per_s, stage.minutes) for stage in stages] == [(11_810, 3), (3_230, 3), (323, 3)]
    assert [stage.bounds_cpu for stage in stages] == [False, False, True]


def test_a_stage_has_trades_for_all_of_its_time() -> None:
    run = settings_of(STAGE)
    assert run.trades * run.interval_ns >= 60 * SECOND
    assert SECOND // run.interval_ns == TXF_PEAK


def test_a_machine_that_is_well_breaks_nothing() -> None:
    assert broken() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"memory_mb_max": 1_024.0}, "trader held 1024.0 MB"),
        ({"memory_mb_per_hour": Trend(30, 20, 40, 60)}, "trader grows by 20.0 to 40.0 MB an hour"),
        ({"descriptors_last": 22}, "trader opened 2 files and kept them"),
        ({"cpu_percent": 50.0}, "trader used 50.0 % of a core"),
        ({"restarts": 1}, "trader was started again 1 times"),
        ({"rate": 300.0}, "300 trades a second were heard of 323"),
        ({"lost": 3}, "3 trades were lost"),
        ({"lag_ms_median": 1_500.0}, "trades wait: 1500 ms at the median"),
        ({"lag_ms_per_minute": Trend(300, 200, 400, 60)}, "trades wait"),
        ({"recorder_frames_max": 500}, "500 frames waited for the recorder"),
    ],
)
def test_each_promise_that_is_broken_is_a_sentence(changes: dict[str, float | Trend], words: str) -> None:
    found = broken(**changes)
    assert len(found) == 1
    assert words in found[0]


def test_the_processor_is_bounded_at_the_recorded_peak_alone() -> None:
    assert broken(Stage("more", TXF_PEAK, 1), cpu_percent=90.0) == []


def test_a_process_is_measured_from_its_first_sample_to_its_last() -> None:
    samples = [
        Sample(second * SECOND, 7, Vitals((50 + second) * MEGABYTE, second * SECOND // 4, 20, 1))
        for second in range(60)
    ]
    found = process_of(samples, 0)
    assert (found.memory_mb_max, found.cpu_percent) == (109, 25)
    assert found.memory_mb_per_hour is not None
    assert found.memory_mb_per_hour.slope == pytest.approx(3_600)


def test_queues_are_the_median_and_the_most_of_what_the_trader_said() -> None:
    said = [(at * SECOND, {"queues": {"lag_ms": at, "recorder_frames": 9 - at}}) for at in range(9)]
    found = queues_of(said)
    assert (found.lag_ms_median, found.lag_ms_max, found.recorder_frames_max) == (4, 8, 9)
    assert queues_of([]).lag_ms_max == 0
