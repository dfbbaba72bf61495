"""Cuts a sample into train and test so that no outcome is in both: purged, embargoed, and combinatorial.

López de Prado (2018), Advances in Financial Machine Learning (AFML): chapter 7 on purging and embargo, chapter
12 on combinatorial purged cross-validation, whose splits join into several whole out-of-sample paths.
"""

from collections.abc import Sequence
from itertools import combinations
from math import comb

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.objective import Profits, best_column, period_figures
from autofutures.backtest.overfitting import moments
from autofutures.domain.errors import BadInput

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_SPLITS = 20_000


class Split(msgspec.Struct, frozen=True):
    """Which observations a choice is made on and which judge it, ascending, none in both."""

    train: Integers
    test: Integers
    groups: tuple[int, ...]
    """The groups that the test is made of."""


class Combinatorial(msgspec.Struct, frozen=True):
    """Every choice of test groups, and the paths that their tests make."""

    splits: list[Split]
    groups: list[Integers]
    """Observations of each group, in order of time."""
    paths: list[tuple[int, ...]]
    """For each path, the split whose test each of its groups is taken from."""


def horizon(count: int, reach: int) -> Integers:
    """Outcomes that each reach so many observations further, as far as there are any."""
    return np.minimum(np.arange(count) + reach, max(0, count - 1))


def purged_folds(ends: Integers, folds: int, embargo: int = 0) -> list[Split]:
    """K folds in order of time, each the test once (AFML 7.4).

    Args:
        ends: for each observation, the last one that its outcome reaches; see `horizon`.
        folds: how many, at least 2.
        embargo: observations after a test that are not trained on either.

    Raises:
        BadInput: more folds than observations, or a number that makes no sense.
    """
    groups = _cut(ends, folds, embargo)
    return [_split(ends, groups, (number,), embargo) for number in range(folds)]


def combinatorial_folds(ends: Integers, groups: int, tests: int, embargo: int = 0) -> Combinatorial:
    """Every way to test on `tests` of so many groups, and the φ = C(N, k)·k/N paths (AFML 12.3 to 12.4).

    Raises:
        BadInput: more groups than observations, all groups tested, or more than `MOST_SPLITS` splits.
    """
    cut = _cut(ends, groups, embargo)
    if not 0 < tests < groups:
        raise BadInput(f"{tests} of {groups} groups cannot be tested: leave at least one to train on")
    if comb(groups, tests) > MOST_SPLITS:
        raise BadInput(f"{groups} groups by {tests} are {comb(groups, tests):,} splits: choose fewer groups")
    chosen = list(combinations(range(groups), tests))
    splits = [_split(ends, cut, numbers, embargo) for numbers in chosen]
    supply = [[index for index, numbers in enumerate(chosen) if group in numbers] for group in range(groups)]
    return Combinatorial(splits=splits, groups=cut, paths=list(zip(*supply, strict=True)))


def _cut(ends: Integers, groups: int, embargo: int) -> list[Integers]:
    count = len(ends)
    if not 2 <= groups <= count:
        raise BadInput(f"{groups} groups of {count} observations: give from 2 to {count}")
    if embargo < 0:
        raise BadInput(f"an embargo of {embargo}: give 0 or more observations")
    if bool((ends < np.arange(count)).any()):
        raise BadInput("an outcome ends before it begins: give for each observation itself or a later one")
    return np.array_split(np.arange(count), groups)


def _split(ends: Integers, groups: Sequence[Integers], numbers: tuple[int, ...], embargo: int) -> Split:
    kept: Flags = np.ones(len(ends), dtype=np.bool_)
    own = np.arange(len(ends))
    for number in numbers:
        first, last = int(groups[number][0]), int(ends[groups[number]].max())
        # An outcome is in the way where its span meets the test's: begun before its end, ended after its begin.
        kept &= (ends < first) | (own > last + embargo)
    return Split(
        train=np.flatnonzero(kept),
        test=np.concatenate([groups[number] for number in numbers]),
        groups=numbers,
    )


class Validation(msgspec.Struct, frozen=True):
    """What the picks of each split's train made in its test. Money in minor units."""

    objective: str
    splits: int
    picked: list[int | None]
    """The column that each split picked; None where the objective could say nothing."""
    in_sample: list[float]
    """Mean profit of a period of each pick, in its train."""
    out_of_sample: list[float]
    """The same in its test."""
    efficiency: float | None
    """Mean out of sample over mean in sample; None where the latter is not above zero."""
    share_won: float
    """The share of tests that made money."""
    paths: list[int]
    """Net profit of each whole out-of-sample path; of plain folds there is one."""
    path_sharpes: list[float | None]
    """Sharpe ratio of one period of each path; None where it has too few."""


def validate(profits: Profits, objective: str, folds: Combinatorial) -> Validation:
    """Picks on each train and judges on each test.

    Sets ran over the whole market, so a test's profit is what the pick's equity gained in it.

    Raises:
        BadInput: the objective needs more than profit over time, or purging left a split nothing to train on.
    """
    picked: list[int | None] = []
    inside: list[float] = []
    outside: list[float] = []
    for split in folds.splits:
        if not len(split.train):
            raise BadInput("purging and embargo leave a split nothing to train on: make them shorter")
        figures = period_figures(profits.table[split.train], objective, by_day=profits.by_day)
        pick = best_column(figures)
        picked.append(pick)
        inside.append(0.0 if pick is None else float(profits.table[split.train, pick].mean()))
        outside.append(0.0 if pick is None else float(profits.table[split.test, pick].mean()))
    paths = [_path(profits, folds, picked, path) for path in folds.paths]
    mean = float(np.mean(inside))
    found = [moments(path) for path in paths]
    return Validation(
        objective=objective,
        splits=len(folds.splits),
        picked=picked,
        in_sample=inside,
        out_of_sample=outside,
        efficiency=float(np.mean(outside)) / mean if mean > 0.0 else None,
        share_won=float(np.mean([made > 0.0 for made in outside])),
        paths=[int(path.sum()) for path in paths],
        path_sharpes=[None if one is None else one.sharpe for one in found],
    )


def as_combinatorial(splits: list[Split]) -> Combinatorial:
    """Plain folds, whose tests make one path."""
    return Combinatorial(splits, [split.test for split in splits], [tuple(range(len(splits)))])


def _path(
    profits: Profits, folds: Combinatorial, picked: Sequence[int | None], path: tuple[int, ...]
) -> NDArray[np.float64]:
    parts: list[NDArray[np.float64]] = []
    for rows, split in zip(folds.groups, path, strict=True):
        pick = picked[split]
        parts.append(np.zeros(len(rows)) if pick is None else profits.table[rows, pick])
    return np.concatenate(parts)
