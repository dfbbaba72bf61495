"""The simulation can fail: each planted fault is one line of today's source, and a few are found here at once."""

from pathlib import Path

import pytest

from tests.simulation.mutants import plant, search
from tests.simulation.planted import MUTANTS, Mutant

QUICK = ("restart-forgets-positions", "entries-in-doubt", "no-room-for-book-stops", "no-risk-check")
"""Found by the first seed or the next."""

OWN = 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_fault_is_one_line_of_the_source(mutant: Mutant, tmp_path: Path) -> None:
    changed = plant(mutant, tmp_path) / "autofutures" / mutant.file
    compile(changed.read_text(), mutant.file, "exec")


def test_the_failures_of_the_former_machine_are_all_planted_and_ten_more() -> None:
    failures = [mutant.failure for mutant in MUTANTS]
    assert {failure.partition(":")[0] for failure in failures} >= {str(number) for number in range(1, 11)}
    assert failures.count("own") >= OWN
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("name", QUICK)
def test_the_simulation_finds_it(name: str) -> None:
    (mutant,) = [mutant for mutant in MUTANTS if mutant.name == name]
    found = search(mutant, seeds=3)
    assert found.seed > 0, found
    assert "BrokenInvariant" in found.broken
