"""When a process ends: at any point of its work, as a seed decides, and rather where money is under way."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from autofutures.domain.messages import AnyMessage, Request, Submit, Traded
from autofutures.seats.port import Watch
from autofutures.simulation.judge import Judge
from autofutures.trader import Trader

CHANCES = 100_000
MONEY_WEIGHT = 30
"""A point of a batch in which orders leave or fills are booked is so many times as likely."""


class Died(Exception):
    """A process ended here, on purpose."""


class Fate(Watch):
    """One role's fate; it looks on at its seats.

    Args:
        random: decides.
        chance: of a point, in a hundred thousand.

    Attributes:
        chance: may be set to 0, when all faults end.
        ends_at: a point that is the last for certain, once.
        points: where a process ended, how often.
    """

    def __init__(self, random: Random, chance: int) -> None:
        self._random = random
        self.chance = chance
        self._money = False
        self.ends_at = ""
        self.points: Counter[str] = Counter()

    def at(self, point: str, inputs: Sequence[AnyMessage] = (), outputs: Sequence[AnyMessage] = ()) -> None:
        """The process has come to a point.

        Raises:
            Died: it comes no further.
        """
        if self.ends_at and point == self.ends_at:
            self.ends_at = ""
            self.points[point] += 1
            raise Died(point)
        if not self.chance:
            return
        if outputs and not self._money:
            self.about(outputs)
        chance = self.chance * MONEY_WEIGHT if self._money else self.chance
        if self._random.random() * CHANCES < chance:
            self.points[point] += 1
            self._money = False
            raise Died(point)
        if point == "batch":
            self._money = False

    def about(self, messages: Sequence[AnyMessage]) -> None:
        """What the next points are about."""
        self._money = any(isinstance(message, (Submit, Traded)) for message in messages)


class TradersFate(Fate):
    """The trader's: the judge looks on with it."""

    def __init__(self, random: Random, chance: int, judge: Judge) -> None:
        super().__init__(random, chance)
        self._judge = judge
        self.trader: Trader | None = None

    def kept(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """A batch is in the journal."""
        if self.trader is not None:
            self._judge.kept(self.trader, inputs, outputs)
        self.about(outputs)

    def leaves(self, requests: Sequence[Request]) -> None:
        """Requests are about to be sent."""
        self._judge.leaves(requests)
