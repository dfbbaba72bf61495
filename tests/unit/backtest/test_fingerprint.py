import sys
from pathlib import Path

import msgspec
import pytest

import autofutures
from autofutures.backtest import fingerprint as module
from autofutures.backtest.fingerprint import code_hash, data_hash, fingerprint, set_key
from autofutures.config import RunSettings, StrategySettings
from tests.runs import RECORDED, ROWS, TXF, a_catalog, generated, recorded
from tests.unit.data.files import imported, tick_file

SOURCE = "from autofutures.strategies.base import Strategy\nclass Mine(Strategy):\n    window: int = 20\n"


def mine(path: Path) -> RunSettings:
    strategy = StrategySettings(name="mine", use=f"{path}:Mine", symbols=(TXF,))
    return generated(strategy)


def test_the_same_run_has_the_same_hashes_and_key() -> None:
    run = generated()
    found = fingerprint(run)
    assert found == fingerprint(run)
    assert set_key(run, {"fast": 2, "slow": 4}, found) == set_key(run, {"slow": 4, "fast": 2}, found)


@pytest.mark.parametrize(
    "other",
    [{"seed": 2}, {"trades": 201}, {"day": 20260804}, {"length_ns": 1}, {"session": "night"}],
)
def test_another_generated_market_is_other_data(other: dict[str, object]) -> None:
    assert data_hash(msgspec.structs.replace(generated(), **other)) != data_hash(generated())


@pytest.mark.parametrize(
    "other",
    [
        {"fee": 21},
        {"slippage_ticks": 2},
        {"order_latency_ns": 1},
        {"limit": 5},
        {"closed_days": {20260801: "closed", 20260701: "open"}},
        {"limits": {"order_size": {"max_contracts": 1}}},
    ],
)
def test_every_setting_is_part_of_a_sets_key_and_only_the_market_of_the_datas_hash(
    other: dict[str, object],
) -> None:
    run = generated()
    changed = msgspec.structs.replace(run, **other)
    found = fingerprint(run)
    assert set_key(changed, {"fast": 2}, found) != set_key(run, {"fast": 2}, found)
    assert data_hash(changed) == found.data


def test_parameters_and_code_are_part_of_a_sets_key() -> None:
    run = generated()
    found = fingerprint(run)
    keys = {
        set_key(run, {"fast": 2}, found),
        set_key(run, {"fast": 3}, found),
        set_key(run, {"fast": 2}, msgspec.structs.replace(found, code="other")),
        set_key(run, {"fast": 2}, msgspec.structs.replace(found, data="other")),
    }
    assert len(keys) == 4


def test_recorded_data_is_what_was_imported_and_not_where_it_lies(tmp_path: Path) -> None:
    for name in ("one", "other", "changed"):
        (tmp_path / name).mkdir()
    one, other = a_catalog(tmp_path / "one"), a_catalog(tmp_path / "other")
    assert data_hash(recorded(one)) == data_hash(recorded(other))
    found = fingerprint(recorded(one))
    assert set_key(recorded(one), {}, found) == set_key(recorded(other), {}, found)
    changed = a_catalog(tmp_path / "changed", (*ROWS[:-1], ROWS[-1].replace("17400", "17401")))
    assert data_hash(recorded(changed)) != data_hash(recorded(one))


def test_an_import_that_replaces_a_series_makes_other_data(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path)
    before = data_hash(recorded(catalog))
    (tmp_path / "again").mkdir()
    imported(
        tick_file(tmp_path / "again", (*ROWS[:-1], ROWS[-1].replace("17400", "17401"))), catalog, replace=True
    )
    assert data_hash(recorded(catalog)) != before


def test_the_days_price_limits_are_data(tmp_path: Path) -> None:
    run = recorded(a_catalog(tmp_path))
    assert data_hash(msgspec.structs.replace(run, bands={RECORDED: (1, 2)})) != data_hash(run)


def test_a_changed_strategy_is_other_code_and_where_its_file_lies_is_not(tmp_path: Path) -> None:
    one, other = tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py"
    for path in (one, other):
        path.parent.mkdir()
        path.write_text(SOURCE)
    assert code_hash(mine(one)) == code_hash(mine(other))
    found = fingerprint(mine(one))
    assert set_key(mine(one), {}, found) == set_key(mine(other), {}, found)
    other.write_text(SOURCE + "    lots: int = 1\n")
    assert code_hash(mine(one)) != code_hash(mine(other))


def test_what_a_strategy_imports_is_its_code_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "signals").mkdir()
    for name, text in (
        ("mine.py", "import signals.up\nimport numpy\n" + SOURCE),
        ("signals/__init__.py", ""),
        ("signals/up.py", "from . import down\nfrom signals.flat import LEVEL\n"),
        ("signals/down.py", "DOWN = 1\n"),
        ("signals/flat.py", "LEVEL = 1\n"),
    ):
        (tmp_path / name).write_text(text)
    run = mine(tmp_path / "mine.py")
    hashes = {code_hash(run)}
    for name in ("signals/__init__.py", "signals/up.py", "signals/down.py", "signals/flat.py"):
        path = tmp_path / name
        path.write_text(path.read_text() + "# changed\n")
        hashes.add(code_hash(run))
    assert len(hashes) == 5
    assert "signals" not in sys.modules


def test_every_source_that_a_run_can_reach_counts_and_what_only_looks_at_it_does_not() -> None:
    root = Path(str(autofutures.__file__)).parent
    files = {str(path.relative_to(root)) for path in module.package_sources(root)}
    for name in (
        "risk/collar.py", "matching/rules.py", "market/data/taifex_days.csv", "domain/products.csv", "trader.py",
        "backtest/runner.py", "backtest/objective.py", "backtest/workers.py", "backtest/statistics.py",
        "strategies/ema_cross.py",
    ):  # fmt: skip
        assert name in files
    assert (
        not {"backtest/overfitting.py", "backtest/results.py", "backtest/report.py", "cli/sweep.py"} & files
    )


def test_several_days_are_the_data_of_a_run_of_several(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path)
    run = recorded(catalog)
    one = data_hash(msgspec.structs.replace(run, until=20210727))
    (tmp_path / "next").mkdir()
    rows = tuple(
        row.replace("20210726,TX ", "20210727,TX ") for row in ROWS if row.startswith("20210726,TX ")
    )
    imported(tick_file(tmp_path / "next", rows), catalog)
    assert data_hash(msgspec.structs.replace(run, until=20210727)) != one
    limits = {20210727: {RECORDED: (1, 2)}}
    assert data_hash(msgspec.structs.replace(run, later_bands=limits)) != data_hash(run)
