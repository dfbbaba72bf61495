"""A journal's file: its mark and schema, its lock, its connections, and what to say when it is bad."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import IO, Literal

from autofutures.domain.errors import BadInput, BadMessage

APPLICATION_ID = 0x4146_544A
"""Stands in the header of every journal file ("AFTJ"), so that no other SQLite file is taken for one."""

REVISION = "0002"
"""The newest of `migrations`, known here so that a file which has it is opened without Alembic's half a second."""

Durability = Literal["process-crash", "power-loss"]
"""What a commit outlives. The second waits for the disk at every commit."""


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, also while another process writes.

    Raises:
        BadInput: there is no file, or it is no journal of this version.
    """
    path = path.resolve()
    if not path.is_file():
        raise BadInput(f"there is no journal at {path}: name the folder of a run, or of a backup")
    with usable(path):
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            check_mark(connection, path)
            found = revision_of(connection)
        except (sqlite3.Error, BadInput):
            connection.close()
            raise
    if found != REVISION:
        connection.close()
        raise BadInput(
            f"{path} has schema {found or 'none'} and this version of autofutures reads {REVISION}: "
            "start the machine once to bring an older file up to date, or run the version that wrote it"
        )
    return connection


def take_lock(path: Path, kind: str = "journal", owner: str = "writer") -> IO[str]:
    """Keeps other writers out. The kernel lets go of the lock when the process dies, however it dies.

    It is on a file of its own: SQLite's exclusive mode would shut readers out too.

    Args:
        path: the file that has one writer.
        kind: what it is, for people.
        owner: who writes it, for people.

    Raises:
        BadInput: another process has it, or no file can be made there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("a")
    except OSError as error:
        raise BadInput(
            f"no {kind} can be kept at {path}: {error}; choose another place for the state"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise BadInput(
            f"{path} is in use, and a {kind} has one {owner}: stop the other process first, or choose "
            "another place for the state"
        ) from error
    return lock


def repair(path: Path) -> str:
    """What a person does about a damaged file."""
    return (
        f"Put the newest good backup in its place with `autofutures db restore --run {quote(str(path.parent))}`; "
        "starting without it would lose track of orders and positions"
    )


class BadRecord(BadMessage):
    """A record that cannot be trusted, and so no record after it.

    Args:
        path: the file.
        record: which one, as `batch 17`.
        why: what is wrong with it.
    """

    def __init__(self, path: Path, record: str, why: str) -> None:
        super().__init__(f"{record} of {path} cannot be read: {why}. {repair(path)}")
        self.record = record
        self.why = why


def bad_batch(path: Path, number: int, why: str) -> BadRecord:
    """The error that names a batch."""
    return BadRecord(path, f"batch {number}", why)


def unusable(path: Path, error: Exception) -> BadInput:
    """The error for a file that SQLite itself cannot work with."""
    return BadInput(
        f"{path} cannot be used as a journal: {error}. If it is one, it is damaged or may not be written: "
        f"mend its rights, or restore it. {repair(path)}"
    )


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Says of SQLite's errors which file they are about, and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def check_mark(connection: sqlite3.Connection, path: Path) -> None:
    """Refuses another program's file; a file without tables is new. SQLite itself refuses one that was cut short.

    Raises:
        BadInput: it is another program's.
    """
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if mark != APPLICATION_ID and (mark or tables):
        raise BadInput(
            f"{path} is an SQLite file of something else, no journal: choose another place for the state"
        )


def revision_of(connection: sqlite3.Connection) -> str:
    """The schema that the file has, as Alembic keeps it; nothing for a new file."""
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if there else None
    return str(row[0]) if row else ""
