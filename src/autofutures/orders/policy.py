"""How long the book waits before it doubts, asks and gives up: every time limit of an order's life, in one place."""

from typing import Literal

import msgspec

from autofutures.domain.units import SECOND

OnStop = Literal["keep", "flatten", "hand_over"]
"""What becomes of a strategy's lots and orders when the machine stops.

`keep`: lots stay, with their exit plans and what only reduces them; what would open is asked back. `flatten`: orders
are asked back, and lots closed. `hand_over`: all stays as it is, for a machine that goes on with the same state.
"""

Strangers = Literal["ignore", "adopt", "flatten"]
"""What becomes of orders at the venue that are not ours: left alone, taken into a ledger of their own, or undone."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Time limits in nanoseconds. A replay in lockstep loses nothing and asks nobody: `reconciles` is off there."""

    reconciles: bool = False
    """Whether the venue is asked at all: at the start, after each reconnect, every `every_ns`, at a session's end."""
    answer_ns: int = SECOND
    """A sent order without a word of the venue is in doubt after so long."""
    quiet_ns: int = SECOND
    """An order is absent only by queries asked so long after the last moment at which it may have been sent."""
    every_ns: int = 3 * SECOND
    """The venue is asked so often: what it alone knows is compared twice, and told, within five seconds."""
    query_ns: int = SECOND
    """A query without an answer is asked again after so long, then after twice that, and so on to `every_ns`."""
    decision_ns: int = 2 * SECOND
    """A decision older than this is not placed, and an order older than this is not sent."""
    exit_doubt_ns: int = 5 * SECOND
    """An exit whose outcome is unknown for so long halts the book and alerts."""
    flat_before_expiry_ns: int = 0
    """What is held in a contract is closed so long before its last session does; 0: it is held to its end."""
    strangers: Strangers = "ignore"
    breaker_failures: int = 5
    """So many failures of one operation in turn open its breaker; 0 for never."""
    breaker_pause_ns: int = 10 * SECOND
    """Then nothing new is opened for so long, and for up to eight times as long where it fails again."""
    leave_ns: int = 10 * SECOND
    """A machine that stops has so long to do with lots and orders what each strategy's `on_stop` says."""
