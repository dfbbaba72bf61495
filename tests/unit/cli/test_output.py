import io
import json
import sys

import msgspec
import pytest

from autofutures.backtest.runner import run
from autofutures.cli.output import print_json, print_summary, spinner, write_json
from tests.runs import generated


class Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        return True


def test_a_summary_and_more_are_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    summary = run(generated(limit=50)).summary
    write_json(summary, {"report": None, "seconds": 1.5})
    table = json.loads(capsys.readouterr().out)
    assert table["order_hash"] == summary.order_hash
    assert (table["ticks_seen"], table["report"], table["seconds"]) == (50, None, 1.5)


def test_json_is_written_for_the_eye_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "台指", "positions": {}})
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": "台指", "positions": {}}
    assert "台指" in out
    assert out.count("\n") > 1


def test_a_person_sees_figures_with_thousands_and_the_currency(capsys: pytest.CaptureFixture[str]) -> None:
    summary = run(generated(trades=1_000)).summary
    print_summary(summary, "TWD")
    out = capsys.readouterr().out
    assert f"{summary.ticks_seen:,}" in out
    assert f"{summary.net_pnl:,} TWD" in out
    assert summary.order_hash[:16] in out
    position = ", ".join(f"{symbol} {qty:+d}" for symbol, qty in summary.positions.items())
    assert (position or "flat") in out
    assert "\x1b" not in out


def test_no_position_is_called_flat(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(run(generated(limit=1)).summary, "TWD")
    assert "flat" in capsys.readouterr().out


def test_progress_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with spinner("events") as progress:
        progress(10)
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_on_the_terminal_and_not_on_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with spinner("events") as progress:
        progress(12_345)
    assert "12,345 events" in screen.getvalue()
    assert capsys.readouterr().out == ""


def test_money_is_shown_in_whole_units_of_its_currency(capsys: pytest.CaptureFixture[str]) -> None:
    summary = msgspec.structs.replace(run(generated(limit=50)).summary, net_pnl=-125_050)
    print_summary(summary, "USD")
    assert "-1,250.50 USD" in capsys.readouterr().out
