import os
import subprocess
import sys
from pathlib import Path

from autofutures import clock
from autofutures.domain.units import SECOND
from autofutures.ops.vitals import MEGABYTE, Limits, Vitals, Watching, vitals_of

LIMITS = Limits(soft_bytes=100 * MEGABYTE, hard_bytes=200 * MEGABYTE, descriptors=50)


def vitals(megabytes: int = 10, cpu_ns: int = 0, descriptors: int = 5) -> Vitals:
    return Vitals(megabytes * MEGABYTE, cpu_ns, descriptors, 1)


def test_the_systems_tables_are_read_of_a_process_that_lives() -> None:
    before = vitals_of(os.getpid())
    assert before is not None
    held, kept = bytearray(64 * MEGABYTE), [Path("/dev/null").open("rb") for _ in range(20)]  # noqa: SIM115 - they are kept open
    held[:: 1 << 12] = b"x" * len(held[:: 1 << 12])
    spun_until = clock.stopwatch_ns() + SECOND // 5
    while clock.stopwatch_ns() < spun_until:
        pass
    after = vitals_of(os.getpid())
    for file in kept:
        file.close()
    assert after is not None
    assert after.rss_bytes - before.rss_bytes > 32 * MEGABYTE
    assert after.cpu_ns > before.cpu_ns
    assert after.descriptors >= before.descriptors + 10


def test_of_a_process_that_has_ended_there_is_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert vitals_of(ended.pid) is None


def test_what_needs_much_is_told_once_and_what_needs_too_much_is_started_again_once() -> None:
    watching = Watching(LIMITS)
    seen = [
        [(finding.name, finding.restart) for finding in watching.look("trader", 7, vitals(size), at, 0)]
        for at, size in enumerate((90, 110, 120, 210, 220), 1)
    ]
    assert seen == [[], [("memory", False)], [], [("memory", True)], []]
    assert watching.look("trader", 8, vitals(110), 9, 8)[0].name == "memory"  # Its next life is told of anew.


def test_open_files_are_told_of() -> None:
    found = Watching(LIMITS).look("trader", 7, vitals(descriptors=50), 1, 0)
    assert [(finding.name, finding.restart) for finding in found] == [("descriptors", False)]


def test_a_share_of_a_core_is_that_since_the_last_look_and_begins_anew_with_each_life() -> None:
    watching = Watching(LIMITS)
    watching.look("trader", 7, vitals(cpu_ns=SECOND // 2), SECOND, 0)
    assert watching.usages["trader"].cpu_percent == 50
    watching.look("trader", 7, vitals(cpu_ns=SECOND // 2), 2 * SECOND, 0)
    assert watching.usages["trader"].cpu_percent == 0
    watching.look("trader", 8, vitals(cpu_ns=SECOND // 4), 3 * SECOND, 2 * SECOND)
    assert watching.usages["trader"].cpu_percent == 25
    watching.forget("trader")
    assert watching.usages == {}


def test_a_limit_of_nothing_is_none() -> None:
    watching = Watching(Limits(soft_bytes=0, hard_bytes=0, descriptors=0))
    assert watching.look("trader", 7, vitals(10_000, descriptors=9_000), 1, 0) == []
