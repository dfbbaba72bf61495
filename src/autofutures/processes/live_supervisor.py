"""The supervisor by the clock: what dies is started again, what is stuck is killed, and a person's stop ends all.

A death is seen at once, on the system's own handle of the process; being stuck is seen by the missing signs of life
on a pipe. A process that dies too often, or cannot work with what it was given, ends the machine with a sentence.
"""

import select
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.config import notify_socket
from autofutures.domain.errors import BadInput, BrokenInvariant, Refusal
from autofutures.domain.units import MINUTE, SECOND
from autofutures.ops.children import ASIDE, Child, commands_of, last_words, note_children
from autofutures.ops.folder import Folder, remove_sockets
from autofutures.ops.operator import Operator
from autofutures.ops.process import REPLACED, WRONG_REQUEST
from autofutures.ops.service import Service
from autofutures.ops.watcher import Watcher
from autofutures.telemetry.logs import open_log

Status = dict[str, object]

LAST = ("exchange", "kill")
"""Processes that end when all others have."""

SPARED = "gateway"
"""Of this one a spare waits: whoever uses the kill switch on a gateway that is deaf has no time to load it."""

LOOK_MS = 100
SLEPT_NS = SECOND
"""A supervisor that did not look for so long hung itself, perhaps with the whole computer: others may be well."""
ASK_MS = 200
ASK_EVERY_NS = SECOND // 2
NUDGE_NS = 4 * SECOND
"""After so long who has not ended is told once more."""
GRACE_NS = 20 * SECOND
"""How long processes may take to end by themselves once the trader has."""


class LiveSupervisor:
    """Runs one machine until a person stops it.

    Args:
        folder: the run's, taken.
        progress: hears the trader's status about once a second.
    """

    def __init__(self, folder: Folder, progress: Callable[[Status], None] | None = None) -> None:
        self._folder = folder
        self._progress = progress
        machine = folder.machine()
        self._children = {
            name: Child(name, arguments)
            for name, arguments in commands_of(
                folder.run(), projects=bool(machine.projections), alerts=bool(machine.alerts), kills=True
            )
            if name != "exchange" or not machine.venue_endpoint
        }
        self._poll = select.poll()
        self._stop_asked = False
        self._asked_at = 0
        self._looked_at = clock.stopwatch_ns()
        self._over_since = 0
        self._nudged = False
        self._ends_at = clock.stopwatch_ns() + round(machine.minutes * MINUTE) if machine.minutes else 0
        self._log = open_log(folder.log("supervisor"), "supervisor")
        self._watcher = Watcher(folder, self._log)
        self._service = Service(notify_socket())

    def run(self) -> None:
        """Starts every process, and returns when a person has stopped the machine and all have ended.

        Raises:
            BrokenInvariant: a process died too often, or did not end.
            Refusal: a process could not work with what it was given.
        """
        before = signal.signal(signal.SIGINT, self._on_signal), signal.signal(signal.SIGTERM, self._on_signal)
        try:
            for child in self._children.values():
                self._start(child)
            self._service.ready()
            if self._progress is not None:
                threading.Thread(target=self._look_on, daemon=True).start()
            while not self._is_over():
                self._turn()
        finally:
            self._kill_rest()
            signal.signal(signal.SIGINT, before[0])
            signal.signal(signal.SIGTERM, before[1])
            remove_sockets(Path(self._folder.machine().sockets))
            self._folder.leave()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stop_asked = True

    def _is_over(self) -> bool:
        return all(child.handle < 0 for name, child in self._children.items() if name not in LAST) and (
            self._children["trader"].ended
        )

    def _turn(self) -> None:
        """Looks at everyone once: waits until somebody dies or speaks, or a moment has gone."""
        waits = [child.restart_at for child in self._children.values() if child.restart_at]
        now = clock.stopwatch_ns()
        wait_ms = min([LOOK_MS, *(max(0, (at - now) // 1_000_000) for at in waits)])
        ready = {handle for handle, _ in self._poll.poll(wait_ms)}
        now = clock.stopwatch_ns()
        if now - self._looked_at > SLEPT_NS:
            for child in self._children.values():
                child.excuse(now)
        self._looked_at = now
        for child in self._children.values():
            if child.pulse in ready:
                child.hear(now)
            if child.handle in ready:
                self._died(child, now)
            elif child.is_stuck(now) and child.process is not None:
                self._log.error("stuck", child=child.name, pid=child.process.pid)
                child.kill(now)
        for child in self._children.values():
            if 0 < child.restart_at <= now:
                self._start(child)
            elif child.name == SPARED:
                child.prepare(self._folder, now)
        self._watcher.turn(self._children.values(), now)
        self._service.alive(now)
        if 0 < self._ends_at <= now:
            self._stop_asked, self._ends_at = True, 0
        if self._stop_asked and now - self._asked_at > ASK_EVERY_NS:
            self._service.stopping()
            self._ask_to_stop()
        self._hurry(now)

    def _start(self, child: Child) -> None:
        pid = child.start(self._folder)
        self._poll.register(child.handle, select.POLLIN)
        self._poll.register(child.pulse, select.POLLIN)
        note_children(self._folder, self._children.values())
        self._log.info("started", child=child.name, pid=pid)

    def _died(self, child: Child, now: int) -> None:
        for handle in (child.handle, child.pulse):
            self._poll.unregister(handle)
        code = child.bury()
        if code == 0 or self._children["trader"].ended:  # After the trader, nobody is started again.
            child.ended = True
            self._log.info("ended", child=child.name, code=code)
            return
        words = last_words(self._folder.log(f"{child.name}.err"))
        self._log.error("child died", child=child.name, code=code)
        wait_ns = None
        if code != WRONG_REQUEST:
            wait_ns = child.policy.died(now, now - child.started_at, replaced=code == REPLACED)
        if wait_ns is None and child.name in ASIDE:
            self._log.error("alert", name="given_up", subject=child.name, text=words)
            return
        if code == WRONG_REQUEST:
            raise Refusal(f"the {child.name} process cannot work with what it was given: {words}")
        if wait_ns is None:
            text = f"the {child.name} process died {child.policy.restarts + 1} times in a minute: {words}"
            self._log.error("alert", name="restart_budget", subject=child.name, text=text)
            raise BrokenInvariant(text)
        if child.name == "trader" and any(other.ended for other in self._children.values()):
            self._stop_asked = True  # It died of its own end, half way: it shall come to it again.
        text = f"it ended with code {code} and is started again: {words}"
        self._log.error("alert", name="process_restarted", subject=child.name, text=text)
        child.restart_at = now + wait_ns
        self._keep_counts()

    def _keep_counts(self) -> None:
        counts = {name: child.policy.restarts for name, child in self._children.items()}
        self._folder.restarts.write_bytes(msgspec.json.encode(counts))

    def _ask_to_stop(self) -> None:
        self._asked_at = clock.stopwatch_ns()
        try:
            with Operator(self._folder) as operator:
                operator.ask("stop", ASK_MS)
        except Refusal:
            return  # The trader is starting or ending: it is asked again.
        self._stop_asked = False

    def _hurry(self, now: int) -> None:
        """The trader has ended, and has told the others to: whoever stays is named."""
        if not self._children["trader"].ended:
            return
        self._over_since = self._over_since or now
        if now - self._over_since > NUDGE_NS and not self._nudged:
            self._nudged = True
            self._nudge()
        if now - self._over_since > GRACE_NS:
            stuck = ", ".join(name for name, child in self._children.items() if child.handle >= 0)
            raise BrokenInvariant(
                f"{stuck} did not end in time and had to be killed; see {self._folder.logs}"
            )

    def _nudge(self) -> None:
        """Who was starting when the end was told has not heard it: it is told by other ways."""
        for child in self._children.values():
            if child.handle < 0 or child.process is None:
                continue
            self._log.warning("told again to end", child=child.name)
            if child.name != "exchange":
                child.process.terminate()
                continue
            try:
                with Operator(self._folder, "exchange") as operator:
                    operator.ask("stop", ASK_MS)
            except Refusal:
                child.process.terminate()

    def _look_on(self) -> None:
        """Tells how it goes, from a thread of its own: a question may wait, and a death may not."""
        while not self._is_over():
            clock.sleep_ns(SECOND)
            try:
                with Operator(self._folder) as operator:
                    status = operator.ask("status", 1_000)
            except Refusal:
                continue
            except BadInput:  # The run's folder has gone.
                return
            if self._progress is not None:
                self._progress(status)

    def _kill_rest(self) -> None:
        for child in self._children.values():
            child.drop_spare()
        left = [child for child in self._children.values() if child.process is not None and child.handle >= 0]
        for child in left:
            if child.name != "kill":
                self._log.warning("ending by force", child=child.name)
            if child.process is not None:
                child.process.terminate()
        for child in left:
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.process.kill()
            child.bury()
