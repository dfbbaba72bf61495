"""What controls have in common that halt: once over its limit, one stops entries until a person resets it."""

from typing import ClassVar

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation
from autofutures.risk.state import RiskState


class Halting(Stateless):
    """A control that measures the risk state. The trader measures it; the gate asks whether it has halted.

    Attributes:
        limit: it halts as soon as this is reached; 0: never.
        flatten: whether what its scope holds is closed then; else exits and reductions go on by themselves.
    """

    id: ClassVar[str]
    binds_exits: ClassVar[bool] = False
    scopes: ClassVar[tuple[str, ...]] = ("strategy",)
    unit: ClassVar[str]

    def __init__(self, limit: int, flatten: int) -> None:
        self.limit = limit
        self.flatten = bool(flatten)

    @property
    def off(self) -> bool:
        """It measures nothing; what it has halted stays halted."""
        return not self.limit

    def measure(self, state: RiskState, scope: str, equity: int) -> int:
        """What is held against the limit; `equity` is the scope's, at the newest prices."""
        raise NotImplementedError

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """What reduces the account's position or the strategy's own passes."""
        for halt in exposure.halts:
            if halt.control != self.id:
                continue
            if exposure.reduces(intent) or exposure.seen_by_strategy().reduces(intent):
                return None
            return Violation(halt.limit, halt.value, f"halted: {halt.reason}; a person must reset it")
        return None
