"""Each figure against the numbers that its own authors print, or against an independent library (named)."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.overfitting import (
    Floats,
    Moments,
    backtest_overfitting,
    blocks_for,
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record,
    moments,
    probabilistic_sharpe,
)
from autofutures.domain.errors import BadInput

# Bailey and López de Prado (2014), "A numerical example": the best of N backtests shows a yearly ratio of 2.5 over
# T = 1250 days with skewness -3 and kurtosis 10; the yearly ratios of the trials have variance 1/2; 250 days a year.
BEST = Moments(observations=1_250, sharpe=2.5 / math.sqrt(250), skewness=-3.0, kurtosis=10.0)
VARIANCE = 0.5 / 250


def noise(seed: int, count: int) -> Floats:
    """Numbers from -0.5 to 0.5 by the C standard's own generator: anyone can draw the same in any language."""
    state, found = seed, []
    for _ in range(count):
        state = (1_103_515_245 * state + 12_345) % 2**31
        found.append(state / 2**31 - 0.5)
    return np.array(found)


def test_the_deflated_sharpe_ratio_of_bailey_and_lopez_de_prado_2014_a_numerical_example() -> None:
    assert expected_maximum_sharpe(VARIANCE, 100) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(BEST, VARIANCE, 100) == pytest.approx(0.9004, abs=5e-5)


def test_with_46_trials_the_same_example_is_significant_at_95_percent() -> None:
    # The paper: had the strategy been found after 46 independent trials, the ratio would have been 0.9505.
    assert deflated_sharpe(BEST, VARIANCE, 46) == pytest.approx(0.9505, abs=5e-5)


@pytest.mark.parametrize(
    ("a_year", "skewness", "kurtosis", "years"),
    [(250, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83), (12, 0.0, 3.0, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_minimum_track_records_of_bailey_and_lopez_de_prado_2012(
    a_year: int, skewness: float, kurtosis: float, years: float
) -> None:
    # "The Sharpe Ratio Efficient Frontier": a yearly ratio of 2 above 1 with 95 % confidence, by daily, weekly and
    # monthly returns, and by monthly ones with the moments of a hedge fund index.
    found = Moments(10, 2 / math.sqrt(a_year), skewness, kurtosis)
    needed = minimum_track_record(found, 1 / math.sqrt(a_year))
    assert needed is not None
    assert needed / a_year == pytest.approx(years, abs=0.005)


def test_the_probabilistic_sharpe_ratio_of_bailey_and_lopez_de_prado_2012() -> None:
    # Two years of monthly returns with a ratio of 0.458, skewness -2.448 and kurtosis 10.164.
    assert probabilistic_sharpe(Moments(24, 0.458, -2.448, 10.164)) == pytest.approx(0.913, abs=5e-4)
    assert probabilistic_sharpe(Moments(24, 0.458)) == pytest.approx(0.982, abs=5e-4)


def test_moments_equal_those_of_scipy() -> None:
    # scipy.stats 1.17: skew(x), kurtosis(x, fisher=False); numpy: mean over std(ddof=1).
    profits = noise(5, 300) + 0.05
    profits[::17] -= 0.4
    found = moments(profits)
    assert found is not None
    assert found.sharpe == pytest.approx(0.09279266242900858)
    assert found.skewness == pytest.approx(-0.009915427252625184)
    assert found.kurtosis == pytest.approx(2.001455102720685)


def test_the_minimum_track_record_is_where_the_probability_reaches_the_confidence() -> None:
    needed = minimum_track_record(Moments(300, 0.1, -1.0, 6.0), 0.02, 0.9)
    assert needed is not None
    assert probabilistic_sharpe(Moments(math.ceil(needed), 0.1, -1.0, 6.0), 0.02) >= 0.9
    assert probabilistic_sharpe(Moments(math.floor(needed), 0.1, -1.0, 6.0), 0.02) < 0.9


def test_no_track_record_is_long_enough_for_a_ratio_that_is_not_above_the_benchmark() -> None:
    assert minimum_track_record(Moments(300, 0.1), 0.1) is None
    with pytest.raises(BadInput, match=r"confidence is 1\.0"):
        minimum_track_record(Moments(300, 0.1), 0.0, 1.0)


def test_more_trials_make_the_same_result_worth_less() -> None:
    worth = [deflated_sharpe(BEST, VARIANCE, trials) for trials in (1, 2, 10, 100, 1_000, 1_000_000)]
    assert worth == sorted(worth, reverse=True)
    assert worth[0] == probabilistic_sharpe(BEST)


@pytest.mark.parametrize("profits", [np.zeros(100), np.full(100, 1e9 / 3), np.arange(19.0), np.array([])])
def test_too_short_a_series_or_one_that_never_moves_has_no_moments(profits: Floats) -> None:
    assert moments(profits) is None


@pytest.mark.parametrize(
    ("seed", "rows", "sets", "blocks", "pbo"),
    [
        (7, 160, 12, 4, 0.5),
        (7, 160, 12, 8, 0.3142857142857143),
        (7, 160, 12, 10, 0.4007936507936508),
        (11, 400, 30, 8, 0.4714285714285714),
    ],
)
def test_the_probability_of_overfitting_equals_that_of_risklabai(
    seed: int, rows: int, sets: int, blocks: int, pbo: float
) -> None:
    # RiskLabAI 2.0.1, probability_of_backtest_overfitting(M, blocks, metric=mean / std(ddof=1)).
    table = noise(seed, rows * sets).reshape(rows, sets)
    if seed == 7:
        table[:, 3] += 0.03
    found = backtest_overfitting(table, blocks)
    assert found is not None
    assert found.pbo == pytest.approx(pbo)
    assert found.halvings == math.comb(blocks, blocks // 2)


def slowly(table: Floats, blocks: int) -> float:
    """CSCV as the paper tells it (2015, section 2.2), step by step."""
    parts, overfitted, halvings = np.split(table, blocks), 0, 0
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[n] for n in chosen])
        outside = np.concatenate([parts[n] for n in range(blocks) if n not in chosen])
        best = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0, ddof=1)))
        ratios = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        rank = sum(ratio <= ratios[best] for ratio in ratios)
        overfitted += rank / (len(ratios) + 1) <= 0.5
        halvings += 1
    return overfitted / halvings


@given(st.integers(1, 10_000), st.integers(2, 9), st.sampled_from([2, 4, 6]))
def test_the_quick_way_is_the_papers_way(seed: int, sets: int, blocks: int) -> None:
    table = noise(seed, blocks * 5 * sets).reshape(blocks * 5, sets)
    found = backtest_overfitting(table, blocks)
    assert found is not None
    assert found.pbo == pytest.approx(slowly(table, blocks))


def test_a_set_that_is_better_everywhere_is_not_overfitted() -> None:
    table = noise(3, 200 * 8).reshape(200, 8)
    table[:, 5] += 1.0
    found = backtest_overfitting(table)
    assert found is not None
    assert (found.pbo, found.loss, found.halvings, found.blocks) == (0.0, 0.0, 12_870, 16)


def test_what_wins_in_one_half_and_loses_in_the_other_is() -> None:
    # Each set has a good block that the others lack, so the best of one half is never good in the other.
    table = noise(3, 80 * 4).reshape(80, 4) * 0.1
    for number in range(4):
        table[:, number] -= 0.2
        table[20 * number : 20 * number + 20, number] += 1.0
    found = backtest_overfitting(table, 4)
    assert found is not None
    assert found.pbo == 1.0
    assert found.loss == 1.0


def test_rows_that_do_not_fill_a_block_are_left_out_at_the_beginning() -> None:
    table = noise(9, 43 * 3).reshape(43, 3)
    whole, cut = backtest_overfitting(table, 8), backtest_overfitting(table[3:], 8)
    assert whole == cut
    assert whole is not None
    assert whole.rows == 40


def test_sets_that_never_trade_have_a_ratio_of_nothing() -> None:
    table = np.zeros((40, 3))
    table[:, 1] = -np.abs(noise(1, 40)) - 0.1
    found = backtest_overfitting(table, 4)
    assert found is not None
    assert found.degradation is None


@pytest.mark.parametrize(("rows", "sets"), [(39, 5), (100, 1), (0, 3)])
def test_too_little_to_say_is_said_as_none(rows: int, sets: int) -> None:
    assert backtest_overfitting(np.ones((rows, sets))) is None


def test_an_odd_number_of_blocks_is_refused() -> None:
    with pytest.raises(BadInput, match="give an even number"):
        backtest_overfitting(np.ones((100, 2)), 5)


@pytest.mark.parametrize(("rows", "blocks"), [(0, 0), (39, 0), (40, 8), (49, 8), (60, 12), (100_000, 16)])
def test_blocks_are_even_and_at_least_eight_of_five_rows(rows: int, blocks: int) -> None:
    assert blocks_for(rows) == blocks


def test_many_sets_are_judged_some_halvings_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    table = noise(2, 60 * 5).reshape(60, 5)
    whole = backtest_overfitting(table, 6)
    monkeypatch.setattr("autofutures.backtest.overfitting._CELLS_AT_ONCE", 7)
    assert backtest_overfitting(table, 6) == whole
