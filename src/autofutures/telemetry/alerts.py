"""What a person is told of: the table of alerts, and what was said of each cause to whom.

A machine in trouble says the same thing hundreds of times. A cause is told once, then with a count of its repeats,
and goes to one more person for as long as nobody acknowledges it. All of that is a fold over the lines of one file.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from autofutures.domain.units import MINUTE

Source = Literal["journal", "trader", "supervisor", "kill"]
"""Who says an alert: the trader's journal, or a process's log."""


class Kind(msgspec.Struct, frozen=True):
    """One alert of the table."""

    meaning: str
    urgent: bool = True
    """Whether it goes to the next target while nobody has acknowledged it."""
    each: bool = True
    """Whether each subject is a cause by itself; otherwise all of the name are one, told with a count."""
    source: Source = "journal"
    """Where it is read; who else says it is not heard, so that one cause is told once."""


ALERTS: Mapping[str, Kind] = {
    "halted": Kind("an exit's outcome is not known, or a risk control has halted: nothing is opened"),
    "uncovered": Kind("open contracts without a live exit plan", each=False, source="trader"),
    "unknown_order": Kind("an order of which nobody knows whether it trades", each=False),
    "unexplained": Kind("the venue's position differs from the book's"),
    "stranger": Kind("an order at the venue that is not ours", each=False),
    "exit_failing": Kind("exit orders are refused again and again"),
    "book_stop": Kind("a strategy's whole position was closed at its largest loss"),
    "contract_ends": Kind("something is held in a contract that ends soon: it is being closed", urgent=False),
    "left_over": Kind("the book holds what this run does not trade"),
    "left_open": Kind("the machine has stopped, and could not close or take back what it should have"),
    "killed": Kind("the kill switch was used: it lasts until a person resumes the machine", source="kill"),
    "gateway_deaf": Kind("the gateway did not hear the kill switch and was ended", each=False, source="kill"),
    "link_down": Kind("no link to the venue"),
    "disk": Kind("the journal's disk is nearly full, or slow"),
    "breaker": Kind("the venue fails again and again at what it is asked"),
    "clock": Kind("the computer's clock is wrong"),
    "memory_low": Kind("the computer has hardly any memory left"),
    "market_silent": Kind("a market in session is not heard", source="trader"),
    "limit_near": Kind("a limit is nearly used up", urgent=False, source="trader"),
    "process_restarted": Kind("a process ended and was started again", urgent=False, source="supervisor"),
    "restart_budget": Kind("a process ended too often: the machine has ended", source="supervisor"),
    "given_up": Kind("a process that nobody waits for is not started again", source="supervisor"),
    "imposter": Kind("a peer said what is not its to say", source="trader"),
    "memory": Kind("a process needs too much memory", source="supervisor"),
    "descriptors": Kind("a process keeps too many files open", source="supervisor"),
}
"""Every alert by name; `docs/runbooks/NAME.md` says what to do."""

NEVER = 1 << 63

UNKNOWN = Kind("an alert that the table does not have")
"""From the trader the journal has it; from anybody else his log."""


class Raised(msgspec.Struct, frozen=True, tag="raised", tag_field="what"):
    """Something happened, UTC nanoseconds by the computer's clock."""

    name: str
    subject: str
    text: str
    at: int


class Told(msgspec.Struct, frozen=True, tag="told", tag_field="what"):
    """A target was told of a cause, with all of its repeats up to `count`."""

    name: str
    subject: str
    target: str
    count: int
    at: int


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="what"):
    """A target could not be told; `reason` names no address."""

    name: str
    subject: str
    target: str
    reason: str
    at: int


class Acknowledged(msgspec.Struct, frozen=True, tag="acknowledged", tag_field="what"):
    """A person has seen it; an empty name stands for all."""

    name: str
    who: str
    at: int


Line = Raised | Told | Failed | Acknowledged
"""A line of the alerts' file."""

_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def decode_line(data: bytes) -> Line:
    """A line of the alerts' file."""
    return _DECODER.decode(data)


def kind_of(name: str) -> Kind:
    """The table's row."""
    return ALERTS.get(name, UNKNOWN)


def is_said_by(name: str, source: Source) -> bool:
    """Whether an alert is heard from there."""
    kind = ALERTS.get(name)
    return kind.source == source if kind is not None else source != "trader"


class Cause(msgspec.Struct):
    """One thing that is wrong, with its repeats."""

    name: str
    subject: str
    text: str
    first_at: int
    last_at: int
    count: int = 1
    told: dict[str, tuple[int, int]] = {}
    """By target: how many of them it was told of, and when."""
    targets: list[str] = []
    """Who was told since nobody has acknowledged it, in order."""
    step_at: int = 0
    """When the newest of them was told first."""
    acknowledged_by: str = ""
    acknowledged_count: int = 0
    """So many of them had happened when a person acknowledged it."""


class Notice(msgspec.Struct, frozen=True):
    """What a target must be told now."""

    target: str
    name: str
    subject: str
    text: str
    count: int
    first_at: int
    last_at: int

    @property
    def title(self) -> str:
        """One line."""
        times = f" ({self.count} times)" if self.count > 1 else ""
        what = f"{self.name} {self.subject}".rstrip()
        return f"autofutures: {what}{times}"


class AlertBook:
    """Every cause, and what is to be said of it.

    Args:
        targets: names, in the order in which they are told.
        repeat_ns: repeats of a cause are told this often at most.
        escalate_ns: after so long without an acknowledgement the next target is told.
    """

    def __init__(
        self, targets: Iterable[str], repeat_ns: int = 5 * MINUTE, escalate_ns: int = 10 * MINUTE
    ) -> None:
        self._targets = tuple(targets)
        self._repeat_ns = repeat_ns
        self._escalate_ns = escalate_ns
        self._causes: dict[tuple[str, str], Cause] = {}
        self._trouble: dict[tuple[str, str, str], tuple[int, int]] = {}

    @property
    def causes(self) -> list[Cause]:
        """All that was ever raised here, oldest first."""
        return list(self._causes.values())

    def fold(self, line: Line) -> None:
        """Takes a line of the file in."""
        match line:
            case Raised():
                self._raise(line)
            case Told():
                self._told(line)
            case Failed():
                key = (line.name, line.subject, line.target)
                self._trouble[key] = (self._trouble.get(key, (0, 0))[0] + 1, line.at)
            case Acknowledged():
                for cause in self._causes.values():
                    if line.name in {"", cause.name} and not cause.acknowledged_by:
                        cause.acknowledged_by = line.who or "someone"
                        cause.acknowledged_count, cause.targets = cause.count, []

    def due(self, now: int) -> list[Notice]:
        """Everything that somebody must be told now: until that is folded, it is said again at each call."""
        found: list[Notice] = []
        for cause in self._causes.values():
            known = cause.targets or list(self._targets[:1])
            found += [_notice(cause, target) for target in known if now >= self._tells_at(cause, target)]
            if self._escalates(cause, now):
                found.append(_notice(cause, self._targets[len(cause.targets)]))
        return [notice for notice in found if now >= self._tries_at(notice)]

    def _tells_at(self, cause: Cause, target: str) -> int:
        """When one who knows of a cause is told of its repeats; never where all is told."""
        count, at = cause.told.get(target, (0, 0))
        if count >= cause.count:
            return NEVER
        return at + self._repeat_ns if count else 0

    def _escalates(self, cause: Cause, now: int) -> bool:
        if not kind_of(cause.name).urgent or not cause.targets:
            return False
        return len(cause.targets) < len(self._targets) and now - cause.step_at >= self._escalate_ns

    def _tries_at(self, notice: Notice) -> int:
        """After each failure a target is tried again, later each time: 1, 2, 4 … seconds, up to a minute."""
        failures, at = self._trouble.get((notice.name, notice.subject, notice.target), (0, 0))
        return at + min(MINUTE // 60 << max(0, failures - 1), MINUTE) if failures else 0

    def _raise(self, line: Raised) -> None:
        subject = line.subject if kind_of(line.name).each else ""
        text = line.text if subject or not line.subject else f"{line.subject}: {line.text}"
        cause = self._causes.get((line.name, subject))
        if cause is None:
            cause = Cause(line.name, subject, text, line.at, line.at)
            self._causes[line.name, subject] = cause
        elif (line.at, text) != (cause.last_at, cause.text):  # Not read a second time, after a restart.
            cause.count += 1
            cause.text, cause.last_at = text, max(cause.last_at, line.at)

    def _told(self, line: Told) -> None:
        self._trouble.pop((line.name, line.subject, line.target), None)
        cause = self._causes.get((line.name, line.subject))
        if cause is None:
            return
        if line.count > cause.acknowledged_count:
            cause.acknowledged_by = ""
            if line.target not in cause.targets:
                cause.targets = [*cause.targets, line.target]
                cause.step_at = line.at
        cause.told = {**cause.told, line.target: (line.count, line.at)}


def _notice(cause: Cause, target: str) -> Notice:
    return Notice(target, cause.name, cause.subject, cause.text, cause.count, cause.first_at, cause.last_at)
