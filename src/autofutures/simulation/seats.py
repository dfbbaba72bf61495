"""Where the nodes sit in a simulation: each hears its frames, and may die at any instant, as a process would.

A seat is one life of a process. It owns the codec's ends and calls the node; it decides nothing. What must
outlive it (the journal, the gateway's log of what it sent) is handed to the next life.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

import msgspec

from autofutures.assemble.nodes import first_commands, make_host, make_trader
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.memory import MemoryBus
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.messages import (
    AnyMessage,
    Cancel,
    Command,
    Envelope,
    Gap,
    Intent,
    Placed,
    Quote,
    Ready,
    Refused,
    Report,
    Request,
    Restored,
    SessionEnded,
    Submit,
    Tick,
    WakeAt,
    Woke,
)
from autofutures.domain.units import SECOND
from autofutures.gateway import Gateway, Remembered
from autofutures.simulation.judge import Continuity, Judge
from autofutures.storage.journal import Journal

ASK_AGAIN_NS = SECOND // 2
"""A strategy that was told nothing says `Ready` again after so long."""

TRADER = "trader"
GATEWAY = "gateway"


class Killed(Exception):
    """A process died here, on purpose."""


class Fate:
    """When a process dies: at one of the points of a batch, once in so many batches.

    Args:
        random: decides.
        per_thousand: how many batches in a thousand are its last.
        died: hears that it came to that.
    """

    def __init__(self, random: Random, per_thousand: int, died: Callable[[], None]) -> None:
        self._random = random
        self._died = died
        self.per_thousand = per_thousand

    def live(self, act: Callable[[], None]) -> None:
        """Acts, unless that is the process's end."""
        try:
            act()
        except Killed:
            self._died()

    def point(self, points: Sequence[str]) -> str:
        """The point of this batch at which it dies, or nothing."""
        if self.per_thousand and self._random.randrange(1_000) < self.per_thousand:
            return self._random.choice(points)
        return ""


class Exit(Protocol):
    """A venue, as a gateway sends to it."""

    def send(self, request: Request) -> None:
        """Takes a request; what becomes of it is said later."""


class SendLog(msgspec.Struct):
    """What the gateway keeps for its next life."""

    sent: set[str] = msgspec.field(default_factory=set)
    epoch: int = 0
    life: int = 0


class GatewaySeat:
    """One life of the gateway.

    Args:
        bus: its links.
        venue: where requests go.
        log: what earlier lives kept.
        fate: when this one ends.
    """

    POINTS = ("before it is written down", "before it is sent", "after it is sent")

    def __init__(self, bus: MemoryBus, venue: Exit, log: SendLog, fate: Fate) -> None:
        log.life += 1
        self._bus = bus
        self._venue = venue
        self._log = log
        self._fate = fate
        self._node = Gateway(Remembered(log.sent, log.epoch))
        self._inbox = Inbox()
        self._continuity = Continuity()
        self._outbox = Outbox(GATEWAY, log.life)

    def hear(self, _peer: str, data: bytes) -> None:
        """Lets the trader's requests out; that some were lost is said, for they may have been orders."""
        self._fate.live(lambda: self._hear(data))

    def _hear(self, data: bytes) -> None:
        envelopes = self._inbox.open(data)
        self._continuity.heard(envelopes)
        for envelope in envelopes:
            message = envelope.body
            if isinstance(message, Gap):
                self.say((message,))
            elif isinstance(message, (Submit, Cancel)):
                self._request(message, envelope.epoch)

    def _request(self, request: Request, epoch: int) -> None:
        if not self._node.admits(epoch):
            self._bus.faults["refused an old epoch"] += 1
            return
        self._log.epoch = self._node.epoch
        for out in self._node.handle(request, self._bus.now):
            if isinstance(out, (Submit, Cancel)):
                dies = self._fate.point(self.POINTS)
                _die(dies == self.POINTS[0])
                self._log.sent.add(out.client_id)
                _die(dies == self.POINTS[1])
                self._venue.send(out)
                _die(dies == self.POINTS[2])

    def say(self, messages: Sequence[AnyMessage]) -> None:
        """Tells the trader what the venue says."""
        now = self._bus.now
        said = [out for message in messages for out in self._node.handle(message, now)]
        if said:
            self._bus.send(GATEWAY, TRADER, self._outbox.frame(said, now))


class StrategySeat:
    """One life of a strategy: it asks to be told what it must know, and hears nothing before that.

    Args:
        bus: its links.
        run: the house's settings.
        settings: its own.
        life: counts its lives, from 1.
        started: hears that it knows what it must.
    """

    def __init__(
        self,
        bus: MemoryBus,
        run: RunSettings,
        settings: StrategySettings,
        life: int,
        started: Callable[[], None],
    ) -> None:
        self._bus = bus
        self._settings = settings
        self._host = make_host(run, settings)
        self._name = f"strategy/{settings.name}"
        self._inbox = Inbox()
        self._continuity = Continuity()
        self._outbox = Outbox(self._name, life)
        self._started = started
        self._restored = False
        self.alive = True

    def ask(self) -> None:
        """Says that it is ready, until it has heard what it must know."""
        if self._restored or not self.alive:
            return
        ready = Ready(self._settings.name, self._settings.symbols)
        self._bus.send(self._name, TRADER, self._outbox.frame((ready,), self._bus.now))
        self._bus.call_at(self._bus.now + ASK_AGAIN_NS, self.ask)

    def hear(self, _peer: str, data: bytes) -> None:
        """Lets the strategy hear the trader's stream, and says its decisions."""
        said: list[AnyMessage] = []
        envelopes = self._inbox.open(data)
        self._continuity.heard(envelopes)
        for envelope in envelopes:
            if isinstance(envelope.body, Restored):
                if self._restored:
                    continue
                self._restored = True
                self._started()
            if self._restored:
                said += self._host.handle(envelope.body, envelope.at)
        if said:
            self._bus.send(self._name, TRADER, self._outbox.frame(said, self._bus.now))


class _Batch(msgspec.Struct):
    """What one frame made the trader do."""

    inputs: list[AnyMessage] = msgspec.field(default_factory=list)
    outputs: list[AnyMessage] = msgspec.field(default_factory=list)
    told: list[AnyMessage] = msgspec.field(default_factory=list)
    requests: list[Request] = msgspec.field(default_factory=list)


class TraderSeat:
    """One life of the trader, begun by folding the journal.

    Args:
        bus: its links.
        run: the house's settings.
        journal: what earlier lives did.
        judge: watches.
        fate: when this life ends.
    """

    POINTS = ("before its commit", "after its commit", "between two sends", "after all was sent")

    def __init__(self, bus: MemoryBus, run: RunSettings, journal: Journal, judge: Judge, fate: Fate) -> None:
        self._bus = bus
        self._run = run
        self._journal = journal
        self._judge = judge
        self._fate = fate
        self.epoch = journal.next_epoch()
        self.trader = make_trader(run, self.epoch)
        self._strategies = {f"strategy/{strategy.name}": strategy for strategy in run.strategies}
        self._inboxes: dict[str, Inbox] = {}
        self._outboxes = {peer: Outbox(TRADER, self.epoch) for peer in (GATEWAY, *self._strategies)}
        self._continuity = Continuity()
        self._lives: dict[str, int] = {}
        self.alive = True

    def start(self) -> int:
        """Folds the journal; returns how many facts there were."""
        facts = 0
        for fact in self._journal.facts():
            self.trader.fold(fact)
            facts += 1
        self._judge.same_book(self.trader, "the trader that folded the journal")
        if facts:
            batch = _Batch()
            self._said(self.trader.recovered(self._bus.now), batch)
            self._fate.live(lambda: self._settle(batch))
        return facts

    def hear(self, peer: str, data: bytes) -> None:
        """Handles a frame to its end, keeps it, and sends what came of it."""
        inbox = self._inboxes.get(peer)
        if inbox is None:
            inbox = self._inboxes[peer] = Inbox()
        envelopes = inbox.open(data)
        self._continuity.heard(envelopes)
        batch = _Batch()
        for envelope in envelopes:
            self._take(peer, envelope, batch)
        self._fate.live(lambda: self._settle(batch))

    def command(self, command: Command) -> None:
        """A person's command: refused at once, or passed on."""
        batch = _Batch()
        self._handle(command, batch)
        self._fate.live(lambda: self._settle(batch))
        peer = f"strategy/{command.strategy}"
        if self.alive and not batch.outputs and peer in self._lives:
            self._send(peer, (command,))

    def _take(self, peer: str, envelope: Envelope, batch: _Batch) -> None:
        message, life = envelope.body, self._lives.get(peer, 0)
        if isinstance(message, Ready):
            if envelope.epoch >= life:
                self._lives[peer] = envelope.epoch
                self._welcome(peer, message)
        elif envelope.epoch >= life or isinstance(message, (Report, Gap)):
            if peer == GATEWAY:
                self._lives[peer] = max(life, envelope.epoch)
            self._handle(message, batch)
        else:
            self._refuse(message, life, envelope.epoch, batch)

    def _refuse(self, message: AnyMessage, life: int, epoch: int, batch: _Batch) -> None:
        """An older life of a peer has no say any more, and its decisions are refused like any other."""
        self._bus.faults["refused an old life"] += 1
        if isinstance(message, Intent):
            now, reason = self._bus.now, f"life {epoch} of {message.strategy} was replaced by life {life}"
            refused = Refused(
                message.strategy, message.cause_seq, message.k, now, "epoch", life, epoch, reason
            )
            batch.inputs.append(message)
            self._said((refused,), batch)

    def _welcome(self, peer: str, ready: Ready) -> None:
        said = self.trader.handle(ready, self._bus.now)
        for restored in said:
            if isinstance(restored, Restored):
                self._judge.welcomes(restored)
        known = self.trader.configured(ready.source)
        commands = [c for c in first_commands(self._strategies[peer]) if c.name not in known]
        self._send(peer, (*said, *commands))

    def _handle(self, message: AnyMessage, batch: _Batch) -> None:
        now = self._bus.now
        batch.inputs.append(message)
        said = self.trader.handle(message, now)
        if isinstance(message, (Tick, Quote, SessionEnded, Woke, Gap)):
            batch.told.append(message)
        elif isinstance(message, WakeAt):
            woke = Woke(message.strategy, message.at, message.timer)
            self._bus.call_at(message.at, lambda: self._ring(woke))
        self._said(said, batch)

    def _said(self, outputs: Sequence[AnyMessage], batch: _Batch) -> None:
        for output in outputs:
            batch.outputs.append(output)
            if isinstance(output, (Submit, Cancel)):
                batch.requests.append(output)
            elif not isinstance(output, Placed):
                batch.told.append(output)

    def _ring(self, woke: Woke) -> None:
        if self.alive:
            batch = _Batch()
            self._handle(woke, batch)
            self._fate.live(lambda: self._settle(batch))

    def _settle(self, batch: _Batch) -> None:
        """Commits, then sends; it may die before, between and after."""
        if not batch.inputs and not batch.outputs:
            return
        dies = self._fate.point(self.POINTS)
        _die(dies == self.POINTS[0])
        self._journal.commit(batch.inputs, batch.outputs, self._bus.now)
        self._judge.kept(self.trader, batch.inputs, batch.outputs)
        _die(dies == self.POINTS[1])
        if batch.told:
            for peer in self._strategies:
                if peer in self._lives:
                    self._send(peer, batch.told)
        _die(dies == self.POINTS[2])
        if batch.requests:
            self._judge.leaves(batch.requests)
            self._send(GATEWAY, batch.requests)
        _die(dies == self.POINTS[3])

    def _send(self, peer: str, messages: Sequence[AnyMessage]) -> None:
        self._bus.send(TRADER, peer, self._outboxes[peer].frame(messages, self._bus.now))


def _die(now: bool) -> None:  # noqa: FBT001 - it reads as the sentence "die now, if …"
    if now:
        raise Killed
