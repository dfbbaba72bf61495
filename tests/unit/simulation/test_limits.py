"""The judge of limits says no: each promise broken by hand."""

from collections.abc import Sequence

import msgspec
import pytest

from autofutures.domain.messages import AnyMessage, Command, Halted, HaltReset, LimitSet, Refused
from autofutures.domain.units import Side
from autofutures.risk.gate import make_gate
from autofutures.simulation.limits import WIDE, limits_of, relief
from tests.makers import OPEN, TXF, intent, tick
from tests.unit.simulation.bench import RUN, Bench, refuses

LIMITS = {
    "position": {"max_contracts": 5},
    "daily_loss": {"max_loss": 4_000},
    "daily_messages": {"max_messages": 3, "reserved": 1},
    "position.strategy.s": {"max_contracts": 2},
}
BANDS = {TXF: (15_000, 19_000)}


@pytest.fixture
def bench() -> Bench:
    return Bench(msgspec.structs.replace(RUN, limits=LIMITS, bands=BANDS))


def unwatched(bench: Bench) -> None:
    """A trader whose gate has no limits, who watches none, and has forgotten what has halted."""
    bench.trader.risk.state.halts.clear()
    bench.trader.gate = make_gate({"position": {"max_contracts": 5}})
    bench.trader.risk.watched = []


def bought(bench: Bench, qty: int = 1) -> None:
    sent = bench.order(intent(Side.BUY, qty))
    bench.fill(sent, qty)


def test_a_halt_and_its_reset_are_believed_and_nothing_opens_between(bench: Bench) -> None:
    bought(bench)
    said = bench.hear(tick(17_370))
    assert [type(one) for one in said if isinstance(one, Halted)] == [Halted]
    assert [one.rule for one in bench.hear(intent(Side.BUY, k=2)) if isinstance(one, Refused)] == [
        "daily_loss"
    ]
    unwatched(bench)
    with refuses(r"opens though \[\('daily_loss', ''\)\] have halted"):
        bench.hear(intent(Side.BUY, k=3))


def test_what_only_reduces_passes_although_something_has_halted(bench: Bench) -> None:
    bought(bench)
    bench.hear(tick(17_370))
    bench.order(intent(Side.SELL, k=2))


def test_a_limit_that_is_reached_and_does_not_halt_is_found(bench: Bench) -> None:
    bought(bench)
    bench.trader.risk.watched = []
    bench.hear(tick(17_390))
    with refuses("daily_loss is .* of 4000 and has not halted"):
        bench.hear(tick(17_370))


def test_a_print_that_is_none_and_prices_of_another_life_halt_nobody(bench: Bench) -> None:
    bought(bench)
    bench.hear(tick(1_740))
    bench.judge.new_life()
    bench.judge.kept(bench.trader, (), [_alertless(bench)])


def _alertless(bench: Bench) -> AnyMessage:
    return LimitSet("f", "order_size", "max_contracts", OPEN, "ann", 10, 9, "r")


def test_more_than_a_strategys_own_limit_is_found(bench: Bench) -> None:
    unwatched(bench)
    sent = bench.order(intent(Side.BUY, 3))
    with refuses("s holds 3 of .*, and 2 are allowed"):
        bench.fill(sent, 3)


def test_messages_beyond_what_is_kept_for_exits_are_found(bench: Bench) -> None:
    for number, side in enumerate((Side.BUY, Side.BUY), start=1):
        sent = bench.order(intent(side, k=number))
        bench.fill(sent, 1, f"F{number}")
    unwatched(bench)
    with refuses("opens after 2 messages of 2 today"):
        bench.hear(intent(Side.BUY, k=3))


def test_a_counter_that_its_facts_do_not_make_is_found(bench: Bench) -> None:
    bought(bench)
    bench.trader.risk.state.messages += 1
    with refuses("risk of somebody"):
        bench.judge.same_book(bench.trader, "somebody")


def test_a_person_raises_what_has_halted_and_resets_it(bench: Bench) -> None:
    bought(bench)
    bench.hear(tick(17_370))
    halts: Sequence[Halted] = tuple(bench.trader.risk.state.halts.values())
    said = [one for command in relief(halts, "f") for one in bench.hear(command)]
    assert [type(one) for one in said if isinstance(one, (LimitSet, HaltReset))] == [LimitSet, HaltReset]
    bench.order(intent(Side.BUY, k=2))
    wide = relief(halts, "g", WIDE)
    assert isinstance(wide[0], Command)
    assert wide[0].values["value"] == WIDE


def test_one_seed_in_three_sets_limits_and_always_the_same() -> None:
    found = [limits_of(seed) for seed in range(300)]
    assert found == [limits_of(seed) for seed in range(300)]
    assert 60 < sum(bool(limits) for limits in found) < 140
    for limits in found:
        make_gate(limits)
