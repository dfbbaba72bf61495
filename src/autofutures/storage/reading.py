"""Reads a journal's records and trusts none of them: each is checked against the chain before it is passed on."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autofutures.domain.messages import SCHEMA, AnyMessage
from autofutures.storage.chain import START, Head, chained, seal
from autofutures.storage.file import BadRecord, bad_batch

_BATCHES = "SELECT id, at, schema, inputs, outputs, hash FROM batch WHERE id > ? ORDER BY id"
_SNAPSHOTS = "SELECT batch, follows, at, schema, chain, facts, hash FROM snapshot ORDER BY batch"

_BatchRow = tuple[int, int, int, bytes, bytes, bytes]
_SnapshotRow = tuple[int, int, int, int, bytes, bytes, bytes]
_decode_messages = msgspec.msgpack.Decoder(tuple[AnyMessage, ...]).decode


class Batch(msgspec.Struct, frozen=True):
    """What was handled together at `at` (UTC nanoseconds); `id` counts from 1 without a hole."""

    id: int
    at: int
    inputs: tuple[AnyMessage, ...]
    """Without what the recorder has, and what only passes on time."""
    outputs: tuple[AnyMessage, ...]
    hash: bytes = b""
    """Of the chain up to this batch."""


class BookSnapshot(msgspec.Struct, frozen=True):
    """Facts whose fold is the same trader as the fold of all batches up to `head`, after those of what it follows."""

    head: Head
    follows: int
    """The batch of the snapshot that it adds to; 0 where it is whole."""
    at: int
    facts: tuple[AnyMessage, ...]


def seal_of_snapshot(head: Head, follows: int, at: int, schema: int, facts: bytes) -> bytes:
    """The hash that a snapshot is kept with."""
    return seal(head.number, follows, at, schema, head.hash, facts)


def seal_of_epoch(number: int) -> bytes:
    """The hash that an epoch is kept with."""
    return seal(b"epoch", number)


def read_batches(connection: sqlite3.Connection, path: Path, after: Head = START) -> Iterator[Batch]:
    """Every batch after a place in the chain, in order.

    Raises:
        BadMessage: one is missing, damaged, or not of this version's messages.
    """
    for row in checked_rows(connection, path, after):
        number, at, schema, heard, said, chain = row
        if schema != SCHEMA:
            why = f"its messages are of schema {schema}, and this version reads {SCHEMA}"
            raise bad_batch(path, number, why)
        try:
            yield Batch(number, at, _decode_messages(heard), _decode_messages(said), chain)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise bad_batch(path, number, f"it holds what is no message of this version ({error})") from error


def end_of_chain(connection: sqlite3.Connection, path: Path, after: Head = START) -> Head:
    """Follows the chain from a place in it to its end, without a look into the messages.

    Raises:
        BadMessage: a batch is missing or damaged.
    """
    head = after
    for number, _, _, _, _, chain in checked_rows(connection, path, after):
        head = Head(number, chain)
    return head


def checked_rows(connection: sqlite3.Connection, path: Path, after: Head) -> Iterator[_BatchRow]:
    """Rows as they stand in the file, each proved to follow the one before it."""
    expected, before = after.number + 1, after.hash
    try:
        for raw in connection.execute(_BATCHES, (after.number,)):
            row = _batch_row(raw, path, expected)
            number, at, schema, heard, said, chain = row
            if number != expected:
                raise bad_batch(path, expected, f"it is missing, batch {number} comes in its place")
            if chain != chained(before, number, at, schema, heard, said):
                raise bad_batch(path, number, "it does not fit its hash and the batch before it")
            yield row
            expected, before = expected + 1, chain
    except (sqlite3.DatabaseError, sqlite3.InterfaceError, UnicodeDecodeError) as error:
        raise bad_batch(path, expected, str(error)) from error


def _batch_row(raw: object, path: Path, expected: int) -> _BatchRow:
    try:
        row: _BatchRow = msgspec.convert(raw, _BatchRow, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise bad_batch(path, expected, f"its row is not a batch ({error})") from error
    return row


def read_snapshots(connection: sqlite3.Connection, path: Path) -> Iterator[BookSnapshot]:
    """Snapshots of this version's messages, in order, each proved to belong to its place in the chain.

    Raises:
        BadMessage: one is damaged, or what it adds to is missing.
    """
    rows: list[object] = []
    try:
        rows = connection.execute(_SNAPSHOTS).fetchall()
    except sqlite3.DatabaseError as error:
        raise _bad_snapshot(path, 0, str(error)) from error
    last = 0
    for raw in rows:
        number, follows, at, schema, chain, facts, sealed = _snapshot_row(raw, path)
        head = Head(number, chain)
        if sealed != seal_of_snapshot(head, follows, at, schema, facts):
            raise _bad_snapshot(path, number, "it does not fit its hash")
        found = connection.execute("SELECT hash FROM batch WHERE id = ?", (number,)).fetchone()
        if found is None or found[0] != chain:
            raise _bad_snapshot(path, number, "the batch that it was made after is another one, or missing")
        if follows and follows != last:
            raise _bad_snapshot(path, number, f"the one after batch {follows}, which it adds to, is missing")
        last = number
        if schema != SCHEMA:
            continue  # All batches are there: a version that knows other messages folds them itself.
        try:
            yield BookSnapshot(head, follows, at, _decode_messages(facts))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _bad_snapshot(
                path, number, f"it holds what is no fact of this version ({error})"
            ) from error


def newest_snapshots(connection: sqlite3.Connection, path: Path) -> list[BookSnapshot]:
    """Where a fold may begin: the newest whole snapshot and those that add to it.

    Raises:
        BadMessage: a snapshot is damaged: the disk cannot be trusted, though the batches may be whole.
    """
    newest: list[BookSnapshot] = []
    for snapshot in read_snapshots(connection, path):
        if not snapshot.follows:
            newest = []
        newest.append(snapshot)
    return newest if newest and not newest[0].follows else []


def _snapshot_row(raw: object, path: Path) -> _SnapshotRow:
    try:
        row: _SnapshotRow = msgspec.convert(raw, _SnapshotRow, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise _bad_snapshot(path, 0, f"a row is no snapshot ({error})") from error
    return row


def _bad_snapshot(path: Path, number: int, why: str) -> BadRecord:
    return BadRecord(path, f"the snapshot after batch {number}" if number else "a snapshot", why)


def read_epochs(connection: sqlite3.Connection, path: Path) -> list[int]:
    """The epochs that were given out, oldest first.

    Raises:
        BadMessage: one is damaged.
    """
    try:
        rows = connection.execute("SELECT number, hash FROM epoch ORDER BY number").fetchall()
    except sqlite3.DatabaseError as error:
        raise BadRecord(path, "the list of epochs", str(error)) from error
    for number, sealed in rows:
        if sealed != seal_of_epoch(number):
            raise BadRecord(path, f"epoch {number}", "it does not fit its hash")
    return [number for number, _ in rows]


def check_removed(connection: sqlite3.Connection, path: Path) -> None:
    """Refuses a file from which somebody took records off: a chain does not show that its end is gone.

    Raises:
        BadMessage: it names the first record that is gone.
    """
    gone = connection.execute("SELECT record, number FROM removed ORDER BY number LIMIT 1").fetchone()
    if gone is None:
        return
    record, number = gone
    if record == "batch":
        raise bad_batch(path, number, "somebody deleted it")
    raise BadRecord(path, f"{record} {number}", "somebody deleted it")


def check_witness(
    connection: sqlite3.Connection, path: Path, head: Head, known: tuple[Head, int] | None
) -> None:
    """Compares the end of a journal with what its witness saw of it.

    Raises:
        BadMessage: the journal's end is gone, or another batch stands in its place.
    """
    if known is None:
        return
    seen, epoch = known
    if seen.number > head.number:
        lost = seen.number - head.number
        why = f"it and all that followed ({lost} in all) were committed, and the file ends before them"
        raise bad_batch(path, head.number + 1, why)
    if seen.number:
        found = connection.execute("SELECT hash FROM batch WHERE id = ?", (seen.number,)).fetchone()
        if found is None or found[0] != seen.hash:
            raise bad_batch(path, seen.number, "it is not the one that was committed")
    newest = max(read_epochs(connection, path), default=0)
    if epoch > newest:
        raise BadRecord(path, f"epoch {epoch}", f"it is missing, {newest} is the newest in the file")
