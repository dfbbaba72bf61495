"""The journal: what the trader heard and said, kept before anything leaves: one SQLite file, one writer."""

import fcntl
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from autofutures.domain.errors import BadInput, BadMessage, BrokenInvariant
from autofutures.domain.messages import SCHEMA, AnyMessage, Configured, Quote, Saved, Tick, encode
from autofutures.orders.ids import MAX_EPOCH
from autofutures.storage import migrate
from autofutures.storage.schema import APPLICATION_ID

Durability = Literal["process-crash", "power-loss"]
"""What a commit outlives. The second waits for the disk at every commit."""

_SYNCHRONOUS: dict[Durability, str] = {"process-crash": "NORMAL", "power-loss": "FULL"}

_PAGE_BYTES = 1024
"""A batch has some 250 bytes and every commit writes whole pages: small ones write less than half as much."""

_CHECKPOINT_PAGES = 65_536
"""Moving the write-ahead log into the file makes one commit wait for the disk. 64 MB of log are some 40,000
batches, so this bound is for the longest days only: opening and closing a journal move the log too."""

_INSERT = "INSERT INTO batch (at, schema, inputs, outputs, crc) VALUES (?, ?, ?, ?, ?)"
_SELECT = "SELECT id, at, schema, inputs, outputs, crc FROM batch ORDER BY id"

_Row = tuple[int, int, int, bytes, bytes, int]
_decode_messages = msgspec.msgpack.Decoder(tuple[AnyMessage, ...]).decode


class Batch(msgspec.Struct, frozen=True):
    """What was handled together at `at` (UTC nanoseconds); `id` counts from 1 without a hole."""

    id: int
    at: int
    inputs: tuple[AnyMessage, ...]
    """Without ticks and quotes: the recorder has those."""
    outputs: tuple[AnyMessage, ...]


class Journal:
    """An append-only file of batches, and the epochs of the traders that wrote them. `open` makes one.

    Args:
        connection: to a migrated file, in autocommit mode.
        path: names the file in errors.
        lock: keeps other writers out until it is closed.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, lock: IO[str]) -> None:
        self._connection = connection
        self._append = connection.cursor().execute
        self._path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path, *, durability: Durability = "process-crash") -> Self:
        """Opens the journal of a trader, making the file or bringing it up to date.

        Args:
            path: the file; beside it stand SQLite's own files and `<name>.lock`, which stays.
            durability: what a commit outlives. `process-crash`: the death of the process, while after a power
                cut the last batches may be lacking. `power-loss`: that too, at many times the cost.

        Raises:
            BadInput: the file is damaged, not a journal, newer than this version, held by another process, or
                cannot be written.
        """
        path = path.resolve()
        with ExitStack() as undo:
            lock = undo.enter_context(_take_lock(path))
            with _usable(path):
                _prepare(path)
                connection = undo.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
                connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
            journal = cls(connection, path, lock)
            undo.pop_all()
        return journal

    def commit(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], at: int) -> None:
        """Keeps one batch, whole or not at all.

        Ticks and quotes are left out: the recorder has them. Where there is nothing else, nothing is kept.

        Args:
            inputs: what was handled, in order.
            outputs: all that was said to it, in order.
            at: the trader's time, UTC nanoseconds.

        Raises:
            BrokenInvariant: it could not be written (a full disk, a file made read-only). Nothing of the
                batch may leave, and the process must stop: its state is ahead of the journal.
        """
        kept = [message for message in inputs if not isinstance(message, (Tick, Quote))]
        if not kept and not outputs:
            return
        heard, said = encode(kept), encode([*outputs])
        try:
            self._append(_INSERT, (at, SCHEMA, heard, said, _checksum(heard, said)))
        except sqlite3.Error as error:
            raise self._stopped(error) from error

    def next_epoch(self) -> int:
        """A number for this life of the trader, above all before it, and on the disk before it is returned.

        Raises:
            BadInput: all epochs that client ids have room for are used.
            BrokenInvariant: it could not be written: the process must stop.
        """
        execute = self._connection.execute
        try:
            epoch: int = execute("SELECT coalesce(max(number), 0) + 1 FROM epoch").fetchone()[0]
            if epoch > MAX_EPOCH:
                raise BadInput(
                    f"{self._path} has used all {MAX_EPOCH} epochs that a client id has room for: "
                    "when no order is open, start with another place for the state"
                )
            # An epoch that a power cut took back would be given out twice, and so would client ids.
            usual: int = execute("PRAGMA synchronous").fetchone()[0]
            execute("PRAGMA synchronous = FULL")
            execute("INSERT INTO epoch (number) VALUES (?)", (epoch,))
            execute(f"PRAGMA synchronous = {usual}")
        except sqlite3.Error as error:
            raise self._stopped(error) from error
        return epoch

    def batches(self) -> Iterator[Batch]:
        """Every batch, in order.

        Raises:
            BadMessage: one is missing, damaged, or not of this version's messages.
        """
        expected = 1
        try:
            for row in self._connection.execute(_SELECT):
                batch = self._batch(row, expected)
                yield batch
                expected += 1
        except sqlite3.DatabaseError as error:
            raise self._bad(expected, str(error)) from error

    def facts(self) -> Iterator[AnyMessage]:
        """What a trader folds when it starts: its own words, and inputs that are facts themselves, in order.

        A batch's inputs come before its outputs. Of all other inputs, the consequences are among the outputs.

        Raises:
            BadMessage: a batch is missing, damaged, or not of this version's messages: do not start.
        """
        for batch in self.batches():
            for message in batch.inputs:
                if isinstance(message, (Saved, Configured)):
                    yield message
            yield from batch.outputs

    def close(self) -> None:
        """Ends writing, and lets others in; closing again does nothing."""
        self._connection.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _batch(self, row: object, expected: int) -> Batch:
        try:
            number, at, schema, heard, said, checksum = msgspec.convert(row, _Row, builtin_types=(bytes,))
        except msgspec.ValidationError as error:
            raise self._bad(expected, f"its row is not a batch ({error})") from error
        if number != expected:
            raise self._bad(expected, f"it is missing, batch {number} comes in its place")
        if checksum != _checksum(heard, said):
            raise self._bad(number, "its bytes do not match their checksum")
        if schema != SCHEMA:
            raise self._bad(number, f"its messages are of schema {schema}, and this version reads {SCHEMA}")
        try:
            return Batch(number, at, _decode_messages(heard), _decode_messages(said))
        except msgspec.MsgspecError as error:
            raise self._bad(number, f"it holds what is no message of this version ({error})") from error

    def _bad(self, number: int, why: str) -> BadMessage:
        return BadMessage(
            f"batch {number} of {self._path} cannot be read: {why}. Restore the file from a copy, or run the "
            "version that wrote it; starting without it would lose track of orders and positions"
        )

    def _stopped(self, error: sqlite3.Error) -> BrokenInvariant:
        """Shuts the file, so that no later batch can follow one that is not there."""
        self._connection.close()
        return BrokenInvariant(
            f"{self._path} could not be written: {error}. Nothing of this batch may leave: make room on the "
            "disk, or mend its permissions, and start again"
        )


def _checksum(heard: bytes, said: bytes) -> int:
    return zlib.crc32(said, zlib.crc32(heard))


def _take_lock(path: Path) -> IO[str]:
    """Keeps other writers out. The kernel lets go of the lock when the process dies, however it dies.

    It is on a file of its own: SQLite's exclusive mode would shut readers out too.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("a")
    except OSError as error:
        raise BadInput(
            f"no journal can be kept at {path}: {error}; choose another place for the state"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise BadInput(
            f"{path} is in use, and a journal has one writer: stop the other process first, or choose "
            "another place for the state"
        ) from error
    return lock


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as error:
        raise BadInput(
            f"{path} cannot be used as a journal: {error}. If it is one, it is damaged or may not be "
            "written: restore it from a copy or mend its rights; if not, choose another place for the state"
        ) from error


def _prepare(path: Path) -> None:
    """Brings the file to this version over a connection of its own, whose end empties the write-ahead log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        _check(connection, path)
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        migrate.upgrade(connection, path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuses another program's file, and one whose structure is damaged; a file without tables is new."""
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if mark != APPLICATION_ID and (mark or tables):
        raise BadInput(
            f"{path} is an SQLite file of something else, no journal: choose another place for the state"
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        what = " ".join(verdict.split())
        raise BadInput(f"{path} is damaged ({what}): restore it from a copy, and do not trade without it")
