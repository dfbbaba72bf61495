"""Rule `loss_streak`: after so many losing round trips in turn nothing more is opened. RTS 6 art. 15(3), in kind."""

from autofutures.risk.halting import Halting
from autofutures.risk.state import RiskState


class LossStreak(Halting):
    """Halts after `max_losses` round trips in turn that lost after costs, within one trading day.

    A round trip ends when a strategy's position in a contract is closed whole, or turns.
    """

    id = "loss_streak"
    formula = "losing round trips in turn >= max_losses halts"
    source = "RTS 6 art. 15(3), in kind: automatic disablement until a person re-enables"
    unit = "losing round trips in turn"

    def __init__(self, max_losses: int = 0, flatten: int = 0) -> None:
        super().__init__(max_losses, flatten)
        self.max_losses = max_losses

    def measure(self, state: RiskState, scope: str, equity: int) -> int:
        """Losses in turn."""
        return state.streaks.get(scope, 0)
