"""The whole house from seeds: every promise holds, whatever goes wrong."""

import msgspec
import pytest

from autofutures.assemble import nodes
from autofutures.assemble.market import make_exchange
from autofutures.domain.messages import Placed, Traded
from autofutures.engine import Engine
from autofutures.simulation.house import House, Result, simulate, total
from autofutures.simulation.seeds import Plan, plan_of
from autofutures.storage.memory import memory_journal

SEEDS = range(1, 41)


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return [simulate(plan_of(seed, 400)) for seed in SEEDS]


def test_every_promise_holds(results: list[Result]) -> None:
    assert {result.seed: result.broken for result in results if result.broken} == {}


def test_everything_that_can_go_wrong_did(results: list[Result]) -> None:
    figures = total(results)
    faults = figures["faults"]
    assert isinstance(faults, dict)
    assert {
        "dropped",
        "repeated",
        "delayed",
        "nobody there",
        "last words late",
        "report late",
        "report repeated",
    } <= set(faults)
    for name in ("ticks", "orders", "fills", "refused", "kills", "recoveries"):
        figure = figures[name]
        assert isinstance(figure, int)
        assert figure > 100, name


def test_a_seed_tells_the_same_story_twice(results: list[Result]) -> None:
    assert [simulate(plan_of(seed, 400)).story_hash for seed in (1, 7, 20)] == [
        results[seed - 1].story_hash for seed in (1, 7, 20)
    ]
    assert len({result.story_hash for result in results}) == len(results)


def test_a_journal_in_a_file_makes_the_story_of_one_in_memory() -> None:
    plan = plan_of(40, 300)
    assert plan.on_disk
    in_memory = simulate(msgspec.structs.replace(plan, on_disk=False))
    assert simulate(plan).story_hash == in_memory.story_hash


def fair(seed: int) -> Plan:
    """A seed's market and strategies, without any fault and without a moment's delay."""
    plan = plan_of(seed, 300)
    return Plan(seed=plan.seed, run=plan.run, ticks=plan.ticks)


@pytest.mark.parametrize("seed", [1, 3, 5, 7])
def test_without_faults_the_house_trades_what_lockstep_trades(seed: int) -> None:
    plan = fair(seed)
    with memory_journal() as journal:
        house = House(plan, journal)
        house.play()
        facts = list(journal.facts())
    orders = [fact.intent for fact in facts if isinstance(fact, Placed)]
    fills = [
        (fact.fill_id, fact.order_seq, fact.order_k, fact.position)
        for fact in facts
        if isinstance(fact, Traded)
    ]

    run = plan.run
    tally = nodes.make_tally(run)
    hosts = [nodes.make_host(run, strategy) for strategy in run.strategies]
    commands = [command for strategy in run.strategies for command in nodes.first_commands(strategy)]
    Engine(make_exchange(run), nodes.make_trader(run), hosts, tally).run(house.market(), commands=commands)

    assert len(orders) > 20
    assert [placed.intent for placed in tally.orders] == orders
    assert [(fill.fill_id, fill.order_seq, fill.order_k, fill.position) for fill in tally.fills] == fills


def test_a_story_is_told_in_sentences() -> None:
    result = simulate(plan_of(1, 30), told=True)
    assert "the trader starts, epoch 1" in result.story[0]
    assert any("gateway > trader  tick TXF202108" in line for line in result.story)
    assert simulate(plan_of(1, 30)).story == ()
