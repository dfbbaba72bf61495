"""Rule `unknown`: no entry while an order of the instrument has an outcome that nobody knows."""

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation


class Unknown(Stateless):
    """Refuses entries until every order of the instrument is answered for."""

    id = "unknown"
    formula = "orders in doubt in the instrument = 0"
    source = "house rule: at most one order for each decision"
    binds_exits = False

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """What may still trade of orders in doubt counts as working, so a reducing order cannot overshoot."""
        if not exposure.unknown or exposure.reduces(intent):
            return None
        return Violation(
            0, exposure.unknown, "the outcome of an order is not known; the venue is being asked"
        )
