"""A disk that outlives its journals, and that may be full."""

from collections.abc import Iterator
from random import Random

import pytest

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Saved
from autofutures.simulation.disk import TROUBLES, Disk
from autofutures.storage.journal import SLOW_COMMITS, Journal

STATE = Saved("s", 1, b"x" * 300)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.close()


def suffer(disk: Disk, kind: str) -> None:
    chances = Random(1)
    while disk.suffer(chances) != kind:
        disk.recover()


def commit(journal: Journal, times: int = 1) -> None:
    for at in range(times):
        journal.commit((STATE,), (), at)


def test_a_journal_is_opened_anew_and_holds_what_was_kept(disk: Disk) -> None:
    first = disk.open()
    assert first.next_epoch() == 1
    commit(first)
    second = disk.open()
    assert list(second.facts()) == [STATE]
    assert second.next_epoch() == 2
    disk.close()
    assert disk.hash == second.head.hash.hex()


def test_a_disk_that_is_full_to_the_last_byte_ends_the_journal_and_nothing_is_lost(disk: Disk) -> None:
    journal = disk.open()
    commit(journal)
    suffer(disk, "full to the last byte")
    with pytest.raises(BrokenInvariant, match="full"):
        commit(journal, 1_000)
    disk.recover()
    kept = len(list(disk.open().facts()))
    assert kept >= 1
    commit(disk.open())
    assert len(list(disk.open().facts())) == kept + 1


@pytest.mark.parametrize("kind", TROUBLES)
def test_the_journal_knows_that_something_is_wrong_and_when_it_is_over(disk: Disk, kind: str) -> None:
    journal = disk.open()
    suffer(disk, kind)
    if kind != "full to the last byte":
        commit(journal, SLOW_COMMITS + 40)
    assert " disk " in journal.health(0).reason
    disk.recover()
    assert not disk.trouble
    assert kind == "slow" or not journal.health(0).reason
