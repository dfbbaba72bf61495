"""What a pre-trade rule is, what it may look at, and the verdict that only the gate can make."""

from typing import ClassVar, Protocol

import msgspec

from autofutures.domain.messages import Halted, Intent
from autofutures.domain.units import Mode


class Own(msgspec.Struct, frozen=True, gc=False):
    """One strategy's own part of what `Exposure` says of the account."""

    position: int
    working_buy: int
    working_sell: int
    stop_buy: int
    stop_sell: int
    others_value: int


class MarginSeen(msgspec.Struct, frozen=True, gc=False):
    """What the margin of an order depends on; money in minor units."""

    earned: int
    """By the account, realised and open, after costs."""
    initial: int
    """Of one lot of this instrument; 0 where nobody has said it."""
    day_trade: int
    """Of one lot of a day trade now: 0 from the broker's cut-off on."""
    day_lots: int
    """Lots here, open and at work, that are day trades."""
    others: int
    """Initial margin of the account's other instruments, at work counted."""
    unknown: str
    """An instrument that is held, and whose margin nobody has said."""


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
    tick_value: int = 0
    """What one tick of one lot is worth in minor units; 0 where it is not known."""
    inverse_value: int = 0
    """As `Product.inverse_value`; 0: linear."""
    last_close_at: int = 0
    """When the contract's last session closes; 0 where it has none that is known."""
    own: Own | None = None
    """The strategy's own stake; only where a limit of some strategy's asks for it."""
    others_value: int = 0
    """What the account's other instruments are worth, at work counted; only where a limit asks for it."""
    halts: tuple[Halted, ...] = ()
    """Controls that have halted the account or the strategy."""
    messages: int = 0
    """Orders and cancels sent on this trading day; only where a limit asks for it."""
    margin: MarginSeen | None = None
    """Only where a limit asks for it."""
    lowest_sell_ticks: int | None = None
    """The lowest price at which an order of the account may sell here; none where none works."""
    highest_buy_ticks: int | None = None

    def seen_by_strategy(self) -> "Exposure":
        """The same market, with the strategy's own stake in place of the account's."""
        own = self.own
        if own is None:
            return self
        return msgspec.structs.replace(
            self,
            position=own.position,
            working_buy=own.working_buy,
            working_sell=own.working_sell,
            stop_buy=own.stop_buy,
            stop_sell=own.stop_sell,
            others_value=own.others_value,
        )

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

    @property
    def off(self) -> bool:
        """Whether its limit is not set: it is not asked then."""
        ...

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """The violation, or `None` where the intent passes. Changes nothing."""

    def approved(self, intent: Intent, now: int) -> None:
        """Every rule let the intent pass: rules that count remember it."""

    def succeed(self, other: "Rule") -> None:
        """Takes over what another one with the same id has counted, whose limit was changed."""


class Stateless:
    """For rules that remember nothing."""

    scopes: ClassVar[tuple[str, ...]] = ("strategy", "instrument")
    """For whom, besides the account, a limit may be set."""

    @property
    def off(self) -> bool:
        """A rule that has no limit, or always has one, is never off."""
        return False

    def approved(self, intent: Intent, now: int) -> None:
        """Nothing to remember."""

    def succeed(self, other: Rule) -> None:
        """Nothing to take over."""


class Switch(Stateless):
    """For rules that have no number: they are on where `on` is 1."""

    def __init__(self, on: int = 0) -> None:
        self.on = on

    @property
    def off(self) -> bool:
        """It is not switched on."""
        return not self.on
