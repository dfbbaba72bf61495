"""The machine with a projector beside it: its database may be killed, and so may the projector."""

import os
import signal
import time
from collections.abc import Callable

import msgspec

from autofutures.ops.folder import Folder
from autofutures.storage.journal_reader import JournalReader
from tests.postgres import Server
from tests.process.machine import PATIENCE_S, Machine, children_of

ON_PAPER = ("--paper", "--strategy", "ema_cross", "--set", "fast=2", "--set", "slow=5")


def lines(folder: Folder, process: str) -> list[dict[str, object]]:
    log = folder.log(process)
    return [msgspec.json.decode(line) for line in log.read_bytes().splitlines()] if log.exists() else []


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def outages(folder: Folder) -> int:
    """How often a projector began to wait for its database."""
    said = [line for line in lines(folder, "projector") if line["event"] == "waiting"]
    return sum("postgresql" in str(line["reason"]) for line in said)


def test_a_replay_leaves_tables_that_equal_its_journal(machine: Machine) -> None:
    done = machine.up(
        "--generate", "--trades", "400", "--until-end", "--strategy", "ema_cross", "--projections", "sqlite"
    )
    summary = done.json()
    shown = machine.run("projections", "show", "--json").json()
    assert shown["lag"] == {"batches": 0, "seconds": 0.0}
    assert msgspec.convert(shown["tables"], dict[str, int])["fills"] == summary["fills"] != 0
    assert machine.run("projections", "verify", "--json").json()["equal"] is True


def test_a_paper_machine_trades_on_while_its_database_and_its_projector_are_killed(
    machine: Machine, postgres: Server
) -> None:
    url = postgres.empty_database()
    with machine.started(*ON_PAPER, "--trades", "20000", "--projections", url) as running:
        folder = running.folder
        reader = JournalReader(folder.journal)
        wait_until("the machine trades", lambda: reader.exists() and reader.head().batch > 20)
        postgres.kill(signal.SIGKILL)
        try:
            wait_until("the projector waits", lambda: outages(folder) == 1)
            os.kill(children_of(folder)["projector"], signal.SIGKILL)
            wait_until("a new one waits", lambda: outages(folder) == 2)
            traded = reader.head().batch
            wait_until("the machine has traded on", lambda: reader.head().batch > traded + 20)
        finally:
            postgres.start()
        wait_until("the projector goes on", lambda: lines(folder, "projector")[-1]["event"] == "going on")
        machine.run("stop", "--run", str(folder.root))
        running.end()
    assert [line["child"] for line in lines(folder, "supervisor") if line["event"] == "child died"] == [
        "projector"
    ]
    assert lines(folder, "projector")[-1]["event"] == "ended"
    found = machine.run("projections", "verify", "--run", str(folder.root), "--json").json()
    assert found["equal"] is True
    assert found["position"] == msgspec.to_builtins(reader.head())
