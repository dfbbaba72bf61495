"""Rule `restricted`: what is on the list is not opened. SEC 15c3-5(c)(2)(ii), and (iii) for strategies."""

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Switch, Violation


class Restricted(Switch):
    """Refuses entries where `on` is 1: in an instrument, of a strategy, or of the whole account, by its scope."""

    id = "restricted"
    formula = "on = 0, or the order only reduces"
    source = "SEC 15c3-5(c)(2)(ii), and (iii) for strategies"
    binds_exits = False

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """What is held already may be reduced."""
        if exposure.reduces(intent):
            return None
        return Violation(0, 1, f"{intent.strategy} may open nothing in {intent.symbol}: it is restricted")
