"""Rule `repeated_execution`: after so many orders a person must look. RTS 6 art. 15(3), and FIA's."""

from autofutures.risk.halting import Halting
from autofutures.risk.state import RiskState


class RepeatedExecution(Halting):
    """Halts after `max_orders` orders that strategies decided, on one trading day and since the last reset.

    Exit plans and book stops are the trader's own orders, and do not count.
    """

    id = "repeated_execution"
    formula = "orders decided since the day's begin or the last reset >= max_orders halts"
    source = "RTS 6 art. 15(3), FIA repeated automated execution limit"
    unit = "orders since the day began or the last reset"

    def __init__(self, max_orders: int = 0, flatten: int = 0) -> None:
        super().__init__(max_orders, flatten)
        self.max_orders = max_orders

    def measure(self, state: RiskState, scope: str, equity: int) -> int:
        """Orders so far."""
        return state.executions(scope)
