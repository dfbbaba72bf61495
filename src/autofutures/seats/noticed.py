"""What a person is told of that no decision follows from: lots without cover, positions near their limits, silence."""

from collections.abc import Mapping, Sequence

from autofutures.config import RunSettings
from autofutures.domain.messages import Alert
from autofutures.risk.gate import make_gate
from autofutures.risk.position import Position
from autofutures.seats.readiness import Readiness

NEAR_PERCENT = 80
"""Of a limit: from here on it is near."""

CLEAR_PERCENT = 70
"""And below this it is not any more: a position that goes to and fro is told once."""


class Noticed:
    """Looks at a trader once a beat, and says what has begun.

    Args:
        run: names the limits.
    """

    def __init__(self, run: RunSettings) -> None:
        rules = [rule for rule in make_gate(run.limits).rules if isinstance(rule, Position)]
        self._most = rules[0].max_contracts
        self._uncovered = 0
        self._told_uncovered = False
        self._near: set[str] = set()
        self._silent: frozenset[str] = frozenset()

    def look(
        self, verdict: Readiness, positions: Mapping[str, int], silent: Sequence[str] = ()
    ) -> list[Alert]:
        """Everything that a person must be told now; `silent` is a sentence for each market that is not heard."""
        return [
            *self._uncovered_lots(verdict),
            *self._near_limits(positions, verdict.at),
            *self._silent_markets(silent, verdict.at),
        ]

    def _silent_markets(self, sentences: Sequence[str], now: int) -> list[Alert]:
        """A market that is not heard is news once, until it is heard again."""
        silent = {sentence.partition(": ")[0]: sentence for sentence in sentences}
        before, self._silent = self._silent, frozenset(silent)
        return [
            Alert("market_silent", now, symbol, text)
            for symbol, text in silent.items()
            if symbol not in before
        ]

    def _uncovered_lots(self, verdict: Readiness) -> list[Alert]:
        """A lot is covered with its fill; one that is not at two beats in turn is news, once."""
        before, self._uncovered = self._uncovered, verdict.uncovered_lots
        if not verdict.uncovered_lots:
            self._told_uncovered = False
        elif before and not self._told_uncovered:
            self._told_uncovered = True
            text = f"{verdict.uncovered_lots} open contracts have no exit plan"
            return [Alert("uncovered", verdict.at, "book", text)]
        return []

    def _near_limits(self, positions: Mapping[str, int], now: int) -> list[Alert]:
        found: list[Alert] = []
        for symbol, position in positions.items():
            used = 100 * abs(position)
            if used < CLEAR_PERCENT * self._most:
                self._near.discard(symbol)
            elif used >= NEAR_PERCENT * self._most and symbol not in self._near:
                self._near.add(symbol)
                text = (
                    f"position {position:+d} of at most {self._most}: at {self._most} nothing more is opened"
                )
                found.append(Alert("limit_near", now, symbol, text))
        return found
