import pytest

from autofutures.domain.messages import ExitPlan
from autofutures.risk.base import Violation
from autofutures.risk.exit_plan import HasExitPlan, flaw, protects
from tests.makers import exposure, intent

SOUND = [
    ExitPlan(stop_ticks=1),
    ExitPlan(take_profit_ticks=9, stop_ticks=3, bracket=True),
    ExitPlan(trail_ticks=3, break_even_ticks=5, break_even_offset_ticks=4),
    ExitPlan(stop_ticks=3, trail_atr=100),
    ExitPlan(stop_ticks=3, levels=((5, 50), (9, 50))),
    ExitPlan(time_stop_ns=1),
    ExitPlan(flat_before_close_ns=1),
]


@pytest.mark.parametrize("plan", SOUND)
def test_a_plan_that_ends_what_loses_passes(plan: ExitPlan) -> None:
    assert flaw(plan) == ""
    assert protects(plan)
    assert HasExitPlan().check(intent(exit_plan=plan), exposure(must_plan=True)) is None


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (ExitPlan(stop_ticks=-1), "stop_ticks must not be below zero, and is -1"),
        (ExitPlan(time_stop_ns=-5), "time_stop_ns must not be below zero"),
        (ExitPlan(break_even_ticks=5, break_even_offset_ticks=5), "the stop would be beyond the market"),
        (ExitPlan(trail_atr=100), "trail_atr needs stop_ticks or trail_ticks"),
        (
            ExitPlan(stop_ticks=1, trail_atr=100, atr_span_ns=0),
            "atr_span_ns and atr_periods must be above zero",
        ),
        (
            ExitPlan(stop_ticks=1, trail_atr=100, atr_periods=0),
            "atr_span_ns and atr_periods must be above zero",
        ),
        (ExitPlan(bracket=True), "a bracket needs take_profit_ticks"),
        (ExitPlan(9, bracket=True, levels=((1, 1),)), "takes no levels"),
        (ExitPlan(levels=((5, 50), (5, 50))), "each farther than the one before"),
        (ExitPlan(levels=((5, 0),)), "each of some percent"),
        (ExitPlan(levels=((5, 60), (6, 50))), "more than the whole lot"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_whoever_sends_it(plan: ExitPlan, why: str) -> None:
    assert why in flaw(plan)
    violation = HasExitPlan().check(intent(exit_plan=plan), exposure())
    assert violation is not None
    assert why in violation.reason


def test_only_what_declared_plans_must_have_one_that_ends_what_loses() -> None:
    rule, bare, hopeful = HasExitPlan(), intent(), intent(exit_plan=ExitPlan(take_profit_ticks=5))
    assert rule.check(bare, exposure()) is None
    assert rule.check(hopeful, exposure()) is None
    assert rule.check(bare, exposure(must_plan=True)) == Violation(
        1, 0, "the strategy declares plans: every order of it carries an exit plan"
    )
    assert rule.check(hopeful, exposure(must_plan=True)) == Violation(
        1, 0, "the plan does not end a lot that loses: it needs a stop, or a time"
    )
