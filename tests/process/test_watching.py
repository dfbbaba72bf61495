"""What the processes use is watched: one that needs too much is started again in order, and the machine trades on."""

from pathlib import Path

import msgspec
import pytest

from autofutures.config import StrategySettings
from autofutures.ops.vitals import Usage
from tests.process.live import LiveMachine, pinging, until
from tests.runs import TXF

HOG = """
from autofutures.strategies.base import Strategy

HELD = []


class Hog(Strategy):
    def on_tick(self, tick, ctx):
        HELD.append("x" * 4_000_000)
"""


def test_a_strategy_that_needs_too_much_memory_is_told_of_and_started_again_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    source = tmp_path / "hog.py"
    source.write_text(HOG)
    hog = StrategySettings(name="hog", use=f"{source}:Hog", symbols=(TXF,))
    run = pinging()
    run = msgspec.structs.replace(run, strategies=(*run.strategies, hog))
    with LiveMachine(tmp_path / "run", run, memory_soft_mb=200, memory_hard_mb=250) as machine:
        machine.until_ready()
        log = machine.folder.log("supervisor")
        until(lambda: '"child died"' in log.read_text(), log.read_text)
        used = msgspec.json.decode(machine.folder.vitals.read_bytes(), type=dict[str, Usage])
        machine.until_ready(**{"strategy/hog": 1})
        machine.stop()

    lines = [msgspec.json.decode(line, type=dict[str, object]) for line in log.read_bytes().splitlines()]
    told = [(line["name"], line["subject"]) for line in lines if line["event"] == "alert"]
    assert ("memory", "strategy/hog") in told
    assert ("process_restarted", "strategy/hog") in told
    assert {subject for _, subject in told} == {"strategy/hog"}
    assert {line["code"] for line in lines if line["event"] == "child died"} == {3}
    assert {"trader", "gateway", "recorder", "supervisor"} <= set(used)
    assert all(
        0 < usage.rss_mb < 200 and 0 < usage.descriptors < 60
        for name, usage in used.items()
        if "hog" not in name
    )
