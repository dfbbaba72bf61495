import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures.cli.bench import app
from autofutures.processes import order_path
from autofutures.processes.order_path import OrderPath, Slow, Sustained
from autofutures.storage.file import Durability
from autofutures.telemetry.latency import LatencySummary
from tests.runs import a_catalog


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many orders each measurement was asked for; nothing is measured here."""
    asked: list[int] = []

    def measure(orders: int, durability: Durability, *, sustain: bool) -> OrderPath:
        asked.append(orders)
        return OrderPath(
            orders=orders,
            ticks=orders * 10,
            ticks_per_s=1_000,
            latency_us=LatencySummary(orders, 900.0, 1_200.0, 1_500.0),
            bus_floor_us=LatencySummary(orders, 600.0, 800.0, 1_000.0),
            p50_over_floor=1.5,
            p99_over_floor=1.25,
            durability=durability,
            samples_over_50ms=Slow(0, 0.0, 0, 0.0, 0),
            sustained=Sustained(60_000.0, 360_000, 0, 60, 6.0) if sustain else None,
            seconds=12.0,
        )

    monkeypatch.setattr(order_path, "measure", measure)
    return asked


def test_the_measurement_is_one_json_object_and_progress_is_elsewhere(measured: list[int]) -> None:
    asked = ["order-path", "--orders", "20", "--durability", "power-loss", "--no-sustained", "--json"]
    result = CliRunner().invoke(app, asked)
    table = json.loads(result.stdout)
    assert table["latency_us"] == {"count": 20, "p50": 900.0, "p99": 1200.0, "p999": 1500.0}
    assert table["bus_floor_us"]["p50"] == 600.0
    assert (table["p50_over_floor"], table["durability"], table["sustained"]) == (1.5, "power-loss", None)
    assert "20 orders from 200 trades" in result.stderr
    assert measured == [20]


def test_a_person_reads_both_chains_side_by_side(measured: list[int]) -> None:
    said = CliRunner().invoke(app, ["order-path"]).stdout.splitlines()
    assert said[0].startswith("tick to order  p50 900.0 us")
    assert said[1].startswith("bare bus       p50 600.0 us")
    assert said[2:] == [
        "p50 is 1.5 times the floor's, p99 1.25 times",
        "sustained: 60,000 trades a second, 0 lost",
    ]
    assert measured == [10_000]


def test_too_few_orders_to_measure_are_refused(measured: list[int]) -> None:
    assert CliRunner().invoke(app, ["order-path", "--orders", "9"]).exit_code == 2
    assert measured == []


def test_both_durabilities_are_measured_beside_a_bare_file(tmp_path: Path) -> None:
    words = ["journal", "--commits", "20", "--at", str(tmp_path / "place")]
    table = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert list(table) == ["process_crash", "power_loss"]
    for cost in table.values():
        assert cost["commit_us"]["count"] == cost["bare_file_us"]["count"] == cost["commits"] == 20
        assert cost["open_ms"] > 0
    assert list((tmp_path / "place").iterdir()) == []
    said = CliRunner().invoke(app, words, catch_exceptions=False).stdout.splitlines()
    assert [line.split()[:2] for line in said] == [
        ["process-crash", "commit"],
        ["process-crash", "bare"],
        ["power-loss", "commit"],
        ["power-loss", "bare"],
    ]


def test_recorded_trades_are_streamed_as_often_as_wanted_and_their_files_are_gone(tmp_path: Path) -> None:
    catalog = str(a_catalog(tmp_path))
    both = ["--symbol", "TXF202108,MXF202108"]
    words = ["stream", *both, "--ticks", "25", "--catalog", catalog, "--at", str(tmp_path / "place")]
    table = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert (table["days"], table["events"]) == (3, 3 * 10 + 9)
    assert table["events_per_s"] > 0
    assert table["peak_rss_mb"] > 0
    assert list((tmp_path / "place").iterdir()) == []
    said = CliRunner().invoke(app, words, catch_exceptions=False).stdout
    assert said.startswith("39 events of 3 days in ")
