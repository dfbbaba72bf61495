"""A circuit breaker for each operation at the venue: what fails again and again is tried less, and entries wait.

Closed: all goes. So many failures in turn open it: nothing new is opened for a pause. Then it is half open: one order
is let through on trial, and what becomes of it closes the breaker or opens it for twice as long. Exits and cancels
always pass: what must be closed is tried for ever. After Nygard, Release It!, chapter 5.
"""

from collections.abc import Callable
from enum import Enum

LONGEST = 8
"""A pause is at most so many times the first one."""


class State(Enum):
    """Whether an operation is tried."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


class Breaker:
    """One operation's.

    Args:
        operation: its name: submit, cancel or query.
        failures: so many in turn open it.
        pause_ns: the first pause.

    Attributes:
        state: whether it is tried.
    """

    def __init__(self, operation: str, failures: int, pause_ns: int) -> None:
        self.operation = operation
        self._most = failures
        self._first_ns = pause_ns
        self._pause_ns = pause_ns
        self._failures = 0
        self._until = 0
        self._why = ""
        self.state = State.CLOSED

    def succeeded(self) -> None:
        """The venue did what it was asked to."""
        self._failures = 0
        if self.state is not State.CLOSED:
            self.state, self._pause_ns = State.CLOSED, self._first_ns

    def failed(self, now: int, why: str) -> bool:
        """It did not; whether that has opened the breaker, for the first time since it was closed."""
        self._failures += 1
        self._why = why
        if self.state is State.CLOSED and self._failures >= self._most:
            self._open(now)
            return True
        if self.state is State.HALF_OPEN:
            self._pause_ns = min(2 * self._pause_ns, LONGEST * self._first_ns)
            self._open(now)
        return False

    def tick(self, now: int) -> None:
        """Time has come this far: after its pause it is half open."""
        if self.state is State.OPEN and now >= self._until:
            self.state = State.HALF_OPEN

    def reason(self, *, on_trial: bool) -> str:
        """Why nothing new may be opened; empty where it may.

        Args:
            on_trial: an order is on its way of which nothing has been heard.
        """
        if self.state is State.OPEN:
            return f"breaker {self.operation} is open: {self._failures} failures in turn, {self._why}"
        if self.state is State.HALF_OPEN and on_trial:
            return f"breaker {self.operation} is half open: one order is on trial"
        return ""

    def _open(self, now: int) -> None:
        self.state, self._until = State.OPEN, now + self._pause_ns


class Breakers:
    """Those of a venue.

    Args:
        failures: so many in turn open one; 0: none is ever open.
        pause_ns: the first pause.
        on_trial: whether an order is on its way of which nothing has been heard.

    Attributes:
        are_closed: nothing is wrong with any; asked for every order.
    """

    def __init__(self, failures: int, pause_ns: int, on_trial: Callable[[], bool]) -> None:
        self._on = failures > 0
        self._on_trial = on_trial
        self.submit, self.cancel, self.query = (
            Breaker(operation, failures, pause_ns) for operation in ("submit", "cancel", "query")
        )
        self._all = (self.submit, self.cancel, self.query)
        self._trial = False
        self.are_closed = True

    def succeeded(self, breaker: Breaker) -> None:
        """An operation did what it should."""
        breaker.succeeded()
        self._look()

    def failed(self, breaker: Breaker, now: int, why: str) -> bool:
        """An operation failed; whether that is news."""
        news = self._on and breaker.failed(now, why)
        self._look()
        return news

    def tick(self, now: int) -> None:
        """Time has come this far."""
        for breaker in self._all:
            breaker.tick(now)

    def look_at_trial(self) -> None:
        """The mode is about to be said: from now on an order that has been answered is not on trial any more.

        Not before: what is let through must be so by the mode that was said last.
        """
        self._trial = self._on_trial()

    def reasons(self) -> list[str]:
        """Why nothing new may be opened."""
        self._trial = self._trial or self._on_trial()
        found = (breaker.reason(on_trial=self._trial) for breaker in self._all)
        return [reason for reason in found if reason]

    def _look(self) -> None:
        self.are_closed = all(breaker.state is State.CLOSED for breaker in self._all)
