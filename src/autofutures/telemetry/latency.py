"""Latencies as people compare them: median, 99th and 99.9th percentile, in microseconds."""

import msgspec


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
    """Collects durations."""

    def __init__(self) -> None:
        self._durations: list[int] = []

    def add(self, duration_ns: int) -> None:
        """One measured duration."""
        self._durations.append(duration_ns)

    def summary(self) -> LatencySummary:
        """What was measured so far."""
        ordered = sorted(self._durations)
        return LatencySummary(
            len(ordered), percentile(ordered, 500), percentile(ordered, 990), percentile(ordered, 999)
        )
