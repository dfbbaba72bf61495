"""Says how much of a search's best result is luck: deflated Sharpe ratio and probability of overfitting.

Sharpe ratios here are those of one observation (a day, a slice of one), never made yearly. The sources:

- Bailey and López de Prado (2012), The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2): the
  probabilistic Sharpe ratio and the minimum track record length.
- Bailey and López de Prado (2014), The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5).
- Bailey, Borwein, López de Prado and Zhu (2015), The Probability of Backtest Overfitting, Journal of
  Computational Finance: combinatorially symmetric cross-validation (CSCV).
"""

import math
from collections.abc import Iterator
from itertools import combinations, islice
from statistics import NormalDist

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.domain.errors import BadInput

Floats = NDArray[np.float64]

MIN_OBSERVATIONS = 20
"""Fewer observations than this say nothing of a ratio: the limit of `statistics.MIN_DAYS`."""

MOST_BLOCKS = 16
"""The paper's own choice; 12,870 ways to halve the sample."""

LEAST_BLOCKS = 8
"""70 ways to halve: with fewer a probability comes in steps too coarse to mean anything."""

LEAST_ROWS_IN_BLOCK = 5
"""With fewer observations a block's own mean is noise alone."""

_NORMAL = NormalDist()
_CELLS_AT_ONCE = 4_000_000


class Moments(msgspec.Struct, frozen=True):
    """What is known of a series of profits: a Sharpe ratio and what it takes to judge it."""

    observations: int
    sharpe: float
    """Mean over sample deviation, of one observation."""
    skewness: float = 0.0
    kurtosis: float = 3.0
    """3 of the normal distribution: not the excess."""


def moments(profits: Floats) -> Moments | None:
    """The moments of a series; None where it is too short, or every observation is the same."""
    count = len(profits)
    if count < MIN_OBSERVATIONS:
        return None
    away = profits - profits.mean()
    variance = float(np.mean(away**2))
    if _is_nothing(variance, float(np.mean(profits**2))):
        return None
    return Moments(
        observations=count,
        sharpe=float(profits.mean()) / math.sqrt(variance * count / (count - 1)),
        skewness=float(np.mean(away**3)) / variance**1.5,
        kurtosis=float(np.mean(away**4)) / variance**2,
    )


def _is_nothing(variance: float, mean_square: float) -> bool:
    """Whether a variance is only what rounding leaves."""
    return variance <= 1e-14 * mean_square


def probabilistic_sharpe(found: Moments, benchmark: float = 0.0) -> float:
    """The probability that the true Sharpe ratio is above the benchmark (2012, equation 11)."""
    error = math.sqrt(_spread(found))
    distance = (found.sharpe - benchmark) * math.sqrt(found.observations - 1)
    if error == 0.0:
        return 0.5 if distance == 0.0 else float(distance > 0.0)
    return _NORMAL.cdf(distance / error)


def _spread(found: Moments) -> float:
    """The variance of the estimated Sharpe ratio times the observations less one (Mertens 2002)."""
    return max(0.0, 1.0 - found.skewness * found.sharpe + (found.kurtosis - 1.0) / 4.0 * found.sharpe**2)


def expected_maximum_sharpe(variance: float, trials: int) -> float:
    """The Sharpe ratio that the best of so many worthless trials is expected to show (2014, equation 1).

    Args:
        variance: of the Sharpe ratios over the trials.
        trials: how many independent ones; the number of all sets tried overstates it, and so is careful.
    """
    if trials < 2:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - np.euler_gamma) * first + np.euler_gamma * second)


def deflated_sharpe(best: Moments, variance: float, trials: int) -> float:
    """The probability that the best of so many trials is better than luck would have it (2014, equation 2)."""
    return probabilistic_sharpe(best, expected_maximum_sharpe(variance, trials))


def minimum_track_record(found: Moments, benchmark: float = 0.0, confidence: float = 0.95) -> float | None:
    """Observations after which this Sharpe ratio is above the benchmark with that confidence (2012, eq. 13).

    None where it is not above: no track record would be long enough.
    """
    if not 0.5 < confidence < 1.0:
        raise BadInput(f"confidence is {confidence}: give one between 0.5 and 1")
    if found.sharpe <= benchmark:
        return None
    return 1.0 + _spread(found) * (_NORMAL.inv_cdf(confidence) / (found.sharpe - benchmark)) ** 2


class Overfitting(msgspec.Struct, frozen=True):
    """What CSCV says of a search."""

    pbo: float
    """The share of halvings in which the in-sample best was no better than the median out of sample."""
    loss: float
    """The share in which the in-sample best lost money out of sample."""
    degradation: float | None
    """Slope of the out-of-sample Sharpe ratio over the in-sample one; below zero: the better, the worse."""
    halvings: int
    blocks: int
    rows: int
    """Observations used: the last ones, so that the blocks are equal."""


def blocks_for(rows: int) -> int:
    """How many blocks a sample of so many rows can be cut into: an even number, 0 where it is too short."""
    blocks = min(MOST_BLOCKS, rows // LEAST_ROWS_IN_BLOCK // 2 * 2)
    return blocks if blocks >= LEAST_BLOCKS else 0


def backtest_overfitting(profits: Floats, blocks: int = 0) -> Overfitting | None:
    """The probability of backtest overfitting by CSCV, ranked by Sharpe ratio.

    Args:
        profits: one row for each observation in order of time, one column for each set tried.
        blocks: an even number; 0 for as many as the rows allow, up to `MOST_BLOCKS`.

    Returns:
        None where there are fewer than two sets, or too few rows.

    Raises:
        BadInput: the number of blocks is odd, or there are fewer rows than blocks.
    """
    rows, sets = profits.shape
    blocks = blocks or blocks_for(rows)
    if sets < 2 or not blocks:
        return None
    if blocks % 2 or blocks > rows:
        raise BadInput(f"{blocks} blocks of {rows} rows: give an even number, no more than there are rows")
    size = rows // blocks
    used = profits[rows - size * blocks :].reshape(blocks, size, sets)
    sums, squares = used.sum(axis=1), (used**2).sum(axis=1)
    chosen: list[Floats] = []
    for halves in _halvings(blocks, sets):
        inside = _sharpe(halves @ sums, halves @ squares, size * blocks // 2)
        outside = _sharpe((1.0 - halves) @ sums, (1.0 - halves) @ squares, size * blocks // 2)
        chosen.append(_chosen(inside, outside))
    ranks, inside_best, outside_best = np.concatenate(chosen, axis=1)
    relative = ranks / (sets + 1.0)
    return Overfitting(
        pbo=float(np.mean(np.log(relative / (1.0 - relative)) <= 0.0)),
        loss=float(np.mean(outside_best < 0.0)),
        degradation=_slope(inside_best, outside_best),
        halvings=len(ranks),
        blocks=blocks,
        rows=size * blocks,
    )


def _halvings(blocks: int, sets: int) -> Iterator[Floats]:
    """Every choice of half the blocks, as rows of ones and zeros, some at a time."""
    every = combinations(range(blocks), blocks // 2)
    at_once = max(1, _CELLS_AT_ONCE // sets)
    while some := list(islice(every, at_once)):
        halves = np.zeros((len(some), blocks))
        np.put_along_axis(halves, np.array(some), 1.0, axis=1)
        yield halves


def _sharpe(sums: Floats, squares: Floats, count: int) -> Floats:
    """Sharpe ratios from sums; 0 where every observation is the same, as of a set that never traded."""
    mean = sums / count
    variance = (squares - sums * mean) / (count - 1)
    real = variance > 1e-14 * squares
    return np.where(real, mean / np.sqrt(np.where(real, variance, 1.0)), 0.0)


def _chosen(inside: Floats, outside: Floats) -> Floats:
    """Of each halving: the out-of-sample rank of the in-sample best (ties share one), and both its ratios."""
    best = inside.argmax(axis=1, keepdims=True)
    theirs = np.take_along_axis(outside, best, axis=1)
    ranks = (outside < theirs).sum(axis=1) + ((outside == theirs).sum(axis=1) + 1) / 2.0
    return np.stack([ranks, np.take_along_axis(inside, best, axis=1)[:, 0], theirs[:, 0]])


def _slope(x: Floats, y: Floats) -> float | None:
    away = x - x.mean()
    spread = float(away @ away)
    return None if _is_nothing(spread, float(x @ x)) else float(away @ (y - y.mean())) / spread
