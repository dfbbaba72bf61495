"""Walks through a run: picks the best set on one window, and counts what it made in the next.

Every set is run once over the whole market; a window's profit is what its equity gained between the window's ends. So a
set that is picked was warm already, as if it had been followed on paper, and what it holds when its window ends is not
closed. A run decides by what it has heard alone, so a window sees nothing of what comes after it.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.objective import (
    Figure,
    Profits,
    SetResult,
    best_column,
    period_figures,
    profits_of,
)
from autofutures.backtest.overfitting import Moments, moments
from autofutures.backtest.space import ParameterSet
from autofutures.domain.errors import BadInput

Kind = Literal["rolling", "anchored"]

MOST_WINDOWS = 10_000


class Window(msgspec.Struct, frozen=True):
    """One step of the walk; rows count from 0, ends are not included."""

    train: tuple[int, int]
    test: tuple[int, int]


class Step(msgspec.Struct, frozen=True):
    """What one window picked, and what that made afterwards. Money in minor units."""

    train: tuple[int, int]
    """First and last period of it: trading days, or starts of slices (UTC nanoseconds)."""
    test: tuple[int, int]
    picked: ParameterSet | None
    """None where the objective could say nothing of any set."""
    in_sample: Figure
    """The objective of the picked set in the train window."""
    out_of_sample: Figure
    """The same in the test window; None where it is too short to say."""
    in_sample_net: int
    out_of_sample_net: int


class WalkForward(msgspec.Struct, frozen=True):
    """The whole walk."""

    kind: Kind
    objective: str
    by_day: bool
    steps: list[Step]
    periods: list[int]
    """Those of all test windows, in order."""
    equity: list[int]
    """Net profit after each of them, the picks' test windows joined."""
    net: int
    max_drawdown: int
    efficiency: float | None
    """Mean profit of a period out of sample over that in sample; None where the latter is not above zero."""
    sharpe: float | None
    """Of one period, out of sample; None where there are too few."""
    share_won: float
    """The share of test windows that made money."""
    unpicked: int
    """Windows in which nothing could be picked: they made nothing."""


def windows(periods: int, train: int, test: int, kind: Kind = "rolling") -> list[Window]:
    """Windows of so many periods; each test follows its train at once, and tests follow each other without a gap.

    Anchored windows all train from the first period on, rolling ones on the last `train` periods.

    Raises:
        BadInput: not one whole train window and one period to test fit.
    """
    if train < 1 or test < 1:
        raise BadInput(f"windows of {train} and {test} periods: give at least 1 of each")
    if train >= periods:
        raise BadInput(
            f"the run has {periods} periods, and a train window of {train} leaves none to test: choose a shorter "
            "one, or more data"
        )
    begins = range(train, periods, test)
    if len(begins) > MOST_WINDOWS:
        raise BadInput(f"{len(begins):,} windows: take longer test windows")
    return [
        Window((0 if kind == "anchored" else begin - train, begin), (begin, min(begin + test, periods)))
        for begin in begins
    ]


def windows_of_days(days: Sequence[int], train: int, test: int, kind: Kind = "rolling") -> list[Window]:
    """Windows of so many trading days, over rows of which several may be of one day; `days` says which."""
    starts = [row for row, day in enumerate(days) if not row or days[row - 1] != day]
    bounds = [*starts, len(days)]
    return [
        Window((bounds[one.train[0]], bounds[one.train[1]]), (bounds[one.test[0]], bounds[one.test[1]]))
        for one in windows(len(starts), train, test, kind)
    ]


def walk_forward(
    results: Sequence[SetResult], cut: Sequence[Window], objective: str, kind: Kind
) -> WalkForward:
    """Walks over the profits of every set of a search.

    Args:
        results: every set, over the same run.
        cut: the windows, in order.
        objective: one of `PERIOD_OBJECTIVES`: what the pick is made by.
        kind: how the windows were cut, to be told.

    Raises:
        BadInput: the objective needs more than profit over time.
    """
    found = profits_of(results)
    picks = [_pick(found, window, objective) for window in cut]
    steps = [_step(found, results, window, pick, objective) for window, pick in zip(cut, picks, strict=True)]
    tests = np.concatenate(
        [_column(found, window.test, pick) for window, pick in zip(cut, picks, strict=True)]
    )
    trains = np.concatenate(
        [_column(found, window.train, pick) for window, pick in zip(cut, picks, strict=True)]
    )
    equity = tests.cumsum()
    peaks = np.maximum(np.maximum.accumulate(equity), 0.0)
    measured: Moments | None = moments(tests)
    inside = float(trains.mean())
    return WalkForward(
        kind=kind,
        objective=objective,
        by_day=found.by_day,
        steps=steps,
        periods=[period for window in cut for period in found.periods[slice(*window.test)]],
        equity=[int(value) for value in equity],
        net=int(equity[-1]),
        max_drawdown=int((peaks - equity).max()),
        efficiency=float(tests.mean()) / inside if inside > 0.0 else None,
        sharpe=None if measured is None else measured.sharpe,
        share_won=float(np.mean([step.out_of_sample_net > 0 for step in steps])),
        unpicked=sum(step.picked is None for step in steps),
    )


def _pick(found: Profits, window: Window, objective: str) -> int | None:
    return best_column(period_figures(found.table[slice(*window.train)], objective, by_day=found.by_day))


def _column(found: Profits, rows: tuple[int, int], column: int | None) -> NDArray[np.float64]:
    return np.zeros(rows[1] - rows[0]) if column is None else found.table[slice(*rows), column]


def _step(
    found: Profits, results: Sequence[SetResult], window: Window, pick: int | None, objective: str
) -> Step:
    figures: list[Figure] = [None, None]
    if pick is not None:
        figures = [
            period_figures(found.table[slice(*rows), [pick]], objective, by_day=found.by_day)[0]
            for rows in (window.train, window.test)
        ]
    return Step(
        train=(found.periods[window.train[0]], found.periods[window.train[1] - 1]),
        test=(found.periods[window.test[0]], found.periods[window.test[1] - 1]),
        picked=None if pick is None else results[pick].parameters,
        in_sample=figures[0],
        out_of_sample=figures[1],
        in_sample_net=int(_column(found, window.train, pick).sum()),
        out_of_sample_net=int(_column(found, window.test, pick).sum()),
    )
