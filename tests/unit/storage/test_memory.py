from autofutures.domain.messages import Stray
from autofutures.storage.memory import memory_journal

FACT = Stray("o1", 5, "who is this")


def test_a_journal_in_memory_keeps_what_one_in_a_file_keeps() -> None:
    with memory_journal() as journal:
        assert (journal.next_epoch(), journal.next_epoch()) == (1, 2)
        journal.commit((), (FACT,), 5)
        assert list(journal.facts()) == [FACT]


def test_every_journal_in_memory_is_its_own() -> None:
    with memory_journal() as one, memory_journal() as other:
        one.commit((), (FACT,), 5)
        assert list(other.facts()) == []
