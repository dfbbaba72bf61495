"""The paper venue: a live link to the exchange process, which plays a broker's far side by the clock.

A session is one socket: it begins with a login on a fresh one, both sides give signs of life, and silence ends it at
both. Each frame carries the session's number, so that nothing written in a session that has died can arrive in a later
one; what was not sent by its end is dropped with its socket.
"""

import secrets
from collections.abc import Callable, Sequence
from random import Random

import zmq

from autofutures import clock
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import Keys
from autofutures.bus.sockets import Link
from autofutures.domain.messages import AnyMessage, Envelope, Heartbeat, LinkChanged, Ready
from autofutures.domain.units import SECOND

SILENCE_NS = 2 * SECOND
"""A side that has said nothing for so long is gone, and the session with it."""

BEAT_NS = SECOND // 2
"""How often each side says that it is there, at least."""

LOGIN_NS = SECOND
"""A login without an answer is given up after so long."""

FIRST_WAIT_NS = SECOND // 20
LONGEST_WAIT_NS = 2 * SECOND
"""Between two logins: twice as long after each that failed, up to this; a random half of it is left away."""

PARTING_MS = 500

MOST_FRAMES = 8
"""Taken at once: a burst must not keep the gateway from its requests."""


class PaperVenue:
    """One gateway's link to its broker.

    Args:
        context: the process's own.
        endpoint: the exchange's.
        keys: the gateway's.
        now: the run's time, which `LinkChanged` carries.

    Attributes:
        session: the broker's number of the present session; 0 while there is none.
        unsent: messages that were dropped, for there was no session to send them in.
    """

    name = "paper"

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        endpoint: str,
        keys: Keys,
        now: Callable[[], int] = clock.now_ns,
    ) -> None:
        self._context = context
        self._endpoint = endpoint
        self._keys = keys
        self._now = now
        self._jitter = Random(secrets.randbits(64))
        self._last_session = 0
        self._failures = 0
        self._inbox = Inbox()
        self._outbox = Outbox("gateway")
        self._said: list[tuple[AnyMessage, int]] = []
        self.session = 0
        self.unsent = 0
        self._link = self._fresh_link()
        self._login_at = clock.stopwatch_ns()
        self._asked = False
        self._heard_at = self._spoke_at = self._login_at
        self._said.append((LinkChanged(self.name, now(), up=False, session=0, reason="not there yet"), now()))

    @property
    def socket(self) -> "zmq.Socket[bytes]":
        """Readable when the broker has said something. It changes with each session: ask for it before each wait."""
        return self._link.socket

    def send(self, *messages: AnyMessage) -> None:
        """Hands messages over, in one frame; without a session they are dropped, and `events` has told of its end."""
        if not self.session or not self._offer(self._outbox.frame(messages, self._now())):
            self.unsent += len(messages)

    def events(self) -> Sequence[tuple[AnyMessage, int]]:
        """What the broker has said by now, each message with its time; waits for nothing.

        It also keeps the session alive, so it must be called a few times a second.
        """
        for _ in range(MOST_FRAMES):
            data = self._link.take()
            if data is None:
                break
            self._heard_at = clock.stopwatch_ns()
            for envelope in self._inbox.open(data):
                self._hear(envelope)
        self._keep_alive(clock.stopwatch_ns())
        said, self._said = self._said, []
        return said

    def close(self) -> None:
        """Ends the link in order: what was said in a session may still leave, for a little while."""
        self._link.socket.close(linger=PARTING_MS if self.session else 0)

    def _hear(self, envelope: Envelope) -> None:
        message = envelope.body
        if isinstance(message, Heartbeat):
            return
        if not isinstance(message, LinkChanged):
            self._said.append((message, envelope.at))
        elif message.up:
            self.session = self._last_session = message.session
            self._failures = 0
            self._outbox = Outbox("gateway", message.session)
            self._said.append((message, envelope.at))
        elif self.session == message.session:
            self._end(message.reason)

    def _keep_alive(self, now: int) -> None:
        if self.session:
            if now - self._heard_at > SILENCE_NS:
                self._end(f"the broker was silent for {SILENCE_NS // SECOND} s")
            elif now - self._spoke_at > BEAT_NS:
                self._offer(self._outbox.frame((Heartbeat("gateway", self._now()),), self._now()))
        elif self._asked:
            if now - self._login_at > LOGIN_NS:
                self._renew()
        elif now >= self._login_at:
            self._asked = self._offer(Outbox("gateway").frame((Ready("gateway"),), self._now()))
            self._login_at = now

    def _end(self, reason: str) -> None:
        """The session is over: that is said, and a fresh socket will bring the next."""
        at = self._now()
        self._said.append((LinkChanged(self.name, at, up=False, session=self.session, reason=reason), at))
        self.session = 0
        self._renew()

    def _renew(self) -> None:
        self._link.socket.close(linger=0)
        self._link = self._fresh_link()
        self._inbox = Inbox()
        wait = min(FIRST_WAIT_NS << self._failures, LONGEST_WAIT_NS)
        self._failures = min(self._failures + 1, 16)
        self._asked = False
        self._login_at = clock.stopwatch_ns() + wait // 2 + self._jitter.randrange(wait // 2 + 1)

    def _fresh_link(self) -> Link:
        """A name of its own: a hub does not admit a second peer by a name that it knows."""
        identity = f"gateway/{secrets.token_hex(4)}"
        return Link(self._context, self._endpoint, self._keys, "exchange", identity, live=True)

    def _offer(self, data: bytes) -> bool:
        """Sends, unless the queue is full: then the session is as good as dead, and silence will end it."""
        if not self._link.offer(data):
            return False
        self._spoke_at = clock.stopwatch_ns()
        return True
