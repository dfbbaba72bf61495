"""`autofutures risk`: what people see, change and reset."""

import json
from pathlib import Path
from typing import cast

import msgspec
import pytest
from typer.testing import CliRunner

from autofutures.cli import assembled
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import HaltReset, LimitSet
from autofutures.ops import operator
from autofutures.ops.folder import Folder, make_folder
from autofutures.risk import RULES
from autofutures.risk.docs import page
from autofutures.storage.journal import Journal
from tests.journals import a_run, trade
from tests.unit.cli.test_condition import Takes

Json = dict[str, object]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A run that is over, whose account halted after its second order and was let on with a higher limit."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(operator, "Operator", Takes)
    monkeypatch.setattr(Takes, "taken", ())
    limits = {"repeated_execution": {"max_orders": 2}, "position.strategy.sr": {"max_contracts": 9}}
    run = msgspec.structs.replace(a_run(800), limits=limits)
    folder = make_folder(None, run)
    with Journal.open(folder.journal) as journal:
        trader = trade(run, journal.commit, journal.next_epoch())
        reset = HaltReset("f1", "repeated_execution", "", 1, "ann", "looked at it")
        changed = LimitSet("f2", "order_size", "max_contracts", 2, "ann", 10, 3, "smaller")
        journal.commit([], [reset, changed], 3)
        assert [halt.control for halt in trader.risk.state.halts.values()] == ["repeated_execution"]
    folder.leave()
    return folder


def said(*words: str) -> str:
    result = CliRunner().invoke(assembled(), ["risk", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_run_that_is_over_shows_each_limit_beside_its_use(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folder, "is_over", lambda _: True)
    shown = cast("Json", json.loads(said("show", "--run", str(folder.root), "--json")))
    limits = {f"{one['control']}.{one['scope']}": one for one in cast("list[Json]", shown["limits"])}
    assert {str(one["control"]) for one in limits.values()} == set(RULES)
    assert limits["order_size."]["settings"] == {"max_contracts": 3}
    assert limits["repeated_execution."]["of"] == 2
    assert limits["repeated_execution."]["use"] == 0  # Reset.
    assert limits["position.strategy.sr"]["of"] == 9
    assert limits["daily_loss."]["on"] is False
    table = said("show", "--run", str(folder.root))
    assert "strategy.sr" in table
    assert "max_contracts 3" in table


def test_a_running_machine_is_asked(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Takes, "ask", lambda _, what: {"asked": what}, raising=False)
    assert json.loads(said("show", "--run", str(folder.root), "--json")) == {"asked": "risk"}


def test_the_history_tells_halts_resets_changes_and_refusals(folder: Folder) -> None:
    events = cast("list[Json]", json.loads(said("history", "--run", str(folder.root), "--json"))["events"])
    told = [(one["what"], one["key"], one["who"]) for one in events if one["what"] != "refused"]
    assert told == [
        ("halted", "repeated_execution", ""),
        ("reset", "repeated_execution", "ann"),
        ("set", "order_size", "ann"),
    ]
    assert any(one["what"] == "refused" and one["key"] == "repeated_execution" for one in events)
    assert "looked at it" in said("history", "--run", str(folder.root))


def test_a_limit_is_set_and_a_halt_reset_with_a_reason(folder: Folder) -> None:
    run = ("--run", str(folder.root))
    said("set", "position.strategy.ema", "max_contracts", "4", "--reason", "new", *run)
    assert said("reset", "daily_loss", "--scope", "strategy.ema", "--reason", " r ", *run).startswith(
        "risk reset: done"
    )
    values = {"key": "position.strategy.ema", "setting": "max_contracts", "value": 4, "reason": "new"}
    scoped = {"control": "daily_loss", "scope": "strategy.ema", "reason": "r"}
    assert Takes.taken == (("", "set", "risk", values), ("", "reset", "risk", scoped))


def test_what_could_be_lost_is_said_of_a_run_that_is_over(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folder, "is_over", lambda _: True)
    run = ("--run", str(folder.root))
    found = json.loads(said("figures", *run, "--json"))
    shown = json.loads(said("show", *run, "--json"))
    assert found["limit_move"] == shown["limit_move"]
    assert found["tails"]["positions"] == shown["positions"]
    assert found["tails"]["words"]
    assert "risk indicator" in said("figures", *run)
    result = CliRunner().invoke(assembled(), ["risk", "figures", *run, "--level", "99"])
    assert "write a share between 0.5 and 1" in str(result.exception)


def test_the_page_of_a_day_is_written(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folder, "is_over", lambda _: True)
    page_of_the_day = tmp_path / "risk.html"
    found = json.loads(
        said(
            "report",
            "--run",
            str(folder.root),
            "--date",
            "2026-08-03",
            "--out",
            str(page_of_the_day),
            "--json",
        )
    )
    assert found["refusals"]["repeated_execution"] > 0
    assert "Risk of ema_cross, sr on 2026-08-03" in page_of_the_day.read_text("utf-8")


def test_without_a_reason_nothing_is_done(folder: Folder) -> None:
    result = CliRunner().invoke(assembled(), ["risk", "reset", "daily_loss", "--run", str(folder.root)])
    assert isinstance(result.exception, BadInput)
    assert "say why" in str(result.exception)
    assert Takes.taken == ()


def test_the_page_of_controls_is_printed_or_written(folder: Folder, tmp_path: Path) -> None:
    said("docs", "--write", str(tmp_path / "page.md"))
    assert (tmp_path / "page.md").read_text("utf-8") == page() == said("docs")


def test_a_folder_without_a_journal_is_named(folder: Folder) -> None:
    folder.journal.unlink()
    result = CliRunner().invoke(assembled(), ["risk", "history", "--run", str(folder.root)])
    assert "there is no journal in" in str(result.exception)
