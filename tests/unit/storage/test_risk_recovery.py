"""Halts, changed limits and counters are recorded facts: whatever a trader was doing when it died, they come back."""

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from autofutures.domain.messages import AnyMessage, Canceled, Halted, Placed
from autofutures.domain.units import Side
from autofutures.risk.gate import Gate
from autofutures.trader import Trader
from tests.makers import MXF, TXF, a_trader
from tests.unit.risk.halts import COVERS, Bench

LIMITS = {
    "daily_loss": {"max_loss": 9_000},
    "daily_loss.strategy.s": {"max_loss": 4_000, "flatten": 1},
    "drawdown": {"max_loss": 7_000},
    "drawdown.strategy.other": {"max_loss": 3_000},
    "loss_streak": {"max_losses": 3},
    "repeated_execution.strategy.s": {"max_orders": 5},
    "daily_messages": {"max_messages": 40, "reserved": 10},
    "message_rate": {"max_per_second": 1_000},
}
CONTROLS = ("daily_loss", "drawdown", "loss_streak", "repeated_execution")
HALF_A_DAY = 12 * 60 * 60 * 10**9

Act = Callable[[Bench], object]


def a_reset(control: str, scope: str) -> Act:
    return lambda bench: bench.command("reset", control=control, scope=scope, reason="r")


def a_limit(key: str, value: int) -> Act:
    setting = {"daily_loss": "max_loss", "loss_streak": "max_losses", "order_size": "max_contracts"}
    name = setting[key.partition(".")[0]]
    return lambda bench: bench.command("set", key=key, setting=name, value=value, reason="r")


def wait(bench: Bench) -> None:
    bench.now += HALF_A_DAY


def cancel_first(bench: Bench) -> None:
    alive = bench.trader.orders.alive()
    if alive:
        bench.hear(Canceled(alive[0].client_id, bench.now, alive[0].left))


strategies = st.sampled_from(["s", "other"])
sides = st.sampled_from(Side)
actions: st.SearchStrategy[Act] = st.one_of(
    st.builds(
        lambda side, qty, who: lambda bench: bench.order(side, qty, who), sides, st.integers(1, 3), strategies
    ),
    st.builds(lambda side, who: lambda bench: bench.order(side, 1, who, limit=17_390), sides, strategies),
    st.builds(lambda move: lambda bench: bench.at(bench.price + move), st.integers(-9, 9)),
    st.builds(a_reset, st.sampled_from(CONTROLS), st.sampled_from(["", "strategy.s", "strategy.other"])),
    st.builds(
        a_limit,
        st.sampled_from(["daily_loss", "daily_loss.strategy.other", "loss_streak", "order_size"]),
        st.integers(1, 9_000),
    ),
    st.just(wait),
    st.just(cancel_first),
)


def limits(gate: Gate) -> list[tuple[str, str, dict[str, int]]]:
    return [(one.rule.id, one.scope.text, dict(one.settings)) for one in gate.limits()]


def durable(trader: Trader) -> dict[str, object]:
    """All of risk that outlives a trader."""
    risk = trader.risk
    return {
        "kept": risk.state.kept(0),
        "held": risk.state.held,
        "limits": sorted(limits(trader.gate), key=str),
        "told": trader.inquiry.standing.halts,
        "equity": {scope: risk.state.equity(scope) for scope in risk.state.baselines},
    }


def folded(facts: Sequence[AnyMessage]) -> Trader:
    trader = a_trader(LIMITS, epoch=2, covers=COVERS, symbols=(TXF, MXF))
    for fact in facts:
        trader.fold(fact)
    return trader


@settings(max_examples=50)
@given(script=st.lists(actions, max_size=20))
def test_after_every_fact_a_recovered_trader_has_the_risk_state_of_the_live_one(script: list[Act]) -> None:
    bench, follower, told = Bench(LIMITS, (TXF, MXF)), folded(()), 0
    for act in script:
        act(bench)
        for fact in bench.said[told:]:
            follower.fold(fact)
        told = len(bench.said)
        assert durable(follower) == durable(bench.trader)
    assert durable(folded(bench.trader.facts(bench.now))) == durable(bench.trader)


@settings(max_examples=30)
@given(script=st.lists(actions, min_size=5, max_size=15), cut=st.integers(0, 100))
def test_a_trader_that_dies_at_any_fact_goes_on_from_the_snapshot_and_what_came_after(
    script: list[Act], cut: int
) -> None:
    bench = Bench(LIMITS, (TXF, MXF))
    for act in script:
        act(bench)
    cut = min(cut, len(bench.said))
    before, after = bench.said[:cut], bench.said[cut:]
    from_snapshot = folded([*folded(before).facts(0), *after])
    assert durable(from_snapshot) == durable(folded(bench.said)) == durable(bench.trader)


def test_the_script_reaches_each_control() -> None:
    bench = Bench(LIMITS, (TXF, MXF))
    bench.order(Side.BUY, 3, "other")
    for _ in range(3):
        bench.order(Side.BUY)
        bench.at(bench.price - 1)
        bench.order(Side.SELL)
    bench.at(bench.price - 60)
    halted = {one.control for one in bench.said if isinstance(one, Halted)}
    assert halted == set(CONTROLS)
    assert any(isinstance(one, Placed) for one in bench.said)
    assert durable(folded(bench.said)) == durable(bench.trader)
    assert (
        folded(bench.said).exposure(TXF, bench.now, "s").halts
        == bench.trader.exposure(TXF, bench.now, "s").halts
    )
