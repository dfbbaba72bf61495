"""Journals for tests that damage them: made once, copied for each case."""

import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from autofutures.domain.messages import Saved, Stray
from autofutures.storage.file import open_to_read
from autofutures.storage.journal import Journal
from autofutures.storage.memory import empty_journal
from autofutures.storage.witness import witness_path

BATCHES = 40


def heard(number: int) -> Saved:
    """Different in length, so that records lie differently in their pages, and some overflow theirs."""
    return Saved("ema", number, b"state %d;" % number * (number % 5 + 1 + 300 * (number % 13 == 0)))


def fill(journal: Journal, first: int, last: int) -> None:
    for number in range(first, last + 1):
        journal.commit([heard(number)], [Stray("o1", number, "who is this")], number)


@lru_cache(maxsize=1)
def _made(folder: Path) -> tuple[bytes, bytes]:
    path = folder / "made" / "journal.sqlite"
    path.parent.mkdir()
    path.write_bytes(empty_journal())
    with Journal.open(path) as journal:
        journal.next_epoch()
        fill(journal, 1, 15)
        journal.snapshot([Saved("ema", 15, b"so far")], 15)
        fill(journal, 16, BATCHES)
        journal.next_epoch()
    return path.read_bytes(), witness_path(path).read_bytes()


def make(path: Path, *, with_witness: bool = True) -> Path:
    """A whole journal of `BATCHES` batches, two epochs and a snapshot."""
    data, witness = _made(path.parent)
    path.write_bytes(data)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if with_witness:
        witness_path(path).write_bytes(witness)
    else:
        witness_path(path).unlink(missing_ok=True)
    return path


def change(path: Path, sql: str, *values: int | bytes) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def row(path: Path, number: int) -> tuple[int, int, int, bytes, bytes, bytes]:
    with closing(open_to_read(path)) as connection:
        found = connection.execute("SELECT * FROM batch WHERE id = ?", (number,)).fetchone()
    number, at, schema, inputs, outputs, chain = found
    return number, at, schema, inputs, outputs, chain
