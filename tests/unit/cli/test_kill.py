from pathlib import Path
from typing import Self

import pytest
from typer.testing import CliRunner

from autofutures.cli import assembled
from autofutures.cli.kill import seconds_of
from autofutures.domain.errors import BadInput
from autofutures.ops.folder import Folder, make_folder
from autofutures.ops.kill import KillSwitchOf, Standing
from tests.runs import generated

QUIET = Standing(
    level="none",
    reached="none",
    done=True,
    admits=True,
    text="",
    who="",
    reason="",
    gateway_heard_ms=1,
    dead_man_s=-1.0,
)


class Takes:
    """A kill switch that only listens."""

    asked: tuple[object, ...] = ()
    stands = QUIET

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def kill(self, level: str, reason: str) -> None:
        Takes.asked = ("kill", level, reason)

    def resume(self, name: str) -> None:
        Takes.asked = ("resume", name)

    def dead_man(self, seconds: float, level: str) -> None:
        Takes.asked = ("dead man", seconds, level)

    def standing(self) -> Standing:
        return Takes.stands

    def until_done(self, _wait_s: float) -> Standing:
        return Takes.stands


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("autofutures.ops.kill.KillSwitchOf", Takes)
    monkeypatch.setattr("autofutures.ops.kill.take_over", lambda *_: None)
    monkeypatch.setattr(Takes, "asked", ())
    monkeypatch.setattr(Takes, "stands", QUIET)
    folder = make_folder(tmp_path / "monday", generated(), live=True)
    folder.leave()
    return folder.root


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["kill"], ("kill", "flatten", "")),
        (["kill", "--level", "entries", "--reason", "odd"], ("kill", "entries", "odd")),
        (["flatten"], ("kill", "flatten", "")),
        (["kill", "--dead-man", "5m", "--level", "cancel"], ("dead man", 300.0, "cancel")),
        (["kill", "--dead-man", "off"], ("dead man", 0.0, "flatten")),
        (["kill", "--status"], ()),
        (["resume", "--confirm", "monday"], ("resume", "monday")),
    ],
)
def test_a_command_asks_the_kill_switch(run: Path, words: list[str], asked: tuple[object, ...]) -> None:
    result = CliRunner().invoke(assembled(), [*words, "--run", str(run), "--json"])
    assert (result.exit_code, Takes.asked) == (0, asked)
    assert '"level": "none"' in result.stdout


def test_the_runs_name_is_typed_to_let_it_trade_again(run: Path) -> None:
    result = CliRunner().invoke(assembled(), ["resume", "--run", str(run)], input="monday\n")
    assert Takes.asked == ("resume", "monday")
    assert "type the run's name, monday" in result.stderr


def test_what_could_not_be_done_yet_is_said_and_is_no_success(run: Path) -> None:
    text = "+1 TXF: its session is closed: armed until it opens"
    Takes.stands = Standing(
        level="flatten",
        reached="flatten",
        done=False,
        admits=False,
        text=text,
        who="me",
        reason="",
        gateway_heard_ms=1,
        dead_man_s=-1.0,
    )
    result = CliRunner().invoke(assembled(), ["kill", "--run", str(run)])
    assert (result.exit_code, result.stdout) == (1, f"kill switch: flatten, by me: not done: {text}\n")


@pytest.mark.parametrize("text", ["60", "0s", "s", "-5s", "1h", "soon"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="write a time such as 60s or 5m, or off"):
        seconds_of(text)


def test_without_its_key_it_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = make_folder(tmp_path / "run", generated(), live=True)
    folder.leave()
    (Path(folder.machine().keys) / "kill.key_secret").unlink()
    with pytest.raises(BadInput, match=r"refused: .* holds no kill\.key_secret"):
        KillSwitchOf(folder)


def test_a_replay_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = make_folder(tmp_path / "run", generated())
    folder.leave()
    with pytest.raises(BadInput, match="a replay, which has no kill switch"):
        KillSwitchOf(folder)
