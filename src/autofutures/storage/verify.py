"""Proves a journal whole: every record against the chain, and the chain's end against its witness."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.storage.chain import START, Head
from autofutures.storage.file import BadRecord, open_to_read, repair
from autofutures.storage.reading import (
    check_removed,
    check_witness,
    read_batches,
    read_epochs,
    read_snapshots,
)
from autofutures.storage.witness import read_witness, witness_path

_PAGES_AT = 28
"""Where SQLite's header says how many pages the file has, and at 16 how long a page is (big endian)."""

Progress = Callable[[int, int], None]
"""Hears how much of how much is done."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `first_bad` is empty where every record is good."""

    ok: bool
    path: str
    batches: int
    """How many are good, from the first on."""
    snapshots: int = 0
    snapshots_compared: int = 0
    """Of how many the trader was compared with the one that all batches before make: that needs the run's settings."""
    epoch: int = 0
    hash: str = ""
    """Of the chain up to the last good batch."""
    first_bad: str = ""
    why: str = ""
    repair: str = ""


def verify(path: Path, progress: Progress | None = None) -> Verdict:
    """Reads a whole journal, also while its writer writes; changes nothing.

    Raises:
        BadInput: there is no file.
    """
    path = path.resolve()
    if not path.is_file():
        raise BadInput(f"there is no journal at {path}: name the folder of a run, or of a backup")
    known = read_witness(witness_path(path))  # Before the journal, which may grow in between.
    heads = [START]
    try:
        with closing(open_to_read(path)) as connection:
            connection.execute("BEGIN")  # All is read as of one moment.
            _follow(connection, path, heads, progress)
            verdict = _rest(connection, path, heads[0], known)
    except BadRecord as error:
        verdict = _refused(path, heads[0], error.record, error.why)
    except (BadInput, sqlite3.Error) as error:
        verdict = _broken(path, str(error.__cause__ or error))
    return verdict


def _follow(
    connection: sqlite3.Connection, path: Path, heads: list[Head], progress: Progress | None = None
) -> None:
    """Reads every batch; `heads` has the last good one, however this ends."""
    count = 0
    if progress is not None:
        (count,) = connection.execute("SELECT coalesce(max(id), 0) FROM batch").fetchone()
    for batch in read_batches(connection, path):
        heads[0] = Head(batch.id, batch.hash)
        if progress is not None and batch.id % 1_000 == 0:
            progress(batch.id, count)


def _rest(connection: sqlite3.Connection, path: Path, head: Head, known: tuple[Head, int] | None) -> Verdict:
    """What is to be proved once the chain is whole: its end, the epochs, the snapshots, and the file's own order."""
    check_removed(connection, path)
    check_witness(connection, path, head, known)
    epochs = read_epochs(connection, path)
    snapshots = list(read_snapshots(connection, path))
    (structure,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if structure != "ok":
        raise BadRecord(path, "the file's structure", " ".join(structure.split()))
    return Verdict(
        ok=True,
        path=str(path),
        batches=head.number,
        snapshots=len(snapshots),
        epoch=max(epochs, default=0),
        hash=head.hash.hex(),
    )


def _refused(path: Path, head: Head, record: str, why: str) -> Verdict:
    return Verdict(
        ok=False,
        path=str(path),
        batches=head.number,
        hash=head.hash.hex(),
        first_bad=record,
        why=why,
        repair=repair(path),
    )


def _broken(path: Path, error: str) -> Verdict:
    """SQLite does not open the file: how far can its batches be read all the same?"""
    heads = [START]
    try:
        with stretched(path) as connection:
            _follow(connection, path, heads)
    except (BadRecord, sqlite3.Error) as first:
        why = first.why if isinstance(first, BadRecord) else error
        return _refused(path, heads[0], f"batch {heads[0].number + 1}", why)
    return _refused(path, heads[0], "the file's structure", error)


@contextmanager
def stretched(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a copy that is as long as its header says, so that a file that was cut short can be opened."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / path.name
        for suffix in ("", "-wal"):
            if path.with_name(path.name + suffix).exists():
                shutil.copy(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))
        header = copy.read_bytes()[: _PAGES_AT + 4]
        if len(header) == _PAGES_AT + 4:
            size = int.from_bytes(header[16:18], "big") * int.from_bytes(header[_PAGES_AT:], "big")
            if size > copy.stat().st_size:
                os.truncate(copy, size)
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            yield connection
