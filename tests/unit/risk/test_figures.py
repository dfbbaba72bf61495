"""Risk in money, by examples worked by hand."""

import math
from statistics import NormalDist

import pytest

from autofutures.market.limits import band
from autofutures.risk.figures import (
    drawdown,
    profits_of,
    required_margin,
    risk_indicator,
    scenario_loss,
    tail_risk,
)


def test_margin_is_of_every_lot_and_less_for_day_trades_before_the_cut_off() -> None:
    assert required_margin(3, 2, 184_000, 92_000) == 184_000 + 2 * 92_000
    assert required_margin(3, 2, 184_000, 0) == 3 * 184_000
    assert required_margin(1, 5, 184_000, 92_000) == 92_000


@pytest.mark.parametrize(
    ("equity", "margin", "percent"),
    [(368_000, 184_000, 200), (45_999, 184_000, 24), (46_000, 184_000, 25), (-1, 184_000, -1), (1, 0, None)],
)
def test_the_risk_indicator_is_equity_over_initial_margin(
    equity: int, margin: int, percent: int | None
) -> None:
    # The broker liquidates below 25 % (TAIFEX's risk indicator, as brokers publish it): 46,000 of 184,000.
    assert risk_indicator(equity, margin) == percent


def test_the_worst_scenario_is_the_limit_price_against_the_position() -> None:
    # TAIFEX: 10 % of the settlement price, inward: 17,405 gives 15,665 (15,664.5 up) and 19,145 (19,145.5 down).
    low, high = band(17_405, 1_000)
    assert (low, high) == (15_665, 19_145)
    assert scenario_loss(2, 17_405, low, high, 200) == 2 * 1_740 * 200
    assert scenario_loss(-1, 17_405, low, high, 200) == 1_740 * 200
    assert scenario_loss(1, 15_000, low, high, 200) == 0
    assert scenario_loss(0, 17_405, low, high, 200) == 0


def test_drawdown_is_the_largest_fall_from_a_best_until_then() -> None:
    assert drawdown([0, 5, 2, 7, 1, 6, 0]) == 7
    assert drawdown([-3, -5]) == 2
    assert drawdown([]) == 0


def test_the_past_is_counted_with_todays_positions_and_a_gap_is_no_zero() -> None:
    moves = [{"a": 10, "b": -1}, {"a": -20}, {"a": 3, "b": 5}]
    assert profits_of({"a": 2, "b": -1, "c": 0}, moves, {"a": 200, "b": 50}) == [4_050, None, 950]


def test_historical_tail_risk_counts_the_worst_days() -> None:
    # Losses 1 to 100: at 95 % five days are in the tail, 96 to 100. 95 days lose 95 or less; (96 + ... + 100) / 5 = 98.
    found = tail_risk([*(-loss for loss in range(1, 101)), None], 0.95, "historical")
    assert (found.value_at_risk, found.expected_shortfall) == (95, 98)
    assert (found.window, found.days, found.gaps) == (101, 100, 1)


def test_a_day_that_is_in_the_tail_in_part_counts_in_part() -> None:
    # Losses 1 to 50 at 97 %: 1.5 days are in the tail: (50 + 49 / 2) / 1.5 (Acerbi and Tasche 2002).
    found = tail_risk([-loss for loss in range(1, 51)], 0.97, "historical")
    assert found.value_at_risk == 49
    assert found.expected_shortfall == pytest.approx(74.5 / 1.5)


def test_parametric_tail_risk_of_a_standard_normal_is_the_textbooks() -> None:
    # A sample of mean 0 and standard deviation 1: at 99 % VaR is 2.3263 and ES 2.6652 (McNeil, Frey, Embrechts, 2.2).
    scale = 1_000_000
    sample = [round(scale * sign * math.sqrt(29 / 30)) for sign in (1, -1) for _ in range(15)]
    found = tail_risk(sample, 0.99, "parametric")
    assert found.value_at_risk is not None
    assert found.expected_shortfall is not None
    assert found.value_at_risk / scale == pytest.approx(2.3263, abs=1e-4)
    assert found.expected_shortfall / scale == pytest.approx(2.6652, abs=1e-4)
    assert NormalDist().inv_cdf(0.99) == pytest.approx(2.32635, abs=1e-5)


def test_a_mean_shifts_both() -> None:
    centred = tail_risk([100 * sign for sign in (1, -1)] * 20, 0.99, "parametric")
    shifted = tail_risk([100 * sign + 7 for sign in (1, -1)] * 20, 0.99, "parametric")
    assert centred.value_at_risk is not None
    assert shifted.value_at_risk == pytest.approx(centred.value_at_risk - 7)


@pytest.mark.parametrize(("method", "days"), [("historical", 99), ("parametric", 29)])
def test_too_small_a_sample_has_no_tail(method: str, days: int) -> None:
    found = tail_risk([-1] * days, 0.99, method)  # type: ignore[arg-type]
    assert (found.value_at_risk, found.expected_shortfall) == (None, None)
    assert found.days == days
