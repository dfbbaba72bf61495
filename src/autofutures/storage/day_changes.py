"""The trading days that people have changed in a book: read from its journal, beside its writer."""

from pathlib import Path

from autofutures.domain.messages import Configured
from autofutures.market.day_changes import change_of
from autofutures.storage.journal_reader import JournalReader, Position, position_of

AT_ONCE = 1_000
"""Batches that are read together."""


def changes_in(journal: Path) -> list[Configured]:
    """Every change in order of time; none where there is no journal.

    Raises:
        BadInput: there is another program's file, or one of another version.
        BadMessage: a batch is missing or damaged.
    """
    reader = JournalReader(journal)
    found: list[Configured] = []
    if not reader.exists():
        return found
    place = Position()
    while batches := reader.after(place, AT_ONCE):
        place = position_of(batches[-1])
        said = [message for batch in batches for message in batch.outputs]
        found += [fact for fact in said if isinstance(fact, Configured) and change_of(fact) is not None]
    return found


def closed_days(journal: Path) -> dict[int, str]:
    """What the calendar of a book that goes on must know: `closed` or `open` by day."""
    return dict(change for fact in changes_in(journal) if (change := change_of(fact)) is not None)
