import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autofutures.domain.errors import BadInput, BadMessage
from autofutures.domain.messages import Saved, Tick
from autofutures.storage.journal import Journal
from autofutures.storage.journal_reader import JournalDiffers, JournalReader, Position, position_of
from autofutures.storage.witness import witness_path

TICK = Tick("TAIFEX:TXF202108", 1, 17_400, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder?" / "journal.sqlite"


def saved(number: int) -> Saved:
    return Saved("ema", number, b"state")


def write(path: Path, *numbers: int) -> None:
    with Journal.open(path) as journal:
        for number in numbers:
            journal.commit([saved(number)], [], number)


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)


def test_batches_are_read_on_from_where_the_last_reading_ended(path: Path) -> None:
    write(path, 10, 20, 30)
    reader = JournalReader(path)
    first = reader.after(Position(), 2)
    assert [(batch.id, batch.at, batch.inputs) for batch in first] == [
        (1, 10, (saved(10),)),
        (2, 20, (saved(20),)),
    ]
    second = reader.after(position_of(first[-1]), 2)
    assert [batch.id for batch in second] == [3]
    assert position_of(second[-1]) == reader.head()
    assert reader.after(reader.head(), 2) == []
    assert reader.head().at == 30


def test_what_a_living_writer_has_committed_is_read_and_his_log_can_still_be_emptied(path: Path) -> None:
    reader = JournalReader(path)
    with Journal.open(path) as journal:
        for number in range(1, 4):
            journal.commit([saved(number)], [], number)
            assert reader.head().batch == number
    assert not path.with_name("journal.sqlite-wal").exists()
    assert reader.head().batch == 3


def test_where_there_is_no_journal_yet_the_error_says_so(path: Path) -> None:
    reader = JournalReader(path)
    assert not reader.exists()
    with pytest.raises(BadInput, match="there is no journal at"):
        reader.head()
    path.parent.mkdir()
    path.touch()
    assert not reader.exists()
    with pytest.raises(BadInput, match="has schema none"):
        reader.after(Position(), 5)


def test_another_programs_file_is_no_journal(path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE notes (text)")
    with pytest.raises(BadInput, match="is an SQLite file of something else"):
        JournalReader(path).exists()


def test_a_journal_without_a_batch_is_at_its_beginning(path: Path) -> None:
    write(path)
    assert JournalReader(path).exists()
    assert JournalReader(path).head() == Position()
    assert JournalReader(path).after(Position(), 5) == []


def test_a_journal_restored_from_an_older_copy_is_noticed(path: Path, tmp_path: Path) -> None:
    write(path, 1, 2)
    shutil.copy(path, tmp_path / "copy")
    write(path, 3, 4)
    reader = JournalReader(path)
    reached = reader.head()
    shutil.copy(tmp_path / "copy", path)
    witness_path(path).unlink()
    with pytest.raises(JournalDiffers, match="does not have batch 4, which was read of it before"):
        reader.after(reached, 5)
    write(path, 5, 6, 7)
    with pytest.raises(JournalDiffers, match=r"batch 4 of .* is not the one that was read before"):
        reader.after(reached, 5)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE batch SET outputs = x'9101' WHERE id = 2", "does not fit its hash"),
        ("UPDATE batch SET outputs = 'text' WHERE id = 2", "its row is not a batch"),
        ("DELETE FROM batch WHERE id = 2", "it is missing, batch 3 comes in its place"),
    ],
)
def test_a_batch_that_cannot_be_read_is_named(path: Path, sql: str, why: str) -> None:
    write(path, 1, 2, 3)
    change(path, sql)
    reader = JournalReader(path)
    with pytest.raises(BadMessage, match=f"batch 2 of .* cannot be read: .*{why}"):
        reader.after(Position(), 5)
    assert [batch.id for batch in reader.after(Position(), 1)] == [1]
