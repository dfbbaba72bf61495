"""The processes of a drill: an exchange that outlives everyone, a supervisor that may be struck, and whom it starts.

Only processes of this run are ever signalled, each through the system's own handle of it.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.config import environment_of_children
from autofutures.domain.errors import BadInput, Refusal
from autofutures.domain.units import SECOND
from autofutures.ops.children import last_words
from autofutures.ops.folder import Folder
from autofutures.ops.operator import Operator

ASK_MS = 400
LOOK_NS = SECOND // 20
END_NS = 60 * SECOND


class Status(msgspec.Struct, frozen=True):
    """What is of use here of the trader's answer."""

    ready: bool = False
    at: int = 0
    unknown_orders: int = 0


class House:
    """The exchange and the supervisor of a live run.

    Args:
        folder: the run's, whose lock is not held.

    Attributes:
        is_struck: the supervisor's end is no surprise.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._exchange = self._start("exchange")
        self._supervisor = self._start("supervisor")
        self.is_struck = False

    @property
    def supervisor(self) -> int:
        """The supervisor's process id."""
        return self._supervisor.pid

    def _start(self, name: str) -> "subprocess.Popen[bytes]":
        with self._folder.log(f"{name}.err").open("ab") as output:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    f"autofutures.processes.{name}",
                    "--run",
                    str(self._folder.root),
                    "--parent",
                    str(os.getpid()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment_of_children({}),
                start_new_session=True,
            )

    def handle(self, pid: int) -> int:
        """The system's handle of a process of this run; below 0 where it is none, or none any more.

        It is the run's if the command that started it names the folder: another process may have got its number.
        """
        try:
            handle = os.pidfd_open(pid)
            command = Path(f"/proc/{pid}/cmdline").read_bytes()  # Of the process that the handle is of.
        except OSError:
            return -1
        if os.fsencode(str(self._folder.root)) in command.split(b"\0"):
            return handle
        os.close(handle)
        return -1

    def restart(self) -> str:
        """Starts the supervisor again if it has ended; returns its last words where that was a surprise."""
        code = self._supervisor.poll()
        if code is None:
            return ""
        struck, self.is_struck = self.is_struck, False
        words = "" if struck else f"the supervisor ended by itself ({code}): {self._words_of('supervisor')}"
        self._supervisor = self._start("supervisor")
        return words

    def ask_trader(self, what: str) -> Status | None:
        """The trader's answer, if it gives one at once."""
        try:
            with Operator(self._folder) as operator:
                return msgspec.convert(operator.ask(what, ASK_MS), Status)
        except (Refusal, BadInput):
            return None

    def ask_exchange(self, what: str) -> None:
        """Tells the exchange to do something.

        Raises:
            Refusal: it does not answer.
        """
        with Operator(self._folder, "exchange") as operator:
            operator.ask(what)

    def stop(self) -> str:
        """Ends the machine as a person would, then the exchange; returns why it was not in order, if it was not."""
        until = clock.now_ns() + END_NS
        asked = False
        while (code := self._supervisor.poll()) is None and clock.now_ns() < until:
            asked = asked or self.ask_trader("stop") is not None
            clock.sleep_ns(LOOK_NS)
        self._end(self._exchange)
        if code == 0:
            return ""
        return f"the machine did not end in order ({code}): {self._words_of('supervisor')}"

    def end_by_force(self) -> None:
        """Leaves nobody behind."""
        self._end(self._supervisor)
        self._end(self._exchange)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout=END_NS // SECOND)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _words_of(self, name: str) -> str:
        return last_words(self._folder.log(f"{name}.err"))


def send(handle: int, number: signal.Signals) -> bool:
    """Signals a process by its handle; `False` where it has ended."""
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    return True
