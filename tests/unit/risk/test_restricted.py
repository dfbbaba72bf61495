from autofutures.domain.messages import Refused
from autofutures.domain.units import Side
from autofutures.risk.base import Approved
from autofutures.risk.gate import make_gate
from autofutures.risk.restricted import Restricted
from tests.makers import exposure, intent


def test_an_entry_is_refused_and_what_only_reduces_passes() -> None:
    violation = Restricted(1).check(intent(), exposure())
    assert violation is not None
    assert violation.reason == "s may open nothing in TAIFEX:TXF202108: it is restricted"
    assert Restricted(1).check(intent(Side.SELL), exposure(position=1)) is None
    assert Restricted(1).check(intent(Side.SELL, 2), exposure(position=1)) is not None


def test_a_product_a_contract_or_a_strategy_is_restricted_and_no_other() -> None:
    mini = intent(symbol="TAIFEX:MXF202108")
    for scope in ("instrument.TXF", "instrument.TXF202108", "strategy.s"):
        gate = make_gate({f"restricted.{scope}": {"on": 1}})
        verdict = gate.check(intent(), exposure())
        assert isinstance(verdict, Refused)
        assert verdict.rule == "restricted"
        other = mini if scope.startswith("instrument") else intent(strategy="other")
        assert isinstance(gate.check(other, exposure()), Approved)


def test_nothing_is_restricted_unless_told() -> None:
    assert Restricted().off
