"""The machine stops with three strategies that hold something: the broker's ledger judges what became of it."""

from pathlib import Path
from typing import cast

import msgspec
import pytest
from typer.testing import CliRunner

from autofutures.cli import assembled
from autofutures.config import StrategySettings
from autofutures.domain.messages import Left
from autofutures.domain.units import SECOND
from autofutures.matching.ledger import Statement
from autofutures.ops.folder import Folder
from autofutures.ops.operator import Operator
from autofutures.orders.policy import OnStop
from autofutures.storage.journal import Journal
from tests.process.live import LiveMachine, assert_equal, pinging, until
from tests.process.machine import Json
from tests.runs import TXF

HOLDERS = """
from autofutures.domain.messages import ExitPlan
from autofutures.strategies.base import Strategy


class Own(Strategy):
    plan: int = 0

    _trades: int = 0
    _rests: bool = False

    def on_tick(self, tick, ctx):
        self._trades += 1
        if ctx.position_of(0) and not self._rests:
            self._rests = True
            ctx.buy_limit(1, tick.price_ticks - 50, exit=self.plan)
        elif not ctx.position_of(0) and self._trades % 40 == 0:  # The first may come before the machine is ready.
            ctx.buy_market(2, exit=self.plan)


class Plans(Own):
    exits = "plans"
    exit_plans = (ExitPlan(stop_ticks=1000),)
    plan: int = 1
"""


def holder(source: Path, use: str, on_stop: OnStop) -> StrategySettings:
    return StrategySettings(
        name=on_stop, use=f"{source}:{use}", symbols=(TXF,), book_stop=10**9, on_stop=on_stop
    )


def said(*words: str) -> str:
    result = CliRunner().invoke(assembled(), words)
    assert result.exit_code == 0, result.output
    return result.stdout


def left_in(folder: Folder) -> dict[str, Left]:
    with Journal.open(folder.journal) as journal:
        outputs = [one for batch in journal.batches() for one in batch.outputs]
    return {one.strategy: one for one in outputs if isinstance(one, Left)}


def all_hold(ledger: Statement) -> bool:
    """Everybody has its lots, and an order at rest."""
    at_rest = [line for line in ledger.orders if line.status == "working"]
    return ledger.positions == {TXF: 6} and len(at_rest) == 3


def taken_back(ledger: Statement) -> list[bool]:
    """Of each order at rest whether it was canceled, as the broker knows it."""
    return sorted(line.status == "canceled" for line in ledger.orders if line.filled < line.qty)


def test_lots_and_orders_go_as_each_strategys_policy_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    source = tmp_path / "holders.py"
    source.write_text(HOLDERS)
    strategies = (
        holder(source, "Plans", "keep"),
        holder(source, "Own", "flatten"),
        holder(source, "Own", "hand_over"),
    )
    run = msgspec.structs.replace(pinging(), strategies=strategies)
    with LiveMachine(tmp_path / "run", run) as machine:
        machine.until_ready()
        until(lambda: all_hold(machine.ledger()), lambda: str(machine.ledger()))
        machine.until_books_are_equal()
        where = ("--run", str(machine.folder.root))
        shown = msgspec.json.decode(said("stop", "--show", "--json", *where), type=Json)
        will = {
            str(one["strategy"]): " ".join(cast("list[str]", one["will"]))
            for one in cast("list[Json]", shown["strategies"])
        }
        assert "1 order is asked back" in will["keep"]
        assert "stays, with 1 exit plan" in will["keep"]
        assert "is closed at the market" in will["flatten"]
        assert "1 order is left at work" in will["hand_over"]
        assert machine.ledger().positions == {TXF: 6}  # Nothing was done yet.

        assert "flatten (flatten): 1 order is asked back; +2" in said("stop", *where)
        assert machine.supervisor.wait(30) == 0
        ledger = msgspec.json.decode(machine.folder.ledger.read_bytes(), type=Statement)
    assert ledger.positions == {TXF: 4}
    assert taken_back(ledger) == [False, True, True]
    left = left_in(machine.folder)
    assert {name: (one.positions, one.plans, one.orders, one.text) for name, one in left.items()} == {
        "keep": ({TXF: 2}, 1, 0, ""),
        "flatten": ({}, 0, 0, ""),
        "hand_over": ({TXF: 2}, 0, 1, ""),
    }


def test_a_trader_that_dies_in_the_middle_of_a_stop_goes_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    source = tmp_path / "holders.py"
    source.write_text(HOLDERS)
    run = pinging()
    policy = msgspec.structs.replace(run.policy, leave_ns=60 * SECOND)
    run = msgspec.structs.replace(run, strategies=(holder(source, "Own", "flatten"),), policy=policy)
    # Once with an order in the journal that never left, once with one at the venue whose fill nobody heard.
    drills = ("trader:after commit:Leave", "trader:after sends:Leave")
    with LiveMachine(tmp_path / "run", run, die_at=",".join(drills)) as machine:
        machine.until_ready()
        until(lambda: machine.ledger().positions == {TXF: 2}, lambda: str(machine.ledger()))
        machine.until_books_are_equal()
        with Operator(machine.folder) as operator:
            operator.ask("stop")
        assert machine.supervisor.wait(80) == 0
        ledger = msgspec.json.decode(machine.folder.ledger.read_bytes(), type=Statement)
    assert machine.folder.died.read_text().splitlines() == list(drills)
    assert ledger.positions == {}
    left = left_in(machine.folder)["flatten"]
    assert (left.positions, left.orders, left.text) == ({}, 0, "")
    assert_equal(machine.folder, ledger)
