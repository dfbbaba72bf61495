"""Proves that a journal's snapshots are what its batches make: a trader folded from each is the same trader."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from autofutures.assemble.nodes import make_trader
from autofutures.config import RunSettings
from autofutures.domain.messages import AnyMessage, BookKept, Cancel, RangeKept
from autofutures.storage.file import BadRecord, open_to_read
from autofutures.storage.journal import facts_of
from autofutures.storage.reading import read_batches, read_snapshots
from autofutures.trader import Trader

_WHY = "the trader that it makes is not the one that the batches before it make"


def check_snapshots(path: Path, run: RunSettings, progress: Callable[[int, int], None] | None = None) -> int:
    """Folds a journal that is whole from its first batch on; returns how many snapshots were compared.

    Args:
        path: the journal, which may be written meanwhile.
        run: the settings that its trader is made of.
        progress: hears of batches.

    Raises:
        BadMessage: a snapshot makes another trader than the batches do; it is named.
    """
    with closing(open_to_read(path)) as connection:
        connection.execute("BEGIN")
        (count,) = connection.execute("SELECT coalesce(max(batch), 0) FROM snapshot").fetchone()
        compared = 0
        restored = _restored(connection, path, run)
        due = next(restored, None)
        whole = make_trader(run, 1)
        for batch in read_batches(connection, path):
            if due is None:
                break
            for fact in facts_of(batch):
                whole.fold(fact)
            if batch.id == due[0]:
                if essence(whole, batch.at) != essence(due[1], batch.at):
                    raise BadRecord(path, f"the snapshot after batch {batch.id}", _WHY)
                compared += 1
                due = next(restored, None)
            if progress is not None and batch.id % 1_000 == 0:
                progress(batch.id, count)
        return compared


def _restored(connection: sqlite3.Connection, path: Path, run: RunSettings) -> Iterator[tuple[int, Trader]]:
    """The trader of each snapshot, and the batch that it was made after."""
    trader = make_trader(run, 1)
    for snapshot in read_snapshots(connection, path):
        if not snapshot.follows:
            trader = make_trader(run, 1)
        for fact in snapshot.facts:
            trader.fold(fact)
        yield snapshot.head.number, trader


def essence(trader: Trader, at: int) -> list[AnyMessage]:
    """All that a snapshot would keep, but for what a fold of batches cannot know or takes more simply.

    Ticks are in no batch, so the number of market events and ranges go on only where a snapshot tells of them; a cancel
    that is said again is folded as if it were the first.
    """
    facts: list[AnyMessage] = []
    for fact in trader.facts(at):
        if isinstance(fact, BookKept):
            facts.append(msgspec.structs.replace(fact, market_seq=0))
        elif isinstance(fact, Cancel):
            facts.append(msgspec.structs.replace(fact, at=0))
        elif not isinstance(fact, RangeKept):
            facts.append(fact)
    return facts
