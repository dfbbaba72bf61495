"""Rule `drawdown`: who has given back so much of the trading day's best opens nothing more. SEC 15c3-5(c)(1)(i)."""

from autofutures.risk.halting import Halting
from autofutures.risk.state import RiskState


class Drawdown(Halting):
    """Halts at `max_loss` minor units below the highest equity of the trading day.

    The highest is kept in steps of a hundredth of the limit, rounded up, so that it halts a hundredth early at most.
    """

    id = "drawdown"
    formula = "the day's highest equity - equity now >= max_loss halts"
    source = "SEC 15c3-5(c)(1)(i): pre-set capital thresholds"
    unit = "below the day's best"

    def __init__(self, max_loss: int = 0, flatten: int = 0) -> None:
        super().__init__(max_loss, flatten)
        self.max_loss = max_loss

    def peak_of(self, equity: int) -> int:
        """A highest equity as it is kept."""
        step = max(1, self.max_loss // 100)
        return -(-equity // step) * step

    def measure(self, state: RiskState, scope: str, equity: int) -> int:
        """Distance from the day's highest."""
        return state.below_peak(scope, equity)
