"""Each alert has a runbook, and each of its commands works on a machine that runs."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from autofutures import clock
from autofutures.cli import assembled
from autofutures.telemetry.alerts import ALERTS, Raised
from tests.conftest import ROOT
from tests.process.live import LiveMachine, pinging

RUNBOOKS = ROOT / "docs" / "runbooks"
PARTS = ("## What it means", "## What the machine has done", "## Look", "## Act")
OTHERS = {"kill-switch"}
"""Runbooks of what a person does without being told."""


def commands_of(path: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_every_alert_has_a_runbook_of_four_parts_and_every_runbook_is_of_an_alert() -> None:
    found = {path.stem: path.read_text("utf-8") for path in RUNBOOKS.glob("*.md")}
    assert set(found) - OTHERS == set(ALERTS)
    for name in ALERTS:
        assert [part for part in PARTS if part not in found[name]] == [], name


def test_every_command_of_the_runbooks_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    commands = {command for name in ALERTS for command in commands_of(RUNBOOKS / f"{name}.md")}
    stop = 'autofutures stop --run "$RUN"'
    assert stop in commands
    with LiveMachine(tmp_path / "run", pinging()) as machine:
        machine.until_ready()
        raised = [Raised(name, "it", "it happened", clock.now_ns()) for name in ALERTS]
        machine.folder.alerts.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in raised))
        (machine.folder.logs / "all.jsonl").write_text('{"level":"error","event":"link"}\n')
        failed = [
            (command, words)
            for command in [*sorted(commands - {stop}), stop]
            if (words := _complaint(command, machine.folder.root))
        ]
        assert failed == []
        assert machine.supervisor.wait(30) == 0


def _complaint(command: str, run: Path) -> str:
    """What went wrong with a command; ours run in this process, for each start takes a second of a core."""
    if command.startswith("autofutures "):
        words = shlex.split(command.replace("$RUN", str(run)))[1:]
        result = CliRunner().invoke(assembled(), words)
        return f"{result.exception!r} {result.output}" if result.exit_code else ""
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env={**os.environ, "RUN": str(run)},
        check=False,
    )
    return done.stderr or done.stdout if done.returncode else ""
