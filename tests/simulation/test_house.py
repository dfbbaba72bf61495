"""The whole house from seeds: every promise holds, whatever goes wrong."""

import subprocess
import sys

import pytest

from autofutures.config import environment_of_children
from autofutures.matching import broker
from autofutures.simulation.recoveries import BRANCHES
from autofutures.simulation.run import Result, run_seed, run_seeds, total
from autofutures.simulation.seeds import KINDS, ORDERS, TICKS

SEEDS = range(1, 13)

pytestmark = pytest.mark.timeout(400)  # Twelve seeds are a minute's work, on a computer that is free.


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return list(run_seeds(SEEDS))


def test_every_promise_holds(results: list[Result]) -> None:
    assert {result.seed: result.broken for result in results if result.broken} == {}


def test_each_seed_has_a_whole_market_enough_orders_and_several_kinds_of_fault(results: list[Result]) -> None:
    for result in results:
        assert result.ticks >= TICKS, result.seed
        assert result.orders >= ORDERS, result.seed
        assert len(result.faults) >= KINDS, result.seed


def test_everything_that_can_go_wrong_did(results: list[Result]) -> None:
    figures = total(results)
    faults, recoveries = figures["faults"], figures["recoveries"]
    assert isinstance(faults, dict)
    assert isinstance(recoveries, dict)
    assert {
        "frame dropped",
        "frame repeated",
        "frame delayed",
        "kill trader",
        "kill gateway",
        "kill strategy",
        "kill recorder",
        "pause",
    } <= set(faults)
    assert set(recoveries) == set(BRANCHES)
    assert sum(1 for number in recoveries.values() if number) > len(BRANCHES) // 2


def test_a_seed_tells_the_same_story_in_another_process(results: list[Result]) -> None:
    asked = (
        "from autofutures.simulation.run import run_seed as r; print(r({0}).journal_hash, r({0}).story_hash)"
    )
    for seed, salt in ((3, "1"), (8, "2")):
        program = [sys.executable, "-c", asked.format(seed)]
        told = subprocess.run(
            program,
            capture_output=True,
            text=True,
            check=True,
            env=environment_of_children({"PYTHONHASHSEED": salt}),
        )
        expected = results[seed - 1]
        assert told.stdout.split() == [expected.journal_hash, expected.story_hash]


def test_stories_differ_from_seed_to_seed(results: list[Result]) -> None:
    assert len({result.story_hash for result in results}) == len(results)
    assert len({result.journal_hash for result in results}) == len(results)


def test_how_many_run_at_once_changes_nothing() -> None:
    alone = total(list(run_seeds(range(50, 54), ticks=100)))
    assert total(list(run_seeds(range(50, 54), ticks=100, jobs=2))) == alone


def test_a_story_is_told_in_sentences() -> None:
    result = run_seed(1, 100, told=True)
    assert "starts" in result.story[0]
    assert any("gateway > trader  tick TXF202108" in line for line in result.story)
    assert run_seed(1, 100).story == ()


def test_every_promise_holds_when_each_list_comes_in_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "PAGE_ROWS", 3)
    assert run_seed(4, retold=False).broken == ""
