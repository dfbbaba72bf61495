"""Planted faults, one changed line each: which seed of the simulation finds it. `make mutants` runs all of them.

    python -m tests.simulation.mutants [--only NAME ...] [--jobs N] [--seeds 500] [--check-unit]

Each mutant is a copy of the package in which one line is another. A line of JSON says which seed broke first, and how.
With `--check-unit` the unit tests that come by the line run on the copy too: where they fail, the mutant says nothing
about the simulation.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

import autofutures
from autofutures.config import environment_of_children
from tests.simulation.planted import MUTANTS, Mutant
from tests.simulation.reached import UNIT, probe, reaching

PACKAGE = Path(autofutures.__file__).parent
ROOT = Path(__file__).parents[2]

SEEDS = 500
"""A mutant that none of so many seeds finds has survived."""

LIKELY = (
    "tests/unit/test_trader.py",
    "tests/unit/seats",
    "tests/unit/orders",
    "tests/unit/strategies",
    "tests/unit/storage/test_recovery.py",
    "tests/unit/simulation",
    "tests/unit/test_engine.py",
    "tests/unit/test_gateway.py",
)
"""The unit tests that are most likely to know a mutant, and so run first."""

_SEARCH = """
import sys
from autofutures.simulation.run import run_seed
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    broken = run_seed(seed, retold=False).broken
    if broken:
        print(seed, broken.replace(chr(10), " "))
        break
"""


class Found(msgspec.Struct):
    """What became of one mutant; `seed` is -1 where none found it."""

    mutant: str
    file: str
    failure: str
    seed: int
    broken: str
    unit: str = ""
    """`pass`, or the first unit test that fails; empty where none was asked."""
    unit_files: int = 0
    """So many files of unit tests come by the line, and were run; -1 for all of them."""


def plant(mutant: Mutant, folder: Path) -> Path:
    """A copy of the package with the changed line; returns where it can be imported from.

    Raises:
        ValueError: the line is not there exactly once.
    """
    source = _copy(folder)
    path = source / "autofutures" / mutant.file
    lines = path.read_text("utf-8").splitlines()
    place = place_of(mutant, lines)
    lines[place] = lines[place].replace(mutant.old, mutant.new)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return source


def _copy(folder: Path) -> Path:
    source = folder / "src"
    shutil.copytree(PACKAGE, source / "autofutures", ignore=shutil.ignore_patterns("__pycache__"))
    return source


def place_of(mutant: Mutant, lines: Sequence[str]) -> int:
    """Which of the lines of its file it changes, from 0.

    Raises:
        ValueError: the line is not there exactly once.
    """
    places = [number for number, line in enumerate(lines) if line.strip() == mutant.old]
    if len(places) <= mutant.nth or (mutant.nth < 0 and len(places) != 1):
        raise ValueError(f"{mutant.name}: {len(places)} lines of {mutant.file} are {mutant.old!r}")
    return places[mutant.nth]


def tests_of(mutants: Sequence[Mutant]) -> dict[str, list[str]]:
    """By mutant, the files of unit tests that come by its line: only they can know it."""
    with tempfile.TemporaryDirectory() as folder:
        source = _copy(Path(folder))
        by_file: dict[str, list[tuple[str, int]]] = {}
        for mutant in mutants:
            lines = (source / "autofutures" / mutant.file).read_text("utf-8").splitlines()
            by_file.setdefault(mutant.file, []).append((mutant.name, place_of(mutant, lines) + 1))
        for file, places in by_file.items():
            probe(source / "autofutures" / file, places)
        return reaching(source, [mutant.name for mutant in mutants], ROOT)


def search(
    mutant: Mutant, first_seed: int = 1, seeds: int = SEEDS, *, unit: Sequence[str] | None = None
) -> Found:
    """Runs seeds on the mutant until one breaks, and the files of unit tests that are named."""
    with tempfile.TemporaryDirectory() as folder:
        source = plant(mutant, Path(folder))
        environment = environment_of_children({"PYTHONPATH": str(source)})
        program = [sys.executable, "-c", _SEARCH, str(first_seed), str(first_seed + seeds)]
        ran = subprocess.run(
            program, capture_output=True, text=True, check=False, cwd=folder, env=environment
        )
        seed, _, broken = ran.stdout.partition(" ")
        if ran.returncode:
            seed, broken = "-1", f"the search itself failed: {ran.stderr[-300:]}"
        found = Found(mutant.name, mutant.file, mutant.failure, int(seed or -1), broken.strip()[:300])
        if unit is not None:
            found.unit = _unit_tests(unit, environment, Path(folder) / "unit")
            found.unit_files = -1 if UNIT in unit else len(unit)
    return found


def _unit_tests(files: Sequence[str], environment: dict[str, str], folder: Path) -> str:
    """`pass`, or the first test that fails; those that look at the way of an order are run first."""
    if not files:
        return "pass"
    chosen = sorted(files, key=lambda file: not file.startswith(LIKELY))
    program = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    program += [f"--basetemp={folder}", *([*LIKELY, UNIT] if UNIT in files else chosen)]
    ran = subprocess.run(program, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if not ran.returncode:
        return "pass"
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return (failed or [f"did not run: {ran.stdout[-300:]}"])[0]


def search_all(
    mutants: Sequence[Mutant], jobs: int, first_seed: int, seeds: int, *, check_unit: bool
) -> Iterator[Found]:
    """Every mutant's fate, in their sequence."""
    unit = tests_of(mutants) if check_unit else {}
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda one: search(one, first_seed, seeds, unit=unit.get(one.name)), mutants)


def main() -> int:
    """Prints one line of JSON for each mutant; 1 where one survived, or the unit tests knew it."""
    parser = argparse.ArgumentParser(description="planted faults, and the seed that finds each")
    parser.add_argument("--only", nargs="*", default=[], help="names of mutants; all unless told")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check-unit", action="store_true", help="run the unit tests on each, too")
    told = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if not told.only or mutant.name in told.only]
    survived = 0
    for found in search_all(chosen, told.jobs, told.first_seed, told.seeds, check_unit=told.check_unit):
        print(json.dumps(msgspec.to_builtins(found)), flush=True)
        survived += found.seed < 0 or found.unit not in ("", "pass")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
