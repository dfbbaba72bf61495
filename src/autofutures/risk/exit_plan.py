"""Rule `exit_plan`: an exit plan must make sense, and a strategy that declared plans opens nothing without one."""

from autofutures.domain.messages import ExitPlan, Intent
from autofutures.risk.base import Exposure, Stateless, Violation

WHOLE = 100
"""Percent."""


def flaw(plan: ExitPlan) -> str:
    """Why the plan makes no sense; empty where it does."""
    numbers = {
        "take_profit_ticks": plan.take_profit_ticks,
        "stop_ticks": plan.stop_ticks,
        "trail_ticks": plan.trail_ticks,
        "trail_atr": plan.trail_atr,
        "break_even_ticks": plan.break_even_ticks,
        "time_stop_ns": plan.time_stop_ns,
        "flat_before_close_ns": plan.flat_before_close_ns,
    }
    for name, number in numbers.items():
        if number < 0:
            return f"{name} must not be below zero, and is {number}"
    if plan.break_even_ticks and plan.break_even_offset_ticks >= plan.break_even_ticks:
        return (
            "break_even_offset_ticks must be less than break_even_ticks: the stop would be beyond the market"
        )
    if plan.trail_atr and not (plan.trail_ticks or plan.stop_ticks):
        return "trail_atr needs stop_ticks or trail_ticks too, until the average true range is known"
    if plan.trail_atr and (plan.atr_span_ns <= 0 or plan.atr_periods <= 0):
        return "atr_span_ns and atr_periods must be above zero"
    if plan.bracket and (plan.levels or not plan.take_profit_ticks):
        return "a bracket needs take_profit_ticks, and takes no levels"
    return _flaw_of_levels(plan.levels)


def _flaw_of_levels(levels: tuple[tuple[int, int], ...]) -> str:
    before = 0
    for distance, percent in levels:
        if distance <= before or percent <= 0:
            return "levels are (ticks, percent), each farther than the one before, each of some percent"
        before = distance
    return "levels close more than the whole lot" if sum(part for _, part in levels) > WHOLE else ""


def protects(plan: ExitPlan) -> bool:
    """Whether the plan ends a lot that loses, sooner or later: by price or by time."""
    return bool(plan.stop_ticks or plan.trail_ticks or plan.time_stop_ns or plan.flat_before_close_ns)


class HasExitPlan(Stateless):
    """Refuses plans that make no sense, and what no plan would close of a strategy that declared plans."""

    id = "exit_plan"
    formula = "an entry of a strategy with plans carries a sound plan that ends a losing lot"
    source = "house rule: every open lot is covered"
    binds_exits = False

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Looks at the plan alone: under plans a strategy closes its lots with `ctx.close`, never by an order."""
        plan = intent.exit
        if plan is None:
            if not exposure.must_plan:
                return None
            return Violation(1, 0, "the strategy declares plans: every order of it carries an exit plan")
        found = flaw(plan)
        if not found and exposure.must_plan and not protects(plan):
            found = "the plan does not end a lot that loses: it needs a stop, or a time"
        return Violation(1, 0, found) if found else None
