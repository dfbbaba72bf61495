"""What a process uses of the computer, as the system's own tables say: memory, processor, open files."""

import os
from pathlib import Path

import msgspec

from autofutures.domain.units import SECOND

MEGABYTE = 1 << 20
_TICKS = os.sysconf("SC_CLK_TCK")


class Vitals(msgspec.Struct, frozen=True):
    """One process at a moment."""

    rss_bytes: int
    """Memory that it holds, without what was moved to disk."""
    cpu_ns: int
    """Processor time since it began, of all its threads."""
    descriptors: int
    """Files, sockets and pipes that it keeps open."""
    threads: int


def vitals_of(pid: int, proc: Path = Path("/proc")) -> Vitals | None:
    """What a process uses now; `None` where it has ended.

    Args:
        pid: whose.
        proc: where the system's tables are.
    """
    place = proc / str(pid)
    try:
        # The name, in brackets, may hold anything; what follows it is numbers. See proc(5).
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        resident = int((place / "statm").read_text().split()[1])
        descriptors = sum(1 for _ in (place / "fd").iterdir())
    except (OSError, IndexError):
        return None
    cpu = (int(fields[11]) + int(fields[12])) * SECOND // _TICKS
    return Vitals(resident * os.sysconf("SC_PAGE_SIZE"), cpu, descriptors, int(fields[17]))


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a process may use. The soft ones are told, the hard one has it started again; 0 for none."""

    soft_bytes: int = 768 * MEGABYTE
    hard_bytes: int = 1_024 * MEGABYTE
    descriptors: int = 512


class Usage(msgspec.Struct, frozen=True):
    """One process as a person is shown it."""

    pid: int
    rss_mb: float
    cpu_percent: float
    """Of one core, since the last look."""
    descriptors: int
    threads: int
    age_s: float


class Finding(msgspec.Struct, frozen=True):
    """A process has come to a limit: `name` is the alert's; where `restart`, it has to be started again."""

    name: str
    child: str
    text: str
    restart: bool = False


class Watching:
    """Looks at processes again and again, and says what has begun.

    Args:
        limits: of each process.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._before: dict[str, tuple[int, int, int]] = {}
        self._told: set[tuple[str, str, int]] = set()
        self.usages: dict[str, Usage] = {}

    def look(self, child: str, pid: int, vitals: Vitals, now: int, started_at: int) -> list[Finding]:
        """Takes one process's vitals at `now`, on the stopwatch; returns what has begun in its present life."""
        before = self._before.get(child)
        since, cpu_ns = before[1:] if before is not None and before[0] == pid else (started_at, 0)
        self._before[child] = (pid, now, vitals.cpu_ns)
        share = (vitals.cpu_ns - cpu_ns) / max(1, now - since)
        self.usages[child] = Usage(
            pid,
            round(vitals.rss_bytes / MEGABYTE, 1),
            round(100 * share, 1),
            vitals.descriptors,
            vitals.threads,
            round((now - started_at) / SECOND, 1),
        )
        return [finding for finding in self._found(child, vitals) if self._is_news(finding, pid)]

    def forget(self, child: str) -> None:
        """It has ended."""
        self._before.pop(child, None)
        self.usages.pop(child, None)
        self._told = {entry for entry in self._told if entry[1] != child}

    def _is_news(self, finding: Finding, pid: int) -> bool:
        key = (f"{finding.name} {finding.restart}", finding.child, pid)
        if key in self._told:
            return False
        self._told.add(key)
        return True

    def _found(self, child: str, vitals: Vitals) -> list[Finding]:
        limits, found = self._limits, list[Finding]()
        megabytes = vitals.rss_bytes / MEGABYTE
        if 0 < limits.hard_bytes <= vitals.rss_bytes:
            text = f"{megabytes:.0f} MB, at most {limits.hard_bytes / MEGABYTE:.0f}: it is started again"
            found.append(Finding("memory", child, text, restart=True))
        elif 0 < limits.soft_bytes <= vitals.rss_bytes:
            text = f"{megabytes:.0f} MB; at {limits.hard_bytes / MEGABYTE:.0f} it is started again"
            found.append(Finding("memory", child, text))
        if 0 < limits.descriptors <= vitals.descriptors:
            text = f"{vitals.descriptors} files and sockets are open: it does not close what it opens"
            found.append(Finding("descriptors", child, text))
        return found
