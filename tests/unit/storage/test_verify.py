import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.storage.journal import Journal
from autofutures.storage.verify import Verdict, verify
from tests.unit.storage.damage import BATCHES, change, fill, make, row

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = st.integers(1, BATCHES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_a_whole_journal_is_good_with_and_without_its_witness(path: Path) -> None:
    for with_witness in (True, False):
        verdict = verify(make(path, with_witness=with_witness))
        assert (verdict.ok, verdict.batches, verdict.snapshots, verdict.epoch) == (True, BATCHES, 1, 2)
        assert bytes.fromhex(verdict.hash) == row(path, BATCHES)[5]


def test_verifying_changes_nothing_even_of_a_journal_whose_writer_was_killed(path: Path) -> None:
    with Journal.open(make(path)) as journal:
        fill(journal, BATCHES + 1, BATCHES + 3)
        killed = path.with_name("killed.sqlite")
        for suffix in ("", "-wal", ".head"):
            shutil.copy(f"{path}{suffix}", f"{killed}{suffix}")
    before = [killed.read_bytes(), Path(f"{killed}-wal").read_bytes()]
    assert verify(killed).batches == BATCHES + 3
    assert [killed.read_bytes(), Path(f"{killed}-wal").read_bytes()] == before


def test_a_journal_is_proved_while_its_writer_writes(path: Path) -> None:
    with Journal.open(make(path)) as journal:
        fill(journal, BATCHES + 1, BATCHES + 9)
        assert verify(path).batches == BATCHES + 9


def test_how_far_it_is_can_be_shown(path: Path) -> None:
    with Journal.open(make(path)) as journal:
        fill(journal, BATCHES + 1, 1_000)
    heard: list[tuple[int, int]] = []
    verify(path, lambda done, total: heard.append((done, total)))
    assert heard == [(1_000, 1_000)]


def flipped_column(path: Path, number: int, where: int, bit: int) -> None:
    """One bit of one column of one row, wherever it lies in the file."""
    columns = ("at", "schema", "inputs", "outputs", "hash")
    column = columns[where % len(columns)]
    value = row(path, number)[1:][where % len(columns)]
    if isinstance(value, bytes):
        data = bytearray(value)
        data[where % len(data)] ^= 1 << bit
        change(path, f"UPDATE batch SET {column} = ? WHERE id = ?", bytes(data), number)  # noqa: S608
    else:
        change(path, f"UPDATE batch SET {column} = ? WHERE id = ?", value ^ (1 << bit), number)  # noqa: S608


@quick
@given(number=numbers, where=st.integers(0, 5_000), bit=st.integers(0, 7), with_witness=st.booleans())
def test_a_flipped_bit_is_found_and_its_batch_is_named(
    path: Path, number: int, where: int, bit: int, with_witness: bool
) -> None:
    flipped_column(make(path, with_witness=with_witness), number, where, bit)
    refused(path, number)


def refused(path: Path, number: int) -> Verdict:
    """The verdict that names a batch; and what verify refuses, no machine starts on."""
    verdict = verify(path)
    assert (verdict.ok, verdict.first_bad, verdict.batches) == (False, f"batch {number}", number - 1)
    assert f"autofutures db restore --run {path.parent}" in verdict.repair
    return verdict


@quick
@given(number=numbers, with_witness=st.booleans())
def test_a_dropped_batch_is_missed_the_last_one_too(path: Path, number: int, with_witness: bool) -> None:
    change(make(path, with_witness=with_witness), "DELETE FROM batch WHERE id = ?", number)
    verdict = verify(path)
    assert (verdict.ok, verdict.first_bad) == (False, f"batch {number}")


@quick
@given(number=numbers, with_witness=st.booleans())
def test_batches_cut_off_the_end_are_missed(path: Path, number: int, with_witness: bool) -> None:
    change(make(path, with_witness=with_witness), "DELETE FROM batch WHERE id >= ?", number)
    verdict = verify(path)
    assert (verdict.ok, verdict.first_bad) == (False, f"batch {number}")


@quick
@given(pair=st.lists(numbers, min_size=2, max_size=2, unique=True))
def test_batches_that_traded_places_are_found(path: Path, pair: list[int]) -> None:
    first, second = sorted(pair)
    make(path)
    change(path, "UPDATE batch SET id = -1 WHERE id = ?", first)
    change(path, "UPDATE batch SET id = ? WHERE id = ?", first, second)
    change(path, "UPDATE batch SET id = ? WHERE id = -1", second)
    refused(path, first)


@quick
@given(number=st.integers(1, BATCHES - 1))
def test_a_batch_that_comes_twice_is_found(path: Path, number: int) -> None:
    make(path)
    change(path, "UPDATE batch SET id = -id WHERE id > ?", number)
    change(path, "UPDATE batch SET id = 1 - id WHERE id < 0")
    copy = "INSERT INTO batch SELECT id + 1, at, schema, inputs, outputs, hash FROM batch WHERE id = ?"
    change(path, copy, number)
    refused(path, number + 1)


@quick
@given(share=st.floats(0, 1, exclude_max=True), with_witness=st.booleans())
def test_a_file_that_was_cut_short_is_found_wherever_it_ends(
    path: Path, share: float, with_witness: bool
) -> None:
    size = make(path, with_witness=with_witness).stat().st_size
    os.truncate(path, int(size * share))
    verdict = verify(path)
    assert not verdict.ok
    assert verdict.first_bad.startswith(
        ("batch ", "the file's structure", "the snapshot", "epoch", "the list")
    )


def payload_bytes(path: Path) -> list[int]:
    """Where in the file the messages of each batch lie."""
    data = path.read_bytes()
    return [data.index(b"state %d;" % number) for number in range(1, BATCHES + 1)]


@quick
@given(number=numbers, bit=st.integers(0, 7), with_witness=st.booleans())
def test_a_bit_that_the_disk_flipped_in_a_message_names_its_batch(
    path: Path, number: int, bit: int, with_witness: bool
) -> None:
    make(path, with_witness=with_witness)
    at = payload_bytes(path)[number - 1]
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)
    refused(path, number)


@quick
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_bit_that_the_disk_flipped_anywhere_in_a_record_is_found(path: Path, place: int, bit: int) -> None:
    make(path)
    used = [at for first in payload_bytes(path) for at in range(first - 40, first + 60)]
    at = used[place % len(used)]
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)
    assert not verify(path).ok


@pytest.mark.parametrize(
    ("sql", "record"),
    [
        ("UPDATE snapshot SET facts = x'90'", "the snapshot after batch 15"),
        ("UPDATE snapshot SET batch = 14", "the snapshot after batch 14"),
        ("UPDATE snapshot SET facts = 'text'", "a snapshot"),
        ("UPDATE epoch SET number = 9 WHERE number = 1", "epoch 9"),
        ("DELETE FROM epoch WHERE number = 2", "epoch 2"),
    ],
)
def test_a_damaged_snapshot_or_epoch_is_named_too(path: Path, sql: str, record: str) -> None:
    change(make(path), sql)
    assert (verify(path).first_bad, verify(path).batches) == (record, BATCHES)


def test_a_snapshot_that_moved_to_another_journal_is_found(path: Path) -> None:
    make(path)
    with closing(sqlite3.connect(path)) as connection:
        stolen = connection.execute("SELECT * FROM snapshot").fetchone()
    other = path.with_name("other.sqlite")
    with Journal.open(other) as journal:
        fill(journal, 2, 20)
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?)", stolen)
    assert verify(other).why == "the batch that it was made after is another one, or missing"


def test_a_lost_write_ahead_log_is_missed(path: Path) -> None:
    with Journal.open(make(path)) as journal:
        fill(journal, BATCHES + 1, BATCHES + 5)
        lost = path.with_name("lost.sqlite")
        for suffix in ("", ".head"):
            shutil.copy(f"{path}{suffix}", f"{lost}{suffix}")
    verdict = verify(lost)
    assert (verdict.first_bad, verdict.batches) == (f"batch {BATCHES + 1}", BATCHES)
    assert "(5 in all) were committed, and the file ends before them" in verdict.why


def test_a_place_without_a_journal_is_no_damage(path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"there is no journal at .*: name the folder of a run, or of a backup"
    ):
        verify(path)


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from autofutures.domain.messages import Stray
from autofutures.storage.journal import Journal

path, steps = Path(sys.argv[1]), int(sys.argv[2])
connect, seen = sqlite3.connect, []

def traced(*given, **settings):
    seen.append(connect(*given, **settings))
    return seen[-1]

sqlite3.connect = traced
journal = Journal.open(path)
count = 0

def step():
    global count
    count += 1
    if count == steps:
        os.kill(os.getpid(), signal.SIGKILL)

seen[-1].set_progress_handler(step, 1)
journal.commit([], [Stray("o1", 7, "x" * 3000)], 7)
print(count, flush=True)
"""


def crash(path: Path, steps: int) -> str:
    """Kills a writer at a step of SQLite's own machine within one commit; what it said, if it came through."""
    command = [sys.executable, "-c", KILLED, str(path), str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if done.stdout else -signal.SIGKILL), done.stderr
    return done.stdout


def test_killed_at_any_step_of_a_commit_the_batch_is_there_whole_or_not_at_all(path: Path) -> None:
    make(path)
    steps = int(crash(path, 0))
    assert steps > 8
    number = BATCHES + 1
    for step in range(1, steps + 1, max(1, steps // 6)):
        crash(path, step)
        verdict = verify(path)
        assert verdict.ok
        assert verdict.batches in {number, number + 1}
        number = verdict.batches


@quick
@given(share=st.floats(0, 1))
def test_a_write_ahead_log_that_a_crash_tore_holds_whole_batches_and_what_is_lost_is_said(
    path: Path, share: float
) -> None:
    torn = path.with_name("torn.sqlite")
    with Journal.open(make(path)) as journal:
        fill(journal, BATCHES + 1, BATCHES + 6)
        for suffix in ("", "-wal", ".head"):
            shutil.copy(f"{path}{suffix}", f"{torn}{suffix}")
    log = Path(f"{torn}-wal")
    size = log.stat().st_size
    os.truncate(log, int(size * share))
    verdict = verify(torn)
    assert verdict.ok == (verdict.batches == BATCHES + 6)
    assert verdict.first_bad in {"", f"batch {verdict.batches + 1}"}


make_damage: list[Callable[[Path], None]] = [
    lambda path: change(path, "DELETE FROM batch WHERE id = 3"),
    lambda path: os.truncate(path, 20),
    lambda path: os.truncate(path, 0),
    lambda path: os.truncate(path, 3_000),
]


@pytest.mark.parametrize("damage", make_damage)
def test_what_is_not_verified_is_not_opened_either(path: Path, damage: Callable[[Path], None]) -> None:
    damage(make(path))
    assert not verify(path).ok
    with pytest.raises(BadInput):
        Journal.open(path)
