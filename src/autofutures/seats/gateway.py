"""The gateway's seat: requests are written down, then go out once; all that the venue says goes to the trader.

Trades that the trader cannot take are dropped, and their numbers show it; a report waits until it can be handed over.
"""

from collections import deque
from collections.abc import Sequence

from autofutures.bus.codec import CONTROL, Inbox, Outbox
from autofutures.domain.messages import (
    AnyMessage,
    Cancel,
    Done,
    Envelope,
    Gap,
    Kill,
    LinkChanged,
    Query,
    Quote,
    Ready,
    Reconciled,
    Stop,
    Submit,
    Tick,
    encode,
)
from autofutures.gateway import Gateway, SendLog, Venue
from autofutures.orders.kill import KillSwitch
from autofutures.seats.port import GATEWAY, GREET_NS, MOST_MESSAGES, NOBODY, TRADER, Port, Watch

_MARKET = (Tick, Quote)

Leaving = Submit | Cancel | Query
"""What goes out to the venue."""

MOST_WAITING = 10_000
"""Reports that may wait for a trader; beyond it the oldest are given up, as a gap: the trader asks the venue then."""


class GatewaySeat:
    """One life of the gateway.

    Args:
        log: what earlier lives kept.
        venue: where requests go.
        port: the way to the trader.
        watch: looks on.
        kill: what stops orders here, whatever the trader says; some tests have none.

    Attributes:
        life: how often it greeted a trader, over all processes.
        dropped: trades that no trader could take.
        submitted: orders that it sent.
        causes: for each order that was sent since somebody took them, the number of the trade that caused it.
        stopped: the trader has ended, and so must this.
    """

    def __init__(
        self, log: SendLog, venue: Venue, port: Port, watch: Watch = NOBODY, kill: KillSwitch | None = None
    ) -> None:
        self._log = log
        self._venue = venue
        self._port = port
        self._watch = watch
        self._kill = kill
        self._node = Gateway(log, up=False, kill=kill)
        self._trader_epoch = 0
        self._waiting: deque[Envelope] = deque()
        self.dropped = 0
        self.submitted = 0
        self.causes: deque[int] = deque(maxlen=MOST_MESSAGES)
        self.stopped = False
        self._begin()

    def _begin(self) -> None:
        self.life = self._log.next_life()
        self._inbox = Inbox(joins=True)
        self._outbox = Outbox(GATEWAY, self.life)
        self._waiting.clear()  # A trader that starts asks the venue for everything.
        self._greeted_at = 0
        self._greeted = False

    @property
    def market_seq(self) -> int:
        """The number of the newest trade that was said to the trader in this life."""
        return self._outbox.market_seq

    def beat(self, now: int) -> None:
        """Greets until it was answered, then gives signs of life."""
        if not self._greeted and now - self._greeted_at >= GREET_NS:
            self._greet(now)
        elif self._greeted:
            self._hand_over(self._outbox.beat(now))

    def hear(self, _peer: str, data: bytes, now: int) -> None:
        """Lets the trader's requests out; that some were lost is said, for they may have been orders."""
        asked: list[tuple[Leaving, int]] = []
        causes: list[int] = []
        back: list[AnyMessage] = []
        compared: list[tuple[Reconciled, int]] = []
        for envelope in self._inbox.open(data):
            message = envelope.body
            if envelope.epoch > self._trader_epoch:
                self._new_trader(envelope.epoch, now)
            if isinstance(message, (Submit, Cancel, Query)):
                asked.append((message, envelope.epoch))
                if isinstance(message, Submit):
                    causes.append(envelope.cause)
            elif isinstance(message, Gap):
                back.append(message)
            elif isinstance(message, Reconciled):
                compared.append((message, envelope.epoch))
            else:
                self._control(message, envelope, now)
        if asked:
            self._request(asked, back, now)
            self.causes += causes
        for reconciled, epoch in compared:  # What is in its own frame was decided before.
            self._compared(reconciled, epoch, now)
        if back:
            self.say([(message, now) for message in back])

    def _control(self, message: AnyMessage, envelope: Envelope, now: int) -> None:
        """The trader's answer to the greeting asks how link and kill switch are, as often as it comes; and its end."""
        if isinstance(message, Ready) and envelope.cause == self.life:
            self._greeted = True
            if self._node.link is not None:
                self.say(((self._node.link, now),))
            if self._kill is not None and self._kill.number:  # That it was lifted may have been lost, too.
                self.say(((self._kill.status(now), now),))
        elif isinstance(message, Stop) and envelope.epoch == self._trader_epoch:
            self._hand_over(self._outbox.wrap_all((Done(GATEWAY, 1),), now))
            self.stopped = True

    def _request(self, asked: Sequence[tuple[Leaving, int]], back: list[AnyMessage], now: int) -> None:
        """Writes down what must not go out twice, then lets all out; what may not go is said back."""
        watch = self._watch
        requests: list[Leaving] = []
        messages = [message for message, _ in asked]
        watch.at("before log", messages, ())
        for message, epoch in asked:
            for out in self._node.request(message, epoch, now):
                if isinstance(out, (Submit, Cancel, Query)):
                    requests.append(out)
                    if isinstance(out, Query) and self._kill is not None:
                        self._kill.trader_asks(out)
                else:
                    back.append(out)
        watch.at("after log", messages, requests)
        if not requests:
            return
        self._venue.send(*requests)
        self.submitted += sum(1 for request in requests if isinstance(request, Submit))
        watch.at("after send", messages, requests)
        self._node.sent(requests)
        watch.at("after mark", messages, requests)

    # --- the kill switch

    def asked_to_kill(self, kill: Kill, now: int) -> None:
        """The kill switch asks for a level: it is kept, then the trader hears of it, then what is due leaves."""
        if self._kill is not None and self._kill.ask(kill, self._node.epoch):
            self.say(((self._kill.status(now), now),))
            self.attend(now)

    def attend(self, now: int) -> None:
        """Sends what the kill switch has to send now; it was written down. The trader hears when all is done."""
        kill = self._kill
        if kill is None:
            return
        was_done = kill.done
        requests = kill.decide(now)
        if requests:
            self._watch.at("kill kept", (), requests)
            self._venue.send(*requests)
        if kill.done and not was_done:
            self.say(((kill.status(now), now),))

    def left(self, now: int, venue: str, reason: str) -> None:
        """The session with the venue has ended for good: nothing goes out, until it is met again."""
        self.from_venue([(LinkChanged(venue, now, up=False, session=0, reason=reason), now)])

    def meets(self, venue: Venue) -> None:
        """Another link to the venue stands for the one before."""
        self._venue = venue

    def _compared(self, reconciled: Reconciled, epoch: int, now: int) -> None:
        """The trader's book and the venue's were compared: after a kill that admits it."""
        if self._kill is not None and self._kill.compared(reconciled, epoch):
            self.say(((self._kill.status(now), now),))

    def from_venue(self, events: Sequence[tuple[AnyMessage, int]]) -> None:
        """Tells the trader what the venue says, each message with its time."""
        kill = self._kill
        if kill is not None:
            events = [event for event in events if type(event[0]) in _MARKET or kill.hear(event[0])]
        for start in range(0, len(events), MOST_MESSAGES):
            self.say(events[start : start + MOST_MESSAGES])

    def say(self, events: Sequence[tuple[AnyMessage, int]]) -> None:
        """One frame to the trader."""
        for message, at in events:
            if type(message) is LinkChanged:
                self._node.handle(message, at)
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
