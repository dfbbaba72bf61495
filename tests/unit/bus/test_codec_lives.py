"""Each life of a process counts from 1, and its peers can tell."""

from autofutures.bus.codec import Inbox, Outbox
from autofutures.domain.messages import Gap, Saved


def said(life: Outbox, count: int) -> list[bytes]:
    return [life.frame((Saved("s", number, b""),), number) for number in range(count)]


def test_a_process_that_starts_again_is_heard_from_its_first_word() -> None:
    inbox = Inbox()
    old, new = said(Outbox("s", 1), 3), said(Outbox("s", 2), 1)
    heard = [envelope for frame in (*old, *new) for envelope in inbox.open(frame)]
    assert [(envelope.epoch, envelope.seq) for envelope in heard] == [(1, 1), (1, 2), (1, 3), (2, 1)]
    assert inbox.repeated == 0


def test_last_words_of_an_old_life_keep_their_own_numbers() -> None:
    inbox = Inbox()
    old, new = said(Outbox("s", 1), 3), said(Outbox("s", 2), 1)
    heard = [envelope for frame in (old[0], *new, old[2]) for envelope in inbox.open(frame)]
    assert [envelope.epoch for envelope in heard] == [1, 2, 1, 1]
    assert heard[2].body == Gap("s", 2, 1)
