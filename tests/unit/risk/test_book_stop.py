from autofutures.domain.units import Side
from autofutures.risk.base import Violation
from autofutures.risk.book_stop import BookStopped
from tests.makers import TXF, exposure, intent


def test_while_the_book_stop_is_fired_no_order_passes_not_even_one_that_reduces() -> None:
    refused = BookStopped().check(intent(Side.SELL), exposure(position=1, stopped=True))
    assert refused == Violation(0, 1, f"the book stop of s in {TXF} has fired; a person must reset it")


def test_otherwise_it_stands_in_nobodys_way() -> None:
    assert BookStopped().check(intent(), exposure()) is None
