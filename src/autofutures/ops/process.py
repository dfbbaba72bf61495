"""How a process of the machine starts and ends: its arguments, its log, its signals, and the one catch-all.

An error that nobody expected is logged, and the process dies of it: the supervisor decides what follows.
"""

import argparse
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from autofutures.telemetry.logs import open_log

Log = structlog.typing.FilteringBoundLogger

BREATH_MS = 500
"""How long a process waits for news before it looks again whether its supervisor still lives."""


class Orphaned(Exception):  # it is news, not an error
    """The supervisor has gone; nobody will ever end this process, so it ends itself."""


class Hears(Protocol):
    """A socket's end: `Link.receive`."""

    def receive(self, timeout_ms: int = -1) -> bytes | None:
        """What was said, or `None` after so long a silence."""


class Life:
    """Whether this process still has a supervisor."""

    def __init__(self) -> None:
        self._parent = os.getppid()

    def check(self) -> None:
        """Ends an orphan.

        Raises:
            Orphaned: the parent that started this process is not its parent any more.
        """
        if self.is_orphan():
            raise Orphaned

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

    Ctrl-C is for the supervisor alone: it stops the others in order.
    """
    parser = argparse.ArgumentParser(
        description=f"The {process} process of a run; started by `autofutures up`."
    )
    parser.add_argument("--run", type=Path, required=True, help="the run's folder")
    parser.add_argument("--name", default=process, help="which one, where there are several")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    name = f"{process}/{arguments.name}" if arguments.name != process else process
    log = open_log(arguments.run / "logs" / f"{name.replace('/', '-')}.jsonl", name)
    log.info("started", pid=os.getpid())
    life = Life()
    try:
        body(arguments.run, arguments.name, log)
    except Orphaned:
        log.warning("orphaned", reason="the supervisor has gone")
    except Exception as error:
        if life.is_orphan():  # Its peers had noticed before it did, and are gone too.
            log.warning("orphaned", reason=f"the supervisor has gone, and then: {error}")
            return
        log.exception("died")
        raise
    log.info("ended")
