"""Opens a journal's file to write, and first brings a new or an old one to this version."""

import sqlite3
from contextlib import closing
from pathlib import Path

from autofutures.storage.file import REVISION, Durability, check_mark, revision_of, usable

_SYNCHRONOUS: dict[Durability, str] = {"process-crash": "NORMAL", "power-loss": "FULL"}

_PAGE_BYTES = 1024
"""A batch has some 250 bytes and every commit writes whole pages: small ones write less than half as much."""

_CHECKPOINT_PAGES = 262_144
"""The log is moved into the file beside the writer (`checkpoint.py`). Should that ever fail, a commit does it, and
waits, when the log has 256 MB."""


def open_to_write(path: Path, durability: Durability) -> sqlite3.Connection:
    """A connection in autocommit mode to the file, which is made or brought up to date first.

    Raises:
        BadInput: it is damaged, no journal, newer than this version, or may not be written.
    """
    with usable(path):
        _prepare(path)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
        except sqlite3.Error:
            connection.close()
            raise
    return connection


def _prepare(path: Path) -> None:
    """Brings the file to this version over a connection of its own, whose end empties the write-ahead log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        check_mark(connection, path)
        if revision_of(connection) == REVISION:
            return
        from autofutures.storage import migrate  # noqa: PLC0415  Half a second, for a new or an old file only.

        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        migrate.upgrade(connection, path)
