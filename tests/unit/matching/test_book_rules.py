from hypothesis import given
from hypothesis import strategies as st

from autofutures.matching.book_rules import UNBOUNDED, auction_price, crosses, market_limit, mwp_limit

LEVELS = st.lists(st.tuples(st.integers(90, 110), st.integers(1, 9)), max_size=8)


def test_a_buy_crosses_at_its_limit_and_below() -> None:
    assert [crosses(1, 100, price) for price in (99, 100, 101)] == [True, True, False]


def test_a_sell_crosses_at_its_limit_and_above() -> None:
    assert [crosses(-1, 100, price) for price in (99, 100, 101)] == [False, True, True]


def test_a_market_order_reaches_to_the_price_limit_of_its_side() -> None:
    assert (market_limit(1, 90, 110), market_limit(-1, 90, 110)) == (110, 90)


def test_mwp_counts_from_the_best_price_of_its_own_side_and_stays_inside_the_limits() -> None:
    assert mwp_limit(1, 100, 5, 90, 110) == 105
    assert mwp_limit(-1, 101, 5, 90, 110) == 96
    assert mwp_limit(1, 108, 5, 90, 110) == 110
    assert mwp_limit(-1, 92, 5, 90, 110) == 90


# Four trade at each price of 99..101 and one buy is left; below 101 it would be left at a better price.
def test_no_order_with_a_better_price_is_passed_over() -> None:
    assert auction_price([(UNBOUNDED, 2), (101, 3)], [(99, 4)], 100, 0, 1000) == (101, 4)
    assert auction_price([(101, 4)], [(-UNBOUNDED, 2), (99, 3)], 100, 0, 1000) == (99, 4)


# At 90 two sell and one buys; at 89 the market orders alone would meet without rest, but nobody named 89.
def test_the_call_ends_at_no_price_outside_those_named() -> None:
    assert auction_price([(90, 1)], [(90, 1), (-UNBOUNDED, 1)], 91, 0, 1000) == (90, 1)


# By hand:          101   100    99    98
# demand at least     3     8    12    12    buys 101×3, 100×5, 99×4
# supply at most     12    12     7     2    sells 98×2, 99×5, 100×5
# trades              3     8     7     2
def test_the_call_ends_at_the_price_of_most_contracts() -> None:
    bids, asks = [(101, 3), (100, 5), (99, 4)], [(98, 2), (99, 5), (100, 5)]
    assert auction_price(bids, asks, None, 0, 1000) == (100, 8)


# At 100 and 101 ten contracts trade; at 100 fifteen are wanted and ten there (5 over), at 101 ten and ten.
def test_of_equal_contracts_the_least_left_over_decides() -> None:
    assert auction_price([(101, 10), (100, 5)], [(99, 10)], 99, 0, 1000) == (101, 10)


# Any price of 95..105 trades all of both sides.
def test_of_equal_rest_the_price_nearest_to_the_reference_decides() -> None:
    bids, asks = [(105, 4)], [(95, 4)]
    assert auction_price(bids, asks, 97, 0, 1000) == (97, 4)
    assert auction_price(bids, asks, 120, 0, 1000) == (105, 4)
    assert auction_price(bids, asks, 80, 0, 1000) == (95, 4)


def test_without_a_reference_the_middle_of_the_best_prices_is_taken() -> None:
    assert auction_price([(105, 4)], [(95, 4)], None, 0, 1000) == (100, 4)


def test_market_orders_alone_meet_at_the_reference_inside_the_price_limits() -> None:
    bids, asks = [(UNBOUNDED, 3)], [(-UNBOUNDED, 2)]
    assert auction_price(bids, asks, 100, 90, 110) == (100, 2)
    assert auction_price(bids, asks, 150, 90, 110) == (110, 2)


def test_market_orders_alone_without_a_reference_find_no_price() -> None:
    assert auction_price([(UNBOUNDED, 3)], [(-UNBOUNDED, 2)], None, 90, 110) is None


def test_market_orders_take_the_price_of_the_limit_orders_that_they_need() -> None:
    assert auction_price([(UNBOUNDED, 6)], [(101, 4), (103, 4)], 100, 90, 110) == (103, 6)


def test_sides_that_do_not_meet_have_no_price() -> None:
    assert auction_price([(99, 4)], [(100, 4)], 100, 0, 1000) is None
    assert auction_price([(99, 4)], [], 100, 0, 1000) is None


@given(LEVELS, LEVELS, st.integers(0, 9), st.integers(0, 9), st.integers(90, 110))
def test_no_price_between_those_named_serves_the_call_better(
    limit_bids: list[tuple[int, int]],
    limit_asks: list[tuple[int, int]],
    market_bids: int,
    market_asks: int,
    reference: int,
) -> None:
    bids, asks = [*limit_bids, (UNBOUNDED, market_bids)], [*limit_asks, (-UNBOUNDED, market_asks)]

    def rank(price: int) -> tuple[int, bool, int, int]:
        bought = sum(qty for limit, qty in bids if limit >= price)
        sold = sum(qty for limit, qty in asks if limit <= price)
        traded = min(bought, sold)
        above = sum(qty for limit, qty in bids if limit > price)
        below = sum(qty for limit, qty in asks if limit < price)
        return -traded, max(above, below) > traded, abs(bought - sold), abs(price - reference)

    named = [reference, *(price for price, _ in limit_bids + limit_asks)]
    found = auction_price(bids, asks, reference, 92, 108)
    within = range(min(max(min(named), 92), 108), max(min(max(named), 108), 92) + 1)
    best = min(rank(price) for price in within)
    assert (found is None) == (best[0] == 0)
    if found is not None:
        assert rank(found[0]) == best
        assert found[1] == -best[0]
