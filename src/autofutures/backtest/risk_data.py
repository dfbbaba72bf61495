"""What the page of a trading day's risk shows, as data. Times are UTC nanoseconds, money minor units."""

from collections.abc import Sequence

import msgspec

from autofutures.risk.figures import PERCENT, TailRisk


class Line(msgspec.Struct, frozen=True):
    """The use of one limit over the day."""

    control: str
    scope: str
    """As `strategy.ema`; empty for the account."""
    unit: str
    at: Sequence[int]
    """UTC nanoseconds."""
    use: Sequence[int]
    of: Sequence[int]
    """The limit at each of them: a person may have changed it."""

    @property
    def name(self) -> str:
        """Control and scope in one word."""
        return f"{self.control}.{self.scope}" if self.scope else self.control

    def shares(self) -> list[float]:
        """The use in percent of the limit."""
        return [PERCENT * use / of for use, of in zip(self.use, self.of, strict=True)]


class Refusal(msgspec.Struct, frozen=True):
    """One order that the gate did not let pass."""

    at: int
    control: str
    strategy: str
    what: str
    """As `buy 2 TAIFEX:TXF202606 market`."""
    limit: int
    value: int
    reason: str


class Happened(msgspec.Struct, frozen=True):
    """A halt, a reset, or a limit that was changed."""

    at: int
    what: str
    key: str
    text: str
    who: str


class Exposed(msgspec.Struct, frozen=True):
    """A position at the end of the day, and what it loses at tomorrow's price limit against it."""

    symbol: str
    position: int
    last_ticks: int
    adverse_ticks: int
    """0 where the contract's limits are not known."""
    loss: int | None


class TailsShown(msgspec.Struct, frozen=True):
    """Value at risk and expected shortfall, and what they rest on in words."""

    figures: Sequence[TailRisk]
    notes: Sequence[str]


class RiskDayData(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page says of one trading day."""

    day: int
    title: str
    currency: str
    until: int
    """How far the journal goes, UTC nanoseconds."""
    over: bool
    """Whether the day, or the run, is over."""
    net: int
    """What the day has earned, realised and open, after costs."""
    messages: int
    """Orders and cancels sent."""
    off: Sequence[str]
    """Controls without a limit."""
    lines: Sequence[Line]
    sampled_at: Sequence[int]
    """When margin and scenario were measured."""
    indicator: Sequence[int | None]
    """The risk indicator in percent; none where no initial margin is asked."""
    equity: Sequence[int]
    """Capital and what was earned since."""
    initial: Sequence[int]
    """Initial margin of what is open."""
    limit_move: Sequence[int]
    """What all positions lose together at tomorrow's price limits."""
    exposed: Sequence[Exposed]
    tails: TailsShown
    refusals: Sequence[Refusal]
    happened: Sequence[Happened]
    notes: Sequence[str] = ()
