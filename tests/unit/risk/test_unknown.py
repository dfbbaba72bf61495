from autofutures.domain.units import Side
from autofutures.risk.base import Violation
from autofutures.risk.unknown import Unknown
from tests.makers import exposure, intent


def test_with_every_order_answered_for_an_entry_passes() -> None:
    assert Unknown().check(intent(), exposure(unknown=0)) is None


def test_an_order_in_doubt_blocks_entries_of_its_instrument() -> None:
    reason = "the outcome of an order is not known; the venue is being asked"
    assert Unknown().check(intent(), exposure(unknown=1)) == Violation(0, 1, reason)


def test_an_order_that_only_reduces_passes_with_what_is_in_doubt_counted() -> None:
    assert Unknown().check(intent(Side.SELL, 2), exposure(unknown=1, position=2)) is None
    assert Unknown().check(intent(Side.SELL, 2), exposure(unknown=1, position=2, working_sell=1)) is not None
