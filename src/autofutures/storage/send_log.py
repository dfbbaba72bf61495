"""The gateway's send log: every order that may have been sent, kept before it is, in one SQLite file with one writer.

After a restart an order that is in here is not sent again. A line is marked once its order was handed to the venue;
one without a mark may have been or not, and only the venue can tell.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.storage.checkpoint import Checkpointer
from autofutures.storage.file import Durability, take_lock

APPLICATION_ID = 0x6166_534C
"""Marks the file as a send log of this program."""

VERSION = 1

_SYNCHRONOUS: dict[Durability, str] = {"process-crash": "NORMAL", "power-loss": "FULL"}
_PAGE_BYTES = 1024
_CHECKPOINT_PAGES = 262_144
"""As for the journal: small pages, and no order waits for the log to be moved into the file (`checkpoint.py`)."""

_MARKS_AT_ONCE = 64
"""Marks are kept together: without one a line only says less."""

_TABLES = """
CREATE TABLE sent (
    client_id TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    marked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE reached (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO reached VALUES ('epoch', 0), ('life', 0);
"""
_INSERT = "INSERT OR IGNORE INTO sent (client_id, epoch, refused) VALUES (?, ?, ?)"
_MARK = "UPDATE sent SET marked = 1 WHERE client_id = ?"
_REACH = "UPDATE reached SET number = ? WHERE name = ?"
_REACHED = "SELECT number FROM reached WHERE name = ?"


class StoredSendLog:
    """A `gateway.SendLog` on the disk. `open` makes one.

    Args:
        connection: to a checked file, in autocommit mode.
        path: names the file in errors.
        lock: keeps other writers out until it is closed.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, lock: IO[str]) -> None:
        self._connection = connection
        self._path = path
        self._lock = lock
        self._checkpointer: Checkpointer | None = None
        self._cursor = connection.cursor()
        self._to_mark: list[tuple[str]] = []
        self._epoch = self._reached("epoch")

    @classmethod
    def open(cls, path: Path, *, durability: Durability = "process-crash") -> Self:
        """Opens a gateway's send log, making the file where there is none.

        Args:
            path: the file; beside it stand SQLite's own files and `<name>.lock`, which stays.
            durability: what a line outlives, as for the journal.

        Raises:
            BadInput: the file is damaged, no send log, newer than this version, held by another process, or cannot be
                written.
        """
        path = path.resolve()
        with ExitStack() as undo:
            lock = undo.enter_context(take_lock(path, "send log", "gateway"))
            try:
                if not path.exists():
                    _create(path)
                connection = undo.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
                _check(connection, path)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
                connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
                log = cls(connection, path, lock)
            except sqlite3.Error as error:
                raise _damaged(path, str(error)) from error
            log._checkpointer = Checkpointer(path)
            undo.pop_all()
        return log

    @property
    def epoch(self) -> int:
        """The highest trader's epoch that was heard."""
        return self._epoch

    def raise_epoch(self, epoch: int) -> None:
        """Keeps a higher epoch.

        Raises:
            BrokenInvariant: it could not be written.
        """
        if epoch > self._epoch:
            self._run(_REACH, (epoch, "epoch"))
            self._epoch = epoch

    def write(self, client_id: str, epoch: int, *, refused: bool = False) -> bool:
        """Keeps that an order may have been sent from now on, or never will be; `False` where it was there before.

        Raises:
            BrokenInvariant: it could not be written: the order must not be sent.
        """
        return self._run(_INSERT, (client_id, epoch, int(refused))) == 1

    def was_refused(self, client_id: str) -> bool:
        """Whether an order that is written down was refused, and so never sent."""
        row = self._connection.execute(
            "SELECT refused FROM sent WHERE client_id = ?", (client_id,)
        ).fetchone()
        return row is not None and row[0] == 1

    def mark(self, client_ids: Iterable[str]) -> None:
        """Notes that these were handed to the venue; kept many at once, behind an order that has left, or at the end.

        Raises:
            BrokenInvariant: they could not be written.
        """
        self._to_mark.extend((client_id,) for client_id in client_ids)
        if len(self._to_mark) >= _MARKS_AT_ONCE:
            self._flush_marks()

    def next_life(self) -> int:
        """A number above all that were given before.

        Raises:
            BrokenInvariant: it could not be written.
        """
        life = self._reached("life") + 1
        self._run(_REACH, (life, "life"))
        return life

    def unmarked(self) -> list[str]:
        """Orders of which it is not known whether they were handed to the venue."""
        rows = self._connection.execute(
            "SELECT client_id FROM sent WHERE refused = 0 AND marked = 0 ORDER BY client_id"
        )
        waiting = {client_id for (client_id,) in self._to_mark}
        return [client_id for (client_id,) in rows if client_id not in waiting]

    def close(self) -> None:
        """Keeps the last marks, and lets others in; closing again does nothing."""
        if self._to_mark:
            self._flush_marks()
        if self._checkpointer is not None:
            self._checkpointer.close()
        self._connection.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, statement: str, values: tuple[int | str, ...]) -> int:
        """Runs one statement in a transaction of its own; returns how many rows it changed."""
        try:
            return self._cursor.execute(statement, values).rowcount
        except sqlite3.Error as error:
            raise self._stopped(error) from error

    def _flush_marks(self) -> None:
        try:
            self._cursor.execute("BEGIN")
            self._cursor.executemany(_MARK, self._to_mark)
            self._cursor.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._stopped(error) from error
        self._to_mark.clear()

    def _reached(self, name: str) -> int:
        row = self._connection.execute(_REACHED, (name,)).fetchone()
        if row is None:
            raise _damaged(self._path, f"it does not say which {name} was reached")
        number: int = row[0]
        return number

    def _stopped(self, error: sqlite3.Error) -> BrokenInvariant:
        self._to_mark.clear()
        self._connection.close()
        return BrokenInvariant(
            f"{self._path} could not be written: {error}. No order may be sent that is not written down: make room on "
            "the disk, or mend its permissions, and start again"
        )


def _create(path: Path) -> None:
    """Makes the file whole under another name: whoever finds it under its own finds all of it."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(new, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.executescript(_TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    new.replace(path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuses another program's file, another version's, and one whose structure is damaged."""
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if mark != APPLICATION_ID:
        raise _damaged(path, "it does not begin as a send log of this program does")
    if version != VERSION:
        raise BadInput(f"{path} is a send log of version {version}, and this program reads version {VERSION}")
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise _damaged(path, " ".join(verdict.split()))


def _damaged(path: Path, why: str) -> BadInput:
    return BadInput(
        f"{path} cannot be used as a send log: {why}. Without it an order could be sent twice: restore it from a copy, "
        "or, when the venue has no order of ours that works, move it away and start again"
    )
