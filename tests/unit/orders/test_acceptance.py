"""What the venue has and no fill explains enters the book by a person's word alone, once, and nothing is sent."""

from collections.abc import Sequence

import pytest

from autofutures.domain.messages import (
    Alert,
    AnyMessage,
    Cancel,
    Command,
    CommandRefused,
    ExitMoved,
    ExitPlan,
    Filled,
    PositionAccepted,
    Submit,
    Traded,
)
from autofutures.domain.units import SECOND, Mode, Side
from autofutures.orders.account import OUTSIDE
from autofutures.orders.policy import Policy
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick
from tests.unit.orders.test_closed_by_kill import LATER, answer, holding, reconciled

Values = dict[str, int | str | bool]


def differing(by: int, **held: int) -> tuple[Trader, int, list[Filled], list[AnyMessage]]:
    """A trader whose venue has so many contracts more than the book; the time, the venue's fills, and all facts."""
    trader, fills, facts = holding(**held)
    there = sum(held.values()) + by
    at = LATER
    for _ in range(2):
        facts += answer(trader, at, fills, {TXF: there})
        at += 5 * SECOND
    assert trader.inquiry.standing.unexplained == {TXF: by}
    assert trader.inquiry.standing.mode is Mode.REDUCING
    return trader, at, fills, facts


def accept(trader: Trader, at: int, qty: int, **other: int | str) -> Sequence[AnyMessage]:
    values: Values = {"symbol": TXF, "qty": qty, "price_ticks": 17_250, "reason": "by telephone", **other}
    return trader.handle(Command("f9", "", "accept", "position", values, "ann"), at)


def refusal(said: Sequence[AnyMessage]) -> str:
    (refused,) = [one for one in said if isinstance(one, CommandRefused)]
    assert len(said) == 1
    return refused.reason


def test_a_difference_enters_a_ledger_that_is_nobodys_and_the_next_comparison_is_content() -> None:
    trader, at, fills, facts = differing(2, a=1)
    said = accept(trader, at, 2)
    (accepted,) = [one for one in said if isinstance(one, PositionAccepted)]
    (traded,) = [one for one in said if isinstance(one, Traded)]
    assert accepted == PositionAccepted("f9", OUTSIDE, at, TXF, 2, 17_250, "ann", "by telephone")
    assert (traded.strategy, traded.side, traded.qty, traded.price_ticks) == (OUTSIDE, Side.BUY, 2, 17_250)
    assert not [one for one in said if isinstance(one, (Submit, Cancel, Alert))]
    assert not trader.inquiry.standing.reconciled  # Until the venue agrees.
    # The list does not have it, for its position alone does; and it comes at once.
    again = answer(trader, at + SECOND // 10, fills, {TXF: 3})
    assert reconciled(again).unexplained == {}
    assert trader.inquiry.standing.reasons == ()
    fresh = a_trader(WIDE, policy=Policy(reconciles=True))
    for fact in (*facts, *said, *again):
        fresh.fold(fact)
    assert [fresh.portfolio.position(name, TXF) for name in ("a", OUTSIDE)] == [1, 2]


def test_what_closed_a_strategys_lot_ends_the_plan_that_covered_it() -> None:
    trader, fills, _ = holding()
    trader.handle(intent(Side.BUY, 2, strategy="a", exit_plan=ExitPlan(stop_ticks=30)), OPEN)
    (order,) = trader.orders.alive()
    fills = [filled(order.client_id, "F1", Side.BUY, 2, 17_400)]
    trader.handle(fills[0], OPEN)
    at = LATER
    for _ in range(2):
        answer(trader, at, fills, {})
        at += 5 * SECOND
    said = accept(trader, at, -2, strategy="a")
    assert [one.open_qty for one in said if isinstance(one, ExitMoved)] == [0]
    assert (trader.portfolio.position("a", TXF), list(trader.exits.plans())) == (0, [])
    assert reconciled(answer(trader, at + SECOND, fills, {})).unexplained == {}
    assert (
        trader.handle(tick(17_000, at=at + 2 * SECOND), at + 2 * SECOND) == ()
    )  # Nothing is left to be closed.


def test_a_part_may_be_accepted_and_the_rest_stays_unexplained() -> None:
    trader, at, *_ = differing(3)
    accept(trader, at, 1)
    assert trader.inquiry.standing.unexplained == {TXF: 2}
    assert "is +2 from the book's" in refusal(accept(trader, at, 3))
    accept(trader, at, 2)
    assert trader.portfolio.position(OUTSIDE, TXF) == 3
    assert "nothing of TAIFEX:TXF202108 is unexplained; what is: nothing" in refusal(accept(trader, at, 1))


@pytest.mark.parametrize(
    ("qty", "other", "reason"),
    [
        (3, {}, r"is \+2 from the book's: accept that, or a part of it, not \+3"),
        (-2, {}, r"or a part of it, not -2"),
        (0, {}, r"or a part of it, not \+0"),
        (
            2,
            {"symbol": "TAIFEX:MXF202108"},
            r"nothing of TAIFEX:MXF202108 is unexplained; what is: \+2 TAIFEX:TXF",
        ),
        (2, {"price_ticks": 0}, "0 ticks is no price"),
        (2, {"price_ticks": "17250"}, "autofutures accept --help"),
        (2, {"reason": " "}, "and why"),
        (
            2,
            {"strategy": "a"},
            r"a holds \+1 .* which \+2 does not close: what opens would have no exit plan",
        ),
        (2, {"strategy": "b"}, r"b holds \+0"),
    ],
)
def test_what_would_make_the_book_wrong_is_refused_in_words(qty: int, other: Values, reason: str) -> None:
    trader, at, *_ = differing(2, a=1)
    before = trader.facts(at)
    said = accept(trader, at, qty, **other)
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(refusal(said))
    assert trader.facts(at) == before


def test_no_strategys_lots_are_closed_beyond_what_it_holds() -> None:
    trader, at, *_ = differing(-3, a=2)
    assert "a holds +2" in refusal(accept(trader, at, -3, strategy="a"))
    accept(trader, at, -2, strategy="a")
    accept(trader, at, -1)
    assert [trader.portfolio.position(name, TXF) for name in ("a", OUTSIDE)] == [0, -1]
