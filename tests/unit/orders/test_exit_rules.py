from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.orders import exit_rules as rules
from autofutures.portfolio.pnl import NEVER

SIDE = st.sampled_from([1, -1])
PRICE = st.integers(17_000, 18_000)


@pytest.mark.parametrize(
    ("side", "distance", "price"), [(1, 90, 190), (1, -30, 70), (-1, 90, 10), (-1, -30, 130), (1, 0, 0)]
)
def test_an_exit_price_lies_in_favour_of_the_position_or_against_it(
    side: int, distance: int, price: int
) -> None:
    assert rules.exit_price(side, 100, distance) == price


@pytest.mark.parametrize(
    ("side", "last", "why"),
    [
        (1, 190, rules.TAKE_PROFIT),
        (1, 189, rules.NONE),
        (1, 71, rules.NONE),
        (1, 70, rules.STOP_LOSS),
        (-1, 190, rules.STOP_LOSS),
        (-1, 70, rules.TAKE_PROFIT),
        (-1, 71, rules.NONE),
    ],
)
def test_a_trade_at_an_exit_price_reaches_it(side: int, last: int, why: int) -> None:
    profit, stop = (190, 70) if side > 0 else (70, 190)
    assert rules.reached(side, profit, stop, last) == why


def test_take_profit_is_asked_before_the_stop() -> None:
    assert rules.reached(1, 100, 100, 100) == rules.TAKE_PROFIT


def test_without_prices_nothing_is_reached() -> None:
    assert rules.reached(1, 0, 0, 100) == rules.NONE


def test_every_reason_has_a_word() -> None:
    assert [rules.WORDS[why] for why in (rules.NONE, rules.EXPIRES, rules.RISK_HALT, rules.STOPPED)] == [
        "",
        "contract ends",
        "risk halt",
        "machine stops",
    ]
    assert len(rules.WORDS) == rules.STOPPED + 1


@pytest.mark.parametrize(
    ("side", "stop", "other", "expected"),
    [(1, 90, 95, 95), (1, 95, 90, 95), (-1, 90, 95, 90), (1, 0, 90, 90), (-1, 90, 0, 90), (1, 0, 0, 0)],
)
def test_the_tighter_of_two_stops_loses_less(side: int, stop: int, other: int, expected: int) -> None:
    assert rules.tighter(side, stop, other) == expected


@given(SIDE, st.lists(PRICE, min_size=1), st.integers(1, 99))
def test_a_trailing_stop_stands_at_its_distance_from_the_best_trade(
    side: int, trades: list[int], distance: int
) -> None:
    stop = 0
    for last in trades:
        stop = rules.trailed(side, stop, last, distance)
    best = max(trades, key=lambda price: price * side)
    assert stop == best - side * distance


@pytest.mark.parametrize(
    ("side", "last", "offset", "stop"),
    [
        (1, 109, 0, 80),
        (1, 110, 0, 100),
        (1, 110, 3, 103),
        (1, 110, -5, 95),
        (-1, 91, 0, 120),
        (-1, 90, 0, 100),
    ],
)
def test_the_stop_goes_to_the_entry_once_a_trade_is_far_enough_in_favour(
    side: int, last: int, offset: int, stop: int
) -> None:
    assert rules.broken_even(side, 100 - 20 * side, 100, last, 10, offset) == stop


def test_break_even_never_takes_a_better_stop_back() -> None:
    assert rules.broken_even(1, 105, 100, 120, 10, 0) == 105
    assert rules.broken_even(1, 80, 100, 120, 0, 0) == 80


def test_a_lot_times_out_at_the_moment_and_not_before() -> None:
    assert not rules.timed_out(109, 100, 10)
    assert rules.timed_out(110, 100, 10)
    assert not rules.timed_out(10**18, 100, 0)


@pytest.mark.parametrize(
    ("now", "opened_at", "over"), [(899, 100, False), (900, 100, True), (150, 99, True), (150, 100, False)]
)
def test_a_lot_must_be_flat_before_the_close_and_in_any_later_session(
    now: int, opened_at: int, over: bool
) -> None:
    assert rules.session_over(now, opened_at, 100, 1_000, 100) is over
    assert not rules.session_over(now, opened_at, 100, 1_000, 0)


@pytest.mark.parametrize(("entered", "percent", "qty"), [(3, 50, 1), (1, 99, 0), (1, 100, 1), (5, 120, 5)])
def test_levels_close_whole_contracts_rounded_down(entered: int, percent: int, qty: int) -> None:
    assert rules.level_qty(entered, percent) == qty


def test_a_true_range_counts_the_gap_from_the_trade_before() -> None:
    assert rules.true_range(110, 100, 105) == 10
    assert rules.true_range(110, 100, 90) == 20
    assert rules.true_range(110, 100, 115) == 15


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60), st.integers(1, 20))
def test_the_average_true_range_is_wilders_to_the_rounding(ranges: list[int], periods: int) -> None:
    exact, milli = Fraction(0), 0
    for spans, measured in enumerate(ranges, 1):
        weight = min(spans, periods)
        exact += (measured - exact) / weight
        milli = rules.next_atr(milli, spans, periods, measured)
    assert abs(milli - exact * 1_000) <= len(ranges)


@pytest.mark.parametrize(
    ("milli", "hundredths", "ticks"), [(10_000, 250, 25), (10_001, 100, 11), (0, 100, 1)]
)
def test_the_distance_of_a_stop_is_rounded_up_and_at_least_a_tick(
    milli: int, hundredths: int, ticks: int
) -> None:
    assert rules.atr_distance(milli, hundredths) == ticks


def test_what_fails_is_tried_at_once_and_then_ever_more_slowly_but_never_given_up() -> None:
    waits = [rules.wait_ns(attempts) for attempts in range(1, 12)]
    assert waits[:4] == [0, 0, 250_000_000, 500_000_000]
    assert waits == sorted(waits)
    assert waits[-1] == rules.wait_ns(10**6) == 8_000_000_000


def test_a_person_is_told_at_the_fifth_attempt_and_at_twice_that() -> None:
    assert [attempts for attempts in range(60) if rules.alarming(attempts)] == [5, 10, 20, 40]


@given(st.integers(-9, 9).filter(bool), PRICE, st.integers(1, 9_000), st.integers(-9, 9))
def test_the_floor_is_the_first_price_at_which_the_limit_is_lost(
    position: int, paid: int, limit: int, near: int
) -> None:
    cost = abs(position) * paid
    floor = rules.floor_price(position, cost, limit)
    last = floor + near
    profit = position * last - cost if position > 0 else cost + position * last
    assert (profit <= -limit) == rules.floor_reached(position, floor, last)


def test_a_short_that_cannot_lose_so_much_has_a_floor_that_no_trade_reaches_in_64_bits() -> None:
    """Of an inverse contract: the product of this price and a position would pass 64 bits, and change its sign."""
    floor: int = np.array([NEVER])[0]
    assert not rules.floor_reached(-5, floor, 17_000)
    assert not rules.floor_reached(0, floor, 17_000)
