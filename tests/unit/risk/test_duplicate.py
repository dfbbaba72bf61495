import pytest

from autofutures.domain.messages import TRADER_K
from autofutures.risk.base import Violation
from autofutures.risk.duplicate import Duplicate
from tests.makers import exposure, intent


def after(*decisions: tuple[int, int]) -> Duplicate:
    rule = Duplicate()
    for cause_seq, k in decisions:
        rule.approved(intent(cause_seq=cause_seq, k=k), 0)
    return rule


def test_a_decision_that_was_approved_is_refused_when_it_comes_again() -> None:
    violation = after((5, 1)).check(intent(cause_seq=5, k=1), exposure())
    assert violation == Violation(1, 2, "decision 5.1 of s has been handled before")


@pytest.mark.parametrize("older", [(5, 1), (4, 9), (5, 2)])
def test_whatever_is_not_newer_is_a_repeat(older: tuple[int, int]) -> None:
    assert after((5, 1), (5, 2)).check(intent(cause_seq=older[0], k=older[1]), exposure()) is not None


def test_the_same_side_and_size_is_no_duplicate() -> None:
    rule = after((5, 1))
    assert rule.check(intent(cause_seq=5, k=2), exposure()) is None
    assert rule.check(intent(cause_seq=6, k=1), exposure()) is None


def test_strategies_and_the_trader_itself_count_apart() -> None:
    rule = after((5, 1))
    assert rule.check(intent(strategy="other", cause_seq=5, k=1), exposure()) is None
    rule.approved(intent(cause_seq=9, k=TRADER_K), 0)
    assert rule.check(intent(cause_seq=6, k=1), exposure()) is None
    assert rule.check(intent(cause_seq=9, k=TRADER_K), exposure()) is not None
