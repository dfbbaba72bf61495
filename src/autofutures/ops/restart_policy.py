"""When a process that died is started again, and when that is given up: decisions on numbers, nothing else."""

from collections import deque

import msgspec

from autofutures.domain.units import MINUTE, SECOND


class Patience(msgspec.Struct, frozen=True):
    """How often and how fast a process may be started again. Times in nanoseconds."""

    first_ns: int = 0
    """The first restart comes after so long; it is the usual one, so it does not wait."""
    step_ns: int = SECOND // 10
    """The next comes after so long, and each after twice the one before."""
    longest_ns: int = 5 * SECOND
    calm_ns: int = 3 * SECOND
    """A process that lived so long begins again with the first."""
    quick: int = 6
    """So many lives in a row that were shorter are enough: something is wrong that restarts do not mend."""
    budget: int = 20
    """And so many restarts within `window_ns`, however long the lives were."""
    window_ns: int = MINUTE


class RestartPolicy:
    """Remembers one process's deaths.

    Args:
        patience: the limits.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience if patience is not None else Patience()
        self._deaths: deque[int] = deque()
        self._in_a_row = 0
        self.restarts = 0

    def died(self, at: int, lived_ns: int, *, replaced: bool = False) -> int | None:
        """How long to wait before the process is started again; `None`: it has used its budget up.

        Args:
            at: when it died, on a clock that only goes forward.
            lived_ns: for how long it had run.
            replaced: it ended to begin anew, as it should: a short life is no sign of trouble then.
        """
        patience, deaths = self._patience, self._deaths
        deaths.append(at)
        while deaths[0] <= at - patience.window_ns:
            deaths.popleft()
        if len(deaths) > patience.budget:
            return None
        self._in_a_row = 1 if replaced or lived_ns >= patience.calm_ns else self._in_a_row + 1
        if self._in_a_row > patience.quick:
            return None
        self.restarts += 1
        if self._in_a_row == 1:
            return patience.first_ns
        return min(patience.step_ns << self._in_a_row - 2, patience.longest_ns)
