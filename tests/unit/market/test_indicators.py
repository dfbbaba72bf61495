import math
import statistics
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.market.indicators import (
    ATR,
    EMA,
    RSI,
    SMA,
    VWAP,
    Bollinger,
    Floats,
    Highest,
    Indicator,
    Lowest,
    over,
)

prices = st.lists(st.floats(min_value=-50_000, max_value=50_000, width=32), min_size=1, max_size=80)
lengths = st.integers(1, 12)
close_to = partial(pytest.approx, rel=1e-9, abs=1e-6, nan_ok=True)


def windows(values: list[float], length: int, of: Callable[[list[float]], float]) -> list[float]:
    """`of` each full window of the last `length` values, NaN before."""
    return [math.nan if i + 1 < length else of(values[i + 1 - length : i + 1]) for i in range(len(values))]


@given(prices, lengths)
def test_ema_is_the_weighted_sum_of_all_values_with_the_first_as_seed(
    values: list[float], length: int
) -> None:
    alpha = 2 / (length + 1)
    expected = []
    for n in range(len(values)):
        weights = [alpha * (1 - alpha) ** (n - i) if i else (1 - alpha) ** n for i in range(n + 1)]
        expected.append(math.fsum(w * v for w, v in zip(weights, values[: n + 1], strict=True)))
    assert over(EMA(length), values).tolist() == close_to(expected)


@given(prices, lengths)
def test_sma_is_the_mean_of_the_window(values: list[float], length: int) -> None:
    assert over(SMA(length), values).tolist() == close_to(windows(values, length, statistics.fmean))


@given(prices, st.integers(2, 12), st.sampled_from([0.5, 2.0, 3.0]))
def test_bollinger_bands_lie_population_deviations_about_the_mean(
    values: list[float], length: int, width: float
) -> None:
    bands = Bollinger(length, width)
    middle = windows(values, length, statistics.fmean)
    deviation = windows(values, length, statistics.pstdev)
    for value, mean, spread in zip(values, middle, deviation, strict=True):
        bands.update(value)
        found = (bands.value, bands.upper, bands.lower)
        assert found == pytest.approx(
            (mean, mean + width * spread, mean - width * spread), abs=1e-3, nan_ok=True
        )


@given(prices, lengths)
def test_highest_and_lowest_are_the_extremes_of_the_last_values(values: list[float], length: int) -> None:
    recent = [values[max(0, i + 1 - length) : i + 1] for i in range(len(values))]
    assert over(Highest(length), values).tolist() == [max(window) for window in recent]
    assert over(Lowest(length), values).tolist() == [min(window) for window in recent]


@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=80), lengths)
def test_rsi_is_wilders_hundred_less_hundred_over_one_plus_strength(values: list[int], length: int) -> None:
    changes = [b - a for a, b in pairwise(values)]
    expected = [math.nan] * min(length, len(values))
    for n in range(length, len(values)):
        gains, losses = [max(c, 0) for c in changes[:n]], [max(-c, 0) for c in changes[:n]]
        gain, loss = sum(gains[:length]) / length, sum(losses[:length]) / length
        for up, down in zip(gains[length:], losses[length:], strict=True):
            gain, loss = gain + (up - gain) / length, loss + (down - loss) / length
        expected.append(100 - 100 / (1 + gain / loss) if loss else 100.0 if gain else 50.0)
    assert over(RSI(length), values).tolist() == pytest.approx(expected, abs=1e-6, nan_ok=True)


@given(st.lists(st.tuples(st.integers(90, 110), st.integers(0, 9), st.integers(0, 9)), min_size=1), lengths)
def test_atr_is_wilders_average_of_the_true_ranges(bars: list[tuple[int, int, int]], length: int) -> None:
    lows, highs = [low for low, _, _ in bars], [low + size for low, size, _ in bars]
    closes = [min(low + where, low + size) for low, size, where in bars]
    ranges = [highs[0] - lows[0]] + [
        max(high, close) - min(low, close)
        for high, low, close in zip(highs[1:], lows[1:], closes[:-1], strict=True)
    ]
    expected = [math.nan] * min(length - 1, len(bars))
    average = statistics.fmean(ranges[:length])
    for n in range(length - 1, len(bars)):
        average = average if n == length - 1 else average + (ranges[n] - average) / length
        expected.append(average)
    assert over(ATR(length), highs, lows, closes).tolist() == close_to(expected)


@given(st.lists(st.tuples(st.integers(1, 20_000), st.integers(1, 500), st.integers(0, 2)), min_size=1))
def test_vwap_is_worth_over_contracts_since_the_session_began(trades: list[tuple[int, int, int]]) -> None:
    trades.sort(key=lambda trade: trade[2])
    expected = []
    for i, (_, _, session) in enumerate(trades):
        since = [(price, qty) for price, qty, code in trades[: i + 1] if code == session]
        expected.append(sum(p * q for p, q in since) / sum(q for _, q in since))
    assert over(VWAP(), *zip(*trades, strict=True)).tolist() == expected


def test_vwap_waits_for_a_trade_of_something() -> None:
    vwap = VWAP()
    assert math.isnan(vwap.update(100, 0))
    assert not vwap.ready
    assert vwap.update(101, 2) == 101


FRESH: list[Callable[[], Indicator]] = [
    lambda: EMA(5),
    lambda: SMA(5),
    lambda: RSI(5),
    lambda: Bollinger(5),
    lambda: Highest(5),
    lambda: Lowest(5),
]


@given(prices, st.sampled_from(FRESH))
def test_a_column_gives_bit_for_bit_what_one_value_at_a_time_gives(
    values: list[float], fresh: Callable[[], Indicator]
) -> None:
    indicator = fresh()
    heard = np.array([indicator.update(value) for value in values], dtype=np.float64)
    column: Floats = over(fresh(), np.array(values))
    assert heard.tobytes() == column.tobytes()


@pytest.mark.parametrize(
    ("indicator", "after"),
    [(EMA(3), 3), (SMA(3), 3), (RSI(3), 4), (Bollinger(3), 3), (Highest(3), 3), (Lowest(3), 3)],
)
def test_an_indicator_is_ready_after_as_many_values_as_it_needs(
    indicator: EMA | SMA | RSI | Bollinger | Highest | Lowest, after: int
) -> None:
    told = []
    for value in range(6):
        indicator.update(value)
        told.append(indicator.ready)
    assert told == [n >= after for n in range(1, 7)]


def test_atr_is_ready_after_its_length_of_bars() -> None:
    atr = ATR(2)
    assert math.isnan(atr.update(10, 8, 9))
    assert not atr.ready
    assert atr.update(14, 12, 13) == (2 + 5) / 2
    assert atr.ready


def test_the_moving_sum_does_not_gather_rounding_errors() -> None:
    sma = SMA(7)
    for value in (1e16, -1e16, *([0.1] * 1000)):
        sma.update(value)
    assert sma.value == pytest.approx(0.1)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(BadInput, match="one length"):
        over(ATR(3), [1, 2], [1, 2], [1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: EMA(0),
        lambda: SMA(-1),
        lambda: RSI(0),
        lambda: ATR(0),
        lambda: Bollinger(1),
        lambda: Bollinger(20, 0.0),
        lambda: Bollinger(20, math.nan),
        lambda: Highest(0),
        lambda: Lowest(0),
    ],
)
def test_a_length_or_width_that_means_nothing_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(BadInput, match="must be"):
        make()
