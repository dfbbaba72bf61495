"""The machine stops: what each strategy holds and has at work goes as its policy says, and what is left is said."""

from collections.abc import Sequence

import pytest

from autofutures.domain.messages import (
    Alert,
    AnyMessage,
    Beat,
    Cancel,
    Canceled,
    ExitPlan,
    Intent,
    Leave,
    Left,
    Refused,
    Submit,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, OrderType, Side
from autofutures.orders.cover import Cover
from autofutures.orders.shutdown import FLATTEN, HAND_OVER, KEEP
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

PLAN = ExitPlan(stop_ticks=50)
COVERS = {"plans": Cover("plans"), "own": Cover("own", 10**9)}


class Desk:
    """A trader that is long 2 for each of two strategies, one with plans; each has an order at work that would open."""

    def __init__(self) -> None:
        self.trader: Trader = a_trader(WIDE, covers=COVERS)
        self.now = OPEN
        self._k = 0
        self.says(tick())
        self.working = {}
        for name in COVERS:
            entry = self.orders(name, Side.BUY, 2)
            self.says(filled(entry.client_id, f"F{name}", Side.BUY, 2, 17_400))
            self.working[name] = self.orders(name, Side.BUY, 1, 17_300).client_id

    def says(self, message: AnyMessage) -> Sequence[AnyMessage]:
        return self.trader.handle(message, self.now)

    def orders(self, name: str, side: Side, qty: int, price_ticks: int = 0) -> Submit:
        self._k += 1
        kind = OrderType.LIMIT if price_ticks else OrderType.MARKET
        plan = PLAN if name == "plans" else None
        decided: Intent = intent(
            side, qty, kind, strategy=name, k=self._k, price_ticks=price_ticks, exit_plan=plan
        )
        [submit] = [one for one in self.says(decided) if isinstance(one, Submit)]
        return submit

    def stops(self, **policies: str) -> Sequence[AnyMessage]:
        return self.says(Leave(self.now, policies))

    def under_way(self) -> bool:
        return self.trader.leaving.is_under_way(self.now)

    def ends(self) -> dict[str, Left]:
        said = self.says(Leave(self.now, {}, over=True))
        self.alerts = [one for one in said if isinstance(one, Alert)]
        return {one.strategy: one for one in said if isinstance(one, Left)}


def canceled(said: Sequence[AnyMessage]) -> list[str]:
    return [one.client_id for one in said if isinstance(one, Cancel)]


def submits(said: Sequence[AnyMessage]) -> list[Submit]:
    return [one for one in said if isinstance(one, Submit)]


def test_one_that_keeps_keeps_its_lots_with_their_plans_and_its_entries_are_asked_back() -> None:
    desk = Desk()
    said = desk.stops(plans=KEEP)
    assert canceled(said) == [desk.working["plans"]]
    assert submits(said) == []
    assert desk.under_way()
    desk.says(Canceled(desk.working["plans"], desk.now, 1))
    assert not desk.under_way()
    assert desk.ends() == {"plans": Left("plans", desk.now, KEEP, {TXF: 2}, 1, 0, "")}
    assert desk.alerts == []
    assert desk.trader.uncovered() == 0


def test_one_that_keeps_keeps_what_only_reduces() -> None:
    desk = Desk()
    reducing = desk.orders("own", Side.SELL, 2, 17_500)
    turning = desk.orders("own", Side.SELL, 3, 17_600)
    asked_back = canceled(desk.stops(own=KEEP))
    assert asked_back == [desk.working["own"], turning.client_id]
    assert reducing.client_id not in asked_back


@pytest.mark.parametrize("name", ["plans", "own"])
def test_one_that_flattens_is_closed_once_and_the_other_is_left_alone(name: str) -> None:
    desk = Desk()
    other = next(one for one in COVERS if one != name)
    said = desk.stops(**{name: FLATTEN, other: HAND_OVER})
    assert canceled(said) == [desk.working[name]]
    [close] = submits(said)
    assert (close.side, close.qty, close.type) == (Side.SELL, 2, OrderType.MARKET)
    assert submits(desk.says(Beat(desk.now))) == []
    desk.says(Canceled(desk.working[name], desk.now, 1))
    assert desk.under_way()
    desk.says(filled(close.client_id, "C", Side.SELL, 2, 17_390))
    assert not desk.under_way()
    left = desk.ends()
    assert (left[name].positions, left[name].plans, left[name].orders) == ({}, 0, 0)
    assert (left[other].positions, left[other].orders, left[other].text) == ({TXF: 2}, 1, "")
    assert desk.alerts == []


@pytest.mark.parametrize("name", ["plans", "own"])
def test_what_does_not_fill_is_tried_again_until_the_time_is_up_and_then_told(name: str) -> None:
    desk = Desk()
    [close] = submits(desk.stops(**{name: FLATTEN}))
    desk.says(Canceled(close.client_id, desk.now, 2))
    desk.now += SECOND
    [again] = submits(desk.says(Beat(desk.now)))
    assert again.qty == 2
    assert desk.ends()[name].text == f"1 order is still at work; +2 {TXF} was not closed in time"
    assert [(one.name, one.subject) for one in desk.alerts] == [("left_open", name)]


def test_an_entry_that_fills_after_all_is_closed_too() -> None:
    desk = Desk()
    [close] = submits(desk.stops(own=FLATTEN))
    desk.says(filled(close.client_id, "C", Side.SELL, 2, 17_390))
    desk.says(filled(desk.working["own"], "late", Side.BUY, 1, 17_300))
    [more] = submits(desk.says(Beat(desk.now)))
    assert (more.side, more.qty) == (Side.SELL, 1)


def test_a_market_that_is_closed_is_not_waited_for_and_no_plan_fires_in_it() -> None:
    desk = Desk()
    session = desk.trader.view.session(TXF, desk.now)
    assert session is not None
    for client_id in desk.working.values():
        desk.says(Canceled(client_id, desk.now, 1))
    desk.now = session.ends_at + SECOND
    assert submits(desk.stops(plans=FLATTEN)) == []
    assert not desk.under_way()
    assert desk.ends()["plans"].text == f"+2 {TXF} stays, for its market is closed"
    assert [plan.reason for plan in desk.trader.exits.plans()] == [""]


def test_what_a_stop_would_do_is_said_before_it_does_anything() -> None:
    desk = Desk()
    policies = {"plans": KEEP, "own": FLATTEN}
    shown = {one.strategy: one for one in desk.trader.leaving.shown(policies, 10 * SECOND, desk.now)}
    assert (shown["own"].positions, shown["own"].orders) == ({TXF: 2}, 1)
    assert shown["own"].will == ("1 order is asked back", f"+2 {TXF} is closed at the market, within 10 s")
    kept = (
        f"+2 {TXF} stays, with 1 exit plan: what rests at the venue closes it there, and nobody watches its stop "
        "until the next start"
    )
    assert shown["plans"].will == ("1 order is asked back", kept)
    [over] = desk.trader.leaving.shown({"own": HAND_OVER}, 10 * SECOND, desk.now)
    assert over.will[0] == "1 order is left at work"
    assert {order.status for order in desk.trader.orders.alive()} == {Status.SENT}


def test_a_life_that_begins_in_the_middle_of_a_stop_closes_what_a_plan_was_to_close() -> None:
    desk = Desk()
    facts = [*desk.trader.facts(desk.now), *desk.stops(plans=FLATTEN)]
    next_life = a_trader(WIDE, covers=COVERS, epoch=2)
    for fact in facts:
        next_life.fold(fact)
    [plan] = next_life.exits.plans()
    assert plan.reason
    assert not next_life.leaving.is_under_way(desk.now)


def folded(*facts: AnyMessage) -> Trader:
    next_life = a_trader(WIDE, covers=COVERS, epoch=2)
    for fact in facts:
        next_life.fold(fact)
    return next_life


def test_a_stop_that_has_begun_is_known_to_the_next_life_and_one_that_is_over_or_given_up_is_not() -> None:
    desk = Desk()
    begun = Leave(desk.now, {"own": FLATTEN})
    desk.says(begun)
    snapshot = desk.trader.facts(desk.now)
    for facts in ([begun], snapshot):
        next_life = folded(*facts)
        assert next_life.leaving.begun == begun
        assert not next_life.leaving.is_under_way(desk.now)  # It is the driver's to say that it goes on.
    desk.says(Leave(desk.now, {}))
    assert folded(*snapshot, *desk.trader.facts(desk.now)).leaving.begun is None
    assert not desk.trader.leaving.over
    over = folded(begun, Leave(desk.now, {}, over=True)).leaving
    assert (over.begun, over.over) == (None, False)


def test_a_stop_that_goes_on_in_another_life_closes_what_the_first_one_left_and_nothing_twice() -> None:
    desk = Desk()
    facts = [*desk.trader.facts(desk.now), *desk.stops(own=FLATTEN)]
    begun = desk.trader.leaving.begun
    assert begun is not None
    desk.trader = folded(*facts, begun)
    desk.trader.recovered(desk.now)
    said = desk.says(begun)
    assert (submits(said), canceled(said)) == ([], [desk.working["own"]])  # Its order may still fill.
    [close] = [one for one in desk.trader.orders.alive() if one.intent.side is Side.SELL]
    desk.says(Canceled(close.client_id, desk.now, 2))
    [again] = submits(desk.says(Beat(desk.now)))
    assert (again.side, again.qty) == (Side.SELL, 2)


def test_after_the_last_word_no_exit_leaves_whose_outcome_nobody_would_hear() -> None:
    desk = Desk()
    held = intent(Side.SELL, 1, OrderType.STOP, strategy="own", k=9, stop_ticks=17_390)
    desk.says(held)
    desk.stops(plans=HAND_OVER, own=HAND_OVER)
    desk.ends()
    said = [*desk.says(tick(17_300)), *desk.says(Beat(desk.now))]
    assert not [one for one in said if isinstance(one, Submit)]
    assert {(one.rule, one.strategy) for one in said if isinstance(one, Refused)} == {("stop", "plans")}
