"""Reads a journal beside its writer: read-only, batch by batch, from a position on.

Each reading opens the file anew and lets go of it: no snapshot is held, so the writer's log can always be moved
into the file, and a file that was put in the place of another is seen.
"""

import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path

import msgspec

from autofutures.domain.errors import Refusal
from autofutures.storage.chain import START, Head
from autofutures.storage.file import check_mark, open_to_read, revision_of, usable
from autofutures.storage.reading import Batch, read_batches


class JournalDiffers(Refusal):
    """A journal does not hold what was read of it before: it was restored from a copy, or is another one."""


class Position(msgspec.Struct, frozen=True):
    """A place in a journal: a batch, the chain's hash there in hexadecimal, and its time; batch 0 is the beginning."""

    batch: int = 0
    hash: str = START.hash.hex()
    at: int = 0


def position_of(batch: Batch) -> Position:
    """The place that is reached with a batch."""
    return Position(batch.id, batch.hash.hex(), batch.at)


class JournalReader:
    """Reads one journal's file.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """Whether there is a journal yet: its writer makes the file when it first starts, and then its tables.

        Raises:
            BadInput: there is another program's file.
        """
        if not self.path.is_file():
            return False
        with (
            usable(self.path),
            closing(sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True)) as opened,
        ):
            check_mark(opened, self.path)
            return revision_of(opened) != ""

    def head(self) -> Position:
        """Where the journal ends now, as it says itself.

        Raises:
            BadInput: there is no journal of this version.
        """
        with closing(open_to_read(self.path)) as connection, usable(self.path):
            row = connection.execute("SELECT id, hash, at FROM batch ORDER BY id DESC LIMIT 1").fetchone()
        return Position() if row is None else Position(row[0], row[1].hex(), row[2])

    def after(self, position: Position, limit: int) -> list[Batch]:
        """The next batches after a position, in order, each proved by the chain; none where the journal ends there.

        Args:
            position: where the last reading ended.
            limit: how many batches at most.

        Raises:
            JournalDiffers: at this position the journal does not say what it said then.
            BadInput: there is no journal of this version.
            BadMessage: a batch is missing, damaged, or not of this version's messages.
        """
        place = Head(position.batch, bytes.fromhex(position.hash))
        with closing(open_to_read(self.path)) as connection, usable(self.path):
            row = connection.execute("SELECT hash FROM batch WHERE id = ?", (place.number,)).fetchone()
            if place != START and row is None:
                raise JournalDiffers(
                    f"{self.path} does not have batch {place.number}, which was read of it before: it was restored "
                    "from a copy, or is another journal"
                )
            if place != START and row[0] != place.hash:
                raise JournalDiffers(
                    f"batch {place.number} of {self.path} is not the one that was read before: the journal was "
                    "restored from a copy and went on, or is another one"
                )
            return list(islice(read_batches(connection, self.path, place), limit))
