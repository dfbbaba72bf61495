"""A machine by the clock whose processes are killed, stopped and orphaned: it comes back, and the books are equal."""

import os
import signal
from pathlib import Path

import msgspec
import pytest

from autofutures.domain.units import SECOND
from tests.process.live import LiveMachine, assert_equal, books_of, pinging, until
from tests.process.machine import alive


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "run"


def test_whoever_is_killed_is_started_again_and_the_books_are_equal(place: Path) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        for role in ("strategy/pinger", "recorder", "gateway", "trader"):
            machine.kill(role)
        machine.until_books_are_equal()
        lives = machine.until_ready().lives
        ledger = machine.stop()

    assert lives == {"trader": 2, "gateway": 3, "strategy/pinger": 3, "recorder": 3}
    assert len(ledger.fills) > 0
    assert_equal(machine.folder, ledger)
    assert alive(list(machine.children().values())) == []


def test_a_process_that_hangs_is_killed_and_replaced(place: Path) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        stopped = machine.children()["gateway"]
        verdict = machine.kill("gateway", signal.SIGSTOP)
        assert alive([stopped]) == []
        assert verdict.lives["gateway"] == 2
        assert '"stuck"' in machine.folder.log("supervisor").read_text()
        machine.until_books_are_equal()


def test_a_new_supervisor_takes_over_from_one_that_was_killed_and_from_a_child_that_hangs(
    place: Path,
) -> None:
    with LiveMachine(place, pinging()) as machine:
        before = machine.until_ready()
        orphans = machine.children()
        os.kill(orphans["recorder"], signal.SIGSTOP)
        machine.supervisor.kill()
        machine.supervisor.wait()
        until(lambda: alive(list(orphans.values())) == [orphans["recorder"]], lambda: str(orphans))
        machine.start_again()
        machine.until_ready(**before.lives)
        assert alive([orphans["recorder"]]) == []
        machine.until_books_are_equal()
        ledger = machine.stop()

    assert_equal(machine.folder, ledger)


def test_a_machine_that_stops_hears_first_what_became_of_its_orders(place: Path) -> None:
    """Each order takes half a second to the market, and four are sent in a second: some are always under way."""
    run = msgspec.structs.replace(pinging(), order_latency_ns=SECOND // 2)
    with LiveMachine(place, run) as machine:
        machine.until_ready()
        until(lambda: len(machine.ledger().fills) > 0, lambda: "no fill")
        ledger = machine.stop()

    assert_equal(machine.folder, ledger)
    assert {line.client_id for line in ledger.orders} == books_of(machine.folder)[0]
    assert [line for line in ledger.orders if line.left] == []


def test_a_damaged_journal_ends_the_machine_with_its_words(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        machine.stop()
        data = bytearray(machine.folder.journal.read_bytes())
        data[100:116] = bytes(16)
        machine.folder.journal.write_bytes(data)
        machine.start_again()
        assert machine.supervisor.wait(30) == 1

    assert "the trader process cannot work with what it was given" in capfd.readouterr().err
    log = machine.folder.log("supervisor").read_text()
    assert log.count('"started","child":"trader"') == 2
