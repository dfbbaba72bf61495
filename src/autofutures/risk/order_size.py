"""Rule `order_size`: no order for more contracts than this. RTS 6 art. 15(1)(c), FIA maximum order size."""

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation


def oversized(qty: int, limit: int) -> bool:
    """Whether the quantity passes the limit, or is none at all."""
    return qty > limit or qty <= 0


class OrderSize(Stateless):
    """Refuses orders over `max_contracts`, and orders for no contract."""

    id = "order_size"
    formula = "1 <= contracts <= max_contracts"
    source = "RTS 6 art. 15(1)(c), FIA maximum order size"
    binds_exits = False

    def __init__(self, max_contracts: int = 10) -> None:
        self.max_contracts = max_contracts

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Looks at the quantity alone."""
        if not oversized(intent.qty, self.max_contracts):
            return None
        return Violation(
            self.max_contracts,
            intent.qty,
            f"{intent.qty} contracts: an order is for 1 to {self.max_contracts}",
        )
