from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.units import SECOND
from autofutures.risk.base import Violation
from autofutures.risk.message_rate import MessageRate
from tests.makers import OPEN, exposure, intent


def sent(rule: MessageRate, now: int) -> bool:
    """Whether an order at this time passes; one that does is counted."""
    if rule.check(intent(), exposure(now=now)) is not None:
        return False
    rule.approved(intent(), now)
    return True


def test_the_order_that_reaches_the_limit_passes_and_the_next_is_refused() -> None:
    rule = MessageRate(3)
    assert [sent(rule, OPEN) for _ in range(3)] == [True, True, True]
    assert rule.check(intent(), exposure(now=OPEN)) == Violation(
        3, 4, "3 orders went out within the last second"
    )


def test_a_full_second_later_there_is_room_again() -> None:
    rule = MessageRate(1)
    assert sent(rule, OPEN)
    assert not sent(rule, OPEN + SECOND - 1)
    assert sent(rule, OPEN + SECOND)


def test_asking_alone_counts_nothing() -> None:
    rule = MessageRate(1)
    for _ in range(5):
        assert rule.check(intent(), exposure()) is None


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(1, 5))
def test_no_second_has_more_orders_than_the_limit(gaps_tenths: list[int], limit: int) -> None:
    rule, now, went = MessageRate(limit), OPEN, []
    for gap in gaps_tenths:
        now += gap * SECOND // 10
        if sent(rule, now):
            went.append(now)
        else:
            assert sum(1 for at in went if now - at < SECOND) == limit
    for at in went:
        assert sum(1 for other in went if at <= other < at + SECOND) <= limit


def test_the_limit_is_fifty_unless_told() -> None:
    assert MessageRate().max_per_second == 50


def test_times_to_come_are_not_within_the_last_second() -> None:
    rule = MessageRate(2)
    for _ in range(2):
        rule.approved(intent(), OPEN + 3600 * SECOND)
    assert rule.check(intent(), exposure(now=OPEN)) is None
