"""Rule `deadline`: a decision that comes late is not placed. RTS 6 and every trader: a stale signal is no signal."""

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation

_MILLISECOND = 1_000_000


class Deadline(Stateless):
    """Refuses a decision past its own deadline, or older than `max_age_ms` where it has none."""

    id = "deadline"
    formula = "now <= until, or decided + max_age_ms"
    source = "house rule: a stale signal is no signal"
    binds_exits = False

    def __init__(self, max_age_ms: int = 2_000) -> None:
        self.max_age_ms = max_age_ms

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Counts from the moment for which the strategy decided, in milliseconds."""
        until = intent.until or intent.at + self.max_age_ms * _MILLISECOND
        if exposure.now <= until:
            return None
        age_ms = (exposure.now - intent.at) // _MILLISECOND
        limit_ms = (until - intent.at) // _MILLISECOND
        return Violation(
            limit_ms, age_ms, f"decided {age_ms} ms ago and good for {limit_ms} ms: it has expired"
        )
