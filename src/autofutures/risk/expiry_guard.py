"""Rule `expiry_guard`: no entry that may not be exited before the contract's last session closes."""

from autofutures.domain.messages import Intent
from autofutures.domain.units import MINUTE
from autofutures.risk.base import Exposure, Stateless, Violation


class ExpiryGuard(Stateless):
    """Refuses entries in the last `minutes` before the close of the contract's last session."""

    id = "expiry_guard"
    formula = "minutes until the contract's last session closes >= minutes, or the order only reduces"
    source = "house rule: no entry that cannot be exited before the contract's last session"
    binds_exits = False

    def __init__(self, minutes: int = 0) -> None:
        self.minutes = minutes

    @property
    def off(self) -> bool:
        """No guard is set."""
        return not self.minutes

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """A contract whose last day is not known passes; what is held may be reduced to the end."""
        if not exposure.last_close_at or exposure.reduces(intent):
            return None
        left = (exposure.last_close_at - exposure.now) // MINUTE
        if left >= self.minutes:
            return None
        return Violation(
            self.minutes,
            left,
            f"{intent.symbol} ends in {left} minutes: nothing is opened in the last {self.minutes}",
        )
