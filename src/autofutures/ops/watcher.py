"""Watches what the processes of a machine use, once a second, and acts before the system does."""

import os
from collections.abc import Iterable

import msgspec

from autofutures import clock
from autofutures.domain.units import MINUTE, SECOND
from autofutures.ops.children import Child
from autofutures.ops.folder import Folder
from autofutures.ops.vitals import MEGABYTE, Limits, Watching, vitals_of
from autofutures.telemetry.logs import Log

EVERY_NS = SECOND
LOG_EVERY_NS = MINUTE

NOT_OURS = ("exchange", "supervisor")
"""The simulated broker is no part of the machine, and who would start the supervisor again?"""


class Watcher:
    """Looks at every child, writes down what each uses, and ends in order the one that needs too much.

    Args:
        folder: the run's.
        log: the supervisor's.
    """

    def __init__(self, folder: Folder, log: Log) -> None:
        machine = folder.machine()
        limits = Limits(
            soft_bytes=machine.memory_soft_mb * MEGABYTE,
            hard_bytes=machine.memory_hard_mb * MEGABYTE,
            descriptors=machine.descriptors,
        )
        self._folder = folder
        self._log = log
        self._watching = Watching(limits)
        self._began_at = clock.stopwatch_ns()
        self._next = self._next_line = 0

    def turn(self, children: Iterable[Child], now: int) -> None:
        """Looks, where it is time to; `now` is the stopwatch's."""
        if now < self._next:
            return
        self._next = now + EVERY_NS
        for child in children:
            if child.process is None or child.handle < 0:
                self._watching.forget(child.name)
            else:
                self._look(child.name, child.process.pid, child.started_at, now, child)
        self._look("supervisor", os.getpid(), self._began_at, now)
        new = self._folder.vitals.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self._watching.usages))
        new.replace(self._folder.vitals)
        if now >= self._next_line:
            self._next_line = now + LOG_EVERY_NS
            self._log.info("vitals", processes=msgspec.to_builtins(self._watching.usages))

    def _look(self, name: str, pid: int, started_at: int, now: int, child: Child | None = None) -> None:
        vitals = vitals_of(pid)
        if vitals is None:
            return
        for finding in self._watching.look(name, pid, vitals, now, started_at):
            self._log.error("alert", name=finding.name, subject=name, text=finding.text)
            if finding.restart and child is not None and name not in NOT_OURS:
                self._log.error("heavy", child=name, pid=pid)
                child.ask_to_leave(now)
