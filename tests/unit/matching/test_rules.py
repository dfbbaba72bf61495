import pytest

from autofutures.matching import rules


@pytest.mark.parametrize(
    ("side", "slippage", "low", "high", "price"),
    [
        (1, 1, 0, 0, 101),
        (-1, 1, 0, 0, 99),
        (1, 0, 0, 0, 100),
        (1, 5, 0, 103, 103),
        (-1, 5, 97, 0, 97),
        (1, 3, 90, 103, 103),
        (1, 1, 0, 99, 100),
        (-1, 1, 101, 0, 100),
    ],
)
def test_taking_costs_slippage_but_no_price_beyond_the_days_limits(
    side: int, slippage: int, low: int, high: int, price: int
) -> None:
    assert rules.slipped(side, 100, slippage, low, high) == price


@pytest.mark.parametrize(
    ("side", "limit", "price", "may"),
    [(1, 100, 100, True), (1, 100, 101, False), (-1, 100, 100, True), (-1, 100, 99, False)],
)
def test_a_limit_is_the_worst_price_that_is_taken(side: int, limit: int, price: int, may: bool) -> None:
    assert rules.within(side, limit, price) is may


@pytest.mark.parametrize(
    ("side", "printed", "through"),
    [(1, 99, True), (1, 100, False), (1, 101, False), (-1, 101, True), (-1, 100, False)],
)
def test_a_trade_beyond_the_limit_has_passed_through_it(side: int, printed: int, through: bool) -> None:
    assert rules.passed_through(side, 100, printed) is through


@pytest.mark.parametrize(("printed", "ahead", "ours"), [(5, 0, 5), (5, 3, 2), (5, 5, 0), (5, 9, 0)])
def test_what_is_printed_serves_the_queue_before_us(printed: int, ahead: int, ours: int) -> None:
    assert rules.behind_queue(printed, ahead) == ours


def test_the_assumptions_can_be_written_with_their_numbers() -> None:
    text = " ".join(rules.ASSUMPTIONS).format(slippage=1, queue=20)
    assert "{" not in text
    for words in (
        "plus 1 tick(s) against us",
        "after 20 contract(s)",
        "fills us once",
        "the event that caused it",
    ):
        assert words in text
