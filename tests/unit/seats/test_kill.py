"""The kill switch at the gateway: its broker's books judge, whatever trader and strategy go on to want."""

from collections.abc import Sequence

import msgspec
import pytest

from autofutures.assemble.nodes import view_of
from autofutures.bus.codec import Outbox
from autofutures.config import StrategySettings
from autofutures.domain.messages import Alert, AnyMessage, Kill, Killed, Query, Reconciled, Submit, Traded
from autofutures.domain.units import SECOND, KillLevel, Mode, OrderType, Side, TimeInForce
from autofutures.orders.ids import is_kill_id
from autofutures.orders.kill import KeptInMemory, KillState, KillSwitch
from autofutures.seats.gateway import GatewaySeat
from autofutures.seats.port import GATEWAY, TRADER, Watch
from tests.makers import TXF, submit
from tests.unit.seats.broker_house import BrokerHouse
from tests.unit.seats.house import End, a_run

FLATTEN = KillLevel.FLATTEN


class KillHouse(BrokerHouse):
    """A broker's house whose gateway can be killed; its strategy buys and sells by turns, at each trade."""

    def __init__(self, strategy: StrategySettings | None = None) -> None:
        self.kept = KeptInMemory()
        self.number = 0
        super().__init__(a_run(strategy) if strategy is not None else a_run())

    def new_gateway(self) -> GatewaySeat:
        super().new_gateway()
        self.switch = KillSwitch(self.kept, view_of(self.run))
        self.gateway = GatewaySeat(self.log, self.venue, End(self, GATEWAY), self.watch, self.switch)
        return self.gateway

    def beat(self, times: int = 1) -> None:
        for _ in range(times):
            super().beat()
            self._link.now = self.now
            self.gateway.attend(self.now)
            self.talk()

    def kill(self, level: KillLevel = FLATTEN) -> None:
        self.number += 1
        self._link.now = self.now
        self.gateway.asked_to_kill(Kill(self.number, self.now, level, "a test"), self.now)
        self.talk()

    def wait(self, seconds: float = 2.0, price: int = 17_400) -> None:
        """Time passes, and the market trades."""
        for _ in range(round(seconds * 10)):
            self.beat()
            self.trade(price)

    def admits(self) -> bool:
        return self.switch.admits

    def positions(self) -> dict[str, int]:
        return self.broker.statement().positions

    def kill_orders(self) -> list[tuple[str, int]]:
        return [(line.client_id, line.qty) for line in self.at_broker if is_kill_id(line.client_id)]


def holding(qty: int = 1) -> KillHouse:
    """A house whose account holds so many contracts, by orders of the trader's own."""
    house = KillHouse()
    house.begin()
    while house.positions().get(TXF, 0) < qty:
        house.trade(17_400)
    return house


def ask(house: KillHouse, order: Submit, epoch: int = 1) -> None:
    house.gateway.hear(
        TRADER, Outbox(f"by hand {order.client_id}", epoch).frame((order,), house.now), house.now
    )


def told(house: KillHouse, kind: type[AnyMessage]) -> list[AnyMessage]:
    outputs = [m for batch in house.journal.batches() for m in (*batch.inputs, *batch.outputs)]
    return [message for message in outputs if isinstance(message, kind)]


def test_all_is_closed_while_the_trader_hears_nothing() -> None:
    with holding() as house:
        house.cut |= {(TRADER, GATEWAY), (GATEWAY, TRADER)}
        house.kill()
        house.wait()
        assert house.positions() == {}
        assert [qty for _, qty in house.kill_orders()] == [1]
        assert house.switch.done


def test_a_strategy_that_goes_on_sending_gets_nothing_out() -> None:
    with holding() as house:
        before = len(house.at_broker)
        house.kill()
        house.wait(3)
        assert house.positions() == {}
        assert len(house.at_broker) == before + len(house.kill_orders())
        assert house.broker.statement().orders_per_client_id_max == 1


def test_what_the_kill_switch_closed_enters_the_books_of_the_next_trader() -> None:
    with holding() as house:
        house.kill()
        house.wait()
        house.new_trader()
        house.wait()
        assert house.trader.positions() == {TXF: 0}
        fills = {line.fill_id for line in house.broker.statement().fills}
        assert {fill.fill_id for fill in told(house, Traded) if isinstance(fill, Traded)} == fills
        assert house.trader.trader.inquiry.standing.unexplained == {}


def test_the_trader_of_before_is_not_heard_any_more() -> None:
    with holding() as house:
        house.kill()
        house.wait()
        house.kill(KillLevel.NONE)
        house.wait()
        assert house.positions() == {}
        assert house.trader.epoch < house.switch.epoch


def test_after_it_no_trader_is_admitted_before_it_has_compared_its_book_with_the_venue() -> None:
    with holding() as house:
        house.kill()
        house.wait()
        house.kill(KillLevel.NONE)
        house.new_trader()
        before = len(house.at_broker)
        ask(house, submit("o7"), house.trader.epoch)
        assert house.log.was_refused("o7")
        assert not house.admits()
        house.wait(4)
        assert house.admits()
        assert len(house.at_broker) > before


def test_while_it_lasts_an_admitted_trader_gets_nothing_out_either() -> None:
    with holding() as house:
        house.kill()
        house.wait()
        house.new_trader()
        house.wait(4)
        assert house.admits()
        ask(house, submit("o7"), house.trader.epoch)
        assert house.log.was_refused("o7")
        assert house.positions() == {}


def test_a_position_that_waits_for_its_session_is_not_closed_by_the_trader_too() -> None:
    with holding() as house:
        house.cut |= {(TRADER, GATEWAY), (GATEWAY, TRADER)}
        house.kept.state = KillState(number=9, at=house.now, level=FLATTEN)
        house.now += 6 * 3600 * SECOND
        house._link.now = house.now  # noqa: SLF001
        house.beat(2)
        assert house.admits()
        assert house.switch.objection(submit(side=Side.SELL)) == "the kill switch is at flatten"


def test_a_list_asked_for_just_after_the_last_order_may_lack_it_and_admits_nobody() -> None:
    with holding() as house:
        house.cut |= {(TRADER, GATEWAY), (GATEWAY, TRADER)}
        house.kill()
        while house.kept.state.orders or not house.kill_orders():
            house.wait(0.1)
        house.kill(KillLevel.NONE)
        epoch = house.switch.epoch
        for flow, at, admitted in (("early", house.now, False), ("late", house.now + SECOND, True)):
            house.switch.trader_asks(Query(flow, at))
            agreed = Reconciled(flow, at, 0, 0, 0, {})
            assert not house.switch.compared(agreed, epoch - 1)
            assert not house.switch.compared(msgspec.structs.replace(agreed, unexplained={TXF: 1}), epoch)
            assert house.switch.compared(agreed, epoch) is admitted


def test_an_order_in_the_frame_of_the_comparison_was_decided_before_it_and_is_refused() -> None:
    with holding() as house:
        house.cut |= {(TRADER, GATEWAY), (GATEWAY, TRADER)}
        house.kill()
        house.wait()
        house.kill(KillLevel.NONE)
        epoch = house.switch.epoch
        house.switch.trader_asks(Query("q", house.now))
        outbox = Outbox(TRADER, epoch)
        house.gateway.hear(
            TRADER, outbox.frame((submit("o7"), Reconciled("q", 0, 0, 0, 0, {})), house.now), house.now
        )
        assert house.log.was_refused("o7")
        assert house.admits()


def test_a_comparison_from_before_the_last_order_admits_nobody() -> None:
    with holding() as house:
        house.kill()
        house.cut.add((GATEWAY, TRADER))  # What the trader asks now is asked too early.
        house.beat(2)
        assert not house.admits()
        house.kill(KillLevel.NONE)
        assert not house.admits()


def test_a_gateway_that_is_started_again_comes_up_killed_and_goes_on() -> None:
    with holding() as house:
        house.cut.add((TRADER, GATEWAY))
        house.kept.state = KillState(number=5, at=house.now, level=FLATTEN, epoch=2, admits=False)
        house.number = 5
        house.new_gateway()
        ask(house, submit("o9"))
        house.link(up=True)
        house.wait()
        assert house.log.was_refused("o9")
        assert house.positions() == {}


class Gone(Exception):
    """The gateway died here, on purpose."""


class DiesOnce(Watch):
    """Ends the gateway when an order of the kill switch is kept and has not left."""

    def __init__(self) -> None:
        self.died = False

    def at(self, point: str, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        if point == "kill kept" and not self.died and any(isinstance(m, Submit) for m in outputs):
            self.died = True
            raise Gone


def test_an_order_that_was_kept_and_never_left_is_followed_by_another_only_when_that_is_proved() -> None:
    with holding() as house:
        house.watch = DiesOnce()
        house.new_gateway()
        house.link(up=True)
        house.kill()
        try:
            house.wait(1)
        except Gone:
            house.new_gateway()
            house.link(up=True)
        house.beat()
        (lost,) = house.kept.state.orders
        died_at = house.now
        house.wait(3)
        ((followed, _),) = house.kill_orders()
        assert followed != lost.client_id
        assert house.positions() == {}
        (line,) = [line for line in house.at_broker if is_kill_id(line.client_id)]
        assert line.at - died_at >= SECOND


def test_a_position_above_the_cap_goes_in_several_orders() -> None:
    with KillHouse() as house:
        house.begin()
        house.trade(17_400)
        for number in range(3):
            ask(house, submit(f"h{number}", side=Side.BUY, qty=8))
        house.trade(17_400, 17_400)
        held = house.positions()[TXF]
        house.kill()
        house.wait()
        assert house.positions() == {}
        assert [qty for _, qty in house.kill_orders()] == [10, 10, held - 20]


def test_what_works_is_taken_back() -> None:
    with KillHouse() as house:
        house.begin()
        rests = msgspec.structs.replace(
            submit("r1"), type=OrderType.LIMIT, price_ticks=17_000, tif=TimeInForce.ROD
        )
        ask(house, rests)
        house.trade(17_400)
        house.kill(KillLevel.CANCEL)
        house.wait()
        (line,) = [line for line in house.at_broker if line.client_id == "r1"]
        assert line.status == "canceled"
        assert house.switch.done


def test_without_entries_an_order_that_reduces_goes_out_and_no_other() -> None:
    with KillHouse() as house:
        house.begin()
        house.cut.add((TRADER, GATEWAY))
        ask(house, submit("h1", side=Side.BUY))
        house.trade(17_400)
        house.kill(KillLevel.ENTRIES)
        house.beat(2)
        ask(house, submit("e1", side=Side.BUY))
        ask(house, submit("e2", side=Side.SELL, qty=2))
        ask(house, submit("x1", side=Side.SELL))
        ask(house, submit("x2", side=Side.SELL))  # Together with x1 it would open.
        assert [house.log.was_refused(name) for name in ("e1", "e2", "x1", "x2")] == [True, True, False, True]


def test_the_trader_is_told_and_opens_nothing() -> None:
    with holding() as house:
        house.kill(KillLevel.ENTRIES)
        house.beat()
        standing = house.trader.trader.inquiry.standing
        assert standing.mode is Mode.REDUCING
        assert "the kill switch is at entries, by a test" in standing.reasons
        assert [alert.subject for alert in told(house, Alert) if isinstance(alert, Alert)] == ["entries"]
        house.kill(KillLevel.NONE)
        house.beat()
        assert house.trader.trader.inquiry.standing.mode is Mode.NORMAL


def test_a_trader_that_missed_the_resume_hears_of_it_from_the_next_gateway() -> None:
    with holding() as house:
        house.kill(KillLevel.ENTRIES)
        house.beat()
        house.lost = {(GATEWAY, TRADER)}
        house.kill(KillLevel.NONE)  # Its gateway has kept it, and dies before the trader hears.
        house.lost = set()
        house.new_gateway()
        house.beat()
        house.link(up=True)
        house.wait(4)
        assert house.trader.trader.inquiry.standing.mode is Mode.NORMAL


@pytest.mark.parametrize("level", [KillLevel.ENTRIES, FLATTEN])
def test_a_trader_that_missed_the_resume_asks_when_it_notices_that_words_are_lost(level: KillLevel) -> None:
    with holding() as house:
        house.kill(level)
        house.wait()
        house.new_trader()
        house.wait(4)
        house.lost = {(GATEWAY, TRADER)}
        house.kill(KillLevel.NONE)
        house.lost = set()
        house.wait(4)
        assert house.trader.trader.inquiry.standing.mode is Mode.NORMAL


def test_while_the_session_is_closed_it_says_so_and_stays_armed() -> None:
    with holding() as house:
        house.now += 6 * 3600 * SECOND  # Past the close of the day session.
        house._link.now = house.now  # noqa: SLF001
        house.kill()
        for _ in range(5):
            house.beat()
        status = house.switch.status(house.now)
        assert not status.done
        assert "its session is closed: armed until it opens" in status.text
        assert house.kill_orders() == []


def test_only_resume_lowers_the_level() -> None:
    with holding() as house:
        house.kill()
        house.kill(KillLevel.ENTRIES)
        assert house.switch.level is FLATTEN
        house.kill(KillLevel.NONE)
        assert house.switch.level is KillLevel.NONE


def test_what_is_asked_for_twice_is_done_once() -> None:
    with holding() as house:
        house.kill()
        epoch = house.switch.epoch
        house.gateway.asked_to_kill(Kill(house.number, house.now, FLATTEN), house.now)
        assert house.switch.epoch == epoch
        assert len([killed for killed in told(house, Killed) if isinstance(killed, Killed)]) == 1


def test_a_session_that_the_kill_switch_has_ended_is_no_trouble_and_a_broken_one_is() -> None:
    with holding() as house:
        house.kill(KillLevel.DISCONNECT)
        house.wait()
        assert house.switch.done
        house.gateway.left(house.now, "paper", "the kill switch has disconnected")
        assert house.switch.status(house.now).text.startswith("no session with the venue: armed")
        house.switch.left()
        status = house.switch.status(house.now)
        assert (status.done, status.text) == (True, "")
        house.link(up=True)
        assert not house.switch.status(house.now).done
