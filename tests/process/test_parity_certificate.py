"""A day that real processes traded by the clock: a replay of what they recorded decides the same, restarts and all."""

import time
from pathlib import Path

import pytest

from autofutures.domain.units import SECOND
from autofutures.processes.parity.check import certify
from tests.process.live import LiveMachine, pinging

BUSY_NS = SECOND
"""This computer does other things besides: how late it is says nothing here."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "run"


def test_a_day_of_real_processes_is_identical(place: Path) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        time.sleep(5)
        machine.stop()

    certificate = certify(machine.folder, tolerance_ns=BUSY_NS)
    assert certificate.findings == ()
    assert certificate.whole
    assert certificate.decisions > 3
    assert certificate.market_events > 20


def test_a_strategy_that_is_killed_begins_again_in_the_replay_as_it_did(place: Path) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        time.sleep(3.5)
        machine.kill("strategy/pinger")
        time.sleep(1)
        machine.stop()

    certificate = certify(machine.folder, tolerance_ns=BUSY_NS)
    assert certificate.findings == ()
    assert certificate.whole


def test_a_trader_that_is_killed_folds_the_same_book_and_what_it_missed_is_data(place: Path) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        time.sleep(3.5)
        machine.kill("trader")
        time.sleep(1)
        machine.stop()

    certificate = certify(machine.folder, tolerance_ns=BUSY_NS)
    assert certificate.lives == 2
    assert {finding.kind for finding in certificate.findings} <= {"data"}
