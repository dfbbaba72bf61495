"""What a pre-trade rule is, what it may look at, and the verdict that only the gate can make."""

from typing import Protocol

import msgspec

from autofutures.domain.messages import Intent
from autofutures.domain.units import Mode


class Exposure(msgspec.Struct, frozen=True, gc=False):
    """What a rule may know besides the intent: the account in this instrument, and its market, at `now`."""

    now: int
    position: int
    """The account's netted position."""
    working_buy: int
    """Contracts that may still be bought: by orders that are alive, by exit plans, and by others' book stops."""
    working_sell: int
    last_ticks: int
    """The last trade; before the first, the middle of the quote. Meaningless where `last_at` is 0."""
    last_at: int
    """When the last trade or quote was heard; 0 for never."""
    session_open: bool
    low_ticks: int = 0
    """The day's lower price limit; 0 where it is not known."""
    high_ticks: int = 0
    mode: Mode = Mode.NORMAL
    """What the book may do."""
    reasons: tuple[str, ...] = ()
    """Why it may not do all."""
    stop_buy: int = 0
    """Contracts that the strategy's own book stop may buy, less with each that the strategy buys itself."""
    stop_sell: int = 0
    unknown: int = 0
    """Orders of this instrument whose outcome nobody knows."""
    must_plan: bool = False
    """Whether the strategy declared that every entry of it carries an exit plan."""
    stopped: bool = False
    """Whether the strategy's book stop has fired here and nobody has reset it."""

    def reduces(self, intent: Intent) -> bool:
        """Whether the order, with all that works on its side, can only bring the account's position nearer to zero."""
        return self.reduces_by(intent.side, intent.qty)

    def reduces_by(self, side: int, qty: int) -> bool:
        """As `reduces`, for so many contracts that are not at work yet."""
        working, stop = (self.working_buy, self.stop_buy) if side > 0 else (self.working_sell, self.stop_sell)
        return self.position * side + working + max(qty, stop) <= 0


class Approved(msgspec.Struct, frozen=True, gc=False):
    """An intent that passed every rule. Only `gate.Gate` makes one: nothing reaches the book without it."""

    intent: Intent


class Violation(msgspec.Struct, frozen=True, gc=False):
    """What was measured, and the limit that it passed. For rules about states both are 0 or 1."""

    limit: int
    value: int
    reason: str


class Rule(Protocol):
    """One named control: one file, one id."""

    id: str
    binds_exits: bool
    """Whether the trader's own exit orders, which only reduce, must pass it too."""

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """The violation, or `None` where the intent passes. Changes nothing."""

    def approved(self, intent: Intent, now: int) -> None:
        """Every rule let the intent pass: rules that count remember it."""


class Stateless:
    """For rules that remember nothing."""

    def approved(self, intent: Intent, now: int) -> None:
        """Nothing to remember."""
