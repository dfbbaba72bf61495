"""A journal whose disk is memory: the same SQLite, the same tables and checks, and nothing to clean up."""

import io
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from autofutures.storage.disk import RESERVE_BYTES
from autofutures.storage.journal import Journal

_NOWHERE = Path("memory")


@lru_cache(maxsize=1)
def empty_journal() -> bytes:
    """The file of a journal that nobody has written to."""
    from autofutures.storage import migrate  # noqa: PLC0415  Half a second, for those who need it.

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate.upgrade(connection, _NOWHERE)
        return connection.serialize()


class MemoryDisk:
    """A disk for a journal in memory, which can be filled and emptied, and be as slow as somebody wants.

    Attributes:
        free: what it says is free.
        commit_ns: how long each commit seems to take.
    """

    def __init__(self) -> None:
        self.free = 1 << 40
        self.commit_ns = 0
        self._reserved = True
        self._full = False
        self._now = 0
        self._connection: sqlite3.Connection | None = None

    def attach(self, connection: sqlite3.Connection) -> None:
        """From now on it is this connection's room."""
        self._connection = connection

    def fill(self) -> None:
        """Nothing more fits, but for what the last page has room for."""
        self.free, self._full = 0, True
        self._limit(0)

    def empty(self) -> None:
        """There is room again."""
        self.free, self._full = 1 << 40, False
        self._limit(1 << 40)

    def free_bytes(self) -> int:
        """What was set."""
        return self.free

    def has_reserve(self) -> bool:
        """Whether it was given up."""
        return self._reserved

    def release(self) -> bool:
        """Makes room for as much as the reserve held."""
        if not self._reserved:
            return False
        self._reserved = False
        self._limit(RESERVE_BYTES)
        return True

    def reserve(self) -> None:
        """Takes it again, unless the disk is full."""
        self._reserved = self._reserved or not self._full

    def close(self) -> None:
        """Memory needs nothing done."""

    def stopwatch(self) -> int:
        """A clock by which every commit takes `commit_ns`: it is read before and after each."""
        self._now += self.commit_ns
        return self._now

    def _limit(self, more_bytes: int) -> None:
        if self._connection is not None:
            (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
            (page_bytes,) = self._connection.execute("PRAGMA page_size").fetchone()
            self._connection.execute(f"PRAGMA max_page_count = {pages + more_bytes // page_bytes}")


def memory_journal(disk: MemoryDisk | None = None) -> Journal:
    """A new, empty journal, which is gone when it is closed.

    Args:
        disk: what it lies on; without one there is always room.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(empty_journal())
    disk = disk or MemoryDisk()
    disk.attach(connection)
    return Journal(connection, _NOWHERE, io.StringIO(), disk=disk, stopwatch=disk.stopwatch)
