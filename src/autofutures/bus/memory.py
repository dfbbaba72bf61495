"""Links in memory, on a virtual clock, for simulations: frames come late, twice or never, as a seed decides.

Frames of one pair keep their sequence, as on a connection: a late one holds up those behind it. Only repeats,
and what a process said just before it died, may come out of turn. A process that is stopped hears nothing, and then
everything.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable
from random import Random

import msgspec

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.units import SECOND

_NO_END = "the house is still talking, after more deliveries than any: processes answer each other"

Hear = Callable[[str, bytes], None]
"""What a process does with a frame: (sender, frame)."""

Watch = Callable[[int, str, bytes], None]
"""Hears everything that happens on the links: (at, what, frame)."""

LAST_FRAMES = 4
"""How many frames a peer may say once more to a process that starts again."""

MOST_TURNS = 100_000
"""No run ends in more deliveries than this: beyond it, processes answer each other for ever."""


class Weather(msgspec.Struct, frozen=True):
    """How rough the links are: chances in a thousand frames, times in nanoseconds."""

    dropped: int = 0
    repeated: int = 0
    delayed: int = 0
    refused: int = 0
    """Not even taken: the sender is told that nothing was sent."""
    latency_ns: int = 0
    """The longest way of a frame that nothing happens to."""
    delay_ns: int = SECOND
    """The longest way of a late frame, of a repeat, and of the last words of a process that died."""
    again: int = 0
    """Of peers of a process that starts again: they say their last frames to it once more."""


CALM = Weather()
"""Nothing goes wrong and nothing takes time."""


class _Turn(msgspec.Struct, order=True):
    """Something that is due: a frame to be heard by its receiver, or an action, perhaps on behalf of one."""

    at: int
    number: int
    sender: str
    receiver: str
    data: bytes
    action: Callable[[], None] | None


class MemoryBus:
    """Processes by name, the frames between them, and the clock.

    Args:
        random: decides what happens to each frame.
        weather: how often.
        watch: hears of every delivery and every fault.

    Attributes:
        now: the virtual time, UTC nanoseconds.
        faults: what went wrong so far, by kind.
    """

    def __init__(self, random: Random, weather: Weather, watch: Watch) -> None:
        self._random = random
        self.weather = weather
        self._watch = watch
        self._hears: dict[str, Hear] = {}
        self._turns: list[_Turn] = []
        self._number = 0
        self._arrived: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], deque[bytes]] = {}
        self._stopped: dict[str, int] = {}
        self.now = 0
        self.faults: Counter[str] = Counter()

    def connect(self, name: str, hear: Hear) -> None:
        """A process listens; its former life, if there was one, hears nothing any more."""
        self._hears[name] = hear

    def disconnect(self, name: str, *, inbound: bool = False) -> None:
        """A process died. What it said last may still come, even late.

        Args:
            name: the process.
            inbound: what is on its way to it is lost, as with a connection that broke.
        """
        self._hears.pop(name, None)
        self._stopped.pop(name, None)
        for turn in self._turns:
            if turn.sender == name and self._happens(self.weather.delayed):
                turn.at += self._random.randrange(self.weather.delay_ns)
                self._fault("last words late", turn.receiver)
        if inbound:
            self._turns = [turn for turn in self._turns if turn.receiver != name or turn.action is not None]
        heapq.heapify(self._turns)

    def send(self, sender: str, receiver: str, data: bytes) -> bool:
        """Puts a frame on its way; `False` where it is not taken."""
        weather, random = self.weather, self._random
        if self._happens(weather.refused):
            self._fault("refused", f"{sender} > {receiver}")
            return False
        pair = (sender, receiver)
        self._last.setdefault(pair, deque(maxlen=LAST_FRAMES)).append(data)
        if self._happens(weather.dropped):
            self._fault("dropped", f"{sender} > {receiver}", data)
            return True
        way = random.randrange(weather.latency_ns) if weather.latency_ns else 0
        if self._happens(weather.delayed):
            way += random.randrange(weather.delay_ns)
            self.faults["delayed"] += 1
        at = self._arrived[pair] = max(self.now + way, self._arrived.get(pair, 0))
        self._push(at, sender, receiver, data)
        if self._happens(weather.repeated):
            self.faults["repeated"] += 1
            self._push(at + random.randrange(weather.delay_ns), sender, receiver, data)
        return True

    def say_again(self, receiver: str) -> None:
        """A process has started again: peers, not knowing what it heard before, may repeat themselves."""
        senders = [
            sender for sender, to in self._last if to == receiver and self._happens(self.weather.again)
        ]
        self._random.shuffle(senders)
        for sender in senders:
            self._fault("said again", f"{sender} > {receiver}")
            for data in self._last[sender, receiver]:
                self._push(self.now, sender, receiver, data)

    def call_at(self, at: int, action: Callable[[], None], name: str = "") -> None:
        """Does something at a time, or now where that is past; on behalf of a process, when it is not stopped."""
        self._push(max(at, self.now), "", name, b"", action)

    def stop(self, name: str, until: int) -> None:
        """A process stands still: what comes for it waits until then."""
        self._stopped[name] = until

    def skip(self, duration: int) -> None:
        """Nobody works for so long: everything that is due is due later by it."""
        for turn in self._turns:
            turn.at += duration
        self.now += duration

    def run_until(self, at: int) -> None:
        """Lets everything happen that is due until then, and moves the clock there.

        Raises:
            BrokenInvariant: there is no end to it.
        """
        turns, taken = self._turns, 0
        while turns and turns[0].at <= at:
            taken += 1
            if taken > MOST_TURNS:
                raise BrokenInvariant(_NO_END)
            self._take(heapq.heappop(turns))
            turns = self._turns
        self.now = max(self.now, at)

    def drain(self) -> None:
        """Lets everything happen that is due at all.

        Raises:
            BrokenInvariant: there is no end to it.
        """
        for _ in range(MOST_TURNS):
            if not self._turns:
                return
            self._take(heapq.heappop(self._turns))
        raise BrokenInvariant(_NO_END)

    def _take(self, turn: _Turn) -> None:
        self.now = max(self.now, turn.at)
        if self._stopped and self._waits(turn):
            return
        if turn.action is not None:
            turn.action()
            return
        hear = self._hears.get(turn.receiver)
        if hear is None:
            self._fault("nobody there", f"{turn.sender} > {turn.receiver}", turn.data)
            return
        self._watch(self.now, f"{turn.sender} > {turn.receiver}", turn.data)
        hear(turn.sender, turn.data)

    def _waits(self, turn: _Turn) -> bool:
        """Puts back what comes for a process that is stopped, in its sequence."""
        until = self._stopped.get(turn.receiver, 0)
        if until > self.now:
            turn.at = until
            heapq.heappush(self._turns, turn)
            return True
        self._stopped.pop(turn.receiver, None)
        return False

    def _push(
        self, at: int, sender: str, receiver: str, data: bytes, action: Callable[[], None] | None = None
    ) -> None:
        self._number += 1
        heapq.heappush(self._turns, _Turn(at, self._number, sender, receiver, data, action))

    def _happens(self, per_thousand: int) -> bool:
        return per_thousand > 0 and self._random.random() * 1_000 < per_thousand

    def _fault(self, kind: str, where: str, data: bytes = b"") -> None:
        self.faults[kind] += 1
        self._watch(self.now, f"{kind}: {where}", data)
