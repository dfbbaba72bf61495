"""The units of systemd are right, by systemd's own word, and shut out what the machine does not need."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from autofutures.cli import assembled
from autofutures.telemetry.alerts import ALERTS
from tests.conftest import ROOT

UNITS = ROOT / "deploy" / "systemd"
COMMAND = "/opt/autofutures/.venv/bin/autofutures"
MOST_EXPOSURE = 3.0
"""Of 10, by systemd's own count: below 2 a service has hardly anything, above 7 it may do all."""


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units with a program that is here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here: apt-get install systemd")
    made = []
    for path in sorted(UNITS.glob("autofutures*.*")):
        unit = tmp_path / path.name
        unit.write_text(path.read_text("utf-8").replace(COMMAND, sys.executable))
        made.append(unit)
    return made


def test_systemd_finds_nothing_wrong_with_the_units(units: list[Path]) -> None:
    assert [unit.name for unit in units] == [
        "autofutures-failed@.service",
        "autofutures.service",
        "autofutures.target",
    ]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "autofutures" in line]
    assert ours == []


def test_the_services_are_shut_off_from_what_they_do_not_need(units: list[Path]) -> None:
    for unit in units:
        if unit.suffix != ".service":
            continue
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
        assert found is not None, done.stderr
        assert float(found.group(1)) <= MOST_EXPOSURE, done.stdout


def test_the_units_use_commands_and_options_that_there_are() -> None:
    commands = get_command(assembled())
    used = re.findall(rf"ExecStart={COMMAND} (.*)", "\n".join(p.read_text() for p in UNITS.glob("*.service")))
    assert len(used) == 2
    for line in used:
        words = line.split()
        command = commands
        while words and words[0] in getattr(command, "commands", {}):
            command = getattr(command, "commands")[words.pop(0)]  # noqa: B009 - a group's, which click types loosely
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
    assert "tell restart_budget" in used[0] + used[1]
    assert "restart_budget" in ALERTS
