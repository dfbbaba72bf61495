import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.matching import quote_rules as rules

BUY, SELL = 1, -1


@pytest.mark.parametrize(
    ("shown", "taken", "traded", "there"), [(10, 0, 0, 10), (10, 3, 4, 3), (10, 6, 5, 0), (0, 0, 0, 0)]
)
def test_what_is_there_is_what_was_shown_less_what_we_and_others_took(
    shown: int, taken: int, traded: int, there: int
) -> None:
    assert rules.available(shown, taken, traded) == there


@pytest.mark.parametrize(
    ("taken", "before", "price", "shown", "after"),
    [(5, 100, 100, 9, 5), (5, 100, 100, 3, 3), (5, 100, 101, 9, 0), (5, 100, 99, 9, 0)],
)
def test_what_we_took_stays_taken_while_the_price_stands(
    taken: int, before: int, price: int, shown: int, after: int
) -> None:
    assert rules.taken_after_quote(taken, before, price, shown) == after


@pytest.mark.parametrize(
    ("side", "print_ticks", "gone"),
    [(BUY, 100, 7), (BUY, 99, 10), (BUY, 101, 2), (SELL, 100, 7), (SELL, 101, 10), (SELL, 99, 2)],
)
def test_a_trade_at_the_shown_price_takes_from_it_and_one_beyond_takes_all(
    side: int, print_ticks: int, gone: int
) -> None:
    assert rules.traded_after_trade(side, 100, 10, 2, print_ticks, 5) == gone


@pytest.mark.parametrize(
    ("side", "limit", "may"),
    [
        (BUY, 101, True),
        (BUY, 100, True),
        (BUY, 99, False),
        (SELL, 99, True),
        (SELL, 100, True),
        (SELL, 101, False),
    ],
)
def test_an_order_meets_what_is_shown_within_its_limit(side: int, limit: int, may: bool) -> None:
    assert rules.may_meet(side, limit, 100) is may


@pytest.mark.parametrize(
    ("side", "slippage", "limit", "low", "high", "price"),
    [
        (BUY, 0, 105, 0, 0, 100),
        (BUY, 3, 105, 0, 0, 103),
        (BUY, 3, 102, 0, 0, 102),
        (BUY, 3, 105, 0, 101, 101),
        (BUY, 3, 105, 0, 99, 100),
        (SELL, 3, 95, 0, 0, 97),
        (SELL, 3, 98, 0, 0, 98),
        (SELL, 3, 95, 99, 0, 99),
        (SELL, 3, 95, 101, 0, 100),
        (SELL, 3, 95, 0, 90, 97),
        (BUY, 3, 105, 110, 0, 103),
    ],
)
def test_taking_costs_slippage_within_the_orders_and_the_days_limits(
    side: int, slippage: int, limit: int, low: int, high: int, price: int
) -> None:
    assert rules.paid(side, 100, slippage, limit, low, high) == price


@pytest.mark.parametrize(
    ("side", "limit", "own", "other", "queue"),
    [
        (BUY, 100, 7, 9, 7),
        (BUY, 101, 7, 9, 0),
        (BUY, 99, 7, 9, rules.UNKNOWN),
        (SELL, 100, 7, 9, 7),
        (SELL, 99, 7, 9, 0),
        (SELL, 101, 7, 9, rules.UNKNOWN),
        (BUY, 100, 0, 9, 0),
        (BUY, 100, 0, 0, rules.UNKNOWN),
    ],
)
def test_who_joins_stands_behind_what_is_shown(
    side: int, limit: int, own: int, other: int, queue: int
) -> None:
    assert rules.queue_on_joining(side, limit, 100, own, other) == queue


@pytest.mark.parametrize(
    ("side", "limit", "own", "queue"),
    [
        (BUY, 100, 9, 5),
        (BUY, 100, 3, 3),
        (BUY, 101, 9, 0),
        (BUY, 99, 3, 5),
        (BUY, 99, 0, 0),
        (SELL, 100, 3, 3),
        (SELL, 99, 9, 0),
        (SELL, 101, 3, 5),
    ],
)
def test_a_quote_shows_that_no_more_can_stand_before_us(side: int, limit: int, own: int, queue: int) -> None:
    assert rules.queue_after_quote(side, limit, 5, 100, own) == queue


def test_what_a_smaller_display_let_pass_is_remembered_unless_the_queue_was_not_known() -> None:
    assert rules.passed_after_quote(2, 10, 7) == 5
    assert rules.passed_after_quote(2, rules.UNKNOWN, 7) == 2


@pytest.mark.parametrize(
    ("side", "print_ticks", "other", "reaches"),
    [
        (BUY, 100, 5, True),
        (BUY, 101, 5, False),
        (BUY, 102, 5, False),
        (BUY, 102, 0, True),
        (SELL, 102, 5, True),
        (SELL, 101, 5, False),
        (SELL, 100, 5, False),
    ],
)
def test_a_trade_that_took_the_other_side_reaches_none_of_ours(
    side: int, print_ticks: int, other: int, reaches: bool
) -> None:
    assert rules.reaches_side(side, print_ticks, 101, other) is reaches


@pytest.mark.parametrize(
    ("side", "print_ticks", "queue", "passed", "served", "after", "left"),
    [
        (BUY, 99, 50, 3, 8, 0, 3),
        (BUY, 101, 5, 3, 0, 5, 3),
        (BUY, 100, 5, 0, 3, 0, 0),
        (BUY, 100, 5, 2, 1, 0, 0),
        (BUY, 100, 9, 0, 0, 1, 0),
        (BUY, 100, 9, 10, 0, 9, 2),
        (BUY, 100, rules.UNKNOWN, 0, 0, rules.UNKNOWN, 0),
        (SELL, 101, 50, 3, 8, 0, 3),
        (SELL, 99, 5, 3, 0, 5, 3),
        (SELL, 100, 5, 2, 1, 0, 0),
    ],
)
def test_a_trade_of_eight_serves_what_its_queue_leaves(
    side: int, print_ticks: int, queue: int, passed: int, served: int, after: int, left: int
) -> None:
    assert rules.served_by_trade(side, 100, queue, passed, print_ticks, 8) == served
    assert rules.queue_after_trade(side, 100, queue, passed, print_ticks, 8) == after
    assert rules.passed_after_trade(100, passed, print_ticks, 8) == left


@given(
    queue=st.integers(0, 50),
    events=st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=20),
    shown=st.integers(0, 50),
)
def test_in_either_order_of_trade_and_quote_the_queue_falls_once(
    queue: int, shown: int, events: list[tuple[bool, int]]
) -> None:
    """Trades of those before us, each with the display that it leaves, before it or after it."""
    shown += queue
    ahead, passed, traded = queue, 0, 0
    for quote_first, qty in events:
        if qty > shown:
            break
        shown, traded = shown - qty, traded + qty
        for quote in (quote_first, not quote_first):
            if quote:
                after = rules.queue_after_quote(1, 100, ahead, 100, shown) if shown else 0
                ahead, passed = after, rules.passed_after_quote(passed, ahead, after)
            else:
                before = ahead
                ahead = rules.queue_after_trade(1, 100, before, passed, 100, qty)
                passed = rules.passed_after_trade(100, passed, 100, qty)
    assert ahead == max(0, queue - traded)


def test_every_rule_is_of_whole_numbers_alone() -> None:
    functions = [found for _, found in inspect.getmembers(rules, inspect.isfunction)]
    assert len(functions) > 8
    for function in functions:
        kinds = {kind for name, kind in inspect.get_annotations(function, eval_str=True).items()}
        assert kinds <= {int, bool}
