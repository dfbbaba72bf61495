import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Saved, Stray
from autofutures.domain.units import SECOND
from autofutures.storage.disk import LOW_BYTES, RESERVE_BYTES, FileDisk
from autofutures.storage.journal import SLOW_COMMITS, SLOW_NS, SLOW_WITHIN_NS, Journal
from autofutures.storage.memory import MemoryDisk, empty_journal, memory_journal
from autofutures.storage.verify import verify

FACT = Stray("o1", 5, "who is this")
LARGE = Saved("ema", 5, bytes(9_000))


def test_a_disk_with_room_is_well_and_keeps_a_reserve_while_the_journal_is_open(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(empty_journal())
    reserve = tmp_path / "journal.sqlite.reserve"
    with Journal.open(path) as journal:
        assert journal.health(0).reason == ""
        assert reserve.stat().st_size == reserve.stat().st_blocks * 512 == RESERVE_BYTES
    assert not reserve.exists()


def test_a_disk_that_is_nearly_full_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(empty_journal())
    with Journal.open(path) as journal:
        monkeypatch.setattr(FileDisk, "free_bytes", lambda _: LOW_BYTES - 1)
        assert journal.health(0).reason.endswith("is nearly full: below 64 MB are free")
        monkeypatch.setattr(FileDisk, "free_bytes", lambda _: LOW_BYTES)
        assert journal.health(0).reason == ""


def test_when_the_disk_is_full_the_reserve_lets_the_book_go_on_and_health_tells(tmp_path: Path) -> None:
    disk = MemoryDisk()
    with memory_journal(disk) as journal:
        journal.commit((), (FACT,), 1)
        disk.fill()
        assert "is nearly full" in journal.health(1).reason
        for number in range(2, 20):
            journal.commit([LARGE], (FACT,), number)
        assert "is full: what is written now uses the last reserve" in journal.health(20).reason
        assert len(list(journal.batches())) == 19
        disk.empty()
        assert journal.health(21).reason == ""
        assert disk.has_reserve()


def test_when_the_reserve_is_full_too_the_process_stops(tmp_path: Path) -> None:
    disk = MemoryDisk()
    with memory_journal(disk) as journal:
        disk.fill()
        for number in range(RESERVE_BYTES // 13_000):
            journal.commit([LARGE], (), number)
        with pytest.raises(BrokenInvariant, match="database or disk is full"):
            fill(journal)


def fill(journal: Journal) -> None:
    for number in range(RESERVE_BYTES // 9_000):
        journal.commit([LARGE], (), number)


def test_several_slow_commits_within_a_short_time_are_a_slow_disk() -> None:
    disk = MemoryDisk()
    with memory_journal(disk) as journal:
        disk.commit_ns = SLOW_NS
        for number in range(1, SLOW_COMMITS):
            journal.commit((), (FACT,), number * SECOND)
        assert journal.health(SECOND).reason == ""
        journal.commit((), (FACT,), 3 * SECOND)
        assert "is slow: 3 commits within 10 s took over 50 ms each" in journal.health(4 * SECOND).reason
        assert journal.health(SECOND + SLOW_WITHIN_NS).reason != ""
        assert journal.health(SECOND + SLOW_WITHIN_NS + 1).reason == ""


def test_quick_commits_are_no_slow_disk() -> None:
    disk = MemoryDisk()
    with memory_journal(disk) as journal:
        disk.commit_ns = SLOW_NS - 1
        for number in range(100):
            journal.commit((), (FACT,), number)
        assert journal.health(0).reason == ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 MB of its own; only root may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small file system")
    command = ["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill_up(path: Path, at_once: int) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(at_once))


def test_on_a_disk_that_is_really_full_the_book_goes_on_and_is_whole(small_disk: Path) -> None:
    path = small_disk / "journal.sqlite"
    path.write_bytes(empty_journal())
    with Journal.open(path) as journal:
        journal.commit([LARGE], (), 1)
        assert journal.health(1).reason == ""
        filler = small_disk / "logs of somebody else"
        with pytest.raises(OSError, match="No space left"):
            fill_up(filler, 1 << 20)
        assert "is nearly full" in journal.health(2).reason
        for number in range(2, 102):
            journal.commit([LARGE], (FACT,), number)
        assert "uses the last reserve" in journal.health(102).reason
        assert verify(path).batches == 101
        filler.unlink()
        assert journal.health(103).reason == ""
    with Journal.open(path) as journal:
        assert journal.head.number == 101


def test_a_journal_is_opened_on_a_full_disk_with_its_reserve(small_disk: Path) -> None:
    path = small_disk / "journal.sqlite"
    path.write_bytes(empty_journal())
    with Journal.open(path) as journal:
        journal.commit([LARGE], (), 1)
    FileDisk(path).reserve()  # As a killed writer leaves it.
    with pytest.raises(OSError, match="No space left"):
        fill_up(small_disk / "filler", 1 << 12)
    with Journal.open(path) as journal:
        journal.commit([LARGE], (FACT,), 2)
        assert journal.head.number == 2
