import re
from pathlib import Path

import pytest

from autofutures.assemble.request import RunOptions
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.errors import BadInput

TOML = """
[[strategy]]
use = "support_resistance"
name = "levels"
symbols = ["MXF202608"]

[risk.order_size]
max_contracts = 3

[risk.position]
max_contracts = 5

[calendar]
closed = ["2026-11-02"]
"""


def a_run(**options: object) -> RunSettings:
    given: dict[str, object] = {
        "strategies": ["ema_cross"],
        "settings": [],
        "symbol": "TXF202608",
        "date": "2026-08-03",
        "generate": True,
        **options,
    }
    return RunOptions(**given).run()  # type: ignore[arg-type]  # each test gives what it is about


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_options_make_a_run() -> None:
    run = a_run(order_latency="5ms", fee=33, slippage=2, queue=7, seed=9, trades=300, limit=10)
    assert (run.symbols, run.day, run.source) == (("TAIFEX:TXF202608",), 20260803, "generated")
    assert (run.order_latency_ns, run.fee, run.slippage_ticks, run.queue_contracts) == (5_000_000, 33, 2, 7)
    assert (run.seed, run.trades, run.limit) == (9, 300, 10)


def test_several_days_have_a_last_one_and_one_day_has_none() -> None:
    assert (a_run(generate=False, to="2026-08-07").day, a_run(generate=False, to="2026-08-07").until) == (
        20260803,
        20260807,
    )
    assert a_run(generate=False, to="2026-08-03") == a_run(generate=False)


def test_without_a_catalogue_the_default_place_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert a_run(generate=False).catalog == str(tmp_path / "autofutures" / "catalog")
    monkeypatch.chdir(tmp_path)
    assert a_run(generate=False, catalog=Path("mine")).catalog == str(tmp_path / "mine")


def test_symbols_are_whole_and_each_once() -> None:
    run = a_run(symbol="TXF202608,MXF202608,TX202608", generate=False)
    assert run.symbols == ("TAIFEX:TXF202608", "TAIFEX:MXF202608")
    assert run.strategies[0].symbols == run.symbols


def test_the_file_gives_strategies_risk_and_days(tmp_path: Path) -> None:
    run = a_run(config=written(tmp_path, "autofutures.toml", TOML))
    assert [strategy.name for strategy in run.strategies] == ["levels", "ema_cross"]
    assert run.symbols == ("TAIFEX:TXF202608", "TAIFEX:MXF202608")
    assert run.limits == {"order_size": {"max_contracts": 3}, "position": {"max_contracts": 5}}
    assert run.closed_days == {20261102: "closed"}


def test_risk_of_the_command_line_stands_above_the_files(tmp_path: Path) -> None:
    config = written(tmp_path, "autofutures.toml", TOML)
    risk = written(tmp_path, "risk.toml", "[order_size]\nmax_contracts = 9\n")
    assert a_run(config=config, risk=risk).limits == {
        "order_size": {"max_contracts": 9},
        "position": {"max_contracts": 5},
    }


def test_a_setting_is_for_all_strategies_or_for_the_one_that_it_names() -> None:
    run = a_run(strategies=["ema_cross", "pinger"], settings=["ema_cross.fast=3", "pinger.every=7", "why=x"])
    assert {strategy.name: strategy.settings for strategy in run.strategies} == {
        "ema_cross": {"fast": 3, "why": "x"},
        "pinger": {"every": 7, "why": "x"},
    }


def test_a_users_own_file_is_named_by_its_class_and_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "momentum.py").write_text(
        "from autofutures.strategies.base import Strategy\n\n\nclass Momentum(Strategy):\n    window: int = 20\n"
    )
    run = a_run(strategies=["my/momentum.py:Momentum"], settings=["Momentum.window=3"])
    assert run.strategies == (
        StrategySettings(
            name="Momentum",
            use=f"{tmp_path}/my/momentum.py:Momentum",
            symbols=("TAIFEX:TXF202608",),
            settings={"window": 3},
            exits="own",
        ),
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strategies": []}, "no strategy was named: add --strategy ema_cross, or a [[strategy]] table"),
        (
            {"strategies": ["ema_cross", "ema_cross"]},
            "two strategies have one name: ema_cross, ema_cross; give each a name of its own in --config",
        ),
        ({"strategies": ["a.py:Mine", "b.py:Mine"]}, "two strategies have one name: Mine, Mine"),
        ({"symbol": "no symbol"}, "is not a symbol"),
        ({"date": "yesterday"}, "'yesterday' is not a date: write YYYY-MM-DD"),
        ({"roll": ["by=moon"]}, "--roll: Invalid enum value 'moon'"),
        (
            {"roll": ["when=now"]},
            "write by=volume or calendar, days=1, adjust=back, ratio or none, position=",
        ),
        ({"symbol": "TXF.front"}, "TAIFEX:TXF.front is a series of recorded contracts: name one contract"),
        ({"settings": ["fast"]}, "--set 'fast': write NAME=VALUE"),
        ({"order_latency": "5"}, "'5' is not a delay: write 0, 250us, 5ms or 2s"),
        ({"fee": -1}, "--fee must not be below zero, and is -1"),
        ({"slippage": -2}, "--slippage must not be below zero, and is -2"),
        ({"queue": -3}, "--queue must not be below zero, and is -3"),
        ({"config": Path("absent.toml")}, "there is no file absent.toml"),
        ({"risk": Path("absent.toml")}, "there is no file absent.toml"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=re.escape(sentence)):
        a_run(**options)


def test_a_wrong_risk_file_is_refused_by_its_name(tmp_path: Path) -> None:
    risk = written(tmp_path, "risk.toml", "order_size = 3\n")
    with pytest.raises(BadInput, match=f"{risk}: risk limits are one table for each rule id"):
        a_run(risk=risk)


def test_a_strategy_of_the_file_and_one_of_the_command_line_must_differ_in_name(tmp_path: Path) -> None:
    config = written(tmp_path, "autofutures.toml", '[[strategy]]\nuse = "ema_cross"\n')
    with pytest.raises(BadInput, match="two strategies have one name: ema_cross, ema_cross"):
        a_run(config=config)
    assert len(a_run(config=config, strategies=[]).strategies) == 1


def test_a_run_counts_in_the_currency_of_its_symbols() -> None:
    assert a_run().currency == "TWD"
    abroad = a_run(symbol="CME:ES202409", date="2024-07-01")
    assert (abroad.currency, abroad.strategies[0].book_stop) == ("USD", 650_000)


def test_a_run_that_would_mix_currencies_is_refused() -> None:
    with pytest.raises(BadInput, match=r"TAIFEX:TXF202608 in TWD and CME:ES202609 in USD: run them apart"):
        a_run(symbol="TXF202608,ES202609", generate=False)
