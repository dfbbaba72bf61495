"""Rule `account_value`: all that is open and at work is not worth more than this. SEC 15c3-5(c)(1)(i)."""

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation
from autofutures.risk.money import lots_value, widest


class AccountValue(Stateless):
    """Refuses what could take the notional of the account beyond `max_value` minor units.

    Each instrument counts at its last price with the most contracts that could be open on one side; nothing is netted
    between instruments.
    """

    id = "account_value"
    formula = (
        "sum over instruments of the most contracts open on one side x last price x tick value <= max_value"
    )
    source = "SEC 15c3-5(c)(1)(i): aggregate thresholds"
    binds_exits = False

    def __init__(self, max_value: int = 0) -> None:
        self.max_value = max_value

    @property
    def off(self) -> bool:
        """No value is too much."""
        return not self.max_value

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """An order that only reduces passes, however much is open."""
        if exposure.reduces(intent):
            return None
        if not exposure.tick_value and not exposure.inverse_value:
            return Violation(self.max_value, 0, f"nobody knows what a tick of {intent.symbol} is worth")
        buys, sells = (intent.qty, 0) if intent.side > 0 else (0, intent.qty)
        lots = widest(exposure.position, exposure.working_buy + buys, exposure.working_sell + sells)
        here = lots_value(lots, exposure.last_ticks, exposure.tick_value, exposure.inverse_value)
        value = here + exposure.others_value
        if value <= self.max_value:
            return None
        return Violation(
            self.max_value, value, f"open and at work would be worth {value}: at most {self.max_value} may be"
        )
