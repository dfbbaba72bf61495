"""The wire between a gateway and its broker: logins, sessions, and a link that is cut at once or falls silent.

A cut that is shorter than the patience of both ends only makes what is on its way late, as TCP does. One that is reset
loses what is on its way, in both directions; then only the broker knows what it has heard.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from autofutures.bus.memory import MemoryBus
from autofutures.domain.messages import AnyMessage, Cancel, LinkChanged, Query, Submit
from autofutures.domain.units import SECOND
from autofutures.matching.broker import Broker
from autofutures.matching.said import NEVER
from autofutures.seats.port import GATEWAY, SILENCE_NS, Watch

LOGIN_NS = SECOND // 4
"""A login that was not answered is tried again after so long, then after twice that, and so on."""

LONGEST_LOGIN_NS = 2 * SECOND

Events = Sequence[tuple[AnyMessage, int]]


class Door(Protocol):
    """What hears the venue: a gateway's seat."""

    def from_venue(self, events: Events) -> None:
        """What the venue says, each message with its time."""


class Wire:
    """The link, and the broker at its far end.

    Args:
        bus: carries, and has the clock.
        broker: the far side.
        random: decides how long the way is.
        latency_ns: the longest way.
        gather_ns: the broker says together what is due within so long.
        note: hears of what happens here.
    """

    def __init__(
        self,
        bus: MemoryBus,
        broker: Broker,
        random: Random,
        note: Callable[[str], None],
        *,
        latency_ns: int,
        gather_ns: int,
    ) -> None:
        self._bus = bus
        self.broker = broker
        self._random = random
        self._note = note
        self._latency_ns = latency_ns
        self._gather_ns = gather_ns
        self._arrives = {True: 0, False: 0}
        self._says_at = NEVER
        self._cut_until = 0
        self._connections = 0
        self._current = 0
        self._heard_at = 0
        self.faults: Counter[str] = Counter()

    # --- the gateway's end

    def connect(self, link: "Link") -> int:
        """A fresh connection, and a login over it; returns its number."""
        self._connections += 1
        number = self._connections
        self._carry(lambda: self._login(number, link), outward=True)
        return number

    def leave(self, connection: int) -> None:
        """The gateway logs out, behind all that it has sent."""
        self._carry(lambda: self._logout(connection), outward=True)

    def request(self, connection: int, session: int, message: Submit | Cancel | Query) -> None:
        """Puts a request on its way."""
        self._carry(lambda: self._hear(connection, session, message), outward=True)

    def reaches(self, connection: int) -> bool:
        """Whether signs of life pass, in both directions."""
        if self._bus.now < self._cut_until or connection != self._current:
            return False
        self._heard_at = self._bus.now
        return self.broker.up

    @property
    def is_whole(self) -> bool:
        """Whether everything passes."""
        return self._bus.now >= self._cut_until

    # --- the broker's end

    def say(self) -> None:
        """The broker may have something to say: it is said when it is due."""
        due = max(self.broker.due_at, self._bus.now)
        if due < NEVER and due + self._gather_ns < self._says_at:
            self._says_at = due + self._gather_ns
            self._bus.call_at(self._says_at, self._speak)

    def check(self) -> None:
        """The broker ends a session that has been silent for too long."""
        if self.broker.up and self._bus.now - self._heard_at > SILENCE_NS:
            self._note("the broker has heard nothing for too long, and ends the session")
            self.broker.drop(self._bus.now)

    def corrupt(self, message: AnyMessage) -> None:
        """The feed says what nobody traded."""
        if self.broker.up:
            self._deliver([message])

    # --- faults

    def cut(self, duration: int) -> None:
        """Nothing passes for so long, and nobody is told."""
        self._note(f"the link is silent for {duration / SECOND:.1f} s")
        self.faults["link silent"] += 1
        self._cut_until = self._bus.now + duration

    def reset(self, link: "Link", duration: int) -> None:
        """The connection breaks, and both ends see it; for so long there is no other."""
        self._note("the link is reset")
        self.faults["link reset"] += 1
        self._cut_until = self._bus.now + duration
        self._current = 0
        self.broker.drop(self._bus.now)
        self._bus.call_at(
            self._bus.now, lambda: link.guard(lambda: link.broken("the connection was reset")), GATEWAY
        )

    def end_faults(self) -> None:
        """From now on the link is there."""
        self._cut_until = 0

    # --- the way

    def _carry(self, arrives: Callable[[], None], *, outward: bool) -> None:
        """Puts something on its way, behind all that went before it."""
        way = 1 + self._random.randrange(self._latency_ns)
        earliest = self._cut_until + 1 if self._bus.now < self._cut_until else 0
        at = self._arrives[outward] = max(self._bus.now + way, self._arrives[outward], earliest)
        receiver = "" if outward else GATEWAY
        self._bus.call_at(at, lambda: self._arrive(receiver, arrives), receiver)

    def _arrive(self, receiver: str, arrives: Callable[[], None]) -> None:
        if self._bus.now < self._cut_until:
            self._bus.call_at(self._cut_until, lambda: self._arrive(receiver, arrives), receiver)
        else:
            arrives()

    def _login(self, connection: int, link: "Link") -> None:
        said = self.broker.connect(self._bus.now)
        if not said:
            return
        self._note(f"login {connection}: session {self.broker.session}")
        self._current = connection
        self._link = link
        self._heard_at = self._bus.now
        self._deliver(said)
        self.say()

    def _logout(self, connection: int) -> None:
        if connection == self._current:
            self._note("the gateway logs out")
            self._current = 0
            self.broker.drop(self._bus.now)

    def _hear(self, connection: int, session: int, message: Submit | Cancel | Query) -> None:
        if connection != self._current:
            self.faults["request lost with its connection"] += 1
            return
        self._note(f"the broker hears {message}")
        self.broker.hear(message, session, self._bus.now)
        self.say()

    def _speak(self) -> None:
        self._says_at = NEVER
        said = self.broker.say(self._bus.now)
        if said:
            self._deliver(said)
        self.say()

    def _deliver(self, said: Sequence[AnyMessage]) -> None:
        connection, link = self._current, self._link
        self._carry(lambda: link.guard(lambda: link.hear(connection, said)), outward=False)


class Link:
    """One gateway's end of the wire: the venue that it sends to.

    Args:
        wire: where it leads.
        watch: looks on between two requests.
        sends: hears of each request, and when it is sent.
        bus: has the clock.
        guard: takes a step of the gateway, which may be its last.

    Attributes:
        unsent: requests for which there was no session.
        has_left: it has logged out, and stays away.
    """

    def __init__(
        self,
        wire: Wire,
        watch: Watch,
        sends: Callable[[AnyMessage, int], None],
        bus: MemoryBus,
        guard: Callable[[Callable[[], None]], None],
    ) -> None:
        self.guard = guard
        self._wire = wire
        self._watch = watch
        self._sends = sends
        self._bus = bus
        self._door: Door | None = None
        self._connection = 0
        self._session = 0
        self._heard_at = 0
        self._try_at = 0
        self._wait = LOGIN_NS
        self.unsent = 0
        self.has_left = False

    @property
    def is_up(self) -> bool:
        """Whether there is a session."""
        return self._session > 0

    def opens(self, door: Door) -> None:
        """Whom to tell what the venue says."""
        self._door = door

    def send(self, *messages: AnyMessage) -> None:
        """Puts requests on their way, one after the other; without a session they are gone."""
        for message in messages:
            self._watch.at("between requests", messages, messages)
            if isinstance(message, (Submit, Cancel, Query)):
                self._sends(message, self._bus.now)
                if self._session:
                    self._wire.request(self._connection, self._session, message)
                else:
                    self.unsent += 1

    def close(self) -> None:
        """Its process has ended: nobody is told anything any more."""
        self._door = None

    def events(self) -> Events:
        """Nothing: the wire tells what there is when it comes."""
        return ()

    def beat(self, now: int) -> None:
        """Logs in where there is no session, and notices when it is over."""
        if self.has_left:
            return
        if not self._session:
            if now >= self._try_at:
                self._connection = self._wire.connect(self)
                self._try_at = now + self._wait
                self._wait = min(2 * self._wait, LONGEST_LOGIN_NS)
        elif self._wire.reaches(self._connection):
            self._heard_at = now
        elif now - self._heard_at > SILENCE_NS:
            self.broken("the venue has said nothing for too long")

    def hear(self, connection: int, said: Sequence[AnyMessage]) -> None:
        """What the venue says; from a connection that was given up, nothing."""
        if connection != self._connection or self._door is None:
            return
        now = self._heard_at = self._bus.now
        for message in said:
            if isinstance(message, LinkChanged):
                self._session = message.session if message.up else 0
                self._wait = LOGIN_NS
                self._try_at = now
        self._door.from_venue([(message, now) for message in said])

    def leave(self) -> None:
        """Logs out, and not in again before it is told to."""
        if self._session:
            self._wire.leave(self._connection)
        self._connection = self._session = 0
        self.has_left = True

    def returns(self) -> None:
        """Logs in again."""
        self.has_left, self._try_at, self._wait = False, self._bus.now, LOGIN_NS

    def broken(self, reason: str) -> None:
        """The session is over."""
        if not self._session or self._door is None:
            return
        session, self._session = self._session, 0
        self._connection = 0
        self._try_at = self._bus.now
        down = LinkChanged("paper", self._bus.now, up=False, session=session, reason=reason)
        self._door.from_venue([(down, self._bus.now)])
