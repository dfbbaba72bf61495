"""Rule `daily_loss`: who has lost so much on one trading day opens nothing more. SEC 15c3-5(c)(1)(i)."""

from autofutures.risk.halting import Halting
from autofutures.risk.state import RiskState


class DailyLoss(Halting):
    """Halts at `max_loss` minor units below the equity with which the trading day began, realised, open and costs."""

    id = "daily_loss"
    formula = "equity at the day's begin - equity now >= max_loss halts; equity is realised + open - costs"
    source = "SEC 15c3-5(c)(1)(i): pre-set capital thresholds"
    unit = "lost today"

    def __init__(self, max_loss: int = 0, flatten: int = 0) -> None:
        super().__init__(max_loss, flatten)
        self.max_loss = max_loss

    def measure(self, state: RiskState, scope: str, equity: int) -> int:
        """Loss since the day began."""
        return state.lost_today(scope, equity)
