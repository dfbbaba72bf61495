"""The kill process: keeps what a person asks for, tells the gateway until it has it, and ends a gateway that is deaf.

It hears people under the kill switch's own key, and the gateway's signs of life. It needs neither trader, strategy,
recorder nor database, and outlives them.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import zmq

from autofutures import clock
from autofutures.bus.codec import Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.sockets import LIVE_QUEUE, Hub
from autofutures.domain.errors import BadMessage
from autofutures.domain.messages import Answer, Ask, Command, Envelope, Kill, Killed, decode_frame
from autofutures.domain.units import SECOND, KillLevel
from autofutures.ops.children import is_of
from autofutures.ops.folder import Folder
from autofutures.ops.kill import LEVELS, Asked, Standing
from autofutures.ops.process import Life, Log, run_process
from autofutures.processes.live import LiveClock
from autofutures.storage.kill_file import keep, read

DEAF_NS = 2 * SECOND
"""A gateway without a sign of life for so long is ended, while the kill switch is in use."""

UNANSWERED_NS = SECOND
"""One that has not taken what was asked for after so long, and is silent, is ended sooner: a person waits."""

STARTING_NS = 10 * SECOND
"""As above for one that has never spoken: it may be starting."""

TELL_NS = SECOND // 10
BREATH_MS = 50
SLEPT_NS = SECOND
"""A process that did not look for so long was itself stopped: the gateway may be well."""


class KillProcess:
    """The kill switch of one run.

    Args:
        folder: the run's.
        hub: people's and the gateway's way to it.
        log: for people.
        kill: ends a process by its id.
    """

    def __init__(
        self, folder: Folder, hub: Hub, log: Log, kill: Callable[[int, int], None] = os.kill
    ) -> None:
        self._folder = folder
        self._hub = hub
        self._log = log
        self._kill = kill
        self._clock = LiveClock(folder.machine())
        self._outbox = Outbox("kill")
        self.asked = read(folder.kill_asked, Asked) or Asked()
        self._said: Killed | None = None
        self._pid = 0
        now = clock.stopwatch_ns()
        self._pid_since = self._heard_at = self._looked_at = self._asked_at = now
        self._heard_of = 0
        self._told_at = 0

    def turn(self, now: int) -> None:
        """Does what is due; `now` is on the stopwatch."""
        if now - self._looked_at > SLEPT_NS:
            self._heard_at = self._asked_at = now
        self._looked_at = now
        if 0 < self.asked.due_at <= clock.now_ns():
            within = self.asked.renew_within_ns / SECOND
            level, reason = self.asked.renew_level, f"not renewed within {within:g} s"
            self._ask(level, "the dead man's switch", reason)
            self._keep(msgspec.structs.replace(self.asked, renew_within_ns=0))
        if not self._agrees() and now - self._told_at >= TELL_NS:
            self._told_at = now
            asked = self.asked
            at = self._clock.now()
            kill = Kill(asked.number, at, asked.level, asked.who, asked.reason)
            self._hub.offer("gateway", self._outbox.frame((kill,), at))
        self._look_at_gateway(now)

    def _agrees(self) -> bool:
        return self._said is not None and self._said.number >= self.asked.number

    def _look_at_gateway(self, now: int) -> None:
        """Ends a gateway that is deaf. Whoever started it starts the next, which finds what was asked for."""
        pid = self._gateway()
        if pid != self._pid:
            self._pid, self._pid_since, self._heard_of = pid, now, 0
        if not pid or not self.asked.level:
            return
        silent = now - max(self._heard_at, self._pid_since)
        waits = not self._agrees() and now - self._asked_at >= UNANSWERED_NS
        bears = UNANSWERED_NS if waits else DEAF_NS
        if silent >= (bears if self._heard_of else STARTING_NS):
            self._log.error(
                "alert", name="gateway_deaf", subject=str(pid), text="it is ended and started again"
            )
            self._heard_of = 0
            with suppress(ProcessLookupError):  # It may have ended just now.
                self._kill(pid, signal.SIGKILL)

    def _gateway(self) -> int:
        """The gateway's process id; 0 where it does not run."""
        try:
            pids = msgspec.json.decode(self._folder.children.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.DecodeError):
            return 0
        pid = pids.get("gateway", 0)
        return pid if pid and is_of(pid, self._folder) else 0

    # --- who speaks

    def hear(self, peer: str, data: bytes, now: int) -> None:
        """What somebody says; the hub has seen his key."""
        try:
            envelopes = decode_frame(data)
        except BadMessage as error:
            self._log.error("not understood", peer=peer, reason=str(error))
            return
        for envelope in envelopes:
            if peer == "gateway":
                if isinstance(envelope.body, Killed):
                    self._said, self._heard_at, self._heard_of = envelope.body, now, self._pid
            elif isinstance(envelope.body, (Ask, Command)):
                self._answer(peer, envelope)

    def _answer(self, peer: str, envelope: Envelope) -> None:
        message = envelope.body
        if not isinstance(message, (Ask, Command)):
            return
        if peer.partition("/")[0] != "kill":
            self._log.warning("refused", peer=peer)
            role = peer.partition("/")[0]
            text = f"refused: the kill switch takes orders under its own key alone, and this is the {role}'s"
            answer: object = {"refused": text}
        elif isinstance(message, Command):
            answer = self._command(message)
        else:
            answer = msgspec.to_builtins(self.standing(clock.stopwatch_ns()))
        frame = self._outbox.frame(
            (Answer(message.flow, msgspec.json.encode(answer).decode()),), 0, flow=message.flow
        )
        self._hub.offer(peer, frame)

    def _command(self, command: Command) -> dict[str, object]:
        match command.verb:
            case "kill" if command.name in LEVELS:
                level = max(LEVELS[command.name], self.asked.level)
                self._ask(level, command.who, str(command.values.get("reason", "")))
            case "resume" if command.name != self._folder.root.name:
                return {
                    "refused": f"{command.name!r} is not this run's name, which is {self._folder.root.name}"
                }
            case "resume":
                self._ask(KillLevel.NONE, command.who, "resumed")
            case "dead_man" if command.name in LEVELS:
                within_ns = int(command.values.get("within_ms", 0)) * 1_000_000
                replaced = {"renew_within_ns": within_ns, "renewed_at": clock.now_ns()}
                self._keep(msgspec.structs.replace(self.asked, renew_level=LEVELS[command.name], **replaced))
            case _:
                return {
                    "refused": f"{command.verb} {command.name}: the kill switch knows kill, resume and dead_man"
                }
        return {"done": True}

    def _ask(self, level: KillLevel, who: str, reason: str) -> None:
        """A new request: kept before anybody is told."""
        number = max(self.asked.number, self._said.number if self._said is not None else 0) + 1
        self._keep(
            msgspec.structs.replace(
                self.asked, number=number, at=clock.now_ns(), level=level, who=who, reason=reason
            )
        )
        self._asked_at, self._told_at = clock.stopwatch_ns(), 0
        if level:
            text = f"by {who}: {reason or 'no reason given'}"
            self._log.error("alert", name="killed", subject=level.word, text=text)
        else:
            self._log.warning("resumed", who=who)

    def _keep(self, asked: Asked) -> None:
        keep(self._folder.kill_asked, asked)
        self.asked = asked

    def standing(self, now: int) -> Standing:
        """How it stands."""
        asked, said = self.asked, self._said
        text = said.text if said is not None else "the gateway has not spoken yet"
        if said is not None and not self._agrees():
            text = "the gateway has not taken it yet"
        due = (asked.due_at - clock.now_ns()) / SECOND
        return Standing(
            level=asked.level.word,
            reached=said.level.word if said is not None and self._agrees() else "",
            done=said is not None and self._agrees() and said.done,
            admits=said is None or said.admits,
            text=text,
            who=asked.who,
            reason=asked.reason,
            gateway_heard_ms=(now - self._heard_at) // 1_000_000 if said is not None else -1,
            dead_man_s=round(due, 3) if asked.due_at else -1.0,
        )

    def serve(self) -> None:
        """Until the machine ends."""
        life = Life()
        while True:
            life.check()
            heard = self._hub.receive(BREATH_MS)
            while heard is not None:
                self.hear(*heard, clock.stopwatch_ns())
                self.turn(clock.stopwatch_ns())
                heard = self._hub.take()
            self.turn(clock.stopwatch_ns())


def body(run: Path, _name: str, log: Log) -> None:
    """Stands by until the machine ends."""
    folder = Folder(run)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    hub = Hub(
        context, folder.endpoint("kill"), load_keys(Path(folder.machine().keys), "kill"), queue=LIVE_QUEUE
    )
    try:
        KillProcess(folder, hub, log).serve()
    finally:
        hub.close()
        context.term()


if __name__ == "__main__":
    run_process("kill", body)
