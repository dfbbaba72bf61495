"""Says what the best of a search is worth once it is known how many were tried."""

from collections.abc import Sequence

import msgspec
import numpy as np

from autofutures.backtest.objective import SetResult, profits_of, ranked
from autofutures.backtest.overfitting import (
    MIN_OBSERVATIONS,
    Overfitting,
    backtest_overfitting,
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record,
    moments,
    probabilistic_sharpe,
)


class Verdict(msgspec.Struct, frozen=True):
    """How much of the best set's result is left after the search is counted. None where the sample cannot say.

    Sharpe ratios are those of one observation, never yearly; probabilities assume observations that do not depend on
    each other, and trials that do not either, which sets of one strategy never are.
    """

    observations: int
    observed_by: str
    """`day`, or `5 minutes` where the run has too few days."""
    trials: int
    """Sets that were tried on this data, by this search and earlier ones."""
    sharpe: float | None = None
    sharpe_of_luck: float | None = None
    """What the best of so many worthless sets would be expected to show."""
    probabilistic_sharpe: float | None = None
    """The probability that the best set's true ratio is above zero, had it been the only one tried."""
    deflated_sharpe: float | None = None
    """The same probability, against the ratio of luck."""
    minimum_track_record: int | None = None
    """Observations that this ratio needs to be above zero with 95 % confidence, were it the only one tried."""
    overfitting: Overfitting | None = None
    why_none: str = ""


def verdict(results: Sequence[SetResult], objective: str, trials: int) -> Verdict:
    """The verdict on the best of a search by its objective.

    Args:
        results: every set that was tried.
        objective: what the best is the best by.
        trials: how many sets were tried on this data in all, by this search and others.
    """
    best = ranked(results, objective)[0]
    found = profits_of([best, *(result for result in results if result is not best)])
    rows = len(found.periods)
    plain = Verdict(
        observations=rows,
        observed_by="day" if found.by_day else "5 minutes",
        trials=max(trials, len(results)),
    )
    measured = moments(found.table[:, 0])
    if measured is None:
        why = (
            f"{rows} observations, {MIN_OBSERVATIONS} needed"
            if rows < MIN_OBSERVATIONS
            else "the best set made nothing"
        )
        return msgspec.structs.replace(plain, why_none=why)
    every = [one for column in found.table.T if (one := moments(column)) is not None]
    variance = float(np.var([one.sharpe for one in every], ddof=1)) if len(every) > 1 else 0.0
    needed = minimum_track_record(measured)
    return msgspec.structs.replace(
        plain,
        sharpe=measured.sharpe,
        sharpe_of_luck=expected_maximum_sharpe(variance, plain.trials) if len(every) > 1 else None,
        probabilistic_sharpe=probabilistic_sharpe(measured),
        deflated_sharpe=deflated_sharpe(measured, variance, plain.trials) if len(every) > 1 else None,
        minimum_track_record=None if needed is None else int(np.ceil(needed)),
        overfitting=backtest_overfitting(found.table),
        why_none="" if len(every) > 1 else "fewer than two sets traded",
    )
