import pytest

from autofutures.domain.units import Mode, Side
from autofutures.risk.base import Violation
from autofutures.risk.mode import BookAllows
from tests.makers import exposure, intent


def test_a_normal_book_allows_everything() -> None:
    assert BookAllows().check(intent(), exposure(mode=Mode.NORMAL)) is None


def test_a_book_that_may_only_reduce_refuses_what_opens_and_says_why() -> None:
    refused = BookAllows().check(intent(), exposure(mode=Mode.REDUCING))
    assert refused == Violation(0, 1, "the book is reducing: not reconciled")


@pytest.mark.parametrize(
    ("position", "working", "qty", "passes"),
    [(-3, 0, 3, True), (-3, 1, 3, False), (-3, 0, 4, False), (3, 0, 1, False)],
)
def test_what_can_only_bring_the_position_nearer_to_zero_passes(
    position: int, working: int, qty: int, passes: bool
) -> None:
    exposed = exposure(mode=Mode.REDUCING, position=position, working_buy=working)
    assert (BookAllows().check(intent(Side.BUY, qty), exposed) is None) is passes


def test_a_halted_book_takes_no_order_of_a_strategy_at_all() -> None:
    assert BookAllows().check(intent(Side.BUY, 1), exposure(mode=Mode.HALTED, position=-3)) is not None
