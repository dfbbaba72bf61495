"""What a drill sees of a machine: the lines that supervisor and trader write, and what has healed by them.

Times are the computer's own, UTC nanoseconds; the trader's are the run's and are turned back.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder
from autofutures.processes.chaos.plan import Strike
from autofutures.telemetry.tail import Tail

SUPERVISOR = "supervisor"
TRADER = "trader"


class Line(msgspec.Struct, frozen=True):
    """A line of a log; what its event does not have is empty."""

    event: str
    timestamp: str
    child: str = ""
    pid: int = 0
    name: str = ""
    ready: bool = False
    reasons: tuple[str, ...] = ()
    lives: dict[str, int] = {}
    uncovered_lots: int = 0
    applied: int = 0
    absent: int = 0
    unexplained: dict[str, int] = {}
    at: int = 0

    @property
    def written_at(self) -> int:
        """When it was written, UTC nanoseconds."""
        moment = datetime.fromisoformat(self.timestamp)
        return int(moment.timestamp()) * SECOND + moment.microsecond * 1_000


def lines_of(tail: Tail) -> list[Line]:
    """What was written since the last time."""
    return [msgspec.json.decode(line, type=Line) for line in tail.lines()]


class Wound(msgspec.Struct):
    """A strike that was carried out, and how it heals."""

    strike: Strike
    name: str
    """Of the process, as in its log."""
    at: int
    life: int
    """The newest life of the process that was known then."""
    killed: bool
    """By the strike, or by the watchdog after it had hung too long."""
    alone: bool
    """No other strike fell into its healing."""
    handle: int = -1
    """The system's handle of a process that hangs; below 0 where none does."""
    goes_on_at: int = 0
    """When one that hangs is to go on."""
    went_on_at: int = 0
    """When it went on; 0 where it was killed."""
    restarted_at: int = 0
    healed_at: int = 0

    @property
    def recovery_ns(self) -> int:
        """From the signal, or from where a process that hung went on, until all was well again."""
        return self.healed_at - (self.went_on_at or self.at)


class Sight:
    """Everything that was seen of one machine.

    Args:
        folder: the run's.
        offset_ns: the run's time less the computer's.

    Attributes:
        pids: the present process of each name, as the supervisor has said.
        ready: the trader's last verdict, with its `reasons` and everyone's `lives`, as of `said_at`.
        wounds: every strike.
        uncovered_lots: the most at any verdict.
        calm: comparisons with the venue, in turn, that taught nothing.
        starts: how often each process was started.
        alerts: how often a person was told, by name.
        stuck: how many processes the watchdog killed.
        down: spans in which the machine was not ready; they may overlap.
        bare: spans in which the trader said that some lot had no cover.
    """

    def __init__(self, folder: Folder, offset_ns: int) -> None:
        self._supervisor = Tail(folder.log(SUPERVISOR))
        self._trader = Tail(folder.log(TRADER))
        self._offset_ns = offset_ns
        self._not_ready_since = 0
        self.pids: dict[str, int] = {}
        self.ready = False
        self.reasons: tuple[str, ...] = ()
        self.lives: dict[str, int] = {}
        self.said_at = 0
        self.wounds: list[Wound] = []
        self.uncovered_lots = 0
        self.calm = 0
        self.starts: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()
        self.stuck = 0
        self.down: list[tuple[int, int]] = []
        self.bare: list[tuple[int, int]] = []
        self._bare_since = 0

    @property
    def open_wounds(self) -> list[Wound]:
        """Those that have not healed."""
        return [wound for wound in self.wounds if not wound.healed_at]

    def look(self) -> None:
        """Reads what is new."""
        for line in lines_of(self._supervisor):
            self._hear_supervisor(line)
        for line in lines_of(self._trader):
            self._hear_trader(line)

    def close(self) -> None:
        """Lets go of the logs."""
        self._supervisor.close()
        self._trader.close()

    def wound(self, strike: Strike, name: str, at: int) -> Wound:
        """Notes a strike that was carried out."""
        others = self.open_wounds
        for other in others:
            other.alone = False
        killed = strike.signal == "kill"
        if killed:
            self._died(name)
        made = Wound(strike, name, at, self._life(name), killed=killed, alone=not others)
        self.wounds.append(made)
        return made

    def heal(self, wound: Wound, at: int) -> None:
        """The machine is as it was before this strike."""
        wound.healed_at = at
        self.down.append((wound.at, at))

    def _life(self, name: str) -> int:
        """Of a process; the supervisor's is that of the trader, which does not outlive it."""
        return self.lives.get(TRADER if name == SUPERVISOR else name, 0)

    def _hear_supervisor(self, line: Line) -> None:
        match line.event:
            case "started" if line.child:
                self.pids[line.child] = line.pid
                self.starts[line.child] += 1
                self._started(line.child, line.written_at)
            case "child died":
                self.pids.pop(line.child, None)
                self._died(line.child)
            case "stuck":
                self.stuck += 1
            case "alert":
                self.alerts[line.name] += 1
            case _:
                pass

    def _died(self, name: str) -> None:
        """What hung was killed: by the watchdog, or by another strike."""
        for wound in self.open_wounds:
            if wound.name == name:
                wound.killed, wound.went_on_at = True, 0

    def _started(self, child: str, at: int) -> None:
        for wound in self.open_wounds:
            name = TRADER if wound.name == SUPERVISOR else wound.name
            if wound.killed and not wound.restarted_at and name == child and wound.at < at:
                wound.restarted_at = at

    def _hear_trader(self, line: Line) -> None:
        match line.event:
            case "readiness":
                self._verdict(line, line.at - self._offset_ns)
            case "reconciled":
                taught = line.applied or line.absent or line.unexplained
                self.calm = 0 if taught else self.calm + 1
            case "alert":
                self.alerts[line.name] += 1
            case _:
                pass

    def _verdict(self, line: Line, at: int) -> None:
        self.ready, self.reasons, self.lives, self.said_at = line.ready, line.reasons, line.lives, at
        self.uncovered_lots = max(self.uncovered_lots, line.uncovered_lots)
        if line.uncovered_lots:
            self._bare_since = self._bare_since or at
        elif self._bare_since:
            self.bare.append((self._bare_since, at))
            self._bare_since = 0
        if not line.ready:
            self._not_ready_since = self._not_ready_since or at
            return
        if self._not_ready_since:
            self.down.append((self._not_ready_since, at))
            self._not_ready_since = 0
        for wound in self.open_wounds:
            if wound.killed and 0 < wound.restarted_at < at and self._life(wound.name) > wound.life:
                self.heal(wound, at)


def share_outside(spans: Iterable[tuple[int, int]], begins: int, ends: int) -> float:
    """The share of a time that lies in none of the spans, which may overlap."""
    inside, reached = 0, begins
    for start, end in sorted(spans):
        within = min(end, ends) - max(start, reached)
        if within > 0:
            inside += within
            reached = min(end, ends)
    return 1 - inside / (ends - begins) if ends > begins else 0.0
