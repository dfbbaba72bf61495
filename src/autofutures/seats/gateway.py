"""The gateway's seat: requests are written down, then go out once; all that the venue says goes to the trader.

Trades that the trader cannot take are dropped, and their numbers show it; a report waits until it can be handed over.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from autofutures.bus.codec import CONTROL, Inbox, Outbox
from autofutures.domain.messages import (
    AnyMessage,
    Cancel,
    Done,
    Envelope,
    Gap,
    LinkChanged,
    Query,
    Quote,
    Ready,
    Stop,
    Submit,
    Tick,
    encode,
)
from autofutures.gateway import Gateway, Venue
from autofutures.seats.port import GATEWAY, GREET_NS, MOST_MESSAGES, NOBODY, TRADER, Port, Watch

Leaving = Submit | Cancel | Query
"""What goes out to the venue."""

MOST_WAITING = 10_000
"""Reports that may wait for a trader; beyond it the oldest are given up, as a gap: the trader asks the venue then."""


class SendLog(Protocol):
    """What a gateway keeps for its next life."""

    @property
    def epoch(self) -> int:
        """The highest trader's epoch that was admitted."""
        ...

    @property
    def sent(self) -> Sequence[str]:
        """The client ids of all orders that may have been sent."""
        ...

    def keep(self, client_ids: Sequence[str], epoch: int) -> None:
        """Writes down that these may have been sent from now on, and who asked."""
        ...

    def next_life(self) -> int:
        """A number above all that were given before."""
        ...


class GatewaySeat:
    """One life of the gateway.

    Args:
        log: what earlier lives kept.
        venue: where requests go.
        port: the way to the trader.
        watch: looks on.

    Attributes:
        life: how often it greeted a trader, over all processes.
        dropped: trades that no trader could take.
        submitted: orders that it sent.
        stopped: the trader has ended, and so must this.
    """

    def __init__(self, log: SendLog, venue: Venue, port: Port, watch: Watch = NOBODY) -> None:
        self._log = log
        self._venue = venue
        self._port = port
        self._watch = watch
        self._node = Gateway(log.sent, log.epoch)
        self._trader_epoch = 0
        self._waiting: deque[Envelope] = deque()
        self._link: LinkChanged | None = None
        self.dropped = 0
        self.submitted = 0
        self.stopped = False
        self._begin()

    def _begin(self) -> None:
        self.life = self._log.next_life()
        self._inbox = Inbox(joins=True)
        self._outbox = Outbox(GATEWAY, self.life)
        self._waiting.clear()  # A trader that starts asks the venue for everything.
        self._greeted_at = 0
        self._greeted = False

    def beat(self, now: int) -> None:
        """Greets until it was answered, then gives signs of life."""
        if not self._greeted and now - self._greeted_at >= GREET_NS:
            self._greet(now)
        elif self._greeted:
            self._hand_over(self._outbox.beat(now))

    def hear(self, _peer: str, data: bytes, now: int) -> None:
        """Lets the trader's requests out; that some were lost is said, for they may have been orders."""
        requests: list[Leaving] = []
        back: list[AnyMessage] = []
        for envelope in self._inbox.open(data):
            message = envelope.body
            if envelope.epoch > self._trader_epoch:
                self._new_trader(envelope.epoch, now)
            if isinstance(message, (Submit, Cancel, Query)):
                if self._node.admits(envelope.epoch):
                    for out in self._node.handle(message, now):
                        if isinstance(out, (Submit, Cancel, Query)):
                            requests.append(out)
                        else:
                            back.append(out)
            elif isinstance(message, Gap):
                back.append(message)
            else:
                self._control(message, envelope, now)
        if requests:
            self._send(requests)
        if back:
            self.say([(message, now) for message in back])

    def _control(self, message: AnyMessage, envelope: Envelope, now: int) -> None:
        """The trader's answer to the greeting, and its end."""
        if isinstance(message, Ready) and envelope.cause == self.life and not self._greeted:
            self._greeted = True
            if self._link is not None:
                self.say(((self._link, now),))
        elif isinstance(message, Stop) and envelope.epoch == self._trader_epoch:
            self._hand_over(self._outbox.wrap_all((Done(GATEWAY, 1),), now))
            self.stopped = True

    def _send(self, requests: Sequence[Leaving]) -> None:
        """Writes down what must not go out twice, then lets all out."""
        watch = self._watch
        submits = [request.client_id for request in requests if isinstance(request, Submit)]
        watch.at("before log")
        if submits:
            self._log.keep(submits, self._node.epoch)
        watch.at("after log")
        self._venue.send(*requests)
        self.submitted += len(submits)
        watch.at("after send")

    def from_venue(self, events: Sequence[tuple[AnyMessage, int]]) -> None:
        """Tells the trader what the venue says, each message with its time."""
        for start in range(0, len(events), MOST_MESSAGES):
            self.say(events[start : start + MOST_MESSAGES])

    def say(self, events: Sequence[tuple[AnyMessage, int]]) -> None:
        """One frame to the trader."""
        for message, _ in events:
            if type(message) is LinkChanged:
                self._link = message
        self._hand_over(self._outbox.wrap_events(events))

    def _hand_over(self, envelopes: Sequence[Envelope]) -> None:
        waiting = self._waiting
        frame = [*waiting, *envelopes] if waiting else envelopes
        if self._port.send(TRADER, encode(frame)):
            waiting.clear()
            return
        for envelope in envelopes:
            if isinstance(envelope.body, (Tick, Quote)):
                self.dropped += 1
            elif not isinstance(envelope.body, CONTROL):
                waiting.append(envelope)
        while len(waiting) > MOST_WAITING:
            waiting.popleft()

    def _greet(self, now: int) -> None:
        if self._port.send(TRADER, self._outbox.frame((Ready(GATEWAY),), now)):
            self._greeted_at = now

    def _new_trader(self, epoch: int, now: int) -> None:
        if self._trader_epoch:
            self._begin()
        self._trader_epoch = epoch
        self._greet(now)
