from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.matching.book import Book, Match
from autofutures.matching.book_rules import UNBOUNDED


def book_of(*orders: tuple[int, int, int, int]) -> Book:
    book = Book()
    for order_id, side, price, qty in orders:
        book.rest(order_id, side, price, qty)
    return book


def test_the_best_price_trades_first_and_the_oldest_order_of_it() -> None:
    book = book_of((1, -1, 102, 5), (2, -1, 101, 2), (3, -1, 101, 2))
    assert book.limit(9, 1, 102, 6) == [(2, 9, 2, 101), (3, 9, 2, 101), (1, 9, 2, 102)]
    assert book.levels(-1) == [(102, 3)]
    assert len(book) == 1


def test_what_a_limit_order_leaves_waits_at_its_price() -> None:
    book = book_of((1, 1, 100, 2))
    assert book.limit(2, -1, 100, 5) == [(1, 2, 2, 100)]
    assert book.best(1) is None
    assert book.best(-1) == (100, 3)


def test_a_take_stops_at_its_limit_and_says_what_is_left() -> None:
    book = book_of((1, 1, 100, 2), (2, 1, 98, 2))
    assert book.take(9, -1, 99, 3) == ([(1, 9, 2, 100)], 1)
    assert book.levels(1) == [(98, 2)]


def test_a_canceled_order_leaves_its_queue_wherever_it_stands() -> None:
    book = book_of((1, 1, 100, 1), (2, 1, 100, 2), (3, 1, 100, 4))
    assert book.cancel(2) == 2
    assert book.best(1) == (100, 5)
    assert book.queue_ahead(3) == 1
    assert book.take(9, -1, 100, 5) == ([(1, 9, 1, 100), (3, 9, 4, 100)], 0)


def test_an_order_that_is_not_here_cannot_be_canceled() -> None:
    book = book_of((1, 1, 100, 1))
    assert book.cancel(1) == 1
    assert book.cancel(1) is None
    assert book.find(1) is None
    assert book.queue_ahead(1) is None


def test_a_reduced_order_keeps_its_place() -> None:
    book = book_of((1, 1, 100, 5), (2, 1, 100, 5))
    book.reduce(1, 2)
    assert book.queue_ahead(2) == 2
    assert book.take(9, -1, 100, 3) == ([(1, 9, 2, 100), (2, 9, 1, 100)], 0)


@pytest.mark.parametrize("left", [0, 6])
def test_a_reduction_to_nothing_or_to_more_is_refused(left: int) -> None:
    with pytest.raises(BadInput, match=r"reduce it to 1\.\.5"):
        book_of((1, 1, 100, 5)).reduce(1, left)


def test_a_missing_order_cannot_be_reduced() -> None:
    with pytest.raises(BadInput, match="not in the book"):
        Book().reduce(1, 1)


def test_an_id_enters_once() -> None:
    with pytest.raises(BadInput, match="already"):
        book_of((1, 1, 100, 5), (1, 1, 99, 5))


def test_a_quantity_is_at_least_one() -> None:
    with pytest.raises(BadInput, match="at least 1"):
        book_of((1, 1, 100, 0))


def test_depth_counts_what_a_limit_reaches_until_there_is_enough() -> None:
    book = book_of((1, -1, 100, 2), (2, -1, 101, 3), (3, -1, 103, 9))
    assert book.depth(1, 101, 100) == 5
    assert book.depth(1, 103, 4) == 5
    assert book.depth(1, 99, 1) == 0


def test_a_queue_of_canceled_orders_is_swept() -> None:
    book = book_of((0, 1, 100, 1))
    for number in range(1, 1000):
        book.rest(number, 1, 100, 1)
        book.cancel(number)
    resting = book.find(0)
    assert resting is not None
    assert resting.price_ticks == 100
    assert len(resting.level.queue) < 30


def test_a_level_that_emptied_can_fill_again() -> None:
    book = book_of((1, 1, 100, 1), (2, 1, 99, 1))
    book.cancel(2)
    book.rest(3, 1, 99, 4)
    book.cancel(1)
    assert book.best(1) == (99, 4)
    assert (book.orders(1), book.orders(-1)) == (1, 0)


# By hand: at 100 ten are wanted (market 2, 101×3, 100×5) and eight there (market 1, 99×7): eight trade,
# market orders first, then 101, then the older of 100; two buys of 100 stay.
def test_the_call_auction_serves_market_orders_then_price_then_time() -> None:
    buys = [(1, 1, 100, 4), (2, 1, 101, 3), (3, 1, 100, 1), (4, 1, UNBOUNDED, 2)]
    book = book_of(*buys, (5, -1, 99, 7), (6, -1, -UNBOUNDED, 1))
    matches, dropped = book.auction(100, 0, 1000)
    assert matches == [(4, 6, 1, 100), (4, 5, 1, 100), (2, 5, 3, 100), (1, 5, 3, 100)]
    assert dropped == []
    assert book.levels(1) == [(100, 2)]
    assert book.best(-1) is None


def test_market_orders_that_the_call_leaves_are_dropped() -> None:
    book = book_of((1, 1, UNBOUNDED, 2), (2, 1, UNBOUNDED, 3), (3, -1, 100, 1), (4, 1, 90, 1))
    matches, dropped = book.auction(100, 0, 1000)
    assert matches == [(1, 3, 1, 100)]
    assert dropped == [(1, 1), (2, 3)]
    assert book.levels(1) == [(90, 1)]


def test_a_call_without_a_price_moves_nothing() -> None:
    book = book_of((1, 1, 99, 2), (2, -1, 100, 2))
    assert book.auction(None, 0, 1000) == ([], [])
    assert len(book) == 2


@dataclass
class Waiting:
    order_id: int
    side: int
    price: int
    left: int


class Naive:
    """The same rules by looking at every order every time."""

    def __init__(self) -> None:
        self.orders: list[Waiting] = []

    def limit(self, order_id: int, side: int, price: int, qty: int) -> list[Match]:
        matches: list[Match] = []
        while qty:
            other = [o for o in self.orders if o.side != side and side * (price - o.price) >= 0]
            if not other:
                self.orders.append(Waiting(order_id, side, price, qty))
                break
            maker = min(other, key=lambda o: side * o.price)
            size = min(qty, maker.left)
            matches.append((maker.order_id, order_id, size, maker.price))
            maker.left -= size
            qty -= size
            self.orders = [o for o in self.orders if o.left]
        return matches

    def cancel(self, order_id: int) -> int | None:
        left = next((o.left for o in self.orders if o.order_id == order_id), None)
        self.orders = [o for o in self.orders if o.order_id != order_id]
        return left

    def reduce(self, order_id: int) -> None:
        for order in self.orders:
            if order.order_id == order_id:
                order.left = (order.left + 1) // 2

    def levels(self, side: int) -> list[tuple[int, int]]:
        mine = [o for o in self.orders if o.side == side]
        prices = sorted({o.price for o in mine}, reverse=side > 0)
        return [(price, sum(o.left for o in mine if o.price == price)) for price in prices]

    def ahead(self, order: Waiting) -> int:
        before = self.orders[: self.orders.index(order)]
        return sum(o.left for o in before if (o.side, o.price) == (order.side, order.price))


ADD = st.tuples(st.just("add"), st.sampled_from([1, -1]), st.integers(95, 105), st.integers(1, 9))
CHANGE = st.tuples(st.sampled_from(["cancel", "reduce"]), st.integers(0, 60), st.just(0), st.just(0))
STEPS = st.lists(st.one_of(ADD, ADD, CHANGE), max_size=80)


@given(STEPS)
def test_the_book_matches_as_the_naive_one_does(steps: Sequence[tuple[str, int, int, int]]) -> None:
    book, naive = Book(), Naive()
    entered: dict[int, int] = {}
    traded: dict[int, int] = {}
    gone: dict[int, int] = {}
    for number, (what, first, price, qty) in enumerate(steps):
        if what == "add":
            matches = book.limit(number, first, price, qty)
            assert matches == naive.limit(number, first, price, qty)
            entered[number] = qty
            for maker, taker, size, _ in matches:
                assert isinstance(maker, int)
                assert isinstance(taker, int)
                traded[maker] = traded.get(maker, 0) + size
                traded[taker] = traded.get(taker, 0) + size
        elif what == "cancel":
            canceled = book.cancel(first)
            assert canceled == naive.cancel(first)
            gone[first] = gone.get(first, 0) + (canceled or 0)
        elif (resting := book.find(first)) is not None:
            gone[first] = gone.get(first, 0) + resting.left // 2
            book.reduce(first, (resting.left + 1) // 2)
            naive.reduce(first)
        assert [book.levels(side) for side in (1, -1)] == [naive.levels(side) for side in (1, -1)]
        bid, ask = book.best(1), book.best(-1)
        assert bid is None or ask is None or bid[0] < ask[0]
    assert {o.order_id: o.left for o in naive.orders} == {o.order_id: o.left for o in book}
    assert all(book.queue_ahead(order.order_id) == naive.ahead(order) for order in naive.orders)
    left = {order.order_id: order.left for order in naive.orders}
    for order_id, qty in entered.items():
        assert qty == traded.get(order_id, 0) + gone.get(order_id, 0) + left.get(order_id, 0)


@given(st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(95, 105), st.integers(1, 9)), max_size=30))
def test_a_call_leaves_no_two_orders_that_could_trade(orders: Sequence[tuple[int, int, int]]) -> None:
    book = book_of(*((number, *order) for number, order in enumerate(orders)))
    before = sum(qty for _, _, qty in orders)
    matches, dropped = book.auction(100, 0, 1000)
    bid, ask = book.best(1), book.best(-1)
    assert bid is None or ask is None or bid[0] < ask[0]
    assert not dropped
    assert before == sum(order.left for order in book) + 2 * sum(size for _, _, size, _ in matches)
    assert len({price for _, _, _, price in matches}) <= 1
    for buyer, seller, _, price in matches:
        assert isinstance(buyer, int)
        assert isinstance(seller, int)
        assert orders[buyer][1] >= price >= orders[seller][1]
