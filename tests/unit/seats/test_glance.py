import msgspec

from autofutures.config import StrategySettings
from autofutures.domain.messages import Filled, Tick
from autofutures.domain.units import SECOND, Side
from autofutures.seats.glance import Glance
from tests.makers import TXF
from tests.unit.seats.house import House, a_run

OWN = StrategySettings(
    name="pinger", use="pinger", symbols=(TXF,), settings={"every": 1}, exits="own", book_stop=10**9
)


def test_a_held_lot_is_shown_with_its_price_its_profit_and_what_covers_it() -> None:
    with House(a_run(OWN)).begin() as house:
        house.ticks()
        [submit] = house.venue.submits
        fill = Filled(submit.client_id, house.now, "f1", TXF, Side.BUY, 1, 17_400)
        house.venue.said.append((fill, house.now))
        house.talk()
        house.ticks(price_ticks=17_410)
        house.beat()
        seen = Glance(house.run, house.trader).look(house.now)
    [holding] = msgspec.convert(seen["holdings"], list[dict[str, object]])
    assert (holding["strategy"], holding["position"], holding["covered"]) == ("pinger", 1, 1)
    assert (holding["average"], holding["last"], holding["unrealised"]) == ("17400", "17410", 2_000)
    assert holding["exits"] == ("book stop",)
    markets = msgspec.convert(seen["markets"], dict[str, dict[str, object]])
    assert (markets[TXF]["position"], markets[TXF]["limit"], markets[TXF]["session"]) == (1, 100, "day")
    assert seen["link"] == {"up": True, "reconciled": True}


def test_the_newest_refusal_is_shown_first() -> None:
    limits = {"position": {"max_contracts": 1}}
    with House(msgspec.structs.replace(a_run(OWN), limits=limits)).begin() as house:
        for _ in range(4):
            house.now += SECOND
            house.ticks()
        house.beat()
        refusals = msgspec.convert(Glance(house.run, house.trader).look(house.now)["refusals"], list[str])
    newest = house.trader.tally.newest_refusals
    assert len(refusals) == len(newest) > 0
    assert refusals[0] == f"pinger: {newest[-1].rule}: {newest[-1].reason}"


def test_a_trade_that_waited_is_told_once() -> None:
    with House().begin() as house:
        at = house.now
        house.now = at + SECOND
        house.gateway.from_venue([(Tick(TXF, at, 17_400, 1), at)])
        house.talk()
        house.beat()
        glance = Glance(house.run, house.trader)
        assert glance.look(house.now)["queues"] == {"lag_ms": 1_000.0, "recorder_frames": 0}
        assert glance.look(house.now)["queues"] == {"lag_ms": 0.0, "recorder_frames": 0}
