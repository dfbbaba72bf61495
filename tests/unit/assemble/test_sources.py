"""Sources are known by their hash."""

from pathlib import Path

import pytest

from autofutures.assemble.sources import package_hash, strategy_file, strategy_hash
from autofutures.domain.errors import BadInput


def test_one_letter_is_another_hash_and_the_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder, text in (("a", "x = 1"), ("b", "x = 1")):
        (tmp_path / folder / "mine.py").write_text(text)
    here, there = f"{tmp_path}/a/mine.py:Mine", f"{tmp_path}/b/mine.py:Mine"
    assert strategy_hash(here) == strategy_hash(there)
    (tmp_path / "b" / "mine.py").write_text("x = 2")
    assert strategy_hash(here) != strategy_hash(there)


def test_a_strategy_of_ours_is_found_by_its_name_and_a_module_by_its_own() -> None:
    assert strategy_file("pinger").name == "pinger.py"
    assert strategy_file("autofutures.strategies.pinger:Pinger") == strategy_file("pinger")
    assert len(package_hash()) == 64


@pytest.mark.parametrize("use", ["nowhere/mine.py:Mine", "no.such.module:Mine", "nosuch"])
def test_a_strategy_without_a_file_is_refused_in_words(use: str) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        strategy_hash(use)
