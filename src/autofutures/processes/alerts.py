"""The alerts process: reads what went wrong from the journal and the logs, and tells people, beside the trading.

Nobody waits for it. What it has read and whom it has told stands in one file of the run's folder, where a person's
acknowledgement is added too: a life of this process is a fold over that file, so that nothing is told twice or never.
"""

import os
import queue
import threading
from datetime import datetime
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.domain.errors import AutofuturesError, Refusal
from autofutures.domain.messages import Alert
from autofutures.domain.units import MINUTE, SECOND
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log, Orphaned, run_process
from autofutures.storage.journal_reader import JournalDiffers, JournalReader, Position, position_of
from autofutures.telemetry.alerts import (
    AlertBook,
    Failed,
    Line,
    Notice,
    Raised,
    Source,
    Told,
    decode_line,
    is_said_by,
)
from autofutures.telemetry.notify import AlertSettings, Target, load_alert_settings, send, warm_up
from autofutures.telemetry.tail import Tail

LOOK_EVERY_NS = SECOND // 5
"""How often journal and logs are looked at for news."""

LOGS: tuple[Source, ...] = ("trader", "supervisor", "kill")
"""Whose logs hold alerts that are in no journal."""

BATCHES_AT_ONCE = 512

FAREWELL_NS = 3 * SECOND
"""How long the last alerts may take to be told once the machine has ended."""


class _Read(msgspec.Struct):
    """How far the sources were read."""

    journal: Position = Position()
    logs: dict[str, int] = {}


class _LogLine(msgspec.Struct):
    event: str
    timestamp: str
    name: str = ""
    subject: str = ""
    text: str = ""


class Sources:
    """The journal and the logs of one run, from where the last life of this process has read them.

    Args:
        folder: the run's.
        log: hears of a journal that cannot be read.
    """

    def __init__(self, folder: Folder, log: Log) -> None:
        self._folder = folder
        self._log = log
        machine = folder.machine()
        self._offset_ns = machine.clock_offset_ns
        self._since = machine.begun_at - machine.clock_offset_ns if machine.begun_at else 0
        self._reader = JournalReader(folder.journal)
        kept = folder.alerts_read.read_bytes() if folder.alerts_read.exists() else b"{}"
        self._read = msgspec.json.decode(kept, type=_Read)
        self._tails = {name: Tail(folder.log(name), self._read.logs.get(name, 0)) for name in LOGS}
        self._trouble = ""

    def news(self) -> list[Raised]:
        """What was raised since the last time, and not before the run began."""
        found = [raised for name in LOGS for raised in self._of_log(name)]
        return [raised for raised in (*self._of_journal(), *found) if raised.at >= self._since]

    def keep(self) -> None:
        """Writes down how far all was read: what it held stands in the alerts' file."""
        self._read.logs = {name: tail.offset for name, tail in self._tails.items()}
        new = self._folder.alerts_read.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self._read))
        new.replace(self._folder.alerts_read)

    def _of_journal(self) -> list[Raised]:
        try:
            if not self._reader.exists():
                return []
            batches = self._reader.after(self._read.journal, BATCHES_AT_ONCE)
        except JournalDiffers as error:
            self._log.warning(
                "the journal is another one: its alerts are read from its beginning", reason=str(error)
            )
            self._read.journal = Position()
            return []
        except AutofuturesError as error:  # Its writer may be making it: it is looked at again.
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._log.warning("the journal cannot be read", reason=self._trouble)
            return []
        if batches:
            self._read.journal = position_of(batches[-1])
        said = (message for batch in batches for message in batch.outputs if isinstance(message, Alert))
        return [
            Raised(one.name, one.subject, one.text, one.at - self._offset_ns)
            for one in said
            if is_said_by(one.name, "journal")
        ]

    def _of_log(self, name: Source) -> list[Raised]:
        found: list[Raised] = []
        for data in self._tails[name].lines():
            if b'"event":"alert"' not in data:
                continue
            line = msgspec.json.decode(data, type=_LogLine)
            if is_said_by(line.name, name):
                moment = datetime.fromisoformat(line.timestamp)
                at = int(moment.timestamp()) * SECOND + moment.microsecond * 1_000
                found.append(Raised(line.name, line.subject, line.text, at))
        return found


class Messenger:
    """Tells one target, on a thread that a slow mail server may keep waiting.

    Args:
        target: whom.
        run: the run's folder, as a person is told of it.
        results: hears what became of each notice.
    """

    def __init__(self, target: Target, run: str, results: "queue.SimpleQueue[Told | Failed]") -> None:
        self._target = target
        self._run = run
        self._results = results
        self._waiting: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._busy_with: set[tuple[str, str]] = set()
        threading.Thread(target=self._work, daemon=True).start()

    @property
    def is_busy(self) -> bool:
        """Whether something has not been told yet."""
        return bool(self._busy_with)

    def tell(self, notice: Notice) -> None:
        """Hands a notice over, unless one of the same cause is under way."""
        key = (notice.name, notice.subject)
        if key not in self._busy_with:
            self._busy_with.add(key)
            self._waiting.put(notice)

    def done(self, name: str, subject: str) -> None:
        """The result of this cause was heard."""
        self._busy_with.discard((name, subject))

    def _work(self) -> None:
        while True:
            notice = self._waiting.get()
            name, subject, target = notice.name, notice.subject, self._target.name
            try:
                send(self._target, notice, self._run)
            except AutofuturesError as error:
                self._results.put(Failed(name, subject, target, str(error), clock.now_ns()))
            else:
                self._results.put(Told(name, subject, target, notice.count, clock.now_ns()))


class Alerter:
    """One life of the alerts process.

    Args:
        folder: the run's.
        settings: who is told.
        log: hears of targets that cannot be told.
    """

    def __init__(self, folder: Folder, settings: AlertSettings, log: Log) -> None:
        self._folder = folder
        self._log = log
        self._sources = Sources(folder, log)
        self._file = os.open(folder.alerts, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._lines = Tail(folder.alerts)
        names = [target.name for target in settings.target]
        self._book = AlertBook(
            names, round(settings.repeat_minutes * MINUTE), round(settings.escalate_minutes * MINUTE)
        )
        self._results: queue.SimpleQueue[Told | Failed] = queue.SimpleQueue()
        self._messengers = {
            target.name: Messenger(target, str(folder.root), self._results) for target in settings.target
        }

    def turn(self) -> bool:
        """Reads what is new, and has told what is due; `False`: there was nothing, and nothing is under way."""
        news: list[Line] = [*self._sources.news()]
        while not self._results.empty():
            result = self._results.get()
            self._messengers[result.target].done(result.name, result.subject)
            if isinstance(result, Failed):
                self._log.warning("not told", target=result.target, alert=result.name, reason=result.reason)
            news.append(result)
        for line in news:
            os.write(self._file, msgspec.json.encode(line) + b"\n")
        self._sources.keep()
        for data in self._lines.lines():
            self._book.fold(decode_line(data))
        due = self._book.due(clock.now_ns())
        for notice in due:
            self._messengers[notice.target].tell(notice)
        return bool(news or due or any(messenger.is_busy for messenger in self._messengers.values()))

    def finish(self) -> None:
        """The machine has ended, perhaps of what must be told: that is told still, within seconds."""
        until = clock.stopwatch_ns() + FAREWELL_NS
        while self.turn() and clock.stopwatch_ns() < until:
            clock.sleep_ns(SECOND // 50)


def body(run: Path, _name: str, log: Log) -> None:
    """Tells people until the run has ended."""
    folder = Folder(run)
    path = folder.machine().alerts
    if not path:
        raise Refusal("nobody is to be told of trouble: the run has no settings file with [alerts]")
    settings = load_alert_settings(Path(path))
    for name in warm_up(settings):
        log.error("an address of this target is none that apprise knows", target=name)
    alerter, life = Alerter(folder, settings, log), Life()
    try:
        while not folder.result.exists():
            life.check()
            alerter.turn()
            clock.sleep_ns(LOOK_EVERY_NS)
    except Orphaned:
        alerter.finish()
        raise
    alerter.finish()


if __name__ == "__main__":
    run_process("alerts", body)
