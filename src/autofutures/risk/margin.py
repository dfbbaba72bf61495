"""Rule `margin`: equity covers the initial margin of what is open and would be. SEC 15c3-5(c)(1)(i), TAIFEX."""

from typing import ClassVar

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation
from autofutures.risk.figures import required_margin, risk_indicator
from autofutures.risk.money import widest


class Margin(Stateless):
    """Refuses what would take the risk indicator below `min_percent`.

    Equity is `capital` and what was earned since, realised and open, after costs. What a lot needs is said for each
    instrument or product: `initial`, and `day_trade` for lots of day trades before `cutoff`, an hour and minute of
    Taipei as 1325; from then on, and without a cut-off, the full margin counts. Where the venue tells an initial
    margin at a login, the larger of it and of what is set counts.
    """

    id = "margin"
    formula = (
        "(capital + earned) x 100 / initial margin of all open and at work with the order >= min_percent"
    )
    source = "SEC 15c3-5(c)(1)(i); TAIFEX risk indicator = equity / initial margin of open positions"
    binds_exits = False
    scopes: ClassVar[tuple[str, ...]] = ("instrument",)

    def __init__(
        self, min_percent: int = 0, capital: int = 0, cutoff: int = 0, initial: int = 0, day_trade: int = 0
    ) -> None:
        self.min_percent = min_percent
        self.capital = capital
        self.cutoff = cutoff
        self.initial = initial
        self.day_trade = day_trade

    @property
    def off(self) -> bool:
        """Margin is not asked; an instrument's numbers alone refuse nothing."""
        return not self.min_percent

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """An order that only reduces passes, whatever the indicator says."""
        seen = exposure.margin
        if seen is None or exposure.reduces(intent):
            return None
        if not seen.initial or seen.unknown:
            symbol = seen.unknown or intent.symbol
            reason = f"the margin of {symbol} is not known: set risk.margin.instrument.{symbol} initial"
            return Violation(self.min_percent, 0, reason)
        buys, sells = (intent.qty, 0) if intent.side > 0 else (0, intent.qty)
        lots = widest(exposure.position, exposure.working_buy + buys, exposure.working_sell + sells)
        day_lots = seen.day_lots + (intent.qty if intent.day_trade else 0)
        required = required_margin(lots, day_lots, seen.initial, seen.day_trade) + seen.others
        value = risk_indicator(self.capital + seen.earned, required)
        if value is None or value >= self.min_percent:
            return None
        reason = (
            f"{self.capital + seen.earned} of equity over {required} of initial margin would be {value} %"
        )
        return Violation(self.min_percent, value, reason)
