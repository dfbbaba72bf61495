from pathlib import Path

import pytest

from autofutures.domain.errors import BadMessage
from autofutures.ops.book_check import check_snapshots
from autofutures.storage.journal import Journal
from tests.journals import a_run, trade


def traded(path: Path, *, lose_a_fill: bool = False) -> int:
    """A generated day with a snapshot at its end; how many batches there are."""
    run = a_run(trades=3_000)
    with Journal.open(path) as journal:
        trader = trade(run, journal.commit)
        if lose_a_fill:
            trader.portfolio.ledger("ema_cross", run.symbols[0]).position += 1
        journal.snapshot(trader.facts(1), 1)
        return journal.head.number


def test_a_snapshot_that_the_batches_make_too_is_good(tmp_path: Path) -> None:
    batches = traded(tmp_path / "journal.sqlite")
    heard: list[tuple[int, int]] = []
    compared = check_snapshots(
        tmp_path / "journal.sqlite", a_run(3_000), lambda done, total: heard.append((done, total))
    )
    assert compared == 1
    assert heard == [(number, batches) for number in range(1_000, batches + 1, 1_000)]


def test_a_snapshot_of_another_book_is_named(tmp_path: Path) -> None:
    batches = traded(tmp_path / "journal.sqlite", lose_a_fill=True)
    with pytest.raises(
        BadMessage, match=rf"the snapshot after batch {batches} of .* is not the one that the ba"
    ):
        check_snapshots(tmp_path / "journal.sqlite", a_run(3_000))


def test_a_journal_without_snapshots_has_none_to_compare(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        trade(a_run(300), journal.commit)
    assert check_snapshots(tmp_path / "journal.sqlite", a_run(300)) == 0
