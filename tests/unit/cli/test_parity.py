"""The command says what it found, and nothing but JSON where that was asked for."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures import cli
from autofutures.assemble.request import RunOptions
from autofutures.cli.parity import folder_of, write_certificate
from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder, make_folder
from tests.parity.day import Day, a_run

runner = CliRunner()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Day(tmp_path_factory.mktemp("day"), a_run(9)).record()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    return tmp_path / "STATE" / "autofutures" / "runs"


def test_an_identical_day_is_exit_code_0_and_one_object(day: Folder) -> None:
    result = runner.invoke(cli.assembled(), ["parity", str(day.root), "--json"])
    found = json.loads(result.stdout)
    assert (result.exit_code, found["identical"], found["findings"]) == (0, True, [])
    assert found["decisions"] == 16


def test_a_finding_is_exit_code_1_with_a_page_and_settings(day: Folder, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text((day.root / "run.json").read_text().replace('"slow": 15', '"slow": 25'))
    page, adopted = tmp_path / "page.html", tmp_path / "adopted.toml"
    options = ["--settings", str(other), "--report", str(page), "--adopt", str(adopted)]
    result = runner.invoke(cli.assembled(), ["parity", str(day.root), *options])
    assert result.exit_code == 1
    assert "configuration: mine decides otherwise; settings differ" in result.stdout
    assert "<h2>configuration: " in page.read_text()
    run = RunOptions(
        strategies=["pinger"],
        settings=[],
        symbol="TXF202608",
        date="2026-08-03",
        generate=True,
        config=adopted,
    ).run()
    assert SECOND // 1_000 < run.order_latency_ns < SECOND // 100


def test_what_the_command_line_says_goes_before_what_was_adopted(tmp_path: Path) -> None:
    adopted = tmp_path / "adopted.toml"
    adopted.write_text('[model]\norder_latency = "3ms"\nslippage_ticks = 4\n')
    asked = RunOptions(
        strategies=["pinger"],
        settings=[],
        symbol="TXF202608",
        date="2026-08-03",
        generate=True,
        config=adopted,
        slippage=2,
    ).run()
    assert (asked.slippage_ticks, asked.order_latency_ns) == (2, 3 * SECOND // 1_000)


def test_a_day_is_found_by_its_date_and_the_newest_counts(state: Path) -> None:
    places = [state / name for name in ("a", "b", "c")]
    for number, place in enumerate(places):
        make_folder(place, a_run(number), live=place.name != "c").leave()
        os.utime(place / "run.json", ns=(number, number))
    assert folder_of("2026-08-03").root == places[1]
    with pytest.raises(BadInput, match=r"no run of 2026-08-04 by the clock"):
        folder_of("2026-08-04")
    with pytest.raises(BadInput, match=r"neither a folder nor a date"):
        folder_of("yesterday")


def test_a_folder_without_a_record_is_refused_in_words(tmp_path: Path) -> None:
    result = runner.invoke(cli.assembled(), ["parity", str(tmp_path)])
    assert isinstance(result.exception, BadInput)


def test_a_paper_run_ends_with_its_certificate_or_with_the_command(
    state: Path, day: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder(state / "x", day.run(), live=True)
    folder.leave()
    for name in ("stream.msgpack", "journal.sqlite"):
        (folder.root / name).write_bytes((day.root / name).read_bytes())
    write_certificate(folder, certify=False)
    assert f"autofutures parity {folder.root}" in capsys.readouterr().err
    assert not (folder.root / "parity.json").exists()
    write_certificate(folder, certify=True)
    assert "parity of 20260803: identical" in capsys.readouterr().err
    assert json.loads((folder.root / "parity.json").read_text())["identical"]


def test_a_replay_needs_no_certificate(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(state / "x", a_run(1))
    folder.leave()
    write_certificate(folder, certify=True)
    assert capsys.readouterr().err == ""
