import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures.backtest.runner import run
from autofutures.cli import assembled
from autofutures.domain.errors import BadInput
from tests.runs import a_catalog, recorded

FAST = ["--set", "fast=2", "--set", "slow=5"]


def backtest(*arguments: str) -> str:
    """What the command says on standard output; an error goes on."""
    result = CliRunner().invoke(assembled(), ["backtest", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_generated_session_needs_no_data_and_gives_one_json_object() -> None:
    table = json.loads(backtest("ema_cross", "--generate", "--trades", "200", *FAST, "--json"))
    assert table["strategy"] == "ema_cross"
    assert table["symbols"] == ["TAIFEX:TXF202608"]
    assert table["net_pnl"] == table["gross_pnl"] - table["fees"] - table["tax"]
    assert table["events_per_s"] > 0
    assert table["report"] is None
    assert any("generated from a seed" in line for line in table["assumptions"])
    assert table["notes"]


def test_a_recorded_day_gives_what_its_settings_give(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path)
    settings = ["--set", "fast=1", "--set", "slow=2", "--catalog", str(catalog), "--json"]
    table = json.loads(backtest("ema_cross", "--symbol", "TXF202108", "--date", "2021-07-26", *settings))
    expected = run(recorded(catalog)).summary
    assert (table["order_hash"], table["fill_hash"]) == (expected.order_hash, expected.fill_hash)
    assert table["ticks_seen"] == 8
    again = json.loads(
        backtest("ema_cross", "--symbol", "TX202108", "--date", "20210726", "--limit", "3", *settings)
    )
    assert again["ticks_seen"] == 3


def test_files_and_report_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    places = {name: tmp_path / f"{name}.txt" for name in ("orders", "fills", "report")}
    wanted = [word for name, path in places.items() for word in (f"--{name}", str(path))]
    table = json.loads(backtest("ema_cross", "--generate", "--trades", "200", *FAST, *wanted, "--json"))
    assert table["report"] == str(places["report"])
    assert len(places["orders"].read_text().splitlines()) == table["orders"] + 1
    assert len(places["fills"].read_text().splitlines()) == table["fills"] + 1
    assert table["order_hash"] in places["report"].read_text()


def test_a_person_reads_a_table_the_assumptions_and_where_the_report_is(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    said = backtest("ema_cross", "--generate", "--trades", "200", *FAST, "--report", str(report))
    assert "net pnl" in said
    assert "events in" in said
    assert "  - The market is generated" in said
    assert f"Report: {report}" in said
    assert "Report:" not in backtest("ema_cross", "--generate", "--trades", "200", "--limit", "5")


def test_a_users_own_file_is_traded(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from autofutures.strategies.base import Strategy\n"
        "class Buyer(Strategy):\n"
        "    def on_tick(self, tick, ctx):\n"
        "        if ctx.position + ctx.working == 0:\n"
        "            ctx.buy_market(1)\n"
    )
    table = json.loads(backtest(f"{tmp_path}/mine.py:Buyer", "--generate", "--trades", "200", "--json"))
    assert (table["strategy"], table["orders"], table["contracts"]) == ("Buyer", 1, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dream", "--generate"], "there is no strategy 'dream'"),
        (["ema_cross", "--generate", "--set", "speed=3"], "EmaCross has no setting 'speed'"),
        (
            ["ema_cross", "--generate", "--symbol", "TXF202608,MXF202608"],
            "a generated session has one contract",
        ),
        (["ema_cross", "--generate", "--date", "2026-08-02"], "has no day session"),
        (["ema_cross", "--catalog", "absent"], "import its file with `autofutures data import`"),
    ],
)
def test_what_cannot_be_tested_is_refused(arguments: list[str], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        backtest(*arguments)
