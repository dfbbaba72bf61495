"""A day is closed while the machine runs: it is kept, known to whoever starts again, and skipped by the next run."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from autofutures.assemble.paper import by_the_clock
from autofutures.cli import assembled
from autofutures.domain.errors import BadInput
from autofutures.ops.folder import Folder
from autofutures.storage.day_changes import closed_days
from tests.process.live import LiveMachine, pinging

TYPHOON = 20260804
"""The trading day after the run's."""


def calendar(*arguments: str) -> str:
    return CliRunner().invoke(assembled(), ["calendar", *arguments], catch_exceptions=False).stdout


@pytest.mark.timeout(180)
def test_a_typhoon_day_outlives_the_traders_death_and_the_next_run_skips_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    place, run = tmp_path / "run", pinging(every=150, ticks_per_s=20)
    close = ("close", "2026-08-04", "--reason", "typhoon", "--run", str(place), "--json")
    with LiveMachine(place, run) as machine:
        machine.until_ready()
        answer = msgspec.json.decode(calendar(*close), type=dict[str, object])
        assert answer == {"day": TYPHOON, "kind": "closed", "reason": "typhoon"}
        machine.kill("trader")
        with pytest.raises(BadInput, match="20260804 is no trading day already"):
            calendar(*close)
        machine.stop()

    shown = msgspec.json.decode(calendar("show", "--run", str(place), "--json"), type=dict[str, object])
    (changed,) = msgspec.convert(shown["changed"], list[dict[str, object]])
    assert (changed["verb"], changed["day"], changed["reason"]) == ("close", TYPHOON, "typhoon")
    days = msgspec.convert(shown["days"], list[dict[str, str]])
    assert [row["day"] for row in days if row["sessions"] != "closed"][:2] == ["20260803", "20260805"]
    known = closed_days(Folder(place).journal)
    assert by_the_clock(msgspec.structs.replace(run, closed_days=known), run).day == 20260805
