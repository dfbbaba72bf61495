"""What was mended, by branch: a simulation that never takes one of them proves nothing about it."""

from collections import Counter
from collections.abc import Sequence

from autofutures.domain.messages import (
    Alert,
    AnyMessage,
    BookMode,
    BookStop,
    Filled,
    Halted,
    HaltReset,
    LimitSet,
    LinkChanged,
    OrderChanged,
    Placed,
    Refused,
    Rejected,
    RiskDay,
    Snapshot,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import Mode
from autofutures.gateway import NOT_SENT

BRANCHES = (
    "trader_refolded",
    "gateway_restarted",
    "strategy_restored",
    "recorder_resumed",
    "process_continued",
    "unknown_resolved_filled",
    "unknown_resolved_working",
    "unknown_resolved_over",
    "unknown_proved_absent",
    "fill_found_by_query",
    "end_found_by_query",
    "exit_redecided",
    "link_reconnected",
    "expired_by_session",
    "late_order_refused",
    "unsent_order_returned",
    "former_life_refused",
    "entry_refused_in_doubt",
    "entry_refused_by_mode",
    "book_normal_again",
    "halt_ended",
    "disk_recovered",
    "full_disk_survived",
    "stranger_handled",
    "book_stop_fired",
    "risk_day_begun",
    "risk_halted",
    "risk_halt_outlived_trader",
    "risk_halt_reset",
    "limit_changed",
    "entry_refused_by_limit",
    "killed_no_new",
    "killed_cancelled",
    "killed_flat",
    "killed_disconnected",
    "kill_outlived_gateway",
    "kill_refused_order",
    "kill_explained",
    "trader_replaced",
    "resumed",
    "readmitted",
)
"""Every branch that is counted."""

_RESOLVED = {
    Status.FILLED: "unknown_resolved_filled",
    Status.WORKING: "unknown_resolved_working",
    Status.ABSENT: "unknown_proved_absent",
    Status.CANCELED: "unknown_resolved_over",
    Status.EXPIRED: "unknown_resolved_over",
    Status.REJECTED: "unknown_resolved_over",
}
_REFUSALS = {
    "duplicate": "former_life_refused",
    "epoch": "former_life_refused",
    "unknown": "entry_refused_in_doubt",
    "mode": "entry_refused_by_mode",
    "daily_loss": "entry_refused_by_limit",
    "drawdown": "entry_refused_by_limit",
    "loss_streak": "entry_refused_by_limit",
    "repeated_execution": "entry_refused_by_limit",
    "daily_messages": "entry_refused_by_limit",
}
_RISK: dict[type[AnyMessage], str] = {
    RiskDay: "risk_day_begun",
    Halted: "risk_halted",
    HaltReset: "risk_halt_reset",
    LimitSet: "limit_changed",
}
_DISK = " disk "
"""In every reason that a journal's health gives."""


class Recoveries:
    """Counts branches, from what is in the journal.

    Attributes:
        counts: how often each was taken.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(BRANCHES, 0))
        self._exits: Counter[tuple[str, int, int]] = Counter()
        self._reasons: tuple[str, ...] = ()
        self._mode = Mode.NORMAL

    def heard(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """A batch was kept."""
        by_query = False
        told: set[str] = set()
        for message in inputs:
            match message:
                case Snapshot():
                    by_query = True
                case Filled():
                    told.add(message.fill_id)
                case LinkChanged() if message.up and message.session > 1:
                    self.counts["link_reconnected"] += 1
                case Rejected() if message.reason.startswith(NOT_SENT):
                    late = "deadline" in message.reason
                    self.counts["late_order_refused" if late else "unsent_order_returned"] += 1
                case _:
                    pass
        for message in outputs:
            self._said(message)
            if not by_query:
                continue
            if isinstance(message, Traded) and message.fill_id not in told:
                self.counts["fill_found_by_query"] += 1
            elif isinstance(message, OrderChanged) and message.reason == "found in the venue's list":
                self.counts["end_found_by_query"] += 1

    def _said(self, message: AnyMessage) -> None:
        match message:
            case Placed() if message.intent.closes_k:
                intent = message.intent
                key = (intent.strategy, intent.closes_seq, intent.closes_k)
                self._exits[key] += 1
                self.counts["exit_redecided"] += self._exits[key] > 1
            case Alert() if message.name == "stranger":
                self.counts["stranger_handled"] += 1
            case BookStop() if message.fired:
                self.counts["book_stop_fired"] += 1
            case Refused() if message.rule in _REFUSALS:
                self.counts[_REFUSALS[message.rule]] += 1
            case BookMode():
                self._mode_said(message)
            case RiskDay() | Halted() | HaltReset() | LimitSet():
                self.counts[_RISK[type(message)]] += 1
            case _:
                pass

    def _mode_said(self, said: BookMode) -> None:
        if said.mode is Mode.NORMAL and self._mode is not Mode.NORMAL:
            self.counts["book_normal_again"] += 1
        if self._mode is Mode.HALTED and said.mode is not Mode.HALTED:
            self.counts["halt_ended"] += 1
        was_disk = any(_DISK in reason for reason in self._reasons)
        if was_disk and not any(_DISK in reason for reason in said.reasons):
            self.counts["disk_recovered"] += 1
        self._mode, self._reasons = said.mode, said.reasons

    def moved(self, before: Status, changed: OrderChanged) -> None:
        """The journal moved an order."""
        if before is Status.UNKNOWN and changed.status in _RESOLVED:
            self.counts[_RESOLVED[changed.status]] += 1
        if changed.status is Status.EXPIRED and before is not Status.EXPIRED:
            self.counts["expired_by_session"] += 1
