"""Latencies as people compare them: median, 99th and 99.9th percentile, in microseconds."""

from collections import deque
from itertools import islice

import msgspec

from autofutures.domain.units import SECOND

STALL_NS = SECOND // 20
"""What takes so long is worth asking why."""

Stall = tuple[int, int]
"""When on the stopwatch it was over, and how long it took, nanoseconds."""


class LatencySummary(msgspec.Struct, frozen=True):
    """Percentiles in microseconds; `None` where nothing was measured."""

    count: int
    p50: float | None
    p99: float | None
    p999: float | None


def percentile(ordered: list[int], per_mille: int) -> float | None:
    """The nearest-rank percentile of ordered nanoseconds, in microseconds; `per_mille` is from 1 to 1,000.

    It is the smallest that at least so many of all reach: rank ceil(share x count), in integers.
    """
    if not ordered:
        return None
    rank = -(-per_mille * len(ordered) // 1_000)
    return ordered[rank - 1] / 1_000


class LatencyTally:
    """Collects durations: the newest 200,000, so that a process of weeks does not grow by them."""

    KEPT = 200_000

    def __init__(self) -> None:
        self._durations: deque[int] = deque(maxlen=self.KEPT)

    def add(self, duration_ns: int) -> None:
        """One measured duration."""
        self._durations.append(duration_ns)

    def summary(self, newest: int = KEPT) -> LatencySummary:
        """What was measured so far, or of the newest so many: to sort all of them takes a while."""
        ordered = sorted(islice(reversed(self._durations), newest))
        return LatencySummary(
            len(ordered), percentile(ordered, 500), percentile(ordered, 990), percentile(ordered, 999)
        )


class Arrivals:
    """Knows when market data came: their numbers, in the sequence in which they arrived, with the stopwatch's time."""

    KEPT = 4_096
    """Arrivals that are remembered: many seconds of an ordinary market."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, int]] = deque(maxlen=self.KEPT)

    def add(self, last: int, at: int) -> None:
        """Everything up to this number has come by now."""
        self._kept.append((last, at))

    def of(self, number: int) -> int:
        """When that number came; 0 where it is not known (any more)."""
        found = 0
        for last, at in reversed(self._kept):
            if last < number:
                return found
            found = at
        return 0


class Stalls:
    """What took too long, one by one, up to a bound."""

    MOST = 10_000

    def __init__(self) -> None:
        self.kept: list[Stall] = []

    def add(self, at: int, duration_ns: int) -> None:
        """One that ended at `at` on the stopwatch."""
        if len(self.kept) < self.MOST:
            self.kept.append((at, duration_ns))
