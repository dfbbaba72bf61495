"""How a process of the machine starts and ends: its arguments, its log, its signals, and the one catch-all.

An error that nobody expected is logged, and the process dies of it: the supervisor decides what follows.
"""

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from autofutures import clock
from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND
from autofutures.telemetry import logs

Log = logs.Log

BREATH_MS = 500
"""How long a process waits for news before it looks again whether its supervisor still lives."""

PULSE_EVERY_NS = SECOND // 4
"""A process that works says so this often; one that is silent for many times as long is stuck."""

WRONG_REQUEST = 2
"""The exit code of a process that cannot work with what it was given: starting it again would not help."""

ENDED_BY_SIGNAL = 3
"""The exit code of a process that somebody ended with a signal, though its supervisor lives: it is started again."""

REPLACED = 4
"""The exit code of a process that is to begin again: what it knows, and what waits for it, is of before."""

_PR_SET_PDEATHSIG = 1


class Orphaned(Exception):  # it is news, not an error
    """The supervisor has gone; nobody will ever end this process, so it ends itself."""


class Signalled(Orphaned):
    """A signal wants this process gone: the system's, of an orphan, or a person's."""


class Replaced(Exception):  # it is news, not an error
    """This life has no say any more, and says why: the next one begins."""


class Hears(Protocol):
    """A socket's end: `Link.receive`."""

    def receive(self, timeout_ms: int = -1) -> bytes | None:
        """What was said, or `None` after so long a silence."""


class Life:
    """Whether this process still has a supervisor, and the supervisor's knowing that it works.

    Attributes:
        pulse: the pipe on which it says that it works; below 0 for none.
        parent: who started it, where it was told; it may have gone while this process was still starting.
    """

    pulse = -1
    parent = 0

    def __init__(self) -> None:
        self._parent = self.parent or os.getppid()
        self._next_pulse = 0

    def check(self) -> None:
        """Says that this process works, and ends an orphan.

        Raises:
            Orphaned: the parent that started this process is not its parent any more.
        """
        if self.pulse >= 0 and (now := clock.stopwatch_ns()) >= self._next_pulse:
            self._next_pulse = now + PULSE_EVERY_NS
            self._beat()
        if self.is_orphan():
            raise Orphaned

    def _beat(self) -> None:
        try:
            os.write(self.pulse, b".")
        except BlockingIOError:
            pass  # The pipe is full of signs of life that nobody has read yet.
        except BrokenPipeError as error:
            raise Orphaned from error

    def is_orphan(self) -> bool:
        """Whether the parent that started this process is not its parent any more."""
        return os.getppid() != self._parent

    def wait_for(self, link: Hears) -> bytes:
        """The next frame, however long it takes."""
        while True:
            self.check()  # Also while there is always news: an orphan must not trade on.
            data = link.receive(BREATH_MS)
            if data is not None:
                return data


def run_process(process: str, body: Callable[[Path, str, Log], None]) -> None:
    """Runs one process of a run: `--run FOLDER`, and `--name NAME` where there are several of a kind.

    Ctrl-C is for the supervisor alone: it stops the others in order. When the supervisor dies, however it dies, the
    system wakes this process with a signal, so that an orphan is gone before a new supervisor begins.
    """
    parser = argparse.ArgumentParser(
        description=f"The {process} process of a run; started by `autofutures up`."
    )
    parser.add_argument("--run", type=Path, required=True, help="the run's folder")
    parser.add_argument("--name", default=process, help="which one, where there are several")
    parser.add_argument("--pulse", type=int, default=-1, help="the pipe on which it says that it works")
    parser.add_argument("--parent", type=int, default=0, help="who started it, and must live on")
    parser.add_argument("--spare", type=int, default=-1, help="the pipe on which it is told to take over")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if arguments.spare >= 0 and not _is_needed(arguments.spare):
        return
    Life.pulse, Life.parent = arguments.pulse, arguments.parent
    if arguments.pulse >= 0:
        os.set_blocking(arguments.pulse, False)
        signal.signal(signal.SIGTERM, _end)
        end_with_parent()
    name = f"{process}/{arguments.name}" if arguments.name != process else process
    log = logs.open_log(arguments.run / "logs" / f"{name.replace('/', '-')}.jsonl", name)
    log.info("started", pid=os.getpid())
    life = Life()
    try:
        life.check()
        body(arguments.run, arguments.name, log)
    except Orphaned as error:
        if isinstance(error, Signalled) and not life.is_orphan():
            log.warning("ended by a signal")
            sys.exit(ENDED_BY_SIGNAL)
        log.warning("orphaned", reason="the supervisor has gone")
    except Replaced as error:
        log.warning("replaced", reason=str(error))
        sys.stderr.write(f"{error}\n")
        sys.exit(REPLACED)
    except BadInput as error:
        log.exception("refused")
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_REQUEST)
    except Exception as error:
        if life.is_orphan():  # Its peers had noticed before it did, and are gone too.
            log.warning("orphaned", reason=f"the supervisor has gone, and then: {error}")
            return
        log.exception("died")
        raise
    log.info("ended")


def _is_needed(pipe: int) -> bool:
    """A spare has loaded all that it needs, and waits until its turn comes; not so when its supervisor ends."""
    end_with_parent()
    return os.read(pipe, 1) != b""


def end_with_parent() -> None:
    """Has the system send this process SIGTERM when its parent dies; one that is dead already does not count."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(_number: int, _frame: object) -> None:
    """The supervisor has gone, or wants this process gone: what is not kept is given up, as in any death."""
    raise Signalled
