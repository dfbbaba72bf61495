import sys
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from autofutures.cli import assembled
from autofutures.domain.errors import BadInput
from autofutures.telemetry.alerts import ALERTS, Raised, Told


def said(*words: str) -> Result:
    return CliRunner().invoke(assembled(), ["alerts", *words])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    lines = (
        Raised("link_down", "paper", "the gateway is silent", 1_785_720_000_000_000_000),
        Told("link_down", "paper", "desk", 1, 1_785_720_001_000_000_000),
        Raised("unknown_order", "0AB", "no answer in time", 1_785_720_002_000_000_000),
    )
    (tmp_path / "alerts.jsonl").write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return tmp_path


def test_what_was_raised_is_listed_and_acknowledged_by_name(run: Path) -> None:
    listed = said("list", "--run", str(run)).stdout
    assert "2026-08-03 01:20:00Z  link_down paper x1: the gateway is silent (told: desk)" in listed
    assert "unknown_order x1: 0AB: no answer in time (told: nobody)" in listed
    assert said("ack", "link_down", "--run", str(run)).stdout == "acknowledged: link_down\n"
    assert "acknowledged by" in said("list", "--run", str(run)).stdout
    wrong = said("ack", "link_down", "--run", str(run))
    assert isinstance(wrong.exception, BadInput)
    assert "what waits for it is unknown_order" in str(wrong.exception)
    assert said("ack", "all", "--run", str(run)).stdout == "acknowledged: unknown_order\n"


def test_where_nothing_was_raised_that_is_said(tmp_path: Path) -> None:
    assert said("list", "--run", str(tmp_path)).stdout == "nothing was raised\n"
    assert msgspec.json.decode(said("list", "--run", str(tmp_path), "--json").stdout) == {"alerts": []}


def test_targets_are_tried_and_told_by_hand(tmp_path: Path) -> None:
    heard = tmp_path / "heard.json"
    copy = f"import sys; open({str(heard)!r}, 'w').write(sys.stdin.read())"
    file = tmp_path / "alerts.toml"
    targets = (("good", [sys.executable, "-c", copy]), ("bad", ["/nowhere/at/all"]))
    file.write_text(
        "".join(
            f'[[alerts.target]]\nname = "{name}"\ncommand = {msgspec.json.encode(command).decode()}\n'
            for name, command in targets
        )
    )
    tried = said("test", "--config", str(file))
    assert tried.exit_code == 1
    assert tried.stdout == "good: told\nbad: the command /nowhere/at/all failed (FileNotFoundError)\n"
    said("tell", "restart_budget", "systemd has given it up", "--config", str(file))
    told = msgspec.json.decode(heard.read_bytes(), type=dict[str, object])
    assert (told["name"], told["text"]) == ("restart_budget", "systemd has given it up")
    assert isinstance(said("tell", "nonsense", "x", "--config", str(file)).exception, BadInput)


def test_the_table_is_shown_whole() -> None:
    assert set(msgspec.json.decode(said("kinds", "--json").stdout)["alerts"]) == set(ALERTS)
