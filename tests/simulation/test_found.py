"""What the simulation has found, each as the shortest story that shows it."""

from autofutures.domain.messages import ExitPlan, OrderChanged, Placed, Ready, Refused, Restored, Submit
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, OrderType, Side
from autofutures.market.dates import taipei_ns
from autofutures.orders.cover import Cover
from autofutures.trader import Trader
from tests.makers import OPEN, a_trader, filled, intent, tick

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
