"""Terms by the clock: a broker tells the price limits and margins of the next trading day at a login."""

import msgspec
import pytest

from autofutures.domain.messages import Accepted, LinkChanged, Rejected, SessionEnded
from autofutures.matching.broker import Broker
from autofutures.matching.exchange import Exchange
from autofutures.matching.prints import PrintMarket
from tests.makers import OPEN, TXF, tick
from tests.unit.matching.test_broker import logged_in, reports, resting, trade


def test_a_login_after_a_trading_day_tells_the_price_limits_and_the_margin_of_the_next() -> None:
    broker = logged_in()
    trade(broker, OPEN + 1, price_ticks=17_390)
    broker.passed(tick(17_405, 1, OPEN + 2))
    broker.market(SessionEnded(TXF, OPEN + 3, 20210726, "day"), OPEN + 3)
    broker.drop(OPEN + 4)
    (link, *_) = broker.connect(OPEN + 5)
    limits, margins = {TXF: (15_665, 19_145)}, {TXF: 209_000}  # 6 % of 3,481,000 is 208,860.
    assert link == LinkChanged("paper", OPEN + 5, up=True, session=2, limits=limits, margins=margins)
    trade(broker, OPEN + 6)
    for number, price_ticks in enumerate((15_664, 15_665)):
        at_limit = resting(f"o{number}", OPEN + 6)
        order = msgspec.structs.replace(at_limit, price_ticks=price_ticks)
        broker.hear(order, 2, OPEN + 6)
    told = [type(report) for report in reports(trade(broker, OPEN + 7))]
    assert told == [Rejected, Accepted]


@pytest.mark.parametrize(
    ("symbol", "session", "price_ticks"),
    [
        (TXF, "night", 17_400),  # The trading day goes on.
        (TXF, "day", 0),  # Nothing was traded.
        ("TAIFEX:TXF202108/202109", "day", 17),
        ("CME:ESU21", "day", 17_400),
    ],
)
def test_of_other_ends_nothing_is_told(symbol: str, session: str, price_ticks: int) -> None:
    broker = Broker(Exchange({symbol: PrintMarket()}))
    if price_ticks:
        broker.passed(tick(price_ticks, symbol=symbol))
    broker.market(SessionEnded(symbol, OPEN + 3, 20210726, session), OPEN + 3)
    assert broker.connect(OPEN + 5)[0] == LinkChanged("paper", OPEN + 5, up=True, session=1)
