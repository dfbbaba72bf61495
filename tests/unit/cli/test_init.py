import runpy
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures import cli


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["autofutures", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    return exit_.value.code


@pytest.mark.parametrize(
    "command",
    [[], ["backtest"], ["up"], ["status"], ["stop"], ["simulate"], ["data"], ["condition"], ["bench"]],
)
def test_every_command_can_be_asked_for_help(command: list[str]) -> None:
    result = CliRunner().invoke(cli.assembled(), [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_help_names_a_first_step_and_every_group() -> None:
    said = CliRunner().invoke(cli.assembled(), ["--help"]).stdout
    assert "autofutures up --generate" in said
    assert all(name in said for name in cli.COMMANDS)


def test_a_command_that_is_done_exits_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exit_code(monkeypatch, "--help") == 0


def test_a_wrong_request_is_one_sentence_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, "up") == 2
    assert capsys.readouterr() == (
        "",
        "autofutures: say what to trade: either --replay SYMBOL@DATE, --generate or --paper\n",
    )


def test_a_machine_that_fails_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    orders = tmp_path / "absent" / "orders.csv"
    arguments = ("backtest", "ema_cross", "--generate", "--trades", "200", "--orders", str(orders))
    assert exit_code(monkeypatch, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("autofutures: ")
    assert str(orders) in error
    assert "Traceback" not in error


def test_the_package_itself_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["autofutures", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("autofutures.cli", run_name="__main__")
    assert "backtest" in capsys.readouterr().out
