from random import Random

import pytest

from autofutures.telemetry.trend import trend_of


def noisy(slope: float, noise: float, count: int = 600, seed: int = 1) -> tuple[list[float], list[float]]:
    chance = Random(seed)
    times = [float(number) for number in range(count)]
    return times, [100 + slope * at + noise * (chance.random() - 0.5) for at in times]


def test_a_line_has_its_slope_and_an_interval_of_nothing() -> None:
    found = trend_of(*noisy(0.25, 0))
    assert found is not None
    assert found.slope == pytest.approx(0.25)
    assert found.low == pytest.approx(found.high)
    assert found.grows


def test_noise_around_a_level_is_no_growth_and_a_slope_in_it_is() -> None:
    flat, steep = trend_of(*noisy(0, 1)), trend_of(*noisy(0.01, 1))
    assert flat is not None
    assert steep is not None
    assert flat.low < 0 < flat.high
    assert not flat.grows
    assert steep.low < 0.01 < steep.high
    assert steep.grows


def test_the_interval_holds_the_true_slope_about_nineteen_times_in_twenty() -> None:
    found = [trend_of(*noisy(0.5, 20, count=120, seed=seed)) for seed in range(200)]
    held = sum(trend is not None and trend.low <= 0.5 <= trend.high for trend in found)
    assert 180 <= held <= 198


def test_one_step_is_not_taken_for_growth_without_end() -> None:
    """Memory that a process takes once is a step: the blocks' means do not lie on a line, and the interval is wide."""
    values = [100.0] * 290 + [101.0] * 310
    found = trend_of([float(number) for number in range(600)], values)
    assert found is not None
    assert found.high - found.low > 0.5 * found.slope


def test_too_few_samples_say_nothing() -> None:
    assert trend_of([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) is None
    assert trend_of([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]) is not None
