import pytest

from autofutures.domain.messages import Accepted, AnyMessage, Intent, Placed, Refused
from autofutures.domain.units import OrderType, Side
from autofutures.risk.base import Exposure
from autofutures.risk.self_match import SelfMatch
from tests.makers import OPEN, a_trader, exposure, intent, tick

SELLS = exposure(lowest_sell_ticks=17_410)
BUYS = exposure(highest_buy_ticks=17_390)


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        (intent(), SELLS),
        (intent(kind=OrderType.LIMIT, price_ticks=17_410), SELLS),
        (intent(kind=OrderType.STOP, stop_ticks=17_500), SELLS),
        (intent(Side.SELL), BUYS),
        (intent(Side.SELL, kind=OrderType.LIMIT, price_ticks=17_390), BUYS),
    ],
)
def test_an_order_that_reaches_an_own_one_is_refused(asked: Intent, seen: Exposure) -> None:
    assert SelfMatch(1).check(asked, seen) is not None


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        (intent(kind=OrderType.LIMIT, price_ticks=17_409), SELLS),
        (intent(Side.SELL, kind=OrderType.LIMIT, price_ticks=17_391), BUYS),
        (intent(Side.SELL), SELLS),
        (intent(), exposure()),
    ],
)
def test_an_order_that_reaches_none_passes(asked: Intent, seen: Exposure) -> None:
    assert SelfMatch(1).check(asked, seen) is None


def test_the_trader_knows_what_rests() -> None:
    trader = a_trader({"self_match": {"on": 1}})
    trader.handle(tick(), OPEN)
    rests = intent(Side.SELL, kind=OrderType.LIMIT, price_ticks=17_410)
    said: list[AnyMessage] = [*trader.handle(rests, OPEN)]
    (placed,) = (message for message in said if isinstance(message, Placed))
    trader.handle(Accepted(placed.client_id, OPEN, "V1"), OPEN)
    (refused,) = trader.handle(intent(k=2, strategy="other"), OPEN)
    assert isinstance(refused, Refused)
    assert refused.rule == "self_match"


def test_own_orders_may_meet_unless_told() -> None:
    assert SelfMatch().off
