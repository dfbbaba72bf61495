"""What a person is told of that no decision follows from: lots without cover, limits nearly used up, silence."""

from collections.abc import Iterable, Sequence

from autofutures.domain.messages import Alert
from autofutures.orders.risk_use import LimitUse
from autofutures.seats.readiness import Readiness

NEAR_PERCENT = 80
"""Of a limit: from here on it is near."""

CLEAR_PERCENT = 70
"""And below this it is not any more: what goes to and fro is told once."""


class Noticed:
    """Looks at a trader once a beat, and says what has begun."""

    def __init__(self) -> None:
        self._uncovered = 0
        self._told_uncovered = False
        self._near: set[str] = set()
        self._silent: frozenset[str] = frozenset()

    def look(self, verdict: Readiness, silent: Sequence[str] = ()) -> list[Alert]:
        """Everything that a person must be told now; `silent` is a sentence for each market that is not heard."""
        return [*self._uncovered_lots(verdict), *self._silent_markets(silent, verdict.at)]

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

    def limits(self, uses: Iterable[LimitUse], now: int) -> list[Alert]:
        """Limits that are nearly used up; of one that has halted another alert has told."""
        found: list[Alert] = []
        for one in uses:
            if one.use is None or one.of is None:
                continue
            subject = f"{one.key} {one.about}".rstrip()
            used = 100 * one.use
            if used < CLEAR_PERCENT * one.of or one.halted:
                self._near.discard(subject)
            elif used >= NEAR_PERCENT * one.of and one.use > 0 and subject not in self._near:
                self._near.add(subject)
                found.append(Alert("limit_near", now, subject, _in_words(one)))
        return found


def _in_words(one: LimitUse) -> str:
    if one.control == "margin":
        return f"{one.use} of equity are needed, and {one.of} are there: below that nothing is opened"
    return f"{one.use} of {one.of} are used"
