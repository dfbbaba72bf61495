"""The life of an order as one total table: every status meets every event, and the answer is written down.

Late and repeated news is the rule, not the exception: a fill that beats the cancel still counts, an
acknowledgement after a fill changes nothing. What may never happen is in the table too, as `None`.
"""

from enum import IntEnum


class Status(IntEnum):
    """Where an order is. `UNKNOWN` lasts until the venue has been asked; it is not a rejection."""

    __hash__ = int.__hash__  # As a word of `units`: looked up often.

    HELD = 0
    """Kept by the trader until its stop fires; the venue does not know it."""
    SENT = 1
    WORKING = 2
    UNKNOWN = 3
    FILLED = 4
    CANCELED = 5
    REJECTED = 6
    EXPIRED = 7
    ABSENT = 8
    """Proved not to be at the venue: two of its snapshots, after a quiet period, did not have it."""

    @property
    def word(self) -> str:
        """The name in lower case."""
        return self.name.lower()


class Event(IntEnum):
    """What can happen to an order."""

    __hash__ = int.__hash__  # As a word of `units`: looked up often.

    FIRED = 0
    ACCEPTED = 1
    FILLED_IN_PART = 2
    FILLED_WHOLE = 3
    CANCELED = 4
    REJECTED = 5
    EXPIRED = 6
    DOUBTED = 7
    """No answer came in time, or the link broke while one was due."""
    MISSED = 8
    """Twice not in the venue's snapshots, though it would have had time to be."""


ALIVE = frozenset({Status.HELD, Status.SENT, Status.WORKING, Status.UNKNOWN})
"""What may still trade whole, and so counts against limits."""

_H, _S, _W, _U = Status.HELD, Status.SENT, Status.WORKING, Status.UNKNOWN
_F, _C, _R, _E = Status.FILLED, Status.CANCELED, Status.REJECTED, Status.EXPIRED
_A = Status.ABSENT

# Columns: FIRED, ACCEPTED, FILLED_IN_PART, FILLED_WHOLE, CANCELED, REJECTED, EXPIRED, DOUBTED, MISSED
NEXT: dict[Status, tuple[Status | None, ...]] = {
    _H: (_S, None, None, None, _C, None, _E, _H, None),
    _S: (None, _W, _W, _F, _C, _R, _E, _U, None),
    _W: (None, _W, _W, _F, _C, _W, _E, _U, None),
    _U: (None, _W, _W, _F, _C, _R, _E, _U, _A),
    _F: (None, _F, None, None, _F, _F, _F, _F, _F),
    _C: (None, _C, _C, _F, _C, _C, _C, _C, _C),
    _R: (None, _W, _W, _F, _C, _R, _E, _R, _R),
    _E: (None, _E, _E, _F, _E, _E, _E, _E, _E),
    _A: (None, _W, _W, _F, _C, _R, _E, _A, _A),
}
"""`NEXT[status][event]` is the new status; `None` is what a sane peer never says: the order stays, a person is told.

Two choices carry reasons. Any other news of a rejected or absent order revives it, and a rejection of a working
order changes nothing: the venue's money is truer than its words, and what may still trade must count. A fill in part
of a canceled or expired order moves the position and not the status. So whatever the sequence in which one order's
reports arrive, it ends in the same status. A rejected request to cancel is no event of the order's life.
"""


def after(status: Status, event: Event) -> Status | None:
    """The status that follows, or `None` where the two cannot meet."""
    return NEXT[status][event]
