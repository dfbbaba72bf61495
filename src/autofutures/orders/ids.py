"""Client ids: ten characters in base 36, which fit the one field that brokers echo: day 3, epoch 2, counter 5.

An id is never used twice: the counter grows for as long as an epoch lasts, and the epoch is stored before its first
use. The day is there for people who read a broker's screen.
"""

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.units import SECOND

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_DAY_NS = 86_400 * SECOND
_TAIPEI_NS = 8 * 3_600 * SECOND
_FIRST_DAY = 10_957
"""2000-01-01, in days since 1970."""

MAX_EPOCH = 36**2 - 1
MAX_COUNTER = 36**5 - 1


def base36(number: int, width: int) -> str:
    """A number in base 36 with leading zeros.

    Raises:
        BrokenInvariant: it does not fit the width.
    """
    text = ""
    rest = number
    while rest > 0:
        rest, digit = divmod(rest, 36)
        text = _DIGITS[digit] + text
    if number < 0 or len(text) > width:
        raise BrokenInvariant(f"{number} does not fit {width} characters of base 36: start a new epoch")
    return text.rjust(width, "0")


class ClientIds:
    """Makes the ids of one epoch."""

    def __init__(self, epoch: int, counter: int = 0) -> None:
        self._epoch = base36(epoch, 2)
        self._counter = counter
        self._day = -1
        self._prefix = ""

    def next(self, now: int) -> str:
        """The next id, for an order decided at `now`."""
        day = (now + _TAIPEI_NS) // _DAY_NS - _FIRST_DAY
        if day != self._day:
            self._day = day
            self._prefix = base36(max(day, 0) % 36**3, 3) + self._epoch
        self._counter += 1
        return self._prefix + base36(self._counter, 5)


KILL = "k"
"""How the ids of the kill switch's own orders begin, and of its queries: no trader's id does before the year 2070."""

_MAX_LIFE = 36**4 - 1


class KillIds:
    """Makes the ids of the kill switch's orders in one life of the gateway: `k`, life 4, counter 5.

    Args:
        life: a number that no other life had; it was stored before.
    """

    def __init__(self, life: int) -> None:
        self._prefix = KILL + base36(life % _MAX_LIFE, 4)
        self._counter = 0

    def next(self) -> str:
        """The next id."""
        self._counter += 1
        return self._prefix + base36(self._counter, 5)


def is_kill_id(client_id: str) -> bool:
    """Whether an order, or a query, is the kill switch's."""
    return client_id.startswith(KILL)
