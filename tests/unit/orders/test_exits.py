import pytest

from autofutures.domain.messages import ExitMoved, ExitPlan
from autofutures.domain.units import Side
from autofutures.orders.exits import Exits
from autofutures.orders.plan import Plan
from tests.makers import OPEN, TXF, intent

PLAN = ExitPlan(take_profit_ticks=90, stop_ticks=30)


def opened(exits: Exits, k: int = 1, qty: int = 2, side: Side = Side.BUY, plan: ExitPlan = PLAN) -> Plan:
    return exits.open(intent(side, qty, k=k, exit_plan=plan), plan, qty, 17_400)


def fired(exits: Exits, price: int) -> list[tuple[int, str, int]]:
    """k of the entry, reason and contracts due, of each plan that a trade fires."""
    heard = exits.hear_trade(TXF, price, OPEN, None)
    return [(plan.intent.k, plan.reason, exits.due(plan)) for plan, _ in heard]


@pytest.mark.parametrize(
    ("side", "plan_ticks", "profit", "stop"),
    [(Side.BUY, 0, 17_490, 17_370), (Side.SELL, 0, 17_310, 17_430), (Side.BUY, 17_380, 17_470, 17_350)],
)
def test_prices_count_from_the_plan_or_else_from_the_average_fill(
    side: Side, plan_ticks: int, profit: int, stop: int
) -> None:
    plan = opened(Exits(), side=side, plan=ExitPlan(90, 30, plan_ticks))
    assert (plan.take_profit_ticks, plan.stop_ticks) == (profit, stop)


def test_another_fill_of_the_entry_adds_to_the_plan_and_moves_its_prices_with_the_average() -> None:
    exits = Exits()
    entry = intent(qty=3)
    first = exits.open(entry, PLAN, 1, 17_400)
    second = exits.open(entry, PLAN, 2, 17_410)
    assert first is second
    assert (first.open_qty, first.take_profit_ticks, first.stop_ticks) == (3, 17_500, 17_380)
    assert exits.plans() == [first]


def test_a_plan_fires_until_all_of_it_is_on_its_way_out() -> None:
    exits = Exits()
    plan = opened(exits)
    assert fired(exits, 17_369) == [(1, "stop loss", 2)]
    exits.on_its_way("o2", intent(closes=(1, 1)), 2)
    assert fired(exits, 17_300) == []
    exits.on_its_way("o2", intent(closes=(1, 1)), 1)
    assert fired(exits, 17_400) == [(1, "stop loss", 1)]
    exits.close(plan, 1)
    exits.on_its_way("o2", intent(closes=(1, 1)), 0)
    assert fired(exits, 17_400) == [(1, "stop loss", 1)]


def test_a_plan_with_nothing_left_is_over_and_its_symbol_is_not_watched() -> None:
    exits = Exits()
    plan = opened(exits)
    assert exits.watches(TXF)
    exits.close(plan, 2)
    assert not exits.watches(TXF)
    assert exits.plans() == []
    assert exits.plan("s", 1, 1) is None


def test_an_exit_on_its_way_is_remembered_when_its_plan_is_over_and_opened_again() -> None:
    exits = Exits()
    exits.on_its_way("o2", intent(closes=(1, 1)), 1)
    exits.close(opened(exits, qty=1), 1)
    again = opened(exits, qty=2)
    assert exits.due(again) == 1


def test_due_is_never_below_nothing() -> None:
    exits = Exits()
    plan = opened(exits)
    exits.on_its_way("o2", intent(closes=(1, 1)), 2)
    exits.close(plan, 1)
    assert exits.due(plan) == 0


def test_a_strategys_own_fill_closes_its_plans_of_the_other_side_oldest_first() -> None:
    exits = Exits()
    oldest, second = opened(exits, k=1), opened(exits, k=2)
    short = opened(exits, k=3, side=Side.SELL)
    other = exits.open(intent(strategy="other"), PLAN, 2, 17_400)
    assert exits.close_oldest("s", TXF, Side.SELL, 3) == [oldest, second]
    assert (oldest.open_qty, second.open_qty, short.open_qty, other.open_qty) == (0, 1, 2, 2)
    assert exits.plans() == [second, short, other]


def test_closing_nothing_touches_no_plan() -> None:
    exits = Exits()
    opened(exits)
    assert exits.close_oldest("s", TXF, Side.SELL, 0) == []


def test_a_recorded_plan_comes_back_as_it_was_said_and_goes_when_it_is_closed() -> None:
    live = Exits()
    plan = opened(live)
    list(live.hear_trade(TXF, 17_490, OPEN, None))
    restored = Exits()
    restored.restore(plan.intent, plan.moved(OPEN))
    (back,) = restored.plans()
    said = ExitMoved("s", 1, 1, OPEN, TXF, Side.BUY, 2, 17_490, 17_370, "take profit", 2, 17_400)
    assert back.moved(OPEN) == plan.moved(OPEN) == said
    live.close(plan, 2)
    restored.restore(plan.intent, plan.moved(OPEN))
    assert restored.plans() == []
    assert not restored.watches(TXF)
