"""`autofutures data` on markets abroad; tests/flow/test_data_import.py has TAIFEX's."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures.cli.data import app
from tests.unit.data.files import imported, recorded_stream

RUN = CliRunner()


@pytest.fixture
def root(tmp_path: Path) -> str:
    imported(recorded_stream(tmp_path), tmp_path / "catalog")
    return str(tmp_path / "catalog")


def asked(*arguments: str) -> str:
    result = RUN.invoke(app, [*arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_import_says_each_kind_that_a_file_holds(tmp_path: Path) -> None:
    path, catalog = recorded_stream(tmp_path), str(tmp_path / "new")
    report = json.loads(asked("import", str(path), "--catalog", catalog, "--json"))
    assert (report["rows"], report["imported"], report["quarantined"]) == (6, 6, 0)
    assert [(one["kind"], one["rows"]) for one in report["series"]] == [
        ("depth", 2),
        ("quotes", 3),
        ("ticks", 1),
    ]
    assert "binance_stream, 6 rows" in asked("import", str(path), "--catalog", catalog)


def test_the_list_names_kinds_rows_and_no_volume_where_nothing_traded(root: str) -> None:
    lines = [line.split() for line in asked("list", "--catalog", root).splitlines() if "BTCUSDT" in line]
    assert lines == [
        ["BINANCE:BTCUSDT", "depth", "2024-08-08", "1", "2"],
        ["BINANCE:BTCUSDT", "quotes", "2024-08-08", "1", "3"],
        ["BINANCE:BTCUSDT", "ticks", "2024-08-08", "1", "1", "6"],
    ]
    series = json.loads(asked("list", "--catalog", root, "--json"))["series"]
    assert [one["kind"] for one in series] == ["depth", "quotes", "ticks"]


def test_a_day_is_shown_with_what_its_contract_is(root: str) -> None:
    text = asked("show", "BTCUSDT", "--date", "2024-08-08", "--catalog", root)
    assert "BTCUSDT perpetual, USDT, linear, a tick is 0.1, lots of 0.001" in text
    assert "quotes: 3 rows, 2024-08-08 23:54:16 to 2024-08-08 23:54:16 UTC\n  1 one-sided, 1 locked" in text
    assert "open 61800.3 high 61800.3 low 61800.3 close 61800.3, 6 contracts\n  VWAP 61800.3000" in text
    found = json.loads(asked("show", "BTCUSDT", "--date", "2024-08-08", "--catalog", root, "--json"))
    assert [one["kind"] for one in found["kinds"]] == ["ticks", "quotes", "depth"]


def test_a_market_abroad_is_shown_in_utc(root: str) -> None:
    text = asked("bars", "BTCUSDT", "--date", "2024-08-08", "--catalog", root)
    assert "start (UTC)" in text
    assert "2024-08-08 23:54 " in text


def test_quotes_are_exported(root: str, tmp_path: Path) -> None:
    out = str(tmp_path / "quotes.csv")
    asked_for = ("export", "BTCUSDT", "--date", "2024-08-08", "--what", "quotes", "--out", out)
    assert "3 quotes of BTCUSDT on 2024-08-08 written" in asked(*asked_for, "--catalog", root)
    report = json.loads(asked(*asked_for, "--catalog", root, "--json"))
    assert report == {"out": out, "what": "quotes", "format": "csv", "rows": 3}
