"""What the simulation has found, each as the shortest story that shows it."""

from autofutures.domain.messages import (
    Beat,
    BookMode,
    ExitPlan,
    Filled,
    LinkChanged,
    OrderChanged,
    Placed,
    Query,
    Ready,
    Refused,
    Restored,
    Snapshot,
    Submit,
    VenueOrder,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, OrderType, Side
from autofutures.market.dates import taipei_ns
from autofutures.orders.cover import Cover
from autofutures.orders.policy import Policy
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

NEXT_DAY = taipei_ns(20210727, 9 * 3600)


def submits(said: object) -> list[Submit]:
    assert isinstance(said, list | tuple)
    return [message for message in said if isinstance(message, Submit)]


def test_the_limit_has_room_for_exits_that_have_not_fired_yet() -> None:
    """Long 2 under a plan, 4 sold would be -2; but the plan's own sale comes on top."""
    trader = a_trader({"position": {"max_contracts": 2}})
    trader.handle(tick(17_400), OPEN)
    entry = intent(Side.BUY, 2, exit_plan=ExitPlan(stop_ticks=5))
    (bought,) = submits(trader.handle(entry, OPEN))
    trader.handle(filled(bought.client_id, "F1", Side.BUY, 2, 17_400), OPEN)
    said = trader.handle(intent(Side.SELL, 4, OrderType.LIMIT, price_ticks=17_410, k=2), OPEN)
    assert [(refused.rule, refused.value) for refused in said if isinstance(refused, Refused)] == [
        ("position", 4)
    ]
    assert submits(trader.handle(intent(Side.SELL, 2, OrderType.LIMIT, price_ticks=17_410, k=3), OPEN))


def test_the_limit_has_room_for_the_book_stops_of_others_and_a_strategy_may_close_itself() -> None:
    """One strategy long, the other short: the net is small, and each book stop alone would pass the limit."""
    covers = {"s": Cover("own", 200_000), "other": Cover("own", 200_000)}
    trader = a_trader({"position": {"max_contracts": 2}}, covers=covers)
    trader.handle(tick(17_400), OPEN)
    (bought,) = submits(trader.handle(intent(Side.BUY, 2), OPEN))
    trader.handle(filled(bought.client_id, "F1", Side.BUY, 2, 17_400), OPEN)
    (sold,) = submits(trader.handle(intent(Side.SELL, 1, strategy="other"), OPEN))
    trader.handle(filled(sold.client_id, "F2", Side.SELL, 1, 17_400), OPEN)
    said = trader.handle(
        intent(Side.BUY, 1, k=2), OPEN
    )  # Net 1; were the other's stop to fire, it would be 3.
    assert [(refused.rule, refused.value) for refused in said if isinstance(refused, Refused)] == [
        ("position", 3)
    ]
    assert submits(trader.handle(intent(Side.SELL, 2, k=3), OPEN))


def test_what_was_forgotten_is_not_booked_again_when_the_venue_lists_it() -> None:
    trader = a_trader(WIDE, policy=Policy(reconciles=True, strangers="adopt"))
    trader.handle(LinkChanged("v", OPEN, up=True, session=1), OPEN)
    days = [OPEN, *(taipei_ns(day, 9 * 3600) for day in (20210727, 20210728, 20210729))]
    fills: list[Filled] = []
    rows: list[VenueOrder] = []
    for number, at in enumerate(days, start=1):
        compare(trader, at, fills, rows)
        trader.handle(tick(17_400, at=at), at)
        (sent,) = submits(trader.handle(intent(Side.BUY, 1, cause_seq=10 * number, at=at), at))
        fill = filled(sent.client_id, f"F{number}", Side.BUY, 1, 17_400, at=at)
        trader.handle(fill, at)
        fills.append(fill)
        rows.append(VenueOrder(sent.client_id, f"B{number}", sent.symbol, Side.BUY, 1, 1, Status.FILLED, at))
    trader.facts(days[-1])
    assert trader.orders.get(fills[0].client_id) is None
    assert compare(trader, days[-1] + 60 * SECOND, fills, rows) == [("Reconciled", {})]
    assert trader.portfolio.net(TXF) == 4


def compare(
    trader: Trader, at: int, fills: list[Filled], rows: list[VenueOrder]
) -> list[tuple[str, dict[str, int]]]:
    """The trader asks, and the venue lists all that ever was; what is said to it."""
    later = at + 10 * SECOND
    (query,) = [message for message in trader.handle(Beat(later), later) if isinstance(message, Query)]
    positions = {TXF: len(fills)} if fills else {}
    said = trader.handle(Snapshot(query.flow, later, 0, tuple(rows), tuple(fills), positions), later)
    return [
        (type(message).__name__, getattr(message, "unexplained", {}))
        for message in said
        if not isinstance(message, BookMode)
    ]


def held_stop() -> Trader:
    trader = a_trader()
    trader.handle(tick(17_400), OPEN)
    (placed,) = trader.handle(intent(Side.BUY, 1, OrderType.STOP, stop_ticks=17_450), OPEN)
    assert isinstance(placed, Placed)
    return trader


def test_a_stop_ends_with_its_session_although_nobody_heard_of_its_end() -> None:
    trader = held_stop()
    (changed,) = trader.handle(tick(17_460, at=NEXT_DAY), NEXT_DAY)
    assert isinstance(changed, OrderChanged)
    assert (changed.status, changed.reason) == (Status.EXPIRED, "its session has ended")


def test_a_stop_of_this_session_fires_and_none_fires_outside_of_every_session() -> None:
    trader = held_stop()
    evening = taipei_ns(20210726, 14 * 3600)
    assert submits(trader.handle(tick(17_460, at=evening), evening)) == []
    assert len(submits(trader.handle(tick(17_460, at=OPEN + SECOND), OPEN + SECOND))) == 1


def test_a_strategy_starts_again_behind_none_of_its_own_decisions() -> None:
    """The trader was started again and counts anew; a strategy that lived on is far ahead of it."""
    trader = a_trader()
    trader.handle(tick(17_400), OPEN)
    trader.handle(intent(cause_seq=500), OPEN)
    (restored,) = trader.handle(Ready("s"), OPEN)
    assert isinstance(restored, Restored)
    assert restored.cause_seq == 500
