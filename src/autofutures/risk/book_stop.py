"""Rule `book_stop`: a strategy whose position lost all that it may waits until a person resets it."""

from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure, Stateless, Violation


class BookStopped(Stateless):
    """Refuses every order of the strategy in the symbol, reducing ones too: the trader closes the position itself."""

    id = "book_stop"
    formula = "the strategy's book stop in the instrument has not fired"
    source = "house rule: every open lot is covered"
    binds_exits = False

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Asks what the trader recorded."""
        if not exposure.stopped:
            return None
        reason = f"the book stop of {intent.strategy} in {intent.symbol} has fired; a person must reset it"
        return Violation(0, 1, reason)
