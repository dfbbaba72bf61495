"""Rule `session`: no order while its instrument's session is closed, for orders live for their session only."""

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation


class Session(Stateless):
    """Refuses orders outside the hours in which the exchange takes them."""

    id = "session"
    formula = "the exchange takes orders of the instrument now"
    source = "SEC 15c3-5(c)(2)(i), TAIFEX Operating Rules art. 35"
    binds_exits = True

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Asks the calendar, through the exposure."""
        if exposure.session_open:
            return None
        return Violation(1, 0, f"{intent.symbol} is closed: the exchange takes no orders now")
