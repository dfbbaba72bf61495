from pathlib import Path

import pytest

from autofutures.domain.errors import BadInput
from autofutures.strategies import STRATEGIES
from autofutures.strategies.base import Strategy
from autofutures.strategies.load import load, make

MINE = """
from __future__ import annotations

from typing import ClassVar

from autofutures.strategies.base import Strategy


class Mine(Strategy):
    bars: ClassVar[tuple[str, ...]] = ("1m",)

    window: int = {window}
"""


def mine(folder: Path, window: int = 3) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / "mine.py"
    path.write_text(MINE.format(window=window))
    return f"{path}:Mine"


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_of_the_table_can_be_made(name: str) -> None:
    strategy = make(name, {})
    assert f"{type(strategy).__module__}:{type(strategy).__name__}" == STRATEGIES[name]


def test_a_strategy_is_named_by_its_place_too() -> None:
    assert load("autofutures.strategies.ema_cross:EmaCross") is load("ema_cross")


def test_a_users_own_file_is_loaded_with_its_settings(tmp_path: Path) -> None:
    strategy = make(mine(tmp_path), {"window": "5"})
    assert vars(strategy) == {"window": 5}


def test_two_files_of_one_name_are_two_strategies(tmp_path: Path) -> None:
    one, two = load(mine(tmp_path / "one", 1)), load(mine(tmp_path / "two", 2))
    assert vars(one()) == {"window": 1}
    assert vars(two()) == {"window": 2}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ema", f"there is no strategy 'ema': use one of {', '.join(sorted(STRATEGIES))}, or your own as"),
        ("mine.py", "there is no strategy 'mine.py'"),
        ("nowhere.py:Mine", "strategy 'nowhere.py:Mine' could not be loaded: no file nowhere.py"),
        ("no.such.module:Mine", "strategy 'no.such.module:Mine' could not be loaded: No module named 'no'"),
        ("autofutures.strategies.base:Mine", "could not be loaded: module"),
        ("autofutures.strategies.base:Setting", "is not a strategy: derive the class from"),
        ("autofutures.strategies.context:Context", "is not a strategy: derive the class from"),
    ],
)
def test_what_cannot_be_loaded_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(BadInput) as refusal:
        load(name)
    assert sentence in str(refusal.value)


def test_a_file_that_is_no_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "torn.py"
    path.write_text("class Mine(")
    with pytest.raises(BadInput, match="could not be loaded: '\\(' was never closed"):
        load(f"{path}:Mine")


def test_settings_are_checked_when_a_strategy_is_made() -> None:
    with pytest.raises(BadInput, match="fast=60 must be at least 1 and below slow=60"):
        make("ema_cross", {"fast": 60})
    assert isinstance(make("ema_cross", {"fast": 59}), Strategy)
