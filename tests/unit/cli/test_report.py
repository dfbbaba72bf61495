import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures.cli import assembled
from autofutures.domain.errors import BadInput


def autofutures(*words: str) -> str:
    result = CliRunner().invoke(assembled(), list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "first"
    said = autofutures("backtest", "ema_cross", "--generate", "--trades", "300", "--save", str(folder))
    assert f"Saved: {folder}" in said
    return folder


def test_a_saved_run_s_page_is_written_where_it_is_wanted(kept: Path, tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    assert autofutures("report", str(kept), "--out", str(place)) == f"Report: {place}\n"
    assert place.read_bytes() == (kept / "report.html").read_bytes()
    assert f"Report: {kept / 'report.html'}" in autofutures("report", "run", str(kept), "--up", "green")
    assert 'data-up="green"' in (kept / "report.html").read_text("utf-8")


def test_the_figures_are_one_json_object(kept: Path) -> None:
    table = json.loads(autofutures("report", str(kept), "--json"))
    assert table["report"] == str(kept / "report.html")
    assert table["summary"]["net_pnl"] == json.loads((kept / "run.json").read_text())["summary"]["net_pnl"]
    assert table["statistics"]["sharpe"] is None


def test_what_makes_no_sense_is_refused(kept: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--up 'blue': write red or green"):
        autofutures("report", str(kept), "--up", "blue")
    with pytest.raises(BadInput, match="is no saved run"):
        autofutures("report", str(tmp_path))


def test_saved_runs_are_compared(kept: Path, tmp_path: Path) -> None:
    other = tmp_path / "second"
    autofutures(
        "backtest", "ema_cross", "--generate", "--trades", "300", "--set", "fast=3", "--save", str(other)
    )
    place = tmp_path / "x.html"
    copied = shutil.copytree(kept, tmp_path / "copied")
    said = autofutures("report", "compare", str(kept), str(copied), str(other), "--out", str(place))
    assert "copied: the same orders as first" in said
    assert "second: differs from first at order " in said
    assert place.exists()
    table = json.loads(autofutures("report", "compare", str(kept), str(other), "--out", str(place), "--json"))
    assert table["comparison"]["settings"] == {"strategies.1.settings.fast": {"first": "", "second": "3"}}


def test_a_search_is_drawn_from_its_table(tmp_path: Path) -> None:
    table = tmp_path / "tried.csv"
    table.write_text("fast,slow,net_pnl\n5,20,1.5\n5,30,2.5\n9,20,-1\n9,30,0\n")
    place = tmp_path / "x.html"
    assert autofutures("report", "sweep", str(table), "--out", str(place)) == f"Report: {place}\n"
    assert "4 sets of fast, slow, by net_pnl" in place.read_text("utf-8")
    with pytest.raises(BadInput, match="no such column"):
        autofutures("report", "sweep", str(table), "--out", str(place), "--parameters", "fats")
