from pathlib import Path

import pytest

from autofutures.ops.host import Bounds, Clock, Host, clock_of_kernel, look, memory_free_mb, trouble_of

BOUNDS = Bounds(clock_ms=500, free_mb=128)


@pytest.mark.parametrize(
    ("clock", "free_mb", "name"),
    [
        (Clock("synchronised", 3.0, 20.0), 4_000, ""),
        (Clock("synchronised", -700.0, 20.0), 4_000, "clock"),
        (Clock("synchronised", 3.0, 900.0), 4_000, "clock"),
        (Clock("unsynchronised", 0.0, 16_000.0), 4_000, ""),
        (Clock("unknown"), 4_000, ""),
        (Clock("unknown"), 127, "memory_low"),
        (Clock("unknown"), -1, ""),
    ],
)
def test_a_clock_that_is_surely_wrong_and_memory_that_is_gone_are_reasons(
    clock: Clock, free_mb: int, name: str
) -> None:
    found, text = trouble_of(Host(clock, free_mb), BOUNDS)
    assert found == name
    assert bool(text) == bool(name)


def test_without_bounds_nothing_is_a_reason() -> None:
    assert trouble_of(Host(Clock("synchronised", 9_000.0), 1), Bounds(0, 0)) == ("", "")


def test_the_kernel_says_something_or_the_clock_is_unknown() -> None:
    assert clock_of_kernel().state in {"synchronised", "unsynchronised", "unknown"}
    assert look().memory_free_mb > 0


def test_what_is_left_is_what_programs_may_still_take(tmp_path: Path) -> None:
    table = tmp_path / "meminfo"
    table.write_text(
        "MemTotal:       16318276 kB\nMemFree:          200000 kB\nMemAvailable:    2097152 kB\n"
    )
    assert memory_free_mb(table) == 2_048
    assert memory_free_mb(tmp_path / "none") == -1
