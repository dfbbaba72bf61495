"""What a broker says, and when: a queue in which reports come late, twice, out of turn or never, as chance decides."""

import heapq
from collections import Counter, deque
from random import Random

import msgspec

from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Canceled,
    Expired,
    Filled,
    Quote,
    Report,
    SessionEnded,
    Tick,
)
from autofutures.matching.faults import NONE, BrokerFaults

SAID_AGAIN = 20
"""So many of the last reports are said once more when a broker replays what was missed."""

NEVER = 1 << 62
"""Later than every event."""


class Manner(msgspec.Struct, frozen=True):
    """How a broker speaks of one order."""

    late_ns: int = 0
    acknowledges: bool = True
    mute: bool = False


class Said:
    """The queue of one broker.

    Args:
        random: decides.
        faults: how often.
        counts: counts each fault that happened.

    Attributes:
        lost_market: trades, quotes and ends of sessions that nobody heard since the last login.
    """

    def __init__(self, random: Random, faults: BrokerFaults, counts: Counter[str]) -> None:
        self._random = random
        self._faults = faults
        self._counts = counts
        self._queue: list[tuple[int, int, AnyMessage]] = []
        self._number = 0
        self._manners: dict[str, Manner] = {}
        self._spoken_until: dict[str, int] = {}
        self._missed: list[Report] = []
        self._lately: deque[Report] = deque(maxlen=SAID_AGAIN)
        self.lost_market = 0

    @property
    def due_at(self) -> int:
        """When the next word is due; `NEVER` where there is none."""
        return self._queue[0][0] if self._queue else NEVER

    def happens(self, kind: str, per_thousand: int) -> bool:
        """Whether a fault befalls what is at hand; counts it."""
        if per_thousand and self._random.randrange(1_000) < per_thousand:
            self._counts[kind] += 1
            return True
        return False

    def of_order(self, venue_id: str) -> None:
        """Decides how one order will be spoken of."""
        faults = self._faults
        if self.happens("mute", faults.mute):
            self._manners[venue_id] = Manner(mute=True)
            return
        lost = self.happens("lost_ack", faults.lost_ack)
        slow = self.happens("slow", faults.slow)
        if lost or slow:
            half = (faults.slow_ns + 1) // 2
            late_ns = half + self._random.randrange(half) if slow else 0
            self._manners[venue_id] = Manner(late_ns, acknowledges=not lost)

    def report(self, venue_id: str, report: Report, now: int, after_ns: int = 0) -> None:
        """Puts a report into the queue, unless it is one of those that are never said."""
        faults, manner = self._faults, self._manners.get(venue_id)
        if manner is not None and (manner.mute or (isinstance(report, Accepted) and not manner.acknowledges)):
            return
        if isinstance(report, Filled) and self.happens("lost_fill", faults.lost_fill):
            return
        if isinstance(report, (Canceled, Expired)) and self.happens("lost_end", faults.lost_end):
            return
        due = max(now + after_ns + (manner.late_ns if manner else 0), self._spoken_until.get(venue_id, 0))
        if self.happens("reorder", faults.reorder):
            self.put(due + self._random.randrange(faults.reorder_ns), report)
        else:
            self._spoken_until[venue_id] = due
            self.put(due, report)
        if self.happens("duplicate", faults.duplicate):
            self.put(due + self._random.randrange(faults.duplicate_ns), report)

    def put(self, due: int, message: AnyMessage) -> None:
        """Puts a message into the queue as it is."""
        self._number += 1
        heapq.heappush(self._queue, (due, self._number, message))

    def behave(self) -> None:
        """From now on everything is said, at once and once."""
        self._faults = NONE
        self._manners.clear()

    def take(self, now: int) -> list[AnyMessage]:
        """What is said by now, in order."""
        said: list[AnyMessage] = []
        queue = self._queue
        while queue and queue[0][0] <= now:
            message = heapq.heappop(queue)[2]
            if isinstance(message, Report):
                self._lately.append(message)
            said.append(message)
        return said

    def silence(self) -> None:
        """The session is over: reports that were not said are missed, the rest is lost."""
        for _, _, message in sorted(self._queue, key=lambda entry: entry[:2]):
            if isinstance(message, Report):
                self._missed.append(message)
            elif isinstance(message, (Tick, Quote, SessionEnded)):
                self.lost_market += 1
        self._queue.clear()

    def again(self) -> list[Report]:
        """What the last sessions missed, behind some of what was heard: a broker does not know which."""
        said = [*self._lately, *self._missed]
        self._lately.extend(self._missed)
        self._missed = []
        return said

    def forget(self) -> None:
        """What was missed will not be said again."""
        self._missed = []
