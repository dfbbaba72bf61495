from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.data.rules import REASONS, Parsed, Sides, bars_of_rows, trades_of
from autofutures.domain.units import MINUTE, SECOND
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar

OPEN = taipei_ns(20210726, 31_500)
CALENDAR = Calendar()

Trade = tuple[int | None, str, str, str]


def judged(*trades: Trade, sides: Sides | None = None, day_in_name: int = 0) -> Parsed:
    rows = pl.DataFrame(
        [(line, "text", *trade, False, None) for line, trade in enumerate(trades, 2)],
        schema={
            "line": pl.Int64,
            "text": pl.String,
            "at": pl.Int64,
            "name": pl.String,
            "price": pl.String,
            "qty": pl.String,
            "auction": pl.Boolean,
            "reason": pl.String,
        },
        orient="row",
    )
    return trades_of(rows, sides or Sides(), CALENDAR, day_in_name, "ticks")


def why(parsed: Parsed) -> list[tuple[int, str]]:
    return [(line, reason) for line, reason, _ in parsed.quarantined.rows()]


@pytest.mark.parametrize(
    ("trade", "reason"),
    [
        ((None, "TX202108", "17409", "2"), "unreadable_time"),
        ((OPEN, "???", "17409", "2"), "unreadable_symbol"),
        ((OPEN, "TX202108", "17,409", "2"), "unreadable_price"),
        ((OPEN, "TX202108", "", "2"), "unreadable_price"),
        ((OPEN, "TX202108", ".", "2"), "unreadable_price"),
        ((OPEN, "TX202108", "1e4", "2"), "unreadable_price"),
        ((OPEN, "TX202108", "17409", "two"), "unreadable_quantity"),
        ((OPEN, "TX202108", "17409", "2.5"), "unreadable_quantity"),
        ((OPEN, "TX202108", "17409", "0"), "quantity_not_positive"),
        ((OPEN, "TX202108", "17409", "-2"), "quantity_not_positive"),
        ((OPEN, "TX202108", "17409", "3"), "odd_quantity"),
        ((OPEN, "TX202108/202109", "-85", "6"), "odd_quantity"),
        ((OPEN, "TX202108", "0", "2"), "price_not_positive"),
        ((OPEN, "TX202108", "-17409", "2"), "price_not_positive"),
        ((OPEN, "TX202108", "17409.5", "2"), "price_off_grid"),
        ((OPEN, "TE202108", "850.02", "2"), "price_off_grid"),
        ((OPEN, "TX202108/202109", "-85.5", "4"), "price_off_grid"),
        ((OPEN, "CDF202108", "583.00005", "2"), "price_off_grid"),
    ],
)
def test_a_row_that_breaks_a_rule_is_put_aside_with_line_and_reason(trade: Trade, reason: str) -> None:
    good = (OPEN, "TX202108", "17409", "2")
    parsed = judged(good, trade, sides=Sides(outright=2, spread=4))
    assert why(parsed) == [(3, reason)]
    assert parsed.frame.height == 1
    assert reason in REASONS


def test_time_may_not_go_backwards_within_a_series_but_across_series_it_may() -> None:
    parsed = judged(
        (OPEN + SECOND, "TX202108", "17409", "1"),
        (OPEN, "MTX202108", "17409", "1"),
        (OPEN, "TX202108", "17409", "1"),
        (OPEN, "TX202108", "17409", "1"),
        (OPEN + SECOND, "TX202108", "17409", "1"),
    )
    assert why(parsed) == [(4, "time_backwards"), (5, "time_backwards")]


def test_a_row_that_is_put_aside_does_not_set_the_clock() -> None:
    parsed = judged((OPEN + MINUTE, "TX202108", "0", "1"), (OPEN, "TX202108", "17409", "1"))
    assert why(parsed) == [(2, "price_not_positive")]


def test_identical_rows_are_separate_trades() -> None:
    assert judged(*[(OPEN, "TX202108", "17409", "1")] * 3).frame.height == 3


def test_both_sides_are_counted_once_and_a_spreads_legs_too() -> None:
    parsed = judged(
        (OPEN, "TX202108", "17409", "8"),
        (OPEN, "TX202108/202109", "-85", "8"),
        sides=Sides(outright=2, spread=4),
    )
    assert parsed.frame.select("symbol", "qty").rows() == [
        ("TAIFEX:TXF202108", 4),
        ("TAIFEX:TXF202108/202109", 2),
    ]


@given(ticks=st.integers(1, 10_000_000))
def test_every_price_on_the_grid_is_read_exactly(ticks: int) -> None:
    price = f"{ticks * Decimal('0.05'):f}"
    for text in (price, price.removeprefix("0"), price + "0"):
        assert judged((OPEN, "TE202108", text, "1")).frame["price_ticks"].to_list() == [ticks]


@pytest.mark.parametrize(("text", "ticks"), [(".62", 6200), ("-.09", -900), ("+1.", 10_000), ("0", 0)])
def test_decimals_are_read_with_and_without_a_zero_before_the_point(text: str, ticks: int) -> None:
    assert judged((OPEN, "CDF202108/202109", text, "1")).frame["price_ticks"].to_list() == [ticks]


def test_the_night_belongs_to_the_next_trading_day() -> None:
    friday_evening = taipei_ns(20210723, 15 * 3600)
    assert judged((friday_evening, "TX202108", "17409", "1")).frame["day"].to_list() == [20210726]


def test_an_unspecified_products_evening_belongs_to_the_files_day() -> None:
    # F1F traded from 15:04 on that Friday, before the hour that the calendar keeps for unknown products.
    evening = taipei_ns(20210723, 15 * 3600 + 240)
    trade = (evening, "F1F202109", "7000", "1")
    assert judged(trade).frame["day"].to_list() == [20210723]
    assert judged(trade, day_in_name=20210726).frame["day"].to_list() == [20210726]
    known = (evening, "TX202108", "17409", "1")
    assert judged(trade, known).frame["day"].to_list() == [20210726, 20210726]


def test_a_name_that_contradicts_its_trades_is_noted_and_the_trades_believed() -> None:
    parsed = judged((OPEN, "TX202108", "17409", "1"), day_in_name=20210801)
    assert parsed.frame["day"].to_list() == [20210726]
    assert "the name says 20210801" in parsed.notes[0]


Prices = tuple[str, str, str, str]


def bars(*rows: tuple[int, Prices, str, str]) -> Parsed:
    frame = pl.DataFrame(
        [
            (line, "text", at, "TX202108", *prices, qty, trades, None)
            for line, (at, prices, qty, trades) in enumerate(rows, 1)
        ],
        schema={"line": pl.Int64, "text": pl.String, "at": pl.Int64, "name": pl.String}
        | dict.fromkeys(("open", "high", "low", "close", "qty", "trades", "reason"), pl.String),
        orient="row",
    )
    return bars_of_rows(frame, CALENDAR, 0)


FINE: Prices = ("2", "3", "1", "2")


@pytest.mark.parametrize(
    ("bar", "reason"),
    [
        ((OPEN + MINUTE, ("2", "1", "1", "2"), "5", "3"), "open_high_low_close"),
        ((OPEN + MINUTE, ("2", "3", "2", "1"), "5", "3"), "open_high_low_close"),
        ((OPEN + MINUTE, ("2", "3", "0", "2"), "5", "3"), "price_not_positive"),
        ((OPEN + MINUTE, ("2", "3", "1", "2.5"), "5", "3"), "price_off_grid"),
        ((OPEN + MINUTE, ("2", "?", "1", "2"), "5", "3"), "unreadable_price"),
        ((OPEN + MINUTE, FINE, "0", "3"), "quantity_not_positive"),
        ((OPEN + MINUTE, FINE, "5", "many"), "unreadable_quantity"),
        ((OPEN + SECOND, FINE, "5", "3"), "not_on_the_minute"),
        ((OPEN, FINE, "5", "3"), "bar_repeated"),
        ((OPEN - MINUTE, FINE, "5", "3"), "bar_repeated"),
    ],
)
def test_a_bar_that_breaks_a_rule_is_put_aside(bar: tuple[int, Prices, str, str], reason: str) -> None:
    parsed = bars((OPEN, FINE, "5", "3"), bar)
    assert why(parsed) == [(2, reason)]
    assert parsed.frame.row(0) == ("TAIFEX:TXF202108", 20210726, OPEN, 2, 3, 1, 2, 5, 3)
