"""A short soak: every process is measured, the load arrives, and nothing waits or is lost."""

from pathlib import Path

import pytest

from autofutures.processes.soak import Stage, soak


def test_a_short_soak_measures_every_process_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    told: list[str] = []
    [stage] = soak([Stage("small", 200, 0.15)], told.append).stages
    assert told == ["small: 200 trades a second for 0.1 minutes"]
    assert {"trader", "gateway", "recorder", "strategy/pinger", "strategy/listener"} <= set(stage.processes)
    assert "exchange" not in stage.processes
    assert all(
        0 < used.memory_mb_max < 500 and used.descriptors_last > 3 for used in stage.processes.values()
    )
    assert stage.lost == 0
    assert stage.ticks > 1_000
    assert stage.orders >= 3
    assert not [sentence for sentence in stage.broken if "lost" in sentence or "files" in sentence]
