"""Real processes over sockets make what the nodes make in one process, of markets without sense too."""

from pathlib import Path

import pytest

from tests.parity import fuzz


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [3, 4])
def test_processes_make_what_the_nodes_make(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of quotes of three contracts, and of trades of two with limits by day and order latency."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    nodes, processes = fuzz.both(seed, 5_000, "processes")
    assert not fuzz.difference(nodes, processes)
    assert len(nodes.orders) > 300
    assert len(nodes.fills) > 300
    assert len(nodes.refusals) > 300
