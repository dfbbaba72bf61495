"""The only reader of the hour. Everything that decides is given `now`; wall time only measures and paces."""

import time

from autofutures.domain.units import SECOND


def now_ns() -> int:
    """Wall-clock time, UTC nanoseconds since 1970."""
    return time.time_ns()


def stopwatch_ns() -> int:
    """A clock that only goes forward, nanoseconds from no particular moment: for durations on one machine."""
    return time.perf_counter_ns()


def sleep_ns(duration: int) -> None:
    """Waits so long; less than nothing is no wait."""
    if duration > 0:
        time.sleep(duration / SECOND)
