"""The trader process: one hub that gateway, strategies, recorder and people connect to; the journal's only writer.

Replay goes in lockstep: all of an event is handled, the strategies answer, the journal keeps it, and only then do
orders leave and `Done` asks for the next event.
"""

from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
import zmq

from autofutures.assemble.nodes import first_commands, make_tally, make_trader
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.faults import Faults
from autofutures.bus.sockets import Hub
from autofutures.domain.errors import BadInput, BadMessage, Refusal
from autofutures.domain.messages import (
    Answer,
    AnyMessage,
    Ask,
    Command,
    CommandRefused,
    Configured,
    Decision,
    Done,
    Envelope,
    HaltReset,
    LimitSet,
    Placed,
    Ready,
    Request,
    Step,
    Stop,
    Submit,
    encode,
)
from autofutures.engine import Lockstep
from autofutures.market import day_changes
from autofutures.ops.folder import Folder
from autofutures.ops.process import BREATH_MS, Life, Log, run_process
from autofutures.ops.risk_shown import risk_shown
from autofutures.processes.gateway import STOPPED
from autofutures.processes.live_trader import trade
from autofutures.storage.journal import Journal

RECORD_EVERY = 256
"""Messages of the stream that the recorder is sent at once."""


class TraderProcess:
    """Drives the trader node."""

    def __init__(self, folder: Folder, hub: Hub, journal: Journal, log: Log) -> None:
        self._folder = folder
        self._run = folder.run()
        self._log = log
        self._hub = hub
        self._journal = journal
        self._epoch = journal.next_epoch()
        self.trader = make_trader(self._run, self._epoch)
        self.tally = make_tally(self._run)
        self._lockstep = Lockstep(self.trader, self._ask, self._tell, journal.commit)
        self._strategies = [f"strategy/{strategy.name}" for strategy in self._run.strategies]
        self._inboxes: dict[str, Inbox] = {}
        self._outboxes = {
            peer: Outbox("trader", self._epoch) for peer in ("gateway", "recorder", *self._strategies)
        }
        self._deferred: deque[tuple[str, bytes]] = deque()
        self._recorded: list[Envelope] = []
        self._event: list[AnyMessage] = []
        self._number = 0
        self._at = 0
        self._faults = Faults(folder.machine().pause_seed, "trader")
        self._life = Life()
        # A person's command made orders since the last answer: what the venue said ahead must be said again.
        self._ordered_apart = False
        self._imposters = 0
        self._stopped = False

    def start(self) -> None:
        """Folds the journal, waits until everyone is there, gives strategies what was kept, and lets the feed begin."""
        facts = 0
        for fact in self._journal.facts():
            self.trader.fold(fact)
            facts += 1
        in_doubt = self.trader.recovered(self._at) if facts else []
        self._log.info("recovered", facts=facts, in_doubt=len(in_doubt), epoch=self._epoch)
        waited = set(self._outboxes)
        while waited:
            peer, data = self._next()
            if peer in waited and any(isinstance(e.body, Ready) for e in self._open(peer, data)):
                waited.discard(peer)
            elif peer not in self._outboxes:
                self._deferred.append((peer, data))
        for strategy in self._run.strategies:
            self._start_strategy(f"strategy/{strategy.name}", strategy.name)
        if in_doubt:
            self._journal.commit((), in_doubt, self._at)
            self._send_requests(self._lockstep.step(self._ask(in_doubt, self._at), self._at, 0))
        self._send("gateway", (Ready("trader"),))

    def _start_strategy(self, peer: str, name: str) -> None:
        settings = next(strategy for strategy in self._run.strategies if strategy.name == name)
        said = self.trader.handle(Ready(name, settings.symbols), self._at)
        for message in said:
            self._tell(message, self._at)
        known = self.trader.configured(name)
        commands = [c for c in first_commands(settings) if c.name not in known]
        self._send(peer, (*said, *commands))
        decisions = self._answer_of(peer)
        for decision in decisions:
            if isinstance(decision, CommandRefused):
                raise BadInput(f"strategy {name}: {decision.reason}")
        if decisions:
            self._send_requests(self._lockstep.step(decisions, self._at, 0))

    def serve(self) -> None:
        """Handles what comes until the feed has ended or a person has stopped it."""
        while not self._stopped:
            peer, data = self._deferred.popleft() if self._deferred else self._next()
            if peer == "gateway":
                self._from_gateway(data)
            elif peer not in self._outboxes:
                self._from_person(peer, data)

    def _from_gateway(self, data: bytes) -> None:
        """Handles a frame's events in turn; at the first that makes an order, the venue must say the rest again."""
        answered = True
        for envelope in self._open("gateway", data):
            message = envelope.body
            if isinstance(message, Step):
                answered = self._step(message)
                if answered:
                    return
            elif isinstance(message, Stop):
                self._finish(message)
            else:
                self._event.append(message)
        if not answered:
            self._send("gateway", (Done("trader", self._number, self._lockstep.wake_at),))

    def _step(self, step: Step) -> bool:
        """Handles one event to its end; whether the answer has gone, for it had orders in it."""
        self._faults.pause()
        event, self._event = self._event, []
        if step.number <= self._number:  # Said again, because our answer was slow.
            return False
        self._at = step.at
        requests = self._lockstep.step(event, step.at, step.next_at)
        self._number = step.number
        if len(self._recorded) >= RECORD_EVERY:
            self._flush_recorder()
        if not requests and not self._ordered_apart:
            return False
        self._ordered_apart = False
        self._send_requests(requests, Done("trader", step.number, self._lockstep.wake_at))
        return True

    def _send_requests(self, requests: Sequence[Request], *more: AnyMessage) -> None:
        for request in requests:
            if isinstance(request, Submit):
                self._log.info(
                    "submit", flow=request.client_id, symbol=request.symbol, side=request.side.word
                )
        # Each leaves at its own time: a timer that has rung since then makes no order late.
        outbox, cause = self._outboxes["gateway"], self.trader.market_seq
        envelopes = [outbox.wrap(request, request.at, cause) for request in requests]
        envelopes += [outbox.wrap(message, self._at, cause) for message in more]
        if envelopes:
            self._hub.send("gateway", encode(envelopes))

    def _ask(self, messages: Sequence[AnyMessage], at: int) -> Sequence[Decision]:
        """Lets every strategy hear the messages, and waits until each has answered; strategy order counts."""
        self._at = at
        for peer in self._strategies:
            self._send(peer, messages)
        decisions: list[Decision] = []
        answers: dict[str, list[Decision]] = {}
        for peer in self._strategies:
            while peer not in answers:
                self._collect(answers)
            decisions += answers[peer]
        return decisions

    def _answer_of(self, peer: str) -> list[Decision]:
        answers: dict[str, list[Decision]] = {}
        while peer not in answers:
            self._collect(answers)
        return answers[peer]

    def _collect(self, answers: dict[str, list[Decision]]) -> None:
        peer, data = self._next()
        if peer not in self._strategies:
            self._deferred.append((peer, data))
            return
        answers[peer] = [e.body for e in self._open(peer, data) if isinstance(e.body, Decision)]

    def _from_person(self, peer: str, data: bytes) -> None:
        try:
            envelopes = self._open(peer, data)
        except BadMessage as error:  # Of another version, say: no reason to stop trading.
            self._log.warning("not understood", peer=peer, reason=str(error))
            return
        for envelope in envelopes:
            message = envelope.body
            if isinstance(message, Command):
                self._reply(peer, self._command(message))
            elif isinstance(message, Ask) and message.what == "stop":
                self._send("gateway", (Stop(self._at, "a person asked"),))
                self._reply(peer, Answer(message.flow, '{"stopping": true}'))
            elif isinstance(message, Ask):
                self._reply(peer, Answer(message.flow, self._answer(message).decode()))

    def _answer(self, ask: Ask) -> bytes:
        if ask.what == "risk":
            return msgspec.json.encode(risk_shown(self.trader, self._at))
        return self._conditions(ask) if ask.what == "conditions" else self._status()

    def _reply(self, peer: str, answer: Answer) -> None:
        try:
            self._hub.send(peer, encode([Outbox("trader").wrap(answer, self._at, flow=answer.flow)]))
        except Refusal:
            self._log.warning("asker has gone", peer=peer, flow=answer.flow)

    def _command(self, command: Command) -> Answer:
        """Lets a strategy take or refuse a command, between two events; the fact is kept before the answer leaves."""
        self._log.info(
            "command", flow=command.flow, strategy=command.strategy, verb=command.verb, name=command.name
        )
        if not command.strategy and command.name == day_changes.NAME:
            reason = "a replay has the days that were recorded: write [calendar] in its settings file"
            return Answer(command.flow, msgspec.json.encode({"refused": reason}).decode())
        said: Sequence[AnyMessage] = self.trader.handle(command, self._at)
        if said:
            self._journal.commit((command,), said, self._at)
        else:
            peer = f"strategy/{command.strategy}"
            self._send(peer, (command,))
            said = self._answer_of(peer)
            requests = self._lockstep.step(said, self._at, 0)
            self._send_requests(requests)
            self._ordered_apart = self._ordered_apart or bool(requests)
        for message in said:
            if isinstance(message, CommandRefused):
                return Answer(command.flow, msgspec.json.encode({"refused": message.reason}).decode())
            if isinstance(message, (Configured, HaltReset, LimitSet)):
                return Answer(command.flow, msgspec.json.encode({"accepted": True}).decode())
        return Answer(command.flow, msgspec.json.encode({"refused": "the strategy did not answer"}).decode())

    def _status(self) -> bytes:
        return msgspec.json.encode(
            {
                "run": str(self._folder.root),
                "at": self._at,
                "epoch": self._epoch,
                "events": self._number,
                **msgspec.to_builtins(self.tally.summary()),
                "strategies": [strategy.name for strategy in self._run.strategies],
            }
        )

    def _conditions(self, ask: Ask) -> bytes:
        """Every strategy's conditions as they stand now, by strategy."""
        table: dict[str, msgspec.Raw] = {}
        for strategy in self._run.strategies:
            peer = f"strategy/{strategy.name}"
            self._send(peer, (ask,))
            for said in self._answer_of(peer):
                if isinstance(said, Answer):
                    table[strategy.name] = msgspec.Raw(said.text.encode())
        return msgspec.json.encode({"conditions": table})

    def _tell(self, message: AnyMessage, at: int) -> None:
        self.tally.handle(message, at)
        self._recorded.append(self._outboxes["recorder"].wrap(message, at, self.trader.market_seq))
        if isinstance(message, Placed):
            self._log.info(
                "placed", flow=message.client_id, decision=f"{message.intent.cause_seq}.{message.intent.k}"
            )

    def _flush_recorder(self) -> None:
        if self._recorded:
            self._hub.send("recorder", encode(self._recorded))
            self._recorded = []

    def _finish(self, stop: Stop) -> None:
        """The market has ended: strategies say what to keep, the recorder closes, the result is written."""
        decisions = self._ask((stop,), stop.at)
        self._lockstep.step(decisions, stop.at, 0)
        self._journal.snapshot(self.trader.facts(stop.at), stop.at)
        self._flush_recorder()
        self._send("recorder", (stop,))
        while self._next()[0] != "recorder":
            pass
        self._folder.result.write_bytes(msgspec.json.encode(self.tally.summary()))
        self._send("gateway", (Stop(stop.at, STOPPED),))
        self._stopped = True

    def _next(self) -> tuple[str, bytes]:
        while True:
            self._life.check()
            heard = self._hub.receive(BREATH_MS)
            if heard is not None:
                return heard
            if self._number:  # Not before the recorder is there.
                self._flush_recorder()
            if self._hub.imposters > self._imposters:
                self._imposters = self._hub.imposters
                self._log.warning("not heard: a key under another role's name", frames=self._imposters)

    def _open(self, peer: str, data: bytes) -> list[Envelope]:
        inbox = self._inboxes.get(peer)
        if inbox is None:
            inbox = self._inboxes[peer] = Inbox()
        return inbox.open(data)

    def _send(self, peer: str, messages: Sequence[AnyMessage], cause: int = 0) -> None:
        self._hub.send(peer, self._outboxes[peer].frame(messages, self._at, cause))


def body(run: Path, _name: str, log: Log) -> None:
    """Trades the run to its end."""
    folder = Folder(run)
    machine = folder.machine()
    if machine.live:
        trade(folder, log)
        return
    with Journal.open(folder.journal, durability=machine.durability) as journal:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        hub = Hub(context, folder.endpoint("trader"), load_keys(Path(machine.keys), "trader"))
        process = TraderProcess(folder, hub, journal, log)
        process.start()
        process.serve()
        hub.close()
        context.term()


if __name__ == "__main__":
    run_process("trader", body)
