"""What the kill switch closed is found in the venue's list and closes what strategies held: the books are equal."""

from collections.abc import Sequence

from autofutures.domain.messages import (
    AnyMessage,
    Beat,
    Filled,
    LinkChanged,
    Query,
    Reconciled,
    Snapshot,
    Stray,
    Traded,
    VenueOrder,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, Side
from autofutures.orders.ids import KillIds, is_kill_id
from autofutures.orders.policy import Policy
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

KILL = KillIds(7).next()
LATER = OPEN + 10 * SECOND


def holding(**held: int) -> tuple[Trader, list[Filled], list[AnyMessage]]:
    """A trader whose strategies hold so many contracts each, the venue's fills, and all facts."""
    trader = a_trader(WIDE, policy=Policy(reconciles=True))
    facts = list(trader.handle(LinkChanged("v", OPEN, up=True, session=1), OPEN))
    facts += answer(trader, OPEN, [], {})
    trader.handle(tick(), OPEN)
    fills = []
    for k, (strategy, qty) in enumerate(held.items(), 1):
        side = Side.BUY if qty > 0 else Side.SELL
        said = trader.handle(intent(side, abs(qty), strategy=strategy, k=k), OPEN)
        facts += said
        (order,) = [o for o in trader.orders.alive() if o.intent.strategy == strategy]
        fills.append(filled(order.client_id, f"F{k}", side, abs(qty), 17_400))
        facts += trader.handle(fills[-1], OPEN)
    return trader, fills, facts


def answer(
    trader: Trader, at: int, fills: Sequence[Filled], positions: dict[str, int]
) -> Sequence[AnyMessage]:
    """The trader asks, and hears this list; what it says to it."""
    (query,) = [message for message in trader.handle(Beat(at), at) if isinstance(message, Query)]
    rows = tuple(
        VenueOrder(
            fill.client_id, f"V{n}", fill.symbol, fill.side, fill.qty, fill.qty, Status.FILLED, fill.at
        )
        for n, fill in enumerate(fills)
    )
    return trader.handle(Snapshot(query.flow, at, 0, rows, tuple(fills), positions), at)


def closing(qty: int, fill_id: str = "K1") -> Filled:
    return filled(KILL, fill_id, Side.SELL, qty, 17_390, LATER)


def reconciled(said: Sequence[AnyMessage]) -> Reconciled:
    (found,) = [message for message in said if isinstance(message, Reconciled)]
    return found


def test_one_fill_closes_the_lots_of_several_strategies() -> None:
    trader, fills, facts = holding(a=1, b=2)
    said = answer(trader, LATER, [*fills, closing(3)], {})
    traded = [message for message in said if isinstance(message, Traded)]
    assert [(t.strategy, t.qty, t.position, t.fill_id) for t in traded] == [
        ("a", 1, 0, "K1"),
        ("b", 2, 0, "K1 for b"),
    ]
    assert reconciled(said).unexplained == {}
    assert not [message for message in said if isinstance(message, Stray)]
    fresh = a_trader(WIDE, policy=Policy(reconciles=True))
    for fact in (*facts, *said):
        fresh.fold(fact)
    assert (fresh.portfolio.net(TXF), fresh.orders.has_heard("K1")) == (0, True)


def test_the_same_list_again_closes_nothing_more() -> None:
    trader, fills, _ = holding(a=1, b=2)
    answer(trader, LATER, [*fills, closing(3)], {})
    again = answer(trader, LATER + 10 * SECOND, [*fills, closing(3)], {})
    assert [message for message in again if isinstance(message, Traded)] == []
    assert reconciled(again).unexplained == {}


def test_a_part_of_a_position_closes_the_first_strategy_first_and_no_strategy_of_the_other_side() -> None:
    trader, fills, _ = holding(a=2, b=-1, c=2)
    said = answer(trader, LATER, [*fills, closing(3)], {})
    assert [trader.portfolio.position(name, TXF) for name in "abc"] == [0, -1, 1]
    assert reconciled(said).unexplained == {}


def test_what_no_strategy_held_was_a_strangers_and_never_closes_a_later_position() -> None:
    trader, fills, _ = holding(a=1)
    by_hand = filled("", "H1", Side.BUY, 2, 17_400)
    said = answer(trader, LATER, [*fills, by_hand, closing(3)], {})
    assert trader.portfolio.position("a", TXF) == 0
    assert reconciled(said).unexplained == {}
    trader.handle(tick(at=LATER + 11 * SECOND), LATER + 11 * SECOND)
    trader.handle(intent(Side.BUY, 1, strategy="a", k=9, at=LATER + 11 * SECOND), LATER + 11 * SECOND)
    (order,) = trader.orders.alive()
    entry = filled(order.client_id, "F9", Side.BUY, 1, 17_400, LATER + 11 * SECOND)
    trader.handle(entry, LATER + 11 * SECOND)
    said = answer(trader, LATER + 21 * SECOND, [*fills, by_hand, closing(3), entry], {TXF: 1})
    assert trader.portfolio.position("a", TXF) == 1
    assert reconciled(said).unexplained == {}


def test_a_fill_that_closed_nothing_of_ours_closes_nothing_later_either() -> None:
    trader, fills, _ = holding(a=1)
    by_hand = filled("", "H1", Side.BUY, 3, 17_400)
    at = OPEN + SECOND
    assert trader.handle(filled(fills[0].client_id, "F1", Side.BUY, 1, 17_400), at) == []
    trader.handle(intent(Side.SELL, 1, strategy="a", k=8, at=at), at)
    (order,) = trader.orders.alive()
    out = filled(order.client_id, "F2", Side.SELL, 1, 17_400, at)
    trader.handle(out, at)
    said = answer(trader, LATER, [*fills, out, by_hand, closing(3)], {})
    assert reconciled(said).unexplained == {}
    later = LATER + 11 * SECOND
    trader.handle(tick(at=later), later)
    trader.handle(intent(Side.BUY, 2, strategy="a", k=9, at=later), later)
    (order,) = trader.orders.alive()
    entry = filled(order.client_id, "F9", Side.BUY, 2, 17_400, later)
    trader.handle(entry, later)
    said = answer(trader, LATER + 21 * SECOND, [*fills, out, by_hand, closing(3), entry], {TXF: 2})
    assert trader.portfolio.position("a", TXF) == 2
    assert reconciled(said).unexplained == {}


def test_ids_of_the_kill_switch_are_told_from_those_of_a_trader() -> None:
    trader, _, _ = holding(a=1)
    assert is_kill_id(KILL)
    assert len(KILL) == 10
    assert KillIds(8).next() != KILL
    assert not any(is_kill_id(order.client_id) for order in trader.orders.alive())
