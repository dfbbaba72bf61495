"""People are told within seconds of what goes wrong, by a real mail server; a machine that is well is silent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autofutures import clock
from autofutures.domain.messages import Alert
from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder, make_folder
from autofutures.ops.operator import Operator
from autofutures.processes.alerts import LOGS
from autofutures.storage.journal import Journal
from autofutures.telemetry.alerts import ALERTS, Line, Told, decode_line
from autofutures.telemetry.logs import open_log
from tests.mailbox import Mailbox
from tests.process.live import LiveMachine, pinging, until

PROMISE_S = 5.0


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "run"


def told_by(box: Mailbox, place: Path) -> str:
    """A settings file that names one target."""
    file = place.with_name("alerts.toml")
    file.write_text(f'[[alerts.target]]\nname = "desk"\nurls = ["{box.url("desk")}"]\n')
    file.chmod(0o600)
    return str(file)


def has_told(box: Mailbox, name: str, subject: str = "") -> bool:
    what = f"{name} {subject}".rstrip()
    return any(f"Subject: autofutures: {what}" in mail.replace("\r\n ", " ") for mail in list(box.mails))


def tells_in_time(box: Mailbox, name: str, subject: str = "") -> None:
    """The promise; a test that waited longer, on a computer that is busy, would not tell what was promised."""
    began = time.monotonic()
    until(lambda: has_told(box, name, subject), lambda: f"no {name}: {box.mails}")
    assert time.monotonic() - began < PROMISE_S


def written(folder: Folder, kind: type[Line]) -> int:
    """How many lines of a kind the alerts' file has."""
    return sum(isinstance(decode_line(line), kind) for line in folder.alerts.read_bytes().splitlines())


class Telling:
    """The alerts process by itself, beside a journal and logs that a test writes."""

    def __init__(self, folder: Folder) -> None:
        command = [sys.executable, "-m", "autofutures.processes.alerts", "--run", str(folder.root)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self._folder = folder

    def __enter__(self) -> None:
        until(self._folder.alerts_read.exists, lambda: "the alerts process has not started")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def test_each_alert_of_the_table_is_a_mail_and_none_is_sent_twice(place: Path, box: Mailbox) -> None:
    folder = make_folder(place, pinging(), live=True, alerts=told_by(box, place))
    logs = {source: open_log(folder.log(source), source) for source in LOGS}
    with Journal.open(folder.journal) as journal:
        with Telling(folder):
            for name in ALERTS:
                alert = Alert(name, clock.now_ns(), "it", f"what became of {name}")
                journal.commit((), (alert,), alert.at)
                for log in logs.values():  # Whoever else says it: it is one cause, told once.
                    log.error("alert", **msgspec.structs.asdict(alert))
            until(lambda: len(box.mails) == len(ALERTS), lambda: f"{len(box.mails)} of {len(ALERTS)}")
            until(lambda: written(folder, Told) == len(ALERTS), lambda: "not noted that all was told")
        causes = [decode_line(line) for line in folder.alerts.read_bytes().splitlines()]
        assert [line.count for line in causes if isinstance(line, Told)] == [1] * len(ALERTS)
        again = Alert("disk", clock.now_ns(), "other", "a disk more")
        journal.commit((), (again,), again.at)
        with Telling(folder):  # What the former life has told is not told again.
            until(lambda: has_told(box, "disk", "other"), lambda: str(box.mails[-1]))
    folder.leave()
    assert len(box.mails) == len(ALERTS) + 1
    for name in ALERTS:
        assert has_told(box, name), name
    secret = box.url("desk")
    assert all(secret not in path.read_text() for path in folder.logs.iterdir())


def test_a_machine_that_is_well_tells_nothing_and_each_fault_is_told_within_five_seconds(
    place: Path, box: Mailbox
) -> None:
    run = msgspec.structs.replace(pinging(), order_latency_ns=SECOND // 2)
    patient = msgspec.structs.replace(run.policy, answer_ns=10 * SECOND)  # A computer may be busy.
    run = msgspec.structs.replace(run, policy=patient)
    with LiveMachine(place, run, alerts=told_by(box, place)) as machine:
        machine.until_ready()
        until(lambda: len(machine.ledger().fills) > 3, lambda: "no fills")
        assert box.mails == []

        with Operator(machine.folder, "exchange") as operator:
            operator.ask("cut:300")
        tells_in_time(box, "link_down", "paper")
        tells_in_time(box, "unknown_order")
        machine.until_ready()
        machine.kill("recorder")
        tells_in_time(box, "process_restarted", "recorder")
        os.kill(machine.children()["alerts"], signal.SIGKILL)
        # Who tells must first start himself, which takes a busy computer as long as it takes.
        until(lambda: has_told(box, "process_restarted", "alerts"), lambda: str(box.mails))
        machine.until_books_are_equal()
        machine.stop()
    assert sum("unknown_order" in mail for mail in box.mails) <= 2
