"""Brings the tables up to date with a journal, makes them anew from it, and proves that they are what it says."""

from collections.abc import Callable

import msgspec

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.units import SECOND
from autofutures.market.sessions import Calendar
from autofutures.storage.journal_reader import JournalDiffers, JournalReader, Position, position_of
from autofutures.storage.projections.fold import Fold, R, day_by
from autofutures.storage.projections.rows import TABLES, Key, Row, key_of
from autofutures.storage.projections.store import Projections, RebuildNeeded, Seen
from autofutures.storage.reading import Batch

BATCHES = 500
"""How many batches one transaction takes: some tens of milliseconds' work."""

Progress = Callable[[int], None]


class Lag(msgspec.Struct, frozen=True):
    """How far the tables are behind the journal: batches, and the trader's seconds since the first of them."""

    batches: int
    seconds: float


class Follower:
    """Folds one journal into one database.

    Args:
        reader: the journal.
        projections: the tables.
        calendar: tells the trading day of a fill.
    """

    def __init__(self, reader: JournalReader, projections: Projections, calendar: Calendar) -> None:
        self._reader = reader
        self._projections = projections
        self._day_of = day_by(calendar)

    def step(self, limit: int = BATCHES) -> int:
        """Folds the batches that come next, and returns how many there were; 0 where all is folded.

        Raises:
            RebuildNeeded: this is not the journal that the tables were made of, or not this version's fold.
            DatabaseAway: nobody answers; nothing was changed.
            BadInput: the journal cannot be read.
        """
        while True:
            position = self._projections.position()
            batches = _after(self._reader, position, limit)
            if not batches or self._projections.advance(position, batches, self._day_of):
                return len(batches)

    def update(self, progress: Progress = lambda _: None) -> int:
        """Folds all that the journal holds now and returns how many batches that were; `progress` hears of each step.

        Raises:
            RebuildNeeded: as for `step`, and so are the others.
        """
        folded = 0
        while count := self.step():
            folded += count
            progress(folded)
        return folded

    def rebuild(self, progress: Progress = lambda _: None) -> int:
        """Makes the tables anew from the journal's beginning; interrupted, an update goes on with it."""
        self._reader.head()  # A journal that cannot be read must not cost us the tables.
        self._projections.clear()
        return self.update(progress)

    def lag(self) -> Lag:
        """How far the tables are behind what the journal holds now.

        Raises:
            RebuildNeeded: as for `step`, and so are the others.
        """
        position = self._projections.position()
        waiting = _after(self._reader, position, BATCHES)
        head = self._reader.head()
        since = next(
            (first.at for first in waiting if first.at), head.at
        )  # Before its first event, time is 0.
        return Lag(head.batch - position.batch, (head.at - since) / SECOND)

    def difference(self, progress: Progress = lambda _: None) -> str:
        """Compares the tables, row by row, with what a fold from the beginning makes; names the first difference.

        Returns:
            What differs, in words; nothing where all is equal.

        Raises:
            RebuildNeeded: this is not the journal that the tables were made of, or not this version's fold.
        """
        with self._projections.seen() as seen:
            position = seen.position
            _after(self._reader, position, 1)
            expected = self._folded(position, progress)
            return next((words for name in TABLES if (words := _compared(name, seen, expected[name]))), "")

    def _folded(self, end: Position, progress: Progress) -> dict[str, dict[Key, Row]]:
        """Every row that the journal's beginning up to `end` makes, by table."""
        fold = Fold(_nothing, self._day_of)
        reached = Position()
        while reached.batch < end.batch:
            batches = self._reader.after(reached, min(BATCHES, end.batch - reached.batch))
            if not batches:
                raise BrokenInvariant(f"the journal ended at batch {reached.batch} while it was read")
            for batch in batches:
                fold.hear(batch)
            reached = position_of(batches[-1])
            progress(reached.batch)
        tables: dict[str, dict[Key, Row]] = {name: {} for name in TABLES}
        for (name, key), row in fold.changed.items():
            tables[name][key] = row
        return tables


def _after(reader: JournalReader, position: Position, limit: int) -> list[Batch]:
    try:
        return reader.after(position, limit)
    except JournalDiffers as error:
        raise RebuildNeeded(
            f"{error}. The tables must be made anew: autofutures projections rebuild"
        ) from error


def _nothing(_kind: type[R], _key: Key) -> R | None:
    return None


def _compared(name: str, seen: Seen, expected: dict[Key, Row]) -> str:
    for row in seen.rows(name):
        key = key_of(row)
        wanted = expected.pop(key, None)
        if wanted is None:
            return f"{name} {_words(key)} is in the tables and not in the journal"
        for column in row.__struct_fields__:
            has, should = getattr(row, column), getattr(wanted, column)
            if has != should:
                return f"{name} {_words(key)}: {column} is {has!r} and the journal makes it {should!r}"
    lacking = next(iter(expected), None)
    return "" if lacking is None else f"{name} {_words(lacking)} is in the journal and not in the tables"


def _words(key: Key) -> str:
    return ", ".join(str(part) for part in key)
