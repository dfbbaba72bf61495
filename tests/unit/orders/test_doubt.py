from autofutures.domain.units import SECOND
from autofutures.orders.doubt import MOST_OPEN, Doubts
from autofutures.orders.policy import Policy


def asked(doubts: Doubts, *seconds: int) -> list[str]:
    flows = []
    for second in seconds:
        doubts.ask_at(0)
        query = doubts.query(second * SECOND)
        assert query is not None
        flows.append(query.flow)
    return flows


def test_an_answer_slower_than_the_next_query_counts_with_the_time_at_which_it_was_asked() -> None:
    doubts = Doubts(Policy())
    first, second, third = asked(doubts, 10, 20, 30)
    assert doubts.answered(first) == 10 * SECOND
    assert doubts.answered(third) == 30 * SECOND
    assert doubts.answered(second) is None  # A newer one was used already.
    assert doubts.answered(third) is None


def test_a_broker_whose_answers_always_come_after_the_next_query_is_heard_all_the_same() -> None:
    doubts = Doubts(Policy())
    waiting: list[str] = []
    heard = 0
    for second in range(10, 80, 10):
        waiting += asked(doubts, second)
        if len(waiting) > 2:
            heard += doubts.answered(waiting.pop(0)) is not None
    assert heard == 5


def test_an_older_answer_does_not_end_the_wait_for_the_newest() -> None:
    doubts = Doubts(Policy())
    first, _ = asked(doubts, 10, 20)
    doubts.answered(first)
    assert doubts.query(20 * SECOND + SECOND) is None  # The second try waits twice as long.
    assert doubts.query(22 * SECOND) is not None


def test_what_was_asked_in_a_link_that_broke_or_too_long_ago_is_not_waited_for() -> None:
    doubts = Doubts(Policy())
    (lost,) = asked(doubts, 10)
    doubts.link_lost()
    assert doubts.answered(lost) is None
    oldest, *_ = asked(doubts, *range(20, 20 + 10 * (MOST_OPEN + 1), 10))
    assert doubts.answered(oldest) is None
