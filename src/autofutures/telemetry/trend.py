"""Whether something grows: a line through samples over time, with the interval in which its slope lies.

Neighbouring samples are alike, so they do not count as independent: the line is laid through the means of a few blocks
of them (batch means, as in the steady-state analysis of simulations; Law, Simulation Modeling and Analysis, 9.5.3).
"""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import msgspec

BLOCKS = 12

_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t at 97.5 %, by degrees of freedom from 1; BLOCKS - 2 of them at most."""


class Trend(msgspec.Struct, frozen=True):
    """A slope for each unit of time, and its 95 % interval."""

    slope: float
    low: float
    high: float
    samples: int

    @property
    def grows(self) -> bool:
        """Whether the slope is above zero for certain: the whole interval is."""
        return self.low > 0


def trend_of(times: Sequence[float], values: Sequence[float]) -> Trend | None:
    """The trend of samples, in their order; `None` where there are fewer than three blocks of two."""
    blocks = min(BLOCKS, len(times) // 2)
    if blocks < 3:
        return None
    edges = [len(times) * number // blocks for number in range(blocks + 1)]
    spans = list(pairwise(edges))
    xs = [sum(times[a:b]) / (b - a) for a, b in spans]
    ys = [sum(values[a:b]) / (b - a) for a, b in spans]
    mean_x, mean_y = sum(xs) / blocks, sum(ys) / blocks
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True))
    error = _T_975[blocks - 3] * sqrt(rest / (blocks - 2) / spread)
    return Trend(slope, slope - error, slope + error, len(times))
