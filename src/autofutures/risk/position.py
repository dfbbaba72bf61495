"""Rule `position`: the account's position, with everything that works on one side, stays within a limit."""

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation


def reach(position: int, working_same_side: int, side: int, qty: int) -> int:
    """The position in the order's direction if everything on its side filled and nothing on the other did."""
    return position * side + working_same_side + qty


class Position(Stateless):
    """Refuses what could take the account beyond `max_contracts`, long or short. FIA maximum intraday position."""

    id = "position"
    formula = "|position + all at work on the order's side + order| <= max_contracts"
    source = "FIA maximum intraday position"
    binds_exits = False

    def __init__(self, max_contracts: int = 20) -> None:
        self.max_contracts = max_contracts

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Counts working orders of the same side as filled."""
        buys = intent.side > 0
        working = exposure.working_buy if buys else exposure.working_sell
        stop = exposure.stop_buy if buys else exposure.stop_sell
        value = reach(exposure.position, working, intent.side, max(intent.qty, stop))
        if value <= self.max_contracts:
            return None
        return Violation(
            self.max_contracts,
            value,
            f"position {exposure.position} and {working} working would reach {value} on one side",
        )
