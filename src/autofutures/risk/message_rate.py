"""Rule `message_rate`: not more orders in any one second than this. RTS 6 art. 15(1)(d), FIA message throttle."""

from collections import deque

from autofutures.domain.messages import Intent
from autofutures.domain.units import SECOND
from autofutures.risk.base import Exposure, Rule, Violation


class MessageRate:
    """Refuses the order that would be one more than `max_per_second` within the last second of the trader's clock."""

    id = "message_rate"
    formula = "orders within the last second <= max_per_second"
    source = "RTS 6 art. 15(1)(d), FIA message throttle"
    off = False
    scopes = ("strategy", "instrument")
    binds_exits = False

    def __init__(self, max_per_second: int = 50) -> None:
        self.max_per_second = max_per_second
        self.recent: deque[int] = deque(maxlen=max_per_second)

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Looks back as many orders as one second allows."""
        recent = self.recent
        if len(recent) < self.max_per_second or not 0 <= exposure.now - recent[0] < SECOND:
            return None  # A replay of an earlier day looks back at times to come: they are not within the last second.
        within = self.within(exposure.now)
        return Violation(self.max_per_second, within + 1, f"{within} orders went out within the last second")

    def within(self, now: int) -> int:
        """Orders within the last second."""
        return sum(1 for at in self.recent if 0 <= now - at < SECOND)

    def approved(self, intent: Intent, now: int) -> None:
        """Remembers when the order went."""
        self.recent.append(now)

    def succeed(self, other: Rule) -> None:
        """Takes over when the newest orders went."""
        if isinstance(other, MessageRate):
            self.recent.extend(other.recent)
