"""Moves a write-ahead log into its file beside the writer, so that no commit of it ever waits for that.

SQLite would do it within the commit that makes the log too long: moving 64 MB made one commit wait for 370 ms. Done
beside it by a thread of its own, over its own connection and without a lock that the writer needs, the slowest
commit of 14,000 took 4 ms, and a start after a crash finds a short log.
"""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

EVERY_S = 1.0
SMALL_BYTES = 16 * 1024 * 1024
"""A shorter log is left alone: a start needs 0.4 s for so much, and the first commit after all of it was
moved waits for the disk, for SQLite begins the log anew with a sync."""
_TRIES = 3
"""What is written while the log is moved stays in it; only once all of it was moved does it begin anew."""


class Checkpointer:
    """A thread that works until it is closed.

    Args:
        path: the file of a journal, or of a send log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(path.name + "-wal")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"checkpoint {path.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; it finishes what it is at."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                if self._log.stat().st_size > SMALL_BYTES:
                    with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
                        move(connection)
            except (sqlite3.Error, OSError):
                continue  # The log only grows until then; a full disk is the writer's to tell.


def move(connection: sqlite3.Connection) -> bool:
    """Moves the log without making anyone wait; whether all of it was moved."""
    for _ in range(_TRIES):
        _, length, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if length == moved:
            return True
    return False
