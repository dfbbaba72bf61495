from autofutures.domain.messages import HaltReset
from autofutures.domain.units import Side
from autofutures.risk.repeated_execution import RepeatedExecution
from tests.unit.risk.halts import Bench


def test_after_so_many_orders_the_strategy_is_off_until_a_person_turns_it_on() -> None:
    bench = Bench({"repeated_execution.strategy.s": {"max_orders": 2}})
    for strategy in ("s", "other", "other", "s"):
        assert bench.refused(Side.BUY, 1, strategy) == ""
    assert bench.halts() == [("repeated_execution", "strategy.s", 2, 2)]
    assert bench.refused(Side.BUY) == "repeated_execution"
    assert bench.refused(Side.SELL) == ""
    assert bench.refused(Side.BUY, 1, "other") == ""
    (reset,) = bench.command("reset", control="repeated_execution", scope="strategy.s", reason="r")
    assert isinstance(reset, HaltReset)
    assert [bench.refused(Side.BUY) for _ in range(3)] == ["", "", "repeated_execution"]


def test_the_accounts_limit_counts_every_strategys_orders() -> None:
    bench = Bench({"repeated_execution": {"max_orders": 2}})
    bench.order(Side.BUY)
    bench.order(Side.BUY, strategy="other")
    assert bench.refused(Side.BUY, 1, "third") == "repeated_execution"


def test_no_number_is_too_many_unless_told() -> None:
    assert RepeatedExecution().off
