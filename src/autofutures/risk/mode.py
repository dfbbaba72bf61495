"""Rule `mode`: while the book may only reduce, nothing opens; while it is halted, strategies trade nothing at all."""

from autofutures.domain.messages import Intent
from autofutures.domain.units import Mode
from autofutures.risk.base import Exposure, Stateless, Violation


class BookAllows(Stateless):
    """Refuses what the book's mode does not allow."""

    id = "mode"
    formula = "the book is normal, or may reduce and the order only reduces"
    source = "RTS 6 art. 17, FIA: post-trade reconciliation acts on entries"
    binds_exits = False

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """An order that only reduces the account's position passes in `REDUCING`."""
        if exposure.mode is Mode.NORMAL or (exposure.mode is Mode.REDUCING and exposure.reduces(intent)):
            return None
        return Violation(0, 1, f"the book is {exposure.mode.word}: {', '.join(exposure.reasons)}")
