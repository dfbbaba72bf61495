"""Reads a journal beside its writer: read-only, batch by batch, from a position on.

Each reading opens the file anew and lets go of it: no snapshot is held, so the writer's log can always be moved
into the file, and a file that was put in the place of another is seen.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import msgspec

from autofutures.domain.errors import BadInput, Refusal
from autofutures.storage.chain import START, Head
from autofutures.storage.reading import Batch, read_batches


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
        if not self._is_made():
            return Position()
        last = self._last()
        return self._read(self._place(last - 1), 1)[0].position if last else Position()

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
        if not self._is_made():
            return []
        if not position.batch:
            return self._read(START, limit)
        place = self._place(position.batch)
        if place == START:
            raise JournalDiffers(
                f"{self.path} ends at batch {self.head().batch}, and batch {position.batch} was read of it before: "
                "it was restored from a copy, or is another journal"
            )
        if place.hash.hex() != position.hash:
            raise JournalDiffers(
                f"batch {position.batch} of {self.path} is not the one that was read before: the journal was "
                "restored from a copy and went on, or is another one"
            )
        return self._read(place, limit)

    def _is_made(self) -> bool:
        """Whether its writer has come so far that the file has tables."""
        with self._opened() as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(tables)

    def _read(self, after: Head, limit: int) -> list[Read]:
        """The next batches after a place in the chain, each proved to follow it."""
        with self._opened() as connection:
            batches = read_batches(connection, self.path, after)
            return [
                Read(batch, Position(batch.id, batch.hash.hex(), batch.at))
                for batch in islice(batches, limit)
            ]

    def _last(self) -> int:
        with self._opened() as connection:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM batch").fetchone()
        return int(last)

    def _place(self, number: int) -> Head:
        """Where in the chain a batch is: its hash as it stands in the file; of 0, or of none, the beginning."""
        with self._opened() as connection:
            row = connection.execute("SELECT hash FROM batch WHERE id = ?", (number,)).fetchone()
        return Head(number, row[0]) if row is not None else START

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"file:{quote(str(self.path))}?mode=ro", uri=True)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise BadInput(f"{self.path} cannot be read as a journal: {error}") from error
