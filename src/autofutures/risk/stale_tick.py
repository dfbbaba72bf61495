"""Rule `stale_tick`: no order on a market that has not been heard for too long. FIA market data reasonability."""

from autofutures.domain.messages import Intent
from autofutures.domain.units import SECOND
from autofutures.risk.base import Exposure, Stateless, Violation


def age_ms(now: int, heard_at: int) -> int:
    """Age in milliseconds, rounded up."""
    return -(-(now - heard_at) // 1_000_000)


class StaleTick(Stateless):
    """Refuses orders when the last trade or quote is older than `max_age_ms`, or none was ever heard.

    A market that is quoted and seldom trades is heard: who makes a market there must be able to.
    """

    id = "stale_tick"
    formula = "now - last trade or quote <= max_age_ms"
    source = "FIA market data reasonability"
    binds_exits = False

    def __init__(self, max_age_ms: int = 10_000) -> None:
        self.max_age_ms = max_age_ms

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Compares the time of the last trade or quote with now."""
        if exposure.last_at == 0:
            return Violation(self.max_age_ms, 0, f"no trade or quote of {intent.symbol} has been heard yet")
        age = age_ms(exposure.now, exposure.last_at)
        if age <= self.max_age_ms:
            return None
        return Violation(
            self.max_age_ms, age, f"the last trade or quote is {age * 1_000_000 / SECOND:.1f} s old"
        )
