"""Rule `duplicate`: one decision makes one order. A strategy that was restarted repeats itself; the trader does not.

The same side and size twice is no duplicate: only the decision's own id, (strategy, cause_seq, k), counts.
"""

from autofutures.domain.messages import TRADER_K, Intent
from autofutures.risk.base import Exposure, Rule, Violation


class Duplicate:
    """Refuses a decision that is not newer than the newest approved one of the same strategy."""

    id = "duplicate"
    formula = "(cause_seq, k) of a decision > the newest approved of its strategy"
    source = "SEC 15c3-5(c)(1)(ii): duplicative orders"
    off = False
    scopes = ()
    binds_exits = True

    def __init__(self) -> None:
        self.newest: dict[tuple[str, bool], tuple[int, int]] = {}

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Decision ids of one strategy only grow; the trader's own decisions are a sequence of their own."""
        newest = self.newest.get((intent.strategy, intent.k >= TRADER_K), (-1, 0))
        if (intent.cause_seq, intent.k) > newest:
            return None
        return Violation(
            1, 2, f"decision {intent.cause_seq}.{intent.k} of {intent.strategy} has been handled before"
        )

    def approved(self, intent: Intent, now: int) -> None:
        """Remembers the decision."""
        self.newest[intent.strategy, intent.k >= TRADER_K] = (intent.cause_seq, intent.k)

    def succeed(self, other: Rule) -> None:
        """Takes over which decisions were handled."""
        if isinstance(other, Duplicate):
            self.newest = other.newest
