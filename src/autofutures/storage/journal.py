"""The journal: what the trader heard and said, kept before anything leaves: one SQLite file, one writer."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from autofutures import clock
from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.messages import (
    SCHEMA,
    AnyMessage,
    Beat,
    Configured,
    Heartbeat,
    Leave,
    Quote,
    Saved,
    Snapshot,
    Started,
    Tick,
    encode,
)
from autofutures.domain.units import SECOND
from autofutures.orders.ids import MAX_EPOCH
from autofutures.storage.chain import START, Head, chained
from autofutures.storage.checkpoint import Checkpointer
from autofutures.storage.disk import LOW_BYTES, Disk, FileDisk, Health
from autofutures.storage.file import Durability, take_lock, usable
from autofutures.storage.reading import (
    Batch,
    check_removed,
    check_witness,
    end_of_chain,
    newest_snapshots,
    read_batches,
    read_epochs,
    seal_of_epoch,
    seal_of_snapshot,
)
from autofutures.storage.witness import Witness, read_witness, witness_path
from autofutures.storage.writing import open_to_write

LEFT_OUT = (Tick, Quote, Beat, Heartbeat, Snapshot)
"""Inputs that are not kept: the recorder has the market, and what time or the venue's list led to is an output."""

_INSERT = "INSERT INTO batch (id, at, schema, inputs, outputs, hash) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_SNAPSHOT = (
    "INSERT OR REPLACE INTO snapshot (batch, follows, at, schema, chain, facts, hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_DELETE_SNAPSHOTS = (
    "DELETE FROM snapshot WHERE batch < "
    "(SELECT batch FROM snapshot WHERE follows = 0 ORDER BY batch DESC LIMIT 1 OFFSET 1)"
)

SNAPSHOT_EVERY = 2_000
"""Batches between snapshots: folding so many takes some 0.2 s, and what their orders add to one some 5 ms."""

SLOW_NS = 50_000_000
SLOW_COMMITS = 3
SLOW_WITHIN_NS = 10 * SECOND
"""So many commits of so long within so short a time are a disk in trouble: a single one is a hiccup."""


class Journal:
    """An append-only file of batches, and the epochs of the traders that wrote them. `open` makes one.

    Args:
        connection: to a file of this version, in autocommit mode.
        path: names the file in errors.
        lock: keeps other writers out until it is closed.
        witness: is told of every batch.
        disk: what the file lies on.
        stopwatch: measures how long commits take, nanoseconds.

    Attributes:
        snapshot_every: how many batches a start should fold at most.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        lock: IO[str],
        *,
        witness: Witness | None = None,
        disk: Disk | None = None,
        stopwatch: Callable[[], int] = clock.stopwatch_ns,
    ) -> None:
        self._connection = connection
        self._append = connection.cursor().execute
        self._path = path
        self._lock = lock
        self._witness = witness
        self._disk = disk
        self._checkpointer: Checkpointer | None = None
        self._stopwatch = stopwatch
        self.snapshot_every = SNAPSHOT_EVERY
        self._slow: deque[int] = deque(maxlen=SLOW_COMMITS)
        self._number, self._hash = START.number, START.hash
        for number, chain in connection.execute("SELECT id, hash FROM batch ORDER BY id DESC LIMIT 1"):
            self._number, self._hash = number, chain
        self._snapshot_number: int = connection.execute(
            "SELECT coalesce(max(batch), 0) FROM snapshot"
        ).fetchone()[0]

    @classmethod
    def open(cls, path: Path, *, durability: Durability = "process-crash") -> Self:
        """Opens the journal of a trader, making the file or bringing it up to date.

        What a start depends on is proved first: everything since the newest snapshot, and that the file's end is
        there. `storage/verify.py` proves all of it.

        Args:
            path: the file; beside it stand SQLite's own files, the witness, and `<name>.lock`, which stays.
            durability: what a commit outlives. `process-crash`: the death of the process, while after a power
                cut the last batches may be lacking. `power-loss`: that too, at many times the cost.

        Raises:
            BadInput: the file is damaged, not a journal, newer than this version, held by another process, or
                cannot be written.
        """
        path = path.resolve()
        with ExitStack() as undo:
            lock = undo.enter_context(take_lock(path))
            disk = FileDisk(path)
            try:
                connection = open_to_write(path, durability)
            except BadInput as error:
                if not (_is_full(error.__cause__) and disk.release()):
                    raise
                connection = open_to_write(path, durability)
            undo.enter_context(closing(connection))
            with usable(path):
                head = _trusted(connection, path)
                witness = undo.enter_context(Witness(witness_path(path)))
                witness.saw_epoch(max(read_epochs(connection, path), default=0), head)
                journal = cls(connection, path, lock, witness=witness, disk=disk)
            journal._checkpointer = Checkpointer(path)
            disk.reserve()
            undo.pop_all()
        return journal

    @property
    def head(self) -> Head:
        """The newest batch, and the hash of all up to it."""
        return Head(self._number, self._hash)

    @property
    def since_snapshot(self) -> int:
        """How many batches a start must fold beside the newest snapshot."""
        return self._number - self._snapshot_number

    def commit(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], at: int) -> None:
        """Keeps one batch, whole or not at all.

        Inputs of `LEFT_OUT` are not kept. Where there is nothing else, nothing is kept.

        Args:
            inputs: what was handled, in order.
            outputs: all that was said to it, in order.
            at: the trader's time, UTC nanoseconds.

        Raises:
            BrokenInvariant: it could not be written (a disk whose reserve is full too, a file made read-only).
                Nothing of the batch may leave, and the process must stop: its state is ahead of the journal.
        """
        kept = [message for message in inputs if not isinstance(message, LEFT_OUT)]
        if not kept and not outputs:
            return
        heard, said = encode(kept), encode([*outputs])
        number = self._number + 1
        chain = chained(self._hash, number, at, SCHEMA, heard, said)
        began = self._stopwatch()
        self._write(_INSERT, (number, at, SCHEMA, heard, said, chain))
        if self._stopwatch() - began >= SLOW_NS:
            self._slow.append(at)
        self._number, self._hash = number, chain
        if self._witness is not None:
            self._witness.saw(number, chain)

    def snapshot(self, facts: Sequence[AnyMessage], at: int, *, whole: bool = True) -> None:
        """Keeps facts whose fold is the trader after the newest batch, so that a start folds no earlier ones.

        Args:
            facts: what `Trader.facts` says now, between two batches.
            at: the trader's time, UTC nanoseconds.
            whole: nothing else is needed; otherwise they add to the snapshot before, of the same life.

        Raises:
            BrokenInvariant: it could not be written, or adds to none.
        """
        number, before = self._number, self._snapshot_number
        if not number or (before == number and not whole):
            return  # There is no batch, or no later one, to make it after.
        if not before and not whole:
            raise BrokenInvariant(f"the first snapshot of {self._path} must be whole")
        follows = 0 if whole else before
        data = encode([*facts])
        sealed = seal_of_snapshot(self.head, follows, at, SCHEMA, data)
        self._write(_INSERT_SNAPSHOT, (number, follows, at, SCHEMA, self._hash, data, sealed))
        if whole:
            self._write(_DELETE_SNAPSHOTS, ())
        self._snapshot_number = number

    def health(self, now: int) -> Health:
        """Whether the disk under the journal lets new entries begin; for every beat, at the trader's time.

        A reserve that was given up is taken again as soon as there is room.
        """
        disk = self._disk
        if disk is not None:
            if not disk.has_reserve():
                disk.reserve()
                if not disk.has_reserve():
                    return Health(
                        f"the disk of {self._path} is full: what is written now uses the last reserve"
                    )
            free = disk.free_bytes()
            if free < LOW_BYTES:
                return Health(f"the disk of {self._path} is nearly full: below {LOW_BYTES >> 20} MB are free")
        if len(self._slow) == SLOW_COMMITS and now - self._slow[0] <= SLOW_WITHIN_NS:
            return Health(
                f"the disk of {self._path} is slow: {SLOW_COMMITS} commits within {SLOW_WITHIN_NS // SECOND} s took "
                f"over {SLOW_NS // 1_000_000} ms each"
            )
        return _WELL

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
            self._write("INSERT INTO epoch (number, hash) VALUES (?, ?)", (epoch, seal_of_epoch(epoch)))
            execute(f"PRAGMA synchronous = {usual}")
        except sqlite3.Error as error:
            raise self._stopped(error) from error
        if self._witness is not None:
            self._witness.saw_epoch(epoch, self.head)
        return epoch

    def batches(self) -> Iterator[Batch]:
        """Every batch, in order.

        Raises:
            BadMessage: one is missing, damaged, or not of this version's messages.
        """
        return read_batches(self._connection, self._path)

    def facts(self) -> Iterator[AnyMessage]:
        """What a trader folds when it starts, in order: those of the newest snapshots and of later batches.

        They are the trader's own words, and inputs that are facts themselves. A batch's inputs come before its
        outputs. Of all other inputs, the consequences are among the outputs.

        Raises:
            BadMessage: a batch is missing, damaged, or not of this version's messages: do not start.
        """
        after = START
        for snapshot in newest_snapshots(self._connection, self._path):
            yield from snapshot.facts
            after = snapshot.head
        for batch in read_batches(self._connection, self._path, after):
            yield from facts_of(batch)

    def close(self) -> None:
        """Ends writing, and lets others in; closing again does nothing."""
        if self._checkpointer is not None:
            self._checkpointer.close()
        self._connection.close()
        if self._witness is not None:
            self._witness.close()
        if self._disk is not None:
            self._disk.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, statement: str, values: tuple[int | bytes, ...]) -> None:
        """Runs one statement in a transaction of its own; on a full disk once more, with the reserve given up."""
        try:
            self._append(statement, values)
        except sqlite3.Error as error:
            if self._disk is None or not _is_full(error) or not self._disk.release():
                raise self._stopped(error) from error
            self._write(statement, values)

    def _stopped(self, error: sqlite3.Error) -> BrokenInvariant:
        """Shuts the file, so that no later batch can follow one that is not there."""
        self._connection.close()
        return BrokenInvariant(
            f"{self._path} could not be written: {error}. Nothing of this batch may leave: make room on the "
            "disk, or mend its permissions, and start again"
        )


def facts_of(batch: Batch) -> Iterator[AnyMessage]:
    """What of a batch a trader folds."""
    for message in batch.inputs:
        if isinstance(message, (Saved, Configured, Leave)):
            yield message
    for message in batch.outputs:
        if not isinstance(message, Started):
            yield message


_WELL = Health()


def _is_full(error: BaseException | None) -> bool:
    """Whether more room may help: SQLite says of a log that cannot grow only that input and output failed."""
    name: str = getattr(error, "sqlite_errorname", "")  # An error of the driver's own has none.
    return name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN"))


def _trusted(connection: sqlite3.Connection, path: Path) -> Head:
    """The end of the file, after everything since the newest snapshot was proved."""
    check_removed(connection, path)
    snapshots = newest_snapshots(connection, path)
    head = end_of_chain(connection, path, snapshots[-1].head if snapshots else START)
    check_witness(connection, path, head, read_witness(witness_path(path)))
    return head
