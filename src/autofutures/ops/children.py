"""The processes of a run as their supervisor sees them: how each is started, whether it works, how it ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.config import RunSettings, environment_of_children
from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder
from autofutures.ops.restart_policy import RestartPolicy

STUCK_NS = 2 * SECOND
"""A process that works says so four times a second; one that is silent for so long is killed."""

STARTING_NS = 20 * SECOND
"""One that is still reading what it needs may take longer."""


LEAVE_NS = 3 * SECOND
"""A process that was asked to end and has not after so long is killed."""


ASIDE = ("projector", "alerts")
"""Processes that nobody waits for: the machine trades on without them."""


SPARE_AFTER_NS = 5 * SECOND
"""A spare is made once its process has run for so long: all that starts with the machine comes first."""


class Spare:
    """A process that has loaded its modules, and waits to be told that it is needed.

    Args:
        process: itself.
        pulse: the pipe on which it will say that it works.
        go: the pipe on which it is told.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", pulse: int, go: int) -> None:
        self._process = process
        self._pulse = pulse
        self._go = go

    @property
    def is_there(self) -> bool:
        """Whether it still waits."""
        return self._process.poll() is None

    def take(self) -> tuple["subprocess.Popen[bytes]", int] | None:
        """Its turn has come: the process and its pulse; none where it has died."""
        try:
            os.write(self._go, b".")
        except BrokenPipeError:
            self.drop()
            return None
        os.close(self._go)
        return self._process, self._pulse

    def drop(self) -> None:
        """It is not needed, and holds nothing."""
        self._process.kill()
        self._process.wait()
        os.close(self._go)
        os.close(self._pulse)


class Child:
    """One process of the machine, through all its lives.

    Attributes:
        name: as in its log.
        restart_at: when it is to be started again, on the stopwatch; 0 while it runs or where it shall not.
        ended: it has ended in order.
    """

    def __init__(self, name: str, arguments: list[str]) -> None:
        self.name = name
        self._arguments = arguments
        self.policy = RestartPolicy()
        self.process: subprocess.Popen[bytes] | None = None
        self.handle = -1
        self.pulse = -1
        self.started_at = 0
        self._heard_at = 0
        self._pulses = 0
        self._leaves_by = 0
        self.restart_at = 0
        self.ended = False
        self._spare: Spare | None = None

    def start(self, folder: Folder) -> int:
        """Starts it, or lets its spare take over; returns its process id."""
        taken = self._spare.take() if self._spare is not None else None
        self.process, self.pulse = taken if taken is not None else self._launch(folder, ())
        self._spare = None
        self.handle = os.pidfd_open(self.process.pid)
        self.started_at = self._heard_at = clock.stopwatch_ns()
        self._pulses = 0
        self._leaves_by = 0
        self.restart_at = 0
        return self.process.pid

    def prepare(self, folder: Folder, now: int) -> None:
        """Has a spare ready once it has run for a while: its next life begins without loading anything."""
        if self.handle < 0 or now - self.started_at < SPARE_AFTER_NS:
            return
        if self._spare is None:
            theirs, go = os.pipe()
            process, pulse = self._launch(folder, ("--spare", str(theirs)), theirs)
            os.close(theirs)
            self._spare = Spare(process, pulse, go)
        elif not self._spare.is_there:
            self._spare.drop()
            self._spare = None

    def drop_spare(self) -> None:
        """Nobody is started again: a spare ends."""
        if self._spare is not None:
            self._spare.drop()
            self._spare = None

    def _launch(
        self, folder: Folder, more: Sequence[str], *handles: int
    ) -> tuple["subprocess.Popen[bytes]", int]:
        """A new process, and the pipe on which it says that it works."""
        pulse, theirs = os.pipe()
        os.set_blocking(pulse, False)
        command = [sys.executable, "-m", *self._arguments, "--run", str(folder.root), "--pulse", str(theirs)]
        with folder.log(f"{self.name}.err").open("ab") as output:
            process = subprocess.Popen(
                [*command, *more],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment_of_children({}),
                start_new_session=True,
                pass_fds=(theirs, *handles),
            )
        os.close(theirs)
        return process, pulse

    def hear(self, now: int) -> None:
        """Reads its signs of life."""
        try:
            heard = len(os.read(self.pulse, 4_096))
        except BlockingIOError:
            heard = 0
        if heard:
            self._pulses += heard
            self._heard_at = now

    def is_stuck(self, now: int) -> bool:
        """Whether it runs and has said nothing for too long, or has not left when it was asked to."""
        if 0 < self._leaves_by < now:
            return self.handle >= 0
        return self.handle >= 0 and now - self._heard_at > (STUCK_NS if self._pulses > 1 else STARTING_NS)

    def excuse(self, now: int) -> None:
        """Nobody listened until now: its silence counts from here."""
        self._heard_at = now

    def ask_to_leave(self, now: int) -> None:
        """It has to end in order, and is started again: the death of one that was ended is seen like any other."""
        self._leaves_by = now + LEAVE_NS
        if self.process is not None:
            self.process.terminate()

    def kill(self, now: int) -> None:
        """It is stuck and has to go. Its death is seen like any other; it is given as long again to come."""
        self.excuse(now)
        self._leaves_by = 0
        if self.process is not None:
            self.process.kill()

    def bury(self) -> int:
        """It has died: returns its exit code, and lets go of its handles."""
        code = self.process.wait() if self.process is not None else 0
        for handle in (self.handle, self.pulse):
            if handle >= 0:
                os.close(handle)
        self.handle = self.pulse = -1
        return code


ORPHANS_NS = 2 * SECOND
"""How long the processes of a dead supervisor may take to end, before they are killed."""


def note_children(folder: Folder, children: Iterable[Child]) -> None:
    """Writes down which processes run, for a supervisor that must take over."""
    pids = {child.name: child.process.pid for child in children if child.process and child.handle >= 0}
    new = folder.children.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(pids))
    new.replace(folder.children)


def end_orphans(folder: Folder) -> list[str]:
    """Waits until the processes of a dead supervisor have ended; returns whom it had to kill.

    The system has told them to end. One that is stuck does not hear it, and would keep the files that others need.
    """
    if not folder.children.exists():
        return []
    pids = msgspec.json.decode(folder.children.read_bytes(), type=dict[str, int])
    until = clock.stopwatch_ns() + ORPHANS_NS
    left = {name: pid for name, pid in pids.items() if is_of(pid, folder)}
    while left and clock.stopwatch_ns() < until:
        clock.sleep_ns(SECOND // 50)
        left = {name: pid for name, pid in left.items() if is_of(pid, folder)}
    for pid in left.values():
        with suppress(ProcessLookupError):  # It may have ended just now.
            os.kill(pid, signal.SIGKILL)
    return sorted(left)


def is_of(pid: int, folder: Folder) -> bool:
    """Whether the process runs, and is one of this folder's: a number may have been given to somebody else since."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"--pulse" in command and str(folder.root).encode() in command


def commands_of(
    run: RunSettings, *, projects: bool = False, alerts: bool = False, kills: bool = False
) -> list[tuple[str, list[str]]]:
    """Every process of a run and its module, in the order in which they start: hubs first.

    Args:
        run: names the strategies.
        projects: whether a projector goes with them.
        alerts: whether somebody is told of trouble.
        kills: whether a kill switch does.
    """
    place = "autofutures.processes"
    strategies = [
        (f"strategy/{strategy.name}", [f"{place}.strategy", "--name", strategy.name])
        for strategy in run.strategies
    ]
    return [
        *([("kill", [f"{place}.kill"])] if kills else []),
        ("exchange", [f"{place}.exchange"]),
        ("trader", [f"{place}.trader"]),
        ("recorder", [f"{place}.recorder"]),
        *strategies,
        ("gateway", [f"{place}.gateway"]),
        *([("projector", [f"{place}.projector"])] if projects else []),
        *([("alerts", [f"{place}.alerts"])] if alerts else []),
    ]


def last_words(path: Path) -> str:
    """The last line that a process wrote to its standard error, as a person is told of its death."""
    lines = path.read_text("utf-8", errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "none; see the logs folder"
