"""The supervisor: starts the other processes, watches them, stops them in order. It runs in `autofutures up`.

The order of the end: the feed stops, the trader handles what is in hand and keeps it, strategies and recorder
close, the gateway goes last. Whoever is left after that is ended by its process id.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from autofutures import clock
from autofutures.config import environment_of_children
from autofutures.domain.errors import BrokenInvariant, Refusal
from autofutures.domain.units import SECOND
from autofutures.ops.children import ASIDE, commands_of, end_orphans, last_words
from autofutures.ops.folder import Folder, remove_sockets
from autofutures.ops.operator import Operator
from autofutures.ops.process import end_with_parent
from autofutures.processes.live_supervisor import LiveSupervisor
from autofutures.telemetry.logs import open_log

Status = dict[str, object]

LOOK_EVERY_NS = SECOND // 5
ASK_EVERY_NS = SECOND
GRACE_NS = 20 * SECOND
"""How long processes may take to end by themselves once the trader has."""


class Supervisor:
    """Runs one run.

    Args:
        folder: the run's.
        progress: hears the trader's status about once a second.
    """

    def __init__(self, folder: Folder, progress: Callable[[Status], None] | None = None) -> None:
        self._folder = folder
        self._progress = progress
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._stop_asked = False
        self._stop_sent = False
        self._log = open_log(folder.log("supervisor"), "supervisor")

    def run(self) -> None:
        """Starts every process, and returns when all have ended well.

        Raises:
            BrokenInvariant: one of them died; the others were stopped.
        """
        machine = self._folder.machine()
        if machine.live:
            LiveSupervisor(self._folder, self._progress).run()
            return
        before = signal.signal(signal.SIGINT, self._on_signal), signal.signal(signal.SIGTERM, self._on_signal)
        try:
            for name, arguments in commands_of(self._folder.run(), projects=bool(machine.projections)):
                self._start(name, arguments)
            self._watch()
            self._end()
        finally:
            self._kill_rest()
            signal.signal(signal.SIGINT, before[0])
            signal.signal(signal.SIGTERM, before[1])
            remove_sockets(Path(machine.sockets))
            self._folder.leave()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stop_asked = True

    def _start(self, name: str, arguments: list[str]) -> None:
        output = self._folder.log(f"{name}.err").open("ab")
        with output:
            self._children[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments, "--run", str(self._folder.root)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment_of_children({}),
                start_new_session=True,
            )
        self._log.info("started", child=name, pid=self._children[name].pid)

    def _watch(self) -> None:
        """Until the trader has ended: looks at every process, passes a stop on, tells how it goes."""
        asked_at = clock.stopwatch_ns()
        trader = self._children["trader"]
        with Operator(self._folder) as operator:
            while trader.poll() is None:
                self._check_children()
                if self._stop_asked and not self._stop_sent:
                    self._stop_sent = self._ask(operator, "stop") is not None
                if self._progress is not None and clock.stopwatch_ns() - asked_at > ASK_EVERY_NS:
                    asked_at = clock.stopwatch_ns()
                    status = self._ask(operator, "status")
                    if status is not None:
                        self._progress(status)
                clock.sleep_ns(LOOK_EVERY_NS // 10)
        self._check_children()

    def _ask(self, operator: Operator, what: str) -> Status | None:
        try:
            return operator.ask(what, LOOK_EVERY_NS // 1_000_000)
        except Refusal:
            return None  # The trader is starting, busy or ending; the next look asks again.

    def _check_children(self) -> None:
        for name, child in tuple(self._children.items()):
            code = child.poll()
            if code and name in ASIDE:
                self._log.error("child died", child=name, code=code)
                del self._children[name]
            elif code:
                self._log.error("child died", child=name, code=code)
                words = last_words(self._folder.log(f"{name}.err"))
                raise BrokenInvariant(f"the {name} process died ({code}); its last words: {words}")

    def _end(self) -> None:
        """The trader has ended and told the others; waits for them."""
        deadline = clock.stopwatch_ns() + GRACE_NS
        while any(child.poll() is None for child in self._children.values()):
            self._check_children()
            if clock.stopwatch_ns() > deadline:
                stuck = ", ".join(name for name, child in self._children.items() if child.poll() is None)
                raise BrokenInvariant(
                    f"{stuck} did not end in time and had to be killed; see {self._folder.logs}"
                )
            clock.sleep_ns(LOOK_EVERY_NS // 10)

    def _kill_rest(self) -> None:
        for name, child in self._children.items():
            if child.poll() is None:
                self._log.warning("ending by force", child=name, pid=child.pid)
                child.terminate()
        for child in self._children.values():
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def main() -> None:
    """Takes a live run over whose supervisor has gone: `--run FOLDER`. With `--parent PID` it ends with that one."""
    parser = argparse.ArgumentParser(description="The supervisor of a live run that has lost its own.")
    parser.add_argument("--run", type=Path, required=True, help="the run's folder")
    parser.add_argument(
        "--parent", type=int, default=0, help="who started it: it ends in order with that one"
    )
    arguments = parser.parse_args()
    if arguments.parent:
        end_with_parent()
        if os.getppid() != arguments.parent:
            return
    folder = Folder(arguments.run)
    folder.take()
    former = folder.children.exists() and not folder.result.exists()
    killed = end_orphans(folder)
    log = open_log(folder.log("supervisor"), "supervisor")
    if killed:
        log.warning("orphans killed", children=killed)
    if former:
        text = "it had gone, and its processes with it: a new one takes over"
        log.error("alert", name="process_restarted", subject="supervisor", text=text)
    folder.open_sockets()
    try:
        LiveSupervisor(folder).run()
    except (BrokenInvariant, Refusal) as error:
        sys.stderr.write(f"autofutures: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
