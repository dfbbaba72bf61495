"""The drill with real processes, small: a machine that keeps its promises passes it, one that does not is found out."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from autofutures.ops.folder import Folder
from autofutures.processes.chaos.driver import Drill, chaos
from autofutures.processes.chaos.plan import ROLES
from tests.process.machine import Machine


def test_every_process_is_killed_and_nothing_is_lost_or_sent_twice(machine: Machine) -> None:
    done = machine.run("chaos", "--kills", "5", "--seed", "3", "--json")
    found = done.json()
    assert found["kills_by_role"] == dict.fromkeys(ROLES, 1)
    assert found["stops"] == 1
    assert (found["violations"], found["broken"]) == (0, [])
    for name in ("fills_lost", "fills_doubled", "orders_unknown_to_journal", "uncovered_lots"):
        assert found[name] == 0, name
    assert found["orders_per_decision_max"] == 1
    assert found["books_equal"] is True
    assert found["journal_verified"] is True
    assert "all struck" in done.err
    assert found["folder"] == ""


def test_without_write_ahead_an_order_is_found_at_the_exchange_that_no_journal_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # The trader dies at the venue's first words of an order, before the order would have been written down.
    drill = Drill(seed=1, kills=0, write_ahead=False, die_at="trader:batch:Accepted,trader:batch:Filled")
    found = chaos(drill, lambda _: None, tmp_path / "run")
    assert found.orders_unknown_to_journal > 0
    assert not found.books_equal
    assert any("are not in the journal" in sentence for sentence in found.broken)
    assert (tmp_path / "run" / "ledger.json").exists()


def test_a_drill_whose_driver_is_killed_leaves_nobody_behind(machine: Machine, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "run")
    log = folder.log("supervisor")
    with machine.background("chaos", "--kills", "50", "--state", str(folder.root)) as driver:
        until(lambda: log.exists() and '"child":"gateway"' in log.read_text())
        assert (
            len(members(folder))
            == len((driver, "exchange", "supervisor", "kill", "trader", "recorder", "gateway")) + 3
        )
        driver.kill()
    until(lambda: not members(folder))


def members(folder: Folder) -> list[str]:
    """The process ids of all that live and were started with the folder in their command."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(folder.root).encode() in command.read_bytes().split(b"\0"):
                found.append(command.parent.name)
    return found


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)
