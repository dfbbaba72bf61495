"""Deals a run's trades anew, many times over: what the same trades could as well have made, and lost on the way."""

from typing import Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.domain.errors import BadInput

Integers = NDArray[np.int64]
Way = Literal["bootstrap", "shuffle"]

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
MIN_TRADES = 20
"""Fewer trades than this cannot be dealt anew to any use."""

_CELLS_AT_ONCE = 4_000_000


class Outcomes(msgspec.Struct, frozen=True):
    """The distribution over all deals; money in minor units.

    A deal takes trades as independent of each other: where wins and losses come in runs, true drawdowns are deeper.
    """

    way: Way
    """`bootstrap` draws as many trades with return, `shuffle` only changes their order."""
    trades: int
    samples: int
    seed: int
    net: dict[int, int]
    """Percentile to net profit."""
    max_drawdown: dict[int, int]
    """Percentile to the deepest drawdown at the end of a trade."""
    loss: float
    """The share of deals that lost money."""
    as_deep: float
    """The share whose drawdown was at least that of the trades in their own order."""


def way_of(text: str) -> Way:
    """A way by name.

    Raises:
        BadInput: there is none.
    """
    known: dict[str, Way] = {way: way for way in get_args(Way)}
    if text not in known:
        raise BadInput(f"there is no way {text!r} to deal; there are {', '.join(known)}")
    return known[text]


def deal(nets: Integers, samples: int = 10_000, seed: int = 1, way: Way = "bootstrap") -> Outcomes | None:
    """Net profit and drawdown over deals of the trades; None of fewer than `MIN_TRADES`.

    Args:
        nets: net profit of each closed trade, in order.
        samples: how many deals.
        seed: the same seed gives the same answer.
        way: see `Outcomes`.

    Raises:
        BadInput: no samples were asked for.
    """
    if samples < 1:
        raise BadInput(f"{samples} samples: give at least 1")
    count = len(nets)
    if count < MIN_TRADES:
        return None
    chance = np.random.default_rng(seed)
    ends, depths = np.empty(samples, dtype=np.int64), np.empty(samples, dtype=np.int64)
    at_once = max(1, _CELLS_AT_ONCE // count)
    for begin in range(0, samples, at_once):
        size = min(at_once, samples - begin)
        if way == "bootstrap":
            dealt = chance.choice(nets, size=(size, count))
        else:
            dealt = chance.permuted(np.broadcast_to(nets, (size, count)), axis=1)
        ends[begin : begin + size] = dealt.sum(axis=1)
        depths[begin : begin + size] = drawdowns(dealt)
    return Outcomes(
        way=way,
        trades=count,
        samples=samples,
        seed=seed,
        net=_percentiles(ends),
        max_drawdown=_percentiles(depths),
        loss=float(np.mean(ends < 0)),
        as_deep=float(np.mean(depths >= drawdowns(nets.reshape(1, -1))[0])),
    )


def drawdowns(rows: Integers) -> Integers:
    """The deepest drawdown of each row of profits; equity begins at 0."""
    equity = np.cumsum(rows, axis=1)
    peaks = np.maximum(np.maximum.accumulate(equity, axis=1), 0)
    deepest: Integers = (peaks - equity).max(axis=1, initial=0)
    return deepest


def _percentiles(values: Integers) -> dict[int, int]:
    # A deal that was dealt, not a mean of two: money stays whole.
    found = np.percentile(values, PERCENTILES, method="inverted_cdf")
    return {percentile: int(value) for percentile, value in zip(PERCENTILES, found, strict=True)}
