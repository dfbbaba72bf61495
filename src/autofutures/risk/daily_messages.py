"""Rule `daily_messages`: not more orders and cancels on a trading day than this. RTS 6 art. 15(1)(d), 15(2)."""

from typing import ClassVar

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation


class DailyMessages(Stateless):
    """Refuses entries when fewer than `reserved` of the day's `max_messages` are left.

    The rest is for exits and cancels, which always pass and always count.
    """

    id = "daily_messages"
    formula = "orders and cancels of the day + 1 <= max_messages - reserved, or the order only reduces"
    source = "RTS 6 art. 15(1)(d), 15(2)"
    binds_exits = False
    scopes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, max_messages: int = 0, reserved: int = 0) -> None:
        self.max_messages = max_messages
        self.reserved = reserved

    @property
    def off(self) -> bool:
        """No number is too many."""
        return not self.max_messages

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """What only reduces passes: the reserve is for it."""
        limit = self.max_messages - self.reserved
        if exposure.messages < limit or exposure.reduces(intent):
            return None
        reason = (
            f"{exposure.messages} messages went out today: the last {self.reserved} are for exits and cancels"
        )
        return Violation(max(0, limit), exposure.messages + 1, reason)
