"""Reads a journal beside its writer: read-only, batch by batch, from a position on.

Each reading opens the file anew and lets go of it: no snapshot is held, so the writer's log can always be moved
into the file, and a file that was put in the place of another is seen.
"""

import hashlib
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import msgspec

from autofutures.domain.errors import BadInput, BadMessage, Refusal
from autofutures.domain.messages import SCHEMA, AnyMessage
from autofutures.storage.journal import Batch

_SELECT = "SELECT id, at, schema, inputs, outputs, crc FROM batch WHERE id >= ? ORDER BY id LIMIT ?"

_Row = tuple[int, int, int, bytes, bytes, int]
_decode_messages = msgspec.msgpack.Decoder(tuple[AnyMessage, ...]).decode


class JournalDiffers(Refusal):
    """A journal does not hold what was read of it before: it was restored from a copy, or is another one."""


class Position(msgspec.Struct, frozen=True):
    """A place in a journal: a batch, its hash and its time; batch 0 is the beginning."""

    batch: int = 0
    hash: str = ""
    at: int = 0


class Read(msgspec.Struct, frozen=True):
    """A batch, and the position that is reached with it."""

    batch: Batch
    position: Position


class JournalReader:
    """Reads one journal's file.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """Whether there is a journal yet: its writer makes the file when it first starts."""
        return self.path.exists()

    def head(self) -> Position:
        """Where the journal ends now.

        Raises:
            BadInput: there is no journal.
            BadMessage: its last batch cannot be read.
        """
        rows = self._rows("SELECT coalesce(max(id), 0) FROM batch", ())
        last = msgspec.convert(rows[0][0], int) if rows else 0
        return self._read(last, 1)[0].position if last else Position()

    def after(self, position: Position, limit: int) -> list[Read]:
        """The next batches after a position, in order; none where the journal ends there.

        Args:
            position: where the last reading ended.
            limit: how many batches at most.

        Raises:
            JournalDiffers: at this position the journal does not say what it said then.
            BadInput: there is no journal.
            BadMessage: a batch is missing, damaged, or not of this version's messages.
        """
        if not position.batch:
            return self._read(1, limit)
        found = self._read(position.batch, limit + 1)
        if not found:
            raise JournalDiffers(
                f"{self.path} ends at batch {self.head().batch}, and batch {position.batch} was read of it before: "
                "it was restored from a copy, or is another journal"
            )
        if found[0].position != position:
            raise JournalDiffers(
                f"batch {position.batch} of {self.path} is not the one that was read before: the journal was "
                "restored from a copy and went on, or is another one"
            )
        return found[1:]

    def _read(self, first: int, limit: int) -> list[Read]:
        rows = self._rows(_SELECT, (first, limit))
        return [self._checked(row, number) for number, row in enumerate(rows, first)]

    def _rows(self, sql: str, values: tuple[int, ...]) -> list[tuple[object, ...]]:
        try:
            with closing(sqlite3.connect(f"file:{quote(str(self.path))}?mode=ro", uri=True)) as connection:
                if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    return []  # Its writer has only just made the file.
                return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise BadInput(f"{self.path} cannot be read as a journal: {error}") from error

    def _checked(self, row: object, expected: int) -> Read:
        try:
            number, at, schema, heard, said, checksum = msgspec.convert(row, _Row, builtin_types=(bytes,))
        except msgspec.ValidationError as error:
            raise self._bad(expected, f"its row is not a batch ({error})") from error
        if number != expected:
            raise self._bad(expected, f"it is missing, batch {number} comes in its place")
        if checksum != zlib.crc32(said, zlib.crc32(heard)):
            raise self._bad(number, "its bytes do not match their checksum")
        if schema != SCHEMA:
            raise self._bad(number, f"its messages are of schema {schema}, and this version reads {SCHEMA}")
        try:
            batch = Batch(number, at, _decode_messages(heard), _decode_messages(said))
        except msgspec.MsgspecError as error:
            raise self._bad(number, f"it holds what is no message of this version ({error})") from error
        mark = hashlib.sha256(msgspec.msgpack.encode((number, at, heard, said))).hexdigest()
        return Read(batch, Position(number, mark, at))

    def _bad(self, number: int, why: str) -> BadMessage:
        return BadMessage(f"batch {number} of {self.path} cannot be read: {why}; see autofutures db verify")
