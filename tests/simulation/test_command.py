"""`autofutures simulate`: what it prints, and how it ends."""

import json

import pytest
import typer
from typer.testing import CliRunner, Result

from autofutures.cli.simulate import TICKS, mount, replay_of
from autofutures.simulation import seeds
from autofutures.trader import Trader


def run(*arguments: str) -> Result:
    app = typer.Typer()
    mount(app)
    return CliRunner().invoke(app, ["--jobs", "1", *arguments])


def test_seeds_without_a_broken_promise_end_well() -> None:
    result = run("--seeds", "2", "--first-seed", "3", "--ticks", "100", "--json")
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert {
        "seeds",
        "violations",
        "simulated_hours",
        "ticks",
        "orders",
        "fills",
        "refused",
        "faults",
        "recoveries",
        "kill_points",
        "least",
        "journal_hash",
        "story_hash",
        "seconds",
        "replay",
    } == set(figures)
    assert (figures["seeds"], figures["violations"], figures["replay"]) == (2, 0, [])
    assert result.stderr == ""


def test_a_person_reads_the_same_figures() -> None:
    result = run("--seeds", "1", "--ticks", "100")
    assert result.exit_code == 0
    assert "violations      0\n" in result.stdout


def test_a_broken_promise_fails_and_names_the_command_that_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trader, "uncovered", lambda _: 1)
    result = run("--seeds", "1", "--first-seed", "1", "--json")
    assert result.exit_code == 1
    command = replay_of(1, TICKS)
    assert json.loads(result.stdout)["replay"] == [command]
    assert command in result.stderr
    assert "seed 1: BrokenInvariant" in result.stderr
    plain = run("--seeds", "1")
    assert plain.exit_code == 1
    assert f"to see it again: {command}\n" in plain.stdout


def test_the_whole_story_is_told_when_asked_for() -> None:
    result = run("--seeds", "1", "--ticks", "100", "--story", "--json")
    assert result.exit_code == 0
    assert "trader starts" in result.stderr
    assert json.loads(result.stdout)["violations"] == 0


def test_the_command_and_the_seeds_mean_the_same_market() -> None:
    assert TICKS == seeds.TICKS
    assert "--ticks 7 " in replay_of(1, 7)
    assert "--ticks" not in replay_of(1, TICKS)
