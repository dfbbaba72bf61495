"""The exchange process by the clock: a broker's far side that nobody has to wait for, and that outlives the machine.

Plays the feed as time goes by, holds one session with a gateway, says what the broker says when it says it, and answers
people: `ledger` for the books, `held` for what of them is open, `cut:MILLISECONDS` to cut the link for so long,
`lock` for a price locked at its limit and `unlock` for its end, `end` for the session's end at once, `stop`.
"""

import signal
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
import zmq

from autofutures.assemble.market import make_broker, make_feed
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.sockets import Hub
from autofutures.domain.errors import BadMessage
from autofutures.domain.messages import (
    Answer,
    AnyMessage,
    Ask,
    Cancel,
    Envelope,
    Heartbeat,
    LinkChanged,
    Query,
    Ready,
    SessionEnded,
    Stop,
    Submit,
    Tick,
    decode_frame,
    encode,
)
from autofutures.domain.units import SECOND
from autofutures.matching.ledger import Statement
from autofutures.matching.model import FeedEvent
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log
from autofutures.processes.live import LiveClock

SILENCE_NS = 2 * SECOND
"""A gateway that has said nothing for so long has no session any more."""

BEAT_NS = SECOND // 2
BREATH_MS = 200
"""The longest wait: then the process looks whether its parent still lives."""

AT_ONCE = 2_000
"""Events of the feed that happen before requests are looked at again."""

PER_FRAME = 512
QUEUE = 100
"""Frames that may wait for the gateway in its socket: 50,000 trades, half a second of the densest market."""

HEARD_AT_ONCE = 100

RECONCILED_NS = 5 * SECOND
"""So long after the feed's end nobody asks for lists any more, and a machine that runs `until_end` may stop."""

LOGGED_OUT_NS = SECOND
"""After each session of a market that has more to come everyone is logged out, and may log in again after so long."""

_MILLISECOND = 1_000_000


class Session:
    """The link to the one gateway that has logged in.

    Args:
        hub: the process's.

    Attributes:
        peer: the gateway's name of this session; empty where there is none.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: deque[bytes] = deque()
        self._outbox = Outbox("exchange")
        self._inbox = Inbox()
        self.peer = ""
        self.heard_at = 0
        self._spoke_at = 0

    @property
    def is_full(self) -> bool:
        """Whether the gateway does not keep up: then nothing new is said, and nothing is lost."""
        return bool(self._waiting)

    def begin(self, peer: str, number: int, now: int) -> None:
        """A gateway has logged in."""
        self.end()
        self.peer = peer
        self.heard_at = now
        self._outbox, self._inbox = Outbox("exchange", number), Inbox()

    def end(self) -> None:
        """What was not sent is dropped."""
        self.peer = ""
        self._waiting.clear()

    def open(self, data: bytes, now: int) -> list[Envelope]:
        """What the gateway says."""
        self.heard_at = now
        return self._inbox.open(data)

    def say(self, messages: Sequence[AnyMessage], now: int) -> bool:
        """Says messages in frames of a bounded length; `False` where the gateway is not there any more."""
        for start in range(0, len(messages), PER_FRAME):
            part = messages[start : start + PER_FRAME]
            self._waiting.append(encode(self._outbox.wrap_events([(m, _at(m)) for m in part])))
        return self.flush(now)

    def flush(self, now: int) -> bool:
        """Sends what waits, and a sign of life where there was none for a while."""
        if not self._waiting and now - self._spoke_at > BEAT_NS:
            self._waiting.append(self._outbox.frame((Heartbeat("exchange", now),), now))
        while self._waiting:
            try:
                self._hub.socket.send_multipart((self.peer.encode(), self._waiting[0]), zmq.NOBLOCK)
            except zmq.Again:
                return True
            except zmq.ZMQError:
                return False
            self._waiting.popleft()
            self._spoke_at = now
        return True


def _at(message: AnyMessage) -> int:
    at: int = getattr(message, "at", 0)
    return at


class FarSide:
    """The broker with its hub, its feed and the hour."""

    def __init__(self, folder: Folder, hub: Hub, life: Life, log: Log) -> None:
        run, self._machine = folder.run(), folder.machine()
        self._folder = folder
        self._hub = hub
        self._log = log
        self._life = life
        self._broker = make_broker(run, folder.next_life("exchange"))
        if folder.ledger.exists():
            self._broker.resume(msgspec.json.decode(folder.ledger.read_bytes(), type=Statement))
        self._clock = LiveClock(self._machine)
        self._feed = iter(make_feed(run))
        self._next: FeedEvent | None = next(self._feed, None)
        self._session = Session(hub)
        self._begun = False
        self._ended_at = 0
        self._log_out_at = 0
        self._told_to_stop = False
        self._cut_until = 0
        self.stopping = ""

    def now(self) -> int:
        """The run's time, UTC nanoseconds."""
        return self._clock.now()

    def serve(self) -> None:
        """Until somebody stops it, or it has nothing left to do."""
        try:
            while not self.stopping:
                self._life.check()
                self._turn()
        finally:
            new = self._folder.ledger.with_suffix(".new")
            new.write_bytes(msgspec.json.encode(self._broker.statement()))
            new.replace(self._folder.ledger)

    def _turn(self) -> None:
        now = self.now()
        played = self._begun and not self._session.is_full
        self._speak(self._play(now) if played else [], now)
        wait_ms = self._wait_ms(now)
        for _ in range(HEARD_AT_ONCE):
            heard = self._hub.receive(wait_ms)
            if heard is None:
                break
            wait_ms = 0
            self._hear(*heard, self.now())

    def _play(self, now: int) -> list[AnyMessage]:
        """Everything of the feed that is due happens, as much as may happen at once; returns what is said of it."""
        broker, feed, event = self._broker, self._feed, self._next
        said: list[AnyMessage] = broker.say(now)
        most = len(said) + AT_ONCE
        while event is not None and event.at <= now and len(said) < most:
            if type(event) is Tick and broker.is_calm(event.symbol):
                symbol, trade = event.symbol, event
                while type(event) is Tick and event.at <= now and event.symbol == symbol and len(said) < most:
                    said.append(event)
                    trade, event = event, next(feed, None)
                broker.passed(trade)
            else:
                broker.market(event, now)
                said += broker.say(now)
                if type(event) is SessionEnded:
                    self._log_out_at = now + RECONCILED_NS
                event = next(feed, None)
        self._next = event
        if event is not None and 0 < self._log_out_at <= now:
            self._log_out_at = 0
            broker.log_out(now, now + LOGGED_OUT_NS, "the market's session is over: log in for the next")
        if event is None and not self._ended_at:
            broker.close(now)
            self._ended_at = now
            self._log.info("feed ended")
        return said

    def _speak(self, said: list[AnyMessage], now: int) -> None:
        session, broker = self._session, self._broker
        if not session.peer:
            broker.say(now)  # The last words of a session whose gateway has gone already.
            return
        if session.is_full:
            here = session.flush(now)
        else:
            said += broker.say(now)
            if self._is_over(now):
                said.append(Stop(now, "the feed has ended"))
            here = session.say(said, now)
        if not broker.up:
            self._log.info("session ended", number=broker.session, reason="the broker ended it")
            session.end()
        elif not here:
            self._drop(now, "the gateway has gone")
        elif now - session.heard_at > SILENCE_NS:
            self._drop(now, "the gateway was silent")

    def _is_over(self, now: int) -> bool:
        """Whether the gateway must now be told that no more will come; it is told once in each session."""
        over = bool(self._machine.until_end and self._ended_at and now - self._ended_at > RECONCILED_NS)
        told, self._told_to_stop = self._told_to_stop, over
        return over and not told

    def _drop(self, now: int, reason: str) -> None:
        self._log.info("session ended", number=self._broker.session, reason=reason)
        self._broker.drop(now)
        self._session.end()
        self._told_to_stop = False

    def _wait_ms(self, now: int) -> int:
        """How long nothing is due; a gateway whose queue is full is tried again soon."""
        if self._session.is_full:
            return 1
        due = now + BREATH_MS * _MILLISECOND
        if self._begun and self._next is not None:
            due = min(due, self._next.at)
        due = min(due, self._broker.due_at)
        return max(0, -(-(due - now) // _MILLISECOND))

    def _hear(self, peer: str, data: bytes, now: int) -> None:
        try:
            if not peer.startswith("gateway"):
                self._answer(peer, data, now)
            elif now >= self._cut_until:
                self._request(peer, data, now)
        except BadMessage as error:
            self._log.error("not understood", peer=peer, reason=str(error))

    def _request(self, peer: str, data: bytes, now: int) -> None:
        """What a gateway says: a login from anyone, all else from the one that has the session."""
        if peer != self._session.peer:
            self._knock(peer, data, now)
            return
        for envelope in self._session.open(data, now):
            message = envelope.body
            if isinstance(message, (Submit, Cancel, Query)):
                self._broker.hear(message, envelope.epoch, now)
            elif isinstance(message, Stop):
                self._drop(now, "the gateway has logged out")
                if self._told_to_stop or self._ended_at:
                    self.stopping = "the feed has ended"

    def _knock(self, peer: str, data: bytes, now: int) -> None:
        """A login begins a session; whoever speaks on as if its session lasted is told that it does not."""
        envelopes = decode_frame(data)
        if any(isinstance(envelope.body, Ready) for envelope in envelopes):
            said = self._broker.connect(now)
            if said:
                self._begun = True
                self._told_to_stop = False
                self._session.begin(peer, self._broker.session, now)
                self._session.say(said, now)
                self._log.info("session began", number=self._broker.session, peer=peer)
            return
        number = envelopes[0].epoch if envelopes else 0
        for envelope in envelopes:
            if isinstance(envelope.body, (Submit, Cancel, Query)):
                self._broker.hear(envelope.body, number, now)  # It counts what it does not hear.
        over = LinkChanged("paper", now, up=False, session=number, reason="the session is over")
        # Its inbox counts what it heard in that session: this is none of it, and begins a count of its own.
        self._tell(peer, Outbox("exchange", now).frame((over,), now))

    def _answer(self, peer: str, data: bytes, now: int) -> None:
        """A person asks."""
        for envelope in decode_frame(data):
            question = envelope.body
            if isinstance(question, Ask):
                text = self._said_to(question.what, now)
                answer = Answer(question.flow, text)
                self._tell(peer, Outbox("exchange").frame((answer,), now, flow=question.flow))

    def _said_to(self, what: str, now: int) -> str:
        verb, _, value = what.partition(":")
        match verb:
            case "ledger":
                return msgspec.json.encode(self._broker.statement()).decode()
            case "held":
                return msgspec.json.encode(self._broker.ledger.held()).decode()
            case "cut" if value.isdecimal():
                self._cut_until = now + int(value) * _MILLISECOND
                self._broker.faults["cut"] += 1
                self._drop(now, f"cut for {value} ms")
            case "lock" | "unlock":
                self._broker.locked = verb == "lock"
            case "end":
                self._end_market(now)
            case "stop":
                self.stopping = "asked to"
            case _:
                return '{"refused": "ask for ledger, held, cut:MILLISECONDS, lock, unlock, end or stop"}'
        return '{"done": true}'

    def _end_market(self, now: int) -> None:
        """The session ends now, whatever its hours: what works in it is void, and no trade follows."""
        run = self._folder.run()
        ends = [SessionEnded(symbol, now, run.day, run.session) for symbol in run.symbols]
        self._next, self._feed = ends[0], iter(ends[1:])

    def _tell(self, peer: str, data: bytes) -> None:
        if not self._hub.offer(peer, data):
            self._log.info("nobody there", peer=peer)


def serve(folder: Folder, log: Log) -> None:
    """Plays the broker of a live run."""
    life = Life()
    machine = folder.machine()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    hub = Hub(context, folder.endpoint("exchange"), load_keys(Path(machine.keys), "exchange"), queue=QUEUE)
    far_side = FarSide(folder, hub, life, log)

    def stop(_number: int, _frame: object) -> None:
        far_side.stopping = "terminated"

    signal.signal(signal.SIGTERM, stop)
    far_side.serve()
    log.info("stopped", reason=far_side.stopping)
    hub.close()
    context.term()
