from autofutures.domain.messages import Cancel, Intent, Placed, Refused, Revoke, Submit
from autofutures.domain.units import OrderType, Side
from autofutures.risk.daily_messages import DailyMessages
from autofutures.trader import Trader
from tests.makers import OPEN, a_trader, exposure, intent, tick


def test_an_entry_that_would_take_of_the_reserve_is_refused_and_what_reduces_passes() -> None:
    rule = DailyMessages(100, 10)
    assert rule.check(intent(), exposure(messages=89)) is None
    violation = rule.check(intent(), exposure(messages=90))
    assert violation is not None
    assert (violation.limit, violation.value) == (90, 91)
    assert rule.check(intent(Side.SELL), exposure(messages=99, position=1)) is None


def rests(k: int) -> Intent:
    return intent(k=k, kind=OrderType.LIMIT, price_ticks=17_390)


def started() -> Trader:
    trader = a_trader({"daily_messages": {"max_messages": 3, "reserved": 1}})
    trader.handle(tick(), OPEN)
    return trader


def test_orders_and_cancels_count_and_a_cancel_always_leaves() -> None:
    trader = started()
    trader.handle(rests(1), OPEN)
    (cancel,) = trader.handle(Revoke("s", 1, 2, OPEN, 1, 1), OPEN)
    assert isinstance(cancel, Cancel)
    (refused,) = trader.handle(rests(3), OPEN)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.limit, refused.value) == ("daily_messages", 2, 3)
    assert trader.risk.state.messages == 2


def test_the_next_trading_day_which_begins_at_15_00_counts_anew() -> None:
    trader = started()
    trader.handle(rests(1), OPEN)
    trader.handle(rests(2), OPEN)
    evening = OPEN + (6 * 60 + 16) * 60 * 10**9  # 15:01, of the trading day of the 27th.
    trader.handle(tick(at=evening), evening)
    asked = intent(cause_seq=2, at=evening, kind=OrderType.LIMIT, price_ticks=17_390)
    said = trader.handle(asked, evening)
    assert [type(message) for message in said] == [Placed, Submit]
    assert (trader.risk.state.day, trader.risk.state.messages) == (20210727, 1)


def test_no_number_is_too_many_unless_told() -> None:
    assert DailyMessages().off
