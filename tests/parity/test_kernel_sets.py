"""Searches on the kernel, and what it costs: the same answers as runs of their own."""

from pathlib import Path

import msgspec
import pytest

from autofutures.assemble.request import RunOptions
from autofutures.backtest import kernel_sets, takes, workers
from autofutures.backtest.kernel import layout, machine
from autofutures.backtest.kernel_cost import measure
from autofutures.backtest.objective import SetResult
from autofutures.backtest.space import ParameterSet
from autofutures.backtest.sweep_cost import measure as measure_sweep
from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog
from autofutures.data.importers import Options
from autofutures.data.importing import import_file
from autofutures.domain.errors import BadInput

pytestmark = pytest.mark.timeout(900)  # What is compiled for the first time takes a minute or two.

SETS: tuple[ParameterSet, ...] = (
    {"fast": 20, "slow": 60},
    {"fast": 5, "slow": 200},
    {"fast": 100, "slow": 400},
    {"fast": 20, "slow": 60, "lots": 1_000},  # Too many for the gate: every order is refused.
)


@pytest.fixture(scope="module")
def run(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    catalog = Catalog(tmp_path_factory.mktemp("catalog"))
    import_file(shared_data / "taifex" / "Daily_2021_07_26.zip", catalog, Options())
    return RunOptions(
        strategies=["ema_cross"],
        settings=[],
        symbol="TXF202108",
        date="2021-07-26",
        generate=False,
        catalog=catalog.root,
    ).run()


def test_sets_whose_tables_are_full_go_on_in_the_middle_of_a_tile(
    run: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [_timeless(one) for one in workers.evaluate("kernel", run, SETS)]
    for module in (layout, machine, takes, kernel_sets):
        monkeypatch.setattr(module, "ROWS", 20)
    taken_away: list[int] = []
    empty = machine.Machine.empty

    def counted(self: machine.Machine) -> None:
        taken_away.append(1)
        empty(self)

    monkeypatch.setattr(machine.Machine, "empty", counted)
    assert [_timeless(one) for one in workers.evaluate("kernel", run, SETS)] == whole
    assert len(taken_away) > sum(one.summary.fills for one in whole) // 20


def test_sets_that_share_a_pass_give_what_runs_of_their_own_give(run: RunSettings) -> None:
    on_kernel = [_timeless(one) for one in workers.evaluate("kernel", run, SETS)]
    assert on_kernel == [_timeless(one) for one in workers.evaluate("nodes", run, SETS)]
    assert len({one.summary.order_hash for one in on_kernel}) == len(SETS)
    assert [one.summary.orders > 0 for one in on_kernel] == [True, True, True, False]
    with pytest.raises(BadInput, match="--limit"):
        workers.evaluate("kernel", msgspec.structs.replace(run, limit=5), SETS)


def _timeless(result: SetResult) -> SetResult:
    return msgspec.structs.replace(result, seconds=0.0)


def test_the_bench_of_searches_counts_whole_searches() -> None:
    cost = measure_sweep(scale=0.01)
    assert (cost.ticks.events, cost.bars.events) == (10_000, 1_000)
    for rate in (cost.ticks, cost.bars):
        assert rate.sets == 200
        assert rate.sets_per_s > 0
        assert rate.orders > 200


def test_the_bench_measures_each_strategy_beside_its_bare_loop() -> None:
    cost = measure(scale=0.01)
    for name in ("ema_ticks", "ema_bars", "maker_quotes", "resting_64"):
        figures = getattr(cost, name)
        assert figures.events_per_s > 0
        assert figures.floor_events_per_s > 0
        assert figures.orders > 10
        assert figures.fills > 10
    assert cost.resting_64.orders > 64  # What was filled was replaced.
    assert cost.nodes_events_per_s > 0
    assert cost.cached_start_s > 0
