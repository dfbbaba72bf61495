"""Value at risk from a catalogue of closing prices, worked by hand."""

from pathlib import Path

import polars as pl
import pytest

from autofutures.data.catalog import place_of, write_frame
from autofutures.market.sessions import Calendar
from autofutures.ops.tail_risk import Tails, tails_of

MAY, JUN = "TAIFEX:TXF202605", "TAIFEX:TXF202606"
DAYS = (20260514, 20260515, 20260518, 20260519)
TODAY = 20260520
VALUE = 2 * 200
"""Of one tick: two lots of NT$200 a point."""


def close(root: Path, symbol: str, day: int, price: int, qty: int = 1) -> None:
    columns = ("open_ticks", "high_ticks", "low_ticks", "close_ticks")
    row = {"at": 0, **dict.fromkeys(columns, price), "qty": qty, "trades": 1}
    write_frame(pl.DataFrame([row]), root / place_of("bars", symbol, day))


def tails(root: Path, window: int, level: float = 0.99) -> Tails:
    return tails_of(root, {JUN: 2, MAY: 0}, {JUN: 20_000}, TODAY, Calendar(), window=window, level=level)


def test_each_days_relative_move_is_laid_on_todays_price_and_another_contract_stands_in(
    tmp_path: Path,
) -> None:
    close(tmp_path, MAY, DAYS[0], 19_000)
    close(tmp_path, MAY, DAYS[1], 19_190)  # +1 %: it stands in for June, of which there is no price yet.
    close(tmp_path, JUN, DAYS[1], 19_000)
    close(tmp_path, JUN, DAYS[2], 18_620)  # -2 % of its own.
    found = tails(tmp_path, window=3, level=0.5)
    assert (found.positions, found.first, found.last) == ({JUN: 2}, DAYS[1], DAYS[3])
    assert (found.stood_in, found.missing) == ({JUN: 1}, {JUN: 1})
    historical, parametric = found.figures
    # Losses are -80,000 and +160,000: half of two days are in the tail.
    assert (historical.window, historical.days, historical.gaps) == (3, 2, 1)
    assert (historical.value_at_risk, historical.expected_shortfall) == (-200 * VALUE, 400 * VALUE)
    assert (parametric.value_at_risk, parametric.expected_shortfall) == (None, None)
    assert found.words == (
        "parametric: 2 of 3 days have a price of all that is held, and 30 are needed at 0.5",
    )
    assert found.notes()[0] == (
        "Closing prices of 3 trading days, 2026-05-15 to 2026-05-19; "
        "each day's relative move is laid on the price of now."
    )


def test_of_several_contracts_the_one_that_traded_most_stands_in(tmp_path: Path) -> None:
    for day, price in zip(DAYS, (10_000, 10_100, 10_100, 10_100), strict=True):
        close(tmp_path, MAY, day, price, qty=1)
    for day, price in zip(DAYS, (10_000, 10_200, 10_200, 10_200), strict=True):
        close(tmp_path, "TAIFEX:TXF202607", day, price, qty=9)
    historical, _ = tails(tmp_path, window=3, level=0.5).figures
    assert historical.expected_shortfall == pytest.approx(0)
    assert historical.value_at_risk == 0
    assert tails(tmp_path, window=3, level=0.6).figures[0].days == 3
    worst = tails_of(tmp_path, {JUN: -1}, {JUN: 20_000}, TODAY, Calendar(), window=3, level=0.6)
    # One of three days in the tail, and a fifth of the next: 2 % of 20,000 at NT$200.
    assert worst.figures[0].expected_shortfall == pytest.approx((400 * 200) / 1.2)


def test_a_sample_that_is_too_small_says_so_and_so_does_an_empty_catalogue(tmp_path: Path) -> None:
    found = tails(tmp_path / "nothing", window=250)
    assert found.missing == {JUN: 250}
    assert [one.value_at_risk for one in found.figures] == [None, None]
    assert found.words == (
        "historical: 0 of 250 days have a price of all that is held, and 100 are needed at 0.99",
        "parametric: 0 of 250 days have a price of all that is held, and 30 are needed at 0.99",
    )


def test_who_holds_nothing_can_lose_nothing(tmp_path: Path) -> None:
    found = tails_of(tmp_path, {JUN: 0}, {}, TODAY, Calendar())
    assert (found.figures, found.notes()) == ((), ["Not said: nothing is held."])
