"""The kernel makes what the nodes make, byte for byte: compiled, interpreted, and from one into the other."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from autofutures.assemble.request import RunOptions
from autofutures.backtest import compile as linker
from autofutures.backtest import runner, takes
from autofutures.backtest.kernel import book, words
from autofutures.backtest.kernel.layout import check
from autofutures.backtest.kernel.machine import Machine
from autofutures.config import StrategySettings, environment_of_children
from autofutures.data.catalog import Catalog
from autofutures.data.importers import Options
from autofutures.data.importing import import_file
from autofutures.domain.errors import BadInput
from autofutures.orders.policy import Policy
from autofutures.risk import RULES
from autofutures.strategies.base import Strategy
from autofutures.strategies.load import load, make
from tests.parity import counts, fuzz, seeds
from tests.runs import DAY_FILLS, DAY_ORDERS

pytestmark = pytest.mark.timeout(900)  # What is compiled for the first time takes a minute or two.


@pytest.mark.parametrize("seed", [1, 3, 4, 5])
def test_interpreted_the_kernel_makes_what_the_nodes_make(seed: int) -> None:
    run = seeds.settings_of(seed)
    chunk = seeds.market(seed, run, 900)
    assert not fuzz.difference(fuzz.on_nodes(run, chunk), fuzz.on_kernel(run, chunk, "interpreted"))


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_compiled_the_kernel_makes_what_the_nodes_make(seed: int) -> None:
    run = seeds.settings_of(seed)
    chunk = seeds.market(seed, run, 6_000)
    nodes = fuzz.on_nodes(run, chunk)
    assert len(nodes.orders) > 50
    assert len(nodes.fills) > 30
    assert not fuzz.difference(nodes, fuzz.on_kernel(run, chunk))


def test_whatever_a_run_may_do_occurs_in_the_seeds_and_is_the_same_on_both() -> None:
    found = fuzz.compare(range(1, 13), 2_500)
    assert not found.different
    assert not counts.rare(found.counts, 2)
    assert found.events == 30_000


def test_what_is_rare_or_different_is_said_and_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    found = fuzz.compare(range(2, 3), 300, "interpreted")
    assert found.write(0) == 0
    assert found.write(100) == 1
    assert set(json.loads(capsys.readouterr().out.split("\n}\n")[1] + "}")["seldom"]) <= set(counts.EACH)
    found.different[2] = "orders 0: nodes 1, other 2"
    assert found.write(0) == 1


def test_a_market_that_never_closes_has_its_sessions_on_days_on_which_taifex_is_closed() -> None:
    always = ("BINANCE:BTCUSD",)
    given = seeds.settings_of(2).strategies[0]
    changes = {"symbols": always, "bands": {}, "later_bands": {}, "day": 20210731, "until": 20210801}
    run = seeds.settings_of(2, strategies=(msgspec.structs.replace(given, symbols=always),), **changes)
    strategy = make(run.strategies[0].use, run.strategies[0].settings)
    sessions = Machine(run, strategy, takes.interpreted(strategy)).tables.sessions
    assert sessions["day"].tolist()[:3] == [20210731, 20210801, 20210802]


def test_what_a_strategy_names_before_its_first_order_is_sought_nowhere() -> None:
    # Compiled, nothing checks it: what lies beside the table would be read.
    nothing = SimpleNamespace(placed=[])
    assert book.placed_index(SimpleNamespace(placed_n=0), nothing, 0) == -1  # type: ignore[no-untyped-call]


def test_a_wrong_rule_is_seen() -> None:
    run = seeds.settings_of(2)
    chunk = seeds.market(2, run, 600)
    other = seeds.settings_of(2, fee=run.fee + 1)
    assert fuzz.difference(fuzz.on_nodes(run, chunk), fuzz.on_kernel(other, chunk, "interpreted"))


@pytest.mark.parametrize("seed", [2, 3])
def test_a_run_goes_on_from_its_bytes_compiled_or_not(seed: int) -> None:
    run = seeds.settings_of(seed)
    chunk = seeds.market(seed, run, 1_200)
    settings = run.strategies[0]
    kept = b""
    written = []
    net = 0
    for way, part in zip(("compiled", "interpreted", "compiled"), fuzz.parts(chunk, 400), strict=True):
        strategy = make(settings.use, settings.settings)
        machine = Machine(run, strategy, getattr(takes, way)(strategy))
        if kept:
            machine.restore(kept)
        machine.take(part)
        kept = machine.snapshot()
        if part.at[-1] == chunk.at[-1]:
            machine.finish(int(chunk.at[-1]))
            net = int(machine.memory["net"][0])
        written.append(machine.rows())
    whole = make(settings.use, settings.settings)
    uninterrupted = Machine(run, whole, takes.compiled(whole))
    uninterrupted.take(chunk)
    uninterrupted.finish(int(chunk.at[-1]))
    rows = uninterrupted.rows()
    for name in ("orders", "fills", "refusals"):
        parts = [row for one in written for row in getattr(one, name).tolist()]
        assert parts == getattr(rows, name).tolist()
    assert len(rows.fills) > 20
    assert net == uninterrupted.memory["net"][0]


def test_the_recorded_day_is_the_same_on_kernel_and_nodes(shared_data: Path, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog")
    import_file(shared_data / "taifex" / "Daily_2021_07_26.zip", catalog, Options())
    run = RunOptions(
        strategies=["ema_cross"],
        settings=["fast=20", "slow=60"],
        symbol="TXF202108",
        date="2021-07-26",
        generate=False,
        catalog=catalog.root,
    ).run()
    kernel = runner.run(run, engine="kernel")
    assert (kernel.summary.order_hash, kernel.summary.fill_hash) == (DAY_ORDERS, DAY_FILLS)
    nodes = runner.run(run)
    assert kernel.summary == nodes.summary
    assert kernel.tally.equity == nodes.tally.equity


def test_what_was_compiled_is_found_again_in_another_process(tmp_path: Path) -> None:
    program = (
        "from autofutures.backtest import compile as linker\n"
        "from autofutures.strategies.ema_cross import EmaCross\n"
        "linked = linker.link(EmaCross)\n"
        "print(linked.hits, linked.misses)\n"
    )
    linker.link(load("ema_cross"))
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment_of_children({}),
        cwd=tmp_path,
    )
    # One hook and the loop that has it, and three functions of the kernel.
    assert ran.stdout.split() == ["5", "0"]


def test_an_edit_of_what_a_strategy_imports_compiles_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "helper_of_mine.py").write_text("STEP = 1\n")
    place = tmp_path / "stepping.py"
    place.write_text(
        "import helper_of_mine\n"
        "from autofutures.strategies.base import Strategy\n\n"
        "class Stepping(Strategy):\n"
        "    _n: int = 0\n\n"
        "    def on_tick(self, tick, ctx):\n"
        "        self._n += helper_of_mine.STEP\n"
    )
    before = linker.name_of(load(f"{place}:Stepping"))
    assert linker.name_of(load(f"{place}:Stepping")) == before
    (tmp_path / "helper_of_mine.py").write_text("STEP = 2\n")
    assert linker.name_of(load(f"{place}:Stepping")) != before


def _class_of(tmp_path: Path, body: str, fields: str = "    n: int = 0\n") -> type[Strategy]:
    path = tmp_path / "mine.py"
    path.write_text(
        "from autofutures.strategies.base import Strategy\n\n\nclass Mine(Strategy):\n"
        f"{fields}\n    def on_tick(self, tick, ctx):\n        {body}\n"
    )
    spec = importlib.util.spec_from_file_location(f"mine_{tmp_path.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)  # Not `load`: it finds some of these by reading already.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found: type[Strategy] = module.Mine
    return found


OPENER = """
from autofutures.strategies.base import Strategy

class Opener(Strategy):
    def {hook}(self, event, ctx):
        ctx.buy_market(1)
"""


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("self.m = 1", "declares no field 'm'"),
        ("self.n = tick.price_ticks / 2", "'n' is declared int and is given a fraction: write int(...)"),
        ("self.n = tick.prise_ticks", "prise_ticks"),
        ("ctx.buy_market(tick.qty / 2)", "ctx.buy_market: qty must be a whole number"),
        ("ctx.bye_market(1)", "bye_market"),
        ("x = [1, 2]", "a list is not compiled"),
        ("x = {1: 2}", "a dictionary is not compiled"),
        ("f'{tick.qty}'", "an f-string is not compiled"),
        ("self.n = nothing_of_that_name", "nothing_of_that_name"),
        ("ctx.declare_exit(5, 5)", "`declare_exit` belongs in `on_start`"),
        ("self.n = len(tick.symbol)", "compare `ctx.leg`"),
    ],
)
def test_what_cannot_be_compiled_is_said_with_its_line_and_what_to_write(
    tmp_path: Path, body: str, says: str
) -> None:
    with pytest.raises(linker.NotCompilable) as refused:
        linker.link(_class_of(tmp_path, body))
    said = str(refused.value)
    assert says in said
    assert "mine.py, line 8" in said
    assert "runs interpreted all the same" in said


@pytest.mark.parametrize("hook", ["on_session_open", "on_last_trading_day"])
def test_a_strategy_that_hears_openings_is_left_to_the_nodes_with_its_line(tmp_path: Path, hook: str) -> None:
    place = tmp_path / "opener.py"
    place.write_text(OPENER.format(hook=hook))
    with pytest.raises(linker.NotCompilable) as refused:
        linker.link(load(f"{place}:Opener"))
    assert f"opener.py, line 5: `def {hook}(self, event, ctx):`: only the nodes" in str(refused.value)
    assert "runs interpreted all the same" in str(refused.value)


def test_what_the_kernel_cannot_do_is_refused_and_not_approximated() -> None:
    run = seeds.settings_of(2)
    two = seeds.settings_of(2, strategies=(*run.strategies, run.strategies[0]))
    for refused in (
        two,
        seeds.settings_of(2, market="depth"),
        seeds.settings_of(2, policy=Policy(flat_before_expiry_ns=1)),
        seeds.settings_of(2, source="generated"),
        seeds.settings_of(2, faults={"reject": 1}),
        seeds.settings_of(2, symbols=(*run.symbols, "TAIFEX:TMF202108")),
        seeds.settings_of(2, strategies=(_with_conditions(run.strategies[0]),)),
        seeds.settings_of(2, limits={"order_value": {"max_value": 1_000_000}}),
        seeds.settings_of(2, limits={"position.strategy.ema": {"max_contracts": 1}}),
    ):
        with pytest.raises(BadInput, match="Use --engine nodes"):
            check(refused)


def _with_conditions(settings: StrategySettings) -> StrategySettings:
    return StrategySettings(
        name=settings.name, use=settings.use, symbols=settings.symbols, conditions={"c1": {"qty": 1}}
    )


def test_every_rule_of_the_gate_is_the_kernels_too_or_cannot_be_broken_in_it() -> None:
    assert set(RULES) <= set(words.RULE_IDS)
    compiled = {name for name in RULES if getattr(words, name.upper(), None) == words.RULE_IDS.index(name)}
    assert compiled | words.SETTLED_RULES | words.NODES_RULES == set(RULES)
    assert not compiled & words.NODES_RULES
