"""The trader's seat: a batch is handled to its end, kept, and only then sent.

Hears everyone; says requests to the gateway, and its stream to strategies and recorder.
"""

import heapq
from collections.abc import Sequence

import msgspec

from autofutures.assemble.nodes import first_commands, make_tally, make_trader
from autofutures.assemble.sources import package_hash
from autofutures.bus.codec import Outbox
from autofutures.config import RunSettings
from autofutures.domain.messages import (
    MARKET,
    NOT_FOR_STRATEGIES,
    Alert,
    AnyMessage,
    Bad,
    Beat,
    BookMode,
    Cancel,
    Command,
    CommandRefused,
    Done,
    Envelope,
    Gap,
    Heartbeat,
    Intent,
    LinkChanged,
    Placed,
    Query,
    Quote,
    Ready,
    Reconciled,
    Refused,
    Rejected,
    Report,
    SessionEnded,
    Started,
    Stop,
    Stray,
    Submit,
    Tick,
    WakeAt,
    Woke,
    encode,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND
from autofutures.seats.desk import Desk
from autofutures.seats.peers import Peer
from autofutures.seats.port import GATEWAY, MOST_MESSAGES, NOBODY, RECORDER, SILENCE_NS, TRADER, Port, Watch
from autofutures.seats.readiness import Readiness, judge
from autofutures.seats.record import Record
from autofutures.storage.journal import Journal

Leaving = Submit | Cancel | Query | Reconciled

UNKEPT_NS = SECOND
"""Without write-ahead, what was sent is written down so late."""


class TraderSeat:
    """One life of the trader, begun by folding the journal.

    `hear` handles a frame, `settle` keeps and sends what came of all frames since: a driver that hears much hears
    several frames before it settles.

    Args:
        run: the run's settings.
        journal: what earlier lives did.
        port: the way to peers.
        watch: looks on.
        write_ahead: keep a batch before it leaves. Without it nothing is safe: it is for proving that tests see it.

    Attributes:
        epoch: this life's number.
        trader: the node.
        tally: counts what happened, up to the last beat.
        desk: where people ask.
        record: what is told to the recorder.
        heard: messages since the last settling.
        news: what a person may want to find in the process's log.
        old_lives: messages of replaced lives, which had no say.
        imposters: messages that were not their sayer's to say.
        stop_at: when it was asked to stop; 0 while it works.
        waits_for: peers that were asked to end and have not said that they have.
    """

    def __init__(
        self,
        run: RunSettings,
        journal: Journal,
        port: Port,
        *,
        watch: Watch = NOBODY,
        write_ahead: bool = True,
    ) -> None:
        self._run = run
        self._journal = journal
        self._port = port
        self._watch = watch
        self._write_ahead = write_ahead
        self.epoch = journal.next_epoch()
        self.trader = make_trader(run, self.epoch)
        self.tally = make_tally(run, keeps=False)
        self._strategies = {f"strategy/{strategy.name}": strategy for strategy in run.strategies}
        self._peers = {
            name: Peer(name, Outbox(TRADER, self.epoch)) for name in (GATEWAY, *self._strategies, RECORDER)
        }
        self.desk = Desk(self._say, tuple(self._strategies))
        self._inputs: list[AnyMessage] = []
        self._outputs: list[AnyMessage] = []
        self._stream: list[AnyMessage] = []
        self._requests: list[tuple[Leaving, int]] = []
        self._gateway_seq = 0
        self._unkept: tuple[list[AnyMessage], list[AnyMessage]] = ([], [])
        self._kept_at = 0
        self._moments: list[tuple[int, int]] = []
        self._unsaid: list[str] = []
        self.record = Record(self._peers[RECORDER].outbox, port, self.tally)
        self._timers: list[tuple[int, int, Woke]] = []
        self._timer_count = 0
        self._link: LinkChanged | None = None
        self._gateway_there = False
        self._asks_link = False
        self._beat_at = 0
        self._has_snapshot = self._session_over = False
        self.news: list[AnyMessage] = []
        self.old_lives = self.imposters = 0
        self._imposters: set[tuple[str, str]] = set()
        self.stop_at = 0
        self.waits_for: set[str] = set()

    @property
    def wake_at(self) -> int:
        """When the next timer rings; 0 for never."""
        return self._timers[0][0] if self._timers else 0

    @property
    def heard(self) -> int:
        """How many messages wait to be settled."""
        return len(self._inputs)

    def start(self, now: int) -> int:
        """Folds the journal, and says what is in doubt by it; returns how many facts there were."""
        facts = 0
        for fact in self._journal.facts():
            self.trader.fold(fact)
            facts += 1
        self.tally.hold(self.positions())
        self._said((self._started(now),))
        if facts:
            self._said(self.trader.recovered(now))
        self.settle(now)
        return facts

    def _started(self, now: int) -> Started:
        """What this life is made of."""
        settings, batch = msgspec.json.encode(self._run), self._journal.head.number
        ranges = tuple(self.trader.exits.ranges.kept())
        seq = self.trader.market_seq
        return Started(now, self.epoch, package_hash(), settings, batch, seq, ranges)

    def hear(self, name: str, data: bytes, now: int) -> None:
        """Handles a frame; `settle` keeps and sends what came of it, answers to people included."""
        peer = self._peers.get(name)
        if peer is None:
            command = self.desk.hear(name, data, now)
            if command is not None:
                self._command(command, now)
            return
        envelopes = peer.inbox.open(data)
        self._moments.append((len(self._inputs), now))
        if self._watch is not NOBODY:
            self._watch.at("batch", [envelope.body for envelope in envelopes], ())
        life, number, tells_market = peer.life, self._gateway_seq, name == GATEWAY
        inputs, stream, handle = self._inputs, self._stream, self.trader.handle
        for envelope in envelopes:
            message = envelope.body
            if type(message) is Tick and envelope.epoch == life and tells_market:
                said = handle(message, now)
                number = envelope.seq
                inputs.append(message)
                if not said:
                    stream.append(message)
                else:
                    self._gateway_seq = number
                    self._after(message, said)
            else:
                self._take(peer, envelope, now)
                life, inputs, stream = peer.life, self._inputs, self._stream
            if envelope.epoch == life:
                peer.heard_at = now
        self._gateway_seq = number
        if self._watch is not NOBODY:
            self._watch.at("handle", self._inputs, self._outputs)

    def settle(self, now: int) -> None:
        """Keeps what was heard and said since the last time, then sends it."""
        watch = self._watch
        inputs, outputs = self._inputs, self._outputs
        if not inputs and not outputs:
            self.desk.flush(now)
            return
        watch.at("before commit", inputs, outputs)
        if self._write_ahead:
            self._journal.commit(inputs, outputs, now)
            watch.kept(inputs, outputs)
        else:
            self._unkept[0].extend(inputs)
            self._unkept[1].extend(outputs)
        watch.at("after commit", inputs, outputs)
        stream, requests, moments = self._stream, self._requests, self._moments
        self._inputs, self._outputs, self._stream, self._requests, self._moments = [], [], [], [], []
        returned = self._send_requests(requests, now) if requests else []
        watch.at("between sends", inputs, outputs)
        untold = [*self._unsaid, *self._send_stream(stream, now)]
        self._unsaid.clear()
        self.record.note(inputs, moments, stream, now, self.trader.market_seq, self._gateway_seq, untold)
        watch.at("after sends", inputs, outputs)
        self.desk.flush(now)
        if returned:
            for report in returned:
                self._handle(report, now)
            self.settle(now)

    def beat(self, now: int, trouble: tuple[str, str] = ("", "")) -> None:
        """Timers ring, signs of life go out; `trouble` (an alert, why) is the computer's, and keeps entries back."""
        if now - self._kept_at >= UNKEPT_NS:
            self._keep_late(now)
        if now - self._beat_at > SILENCE_NS:  # It was stopped, or the computer was: others may be well.
            for peer in self._peers.values():
                peer.excuse(self._beat_at, now)
        self._beat_at = now
        self.ring(now)
        self._look_for_gateway(now)
        journal = self._journal.health(now).reason
        self._handle(Beat(now, journal, "disk") if journal else Beat(now, trouble[1], trouble[0]), now)
        self.settle(now)
        self._keep_snapshot(now)
        self.record.flush()
        for name, peer in self._peers.items():
            if name == RECORDER and self.record.waits:
                continue  # The numbers reached would overtake what it has not been told.
            signs = peer.outbox.beat(now)
            if self._asks_link and name == GATEWAY:  # What was lost may have been news of the link.
                signs.insert(0, peer.outbox.wrap(Ready(TRADER), now, peer.life))
            self._port.send(name, encode(signs))
        self.desk.beat(now)

    def ring(self, now: int) -> None:
        """Lets the timers ring that are due."""
        while self._timers and self._timers[0][0] <= now:
            self._handle(heapq.heappop(self._timers)[2], now)
            if self.heard >= MOST_MESSAGES:
                self.settle(now)
        self.settle(now)

    def readiness(self, now: int, besides: Sequence[str] = ()) -> Readiness:
        """Whether the machine may trade; `besides` is why not, as others see it."""
        absent = [name for name, peer in self._peers.items() if not peer.is_there(now)]
        lives = {TRADER: self.epoch, **{name: peer.life for name, peer in self._peers.items()}}
        reasons = (*self.trader.inquiry.standing.told, *besides)
        return judge(reasons, absent, lives, self.trader.uncovered(), now)

    def positions(self) -> dict[str, int]:
        """The book's net position in each instrument."""
        return {symbol: self.trader.portfolio.net(symbol) for symbol in self.trader.instruments}

    def unknown_orders(self) -> int:
        """Orders of which nobody knows whether they trade."""
        return sum(order.status is Status.UNKNOWN for order in self.trader.orders.alive())

    def stop(self, now: int, reason: str) -> None:
        """No more decisions are taken; strategies are asked to say what to keep, and then to end."""
        if self.stop_at:
            return
        self.settle(now)
        self.stop_at = now
        stop = (Stop(now, reason),)
        self.record.note(stop, [(0, now)], (), now, self.trader.market_seq, self._gateway_seq)
        self.waits_for = {name for name in self._strategies if self._ends(name, stop, now)}

    def decide(self, message: AnyMessage, now: int) -> None:
        """An input of the driver's own, kept like any other."""
        self._handle(message, now)
        self.settle(now)

    def _keep_late(self, now: int) -> None:
        """Without write-ahead: what has left long ago is written down."""
        self._kept_at = now
        if self._unkept[0] or self._unkept[1]:
            self._journal.commit(*self._unkept, now)
            self._unkept = ([], [])

    def end(self, now: int) -> None:
        """All is kept: the recorder and the gateway are told that it is over."""
        self.settle(now)
        self._keep_late(now)
        self._session_over = True
        self._keep_snapshot(now)
        self.record.flush()
        stop = (Stop(now, "stopped"),)
        self.waits_for = {name for name in (RECORDER, GATEWAY) if self._ends(name, stop, now)}

    def _keep_snapshot(self, now: int) -> None:
        """Bounds what the next life must fold: whole when a session is over, in between only what has changed."""
        journal = self._journal
        due = journal.since_snapshot >= (1 if self._session_over else journal.snapshot_every)
        if due and self._write_ahead:
            whole = self._session_over or not self._has_snapshot
            journal.snapshot(self.trader.facts(now, whole=whole), now, whole=whole)
            self._has_snapshot, self._session_over = True, False

    def _ends(self, name: str, stop: Sequence[AnyMessage], now: int) -> bool:
        return self._peers[name].is_there(now) and self._say(name, stop, now)

    def _take(self, peer: Peer, envelope: Envelope, now: int) -> None:
        """One message that is not simply the next tick: a peer's life decides whether it has a say."""
        message, epoch = envelope.body, envelope.epoch
        own = type(message) is Intent and message.strategy == peer.strategy
        if own and epoch == peer.life > 0 and not self.stop_at:
            self._handle(message, now)  # The way of an order: the questions below are for all others.
            return
        if not peer.may_say(message):
            self._imposter(peer.name, type(message).__name__, now)
            return
        if isinstance(message, Ready):
            if epoch >= peer.life:
                self.settle(now)
                self._welcome(peer, message, epoch, now)
            return
        current = epoch == peer.life and epoch > 0
        lost = isinstance(message, Gap) and peer.life > 0 and not message.source.endswith(MARKET)
        if current or lost or isinstance(message, Report):
            if isinstance(message, Done):
                self.waits_for.discard(peer.name)
            elif isinstance(message, Stop):
                self.desk.stop_asked = True  # The venue has said that no more will come.
            elif isinstance(message, Intent) and self.stop_at:
                self._refuse(message, now, "stop", "the machine is stopping")
            elif isinstance(message, LinkChanged):
                self._hear_link(message, now)
            elif not isinstance(message, Heartbeat) and not self.desk.answered(peer.name, message):
                self._asks_link = self._asks_link or (lost and peer.name == GATEWAY)
                self._handle(message, now)
        elif isinstance(message, Intent):
            reason = f"life {epoch} of {message.strategy} was replaced by life {peer.life}"
            self._refuse(message, now, "epoch", reason, peer.life, epoch)
        self.old_lives += not current

    def _imposter(self, peer: str, kind: str, now: int) -> None:
        """Somebody says what is not his to say: it is counted, never handled, and told to a person once."""
        self.imposters += 1
        if (peer, kind) not in self._imposters:
            self._imposters.add((peer, kind))
            text = f"it said {kind}, which is not its to say: not heard"
            self.news.append(Alert("imposter", now, peer, text))

    def _refuse(
        self, intent: Intent, now: int, rule: str, reason: str, limit: int = 1, value: int = 0
    ) -> None:
        """An older life of a peer has no say any more, nor has anyone once the machine stops: as any refusal."""
        self._take_in(intent, now)
        self._said((Refused(intent.strategy, intent.cause_seq, intent.k, now, rule, limit, value, reason),))

    def _welcome(self, peer: Peer, ready: Ready, life: int, now: int) -> None:
        """A peer greets: it hears what it must know, and where the numbering of what it is told stands."""
        if peer.name == GATEWAY and life > peer.life:
            self._link, self._gateway_there = None, True
            self._no_link("a gateway has started, and has not said yet whether its link is up", now)
        peer.life = life
        peer.heard_at = now
        self._moments.append((len(self._inputs), now))  # Of what its frame says besides.
        said: list[AnyMessage] = [Ready(TRADER)]
        restored: Sequence[AnyMessage] = ()
        settings = self._strategies.get(peer.name)
        if settings is not None:
            self._timers = [entry for entry in self._timers if entry[2].strategy != settings.name]
            heapq.heapify(self._timers)
            restored = self.trader.handle(ready, now)
            known = self.trader.configured(ready.source)
            commands = [command for command in first_commands(settings) if command.name not in known]
            said = [*restored, *commands, *([Stop(now, "the machine stops")] if self.stop_at else ())]
        if peer.name == RECORDER:
            self.record.flush()  # What has a number already must not come behind a higher one.
        outbox = peer.outbox
        envelopes = [*outbox.wrap_all(said, now, life), *outbox.beat(now)]
        told = self._port.send(peer.name, encode(envelopes))
        if settings is not None:  # What one strategy alone hears is still part of the record.
            seq, untold = self.trader.market_seq, () if told else (ready.source,)
            self.record.note([ready], [(0, now)], restored, now, seq, self._gateway_seq, untold)

    def _look_for_gateway(self, now: int) -> None:
        """Without a gateway there is no link, whatever the last one said of it; one that comes back has its own."""
        there = self._peers[GATEWAY].is_there(now)
        if there == self._gateway_there:
            return
        self._gateway_there = there
        if not there:
            self._no_link("the gateway is silent", now)
        elif self._link is not None:
            self._handle(msgspec.structs.replace(self._link, at=now), now)

    def _hear_link(self, message: LinkChanged, now: int) -> None:
        """The gateway says how its link is; what it has said before it may say again, and it means nothing new."""
        self._asks_link = False
        if message != self._link:
            self._link = message
            self._handle(message, now)

    def _no_link(self, reason: str, now: int) -> None:
        self._handle(LinkChanged(GATEWAY, now, up=False, session=0, reason=reason), now)

    def _command(self, command: Command, now: int) -> None:
        """A person's command: refused at once, or passed on to its strategy."""
        self._take_in(command, now)
        said = self.trader.handle(command, now)
        if said:
            self._said([word for word in said if not isinstance(word, CommandRefused)])
            for word in said:
                self.desk.answered("", word)
            return
        if not self._say(f"strategy/{command.strategy}", (command,), now):
            self._unsaid.append(command.flow)

    def _take_in(self, message: AnyMessage, now: int) -> None:
        """An input, at its time."""
        moments = self._moments
        if not moments or moments[-1][1] != now:
            moments.append((len(self._inputs), now))
        self._inputs.append(message)

    def _handle(self, message: AnyMessage, now: int) -> None:
        self._take_in(message, now)
        self._session_over = self._session_over or isinstance(message, SessionEnded)
        said = self.trader.handle(message, now)
        self._after(message, said)

    def _after(self, message: AnyMessage, said: Sequence[AnyMessage]) -> None:
        """Routes an input that others must hear of, and what the trader said to it."""
        if isinstance(message, (Tick, Quote, SessionEnded, Woke, Gap)):
            if not (said and isinstance(said[0], Bad)):  # No trade, no quote: nobody is told of it as one.
                self._stream.append(message)
        elif isinstance(message, WakeAt):
            self._timer_count += 1
            woke = Woke(message.strategy, message.at, message.timer)
            heapq.heappush(self._timers, (message.at, self._timer_count, woke))
        if said:
            self._said(said)

    def _said(self, outputs: Sequence[AnyMessage]) -> None:
        self._outputs += outputs
        cause = self.trader.market_seq
        for output in outputs:
            if isinstance(output, (Submit, Cancel, Query)):
                self._requests.append((output, cause))
            elif isinstance(output, Placed):
                cause = output.intent.cause_seq
            elif isinstance(output, (Alert, BookMode, Reconciled, Stray)):
                self.news.append(output)
                if isinstance(output, Reconciled) and not self.trader.inquiry.standing.admitted:
                    self._requests.append((output, cause))
            if not isinstance(output, Query):
                self._stream.append(output)

    def _send_requests(self, requests: Sequence[tuple[Leaving, int]], now: int) -> list[AnyMessage]:
        """Sends what goes to the venue, each with the gateway's number of the trade that caused it.

        Returns:
            Reports on what provably did not leave.
        """
        orders = [request for request, _ in requests if isinstance(request, (Submit, Cancel))]
        self._watch.leaves(orders)
        gateway, ahead = self._peers[GATEWAY], self._gateway_seq - self.trader.market_seq
        if gateway.life:
            wrap = gateway.outbox.wrap
            frame = [wrap(request, now, max(0, cause + ahead)) for request, cause in requests]
            if self._port.send(GATEWAY, encode(frame)):
                return []
        reason = "not sent: no gateway"
        return [Rejected(one.client_id, now, reason, of_cancel=isinstance(one, Cancel)) for one in orders]

    def _send_stream(self, stream: Sequence[AnyMessage], now: int) -> Sequence[str]:
        """Tells strategies, and returns those that could not be told."""
        heard: Sequence[AnyMessage] = stream
        if len(stream) > 1 or (stream and type(stream[0]) is not Tick):
            heard = [message for message in stream if type(message) not in NOT_FOR_STRATEGIES]
        there = [name for name in self._strategies if heard and self._peers[name].life]
        return [self._strategies[name].name for name in there if not self._say(name, heard, now)]

    def _say(self, peer: str, messages: Sequence[AnyMessage], now: int, cause: int = 0) -> bool:
        known = self._peers.get(peer)
        outbox = known.outbox if known is not None else Outbox(TRADER, self.epoch)
        return self._port.send(peer, outbox.frame(messages, now, cause))
