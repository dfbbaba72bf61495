"""A request goes out once and is written down before; a report is never dropped, a trade only with its number."""

from collections.abc import Sequence

import pytest

from autofutures.bus.codec import Outbox
from autofutures.domain.messages import Accepted, AnyMessage, Cancel, Gap, LinkChanged, Query, Tick
from autofutures.seats.port import GATEWAY, TRADER, Watch
from tests.makers import TXF, submit
from tests.unit.seats.house import House, a_run


class Killed(Exception):
    """The gateway died here, on purpose."""


class Dies(Watch):
    """Ends the gateway at one point."""

    def __init__(self, point: str) -> None:
        self.point = point

    def at(self, point: str, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        if point == self.point:
            raise Killed


def ask(house: House, *messages: AnyMessage, epoch: int = 1, first: int = 1, up: bool = True) -> None:
    """The trader of that epoch says something, though the house's own does not know."""
    if up:
        house.gateway.from_venue([(LinkChanged("sim", house.now, up, 1), house.now)])
    outbox = Outbox(TRADER, epoch)
    outbox.frame((submit(),) * (first - 1), 0)
    house.gateway.hear(TRADER, outbox.frame(messages, house.now), house.now)


@pytest.mark.parametrize(
    ("point", "written", "sent"),
    [
        ("before log", False, []),
        ("after log", True, []),
        ("after send", True, ["o1"]),
        ("after mark", True, ["o1"]),
    ],
)
def test_an_order_is_written_down_before_it_leaves(point: str, written: bool, sent: list[str]) -> None:
    with House(a_run()) as house:
        house.watch = Dies(point)
        house.new_gateway()
        with pytest.raises(Killed):
            ask(house, submit("o1"))
        assert [order.client_id for order in house.venue.submits] == sent
        assert house.log.write("o1", 1) is not written


def test_an_order_that_comes_again_after_a_restart_does_not_leave_again() -> None:
    with House() as house:
        ask(house, submit("o1"))
        house.new_gateway()
        ask(house, submit("o1"), submit("o2"))
        assert [order.client_id for order in house.venue.submits] == ["o1", "o2"]


def test_an_older_trader_has_no_say() -> None:
    with House() as house:
        ask(house, submit("o2"), epoch=2)
        ask(house, submit("o1"), Cancel("o2", 0, TXF), epoch=1)
        assert [order.client_id for order in house.venue.submits] == ["o2"]
        assert not [message for message in house.venue.sent if isinstance(message, Cancel)]


def test_requests_that_were_lost_are_said_to_be() -> None:
    with House().begin() as house:
        house.lost.add((TRADER, GATEWAY))
        house.ticks()
        house.lost.clear()
        house.beat(2)
        assert [m.source for m in house.tape.messages if isinstance(m, Gap)] == [TRADER]
        assert any(isinstance(message, Query) for message in house.venue.sent)


def test_trades_that_nobody_could_take_are_a_gap_and_reports_wait() -> None:
    with House().begin() as house:
        house.cut.add((GATEWAY, TRADER))
        house.gateway.from_venue(
            [(Tick(TXF, house.now, 17_400, 1), house.now)] * 3
            + [(Accepted("o9", house.now, "X9"), house.now)]
        )
        assert house.gateway.dropped == 3
        house.cut.clear()
        house.ticks()
        heard = [m for m in house.tape.messages if isinstance(m, (Gap, Tick))]
        house.beat()
        heard = [m for m in house.tape.messages if isinstance(m, (Gap, Tick))]
        assert [type(m) for m in heard] == [Gap, Tick]
        assert house.trader.tally.ticks_lost == 3
        assert [m for batch in house.journal.batches() for m in batch.inputs if isinstance(m, Accepted)]


def test_a_loss_comes_to_light_though_nothing_follows_but_signs_of_life() -> None:
    with House().begin() as house:
        house.cut.add((GATEWAY, TRADER))
        house.ticks(5)
        house.cut.clear()
        house.beat(2)
        assert house.trader.tally.ticks_lost == 5


def test_a_burst_goes_in_frames_of_a_bounded_length() -> None:
    with House().begin() as house:
        house.gateway.from_venue([(Tick(TXF, house.now, 17_400, 1), house.now)] * 1_100)
        assert len(house.frames) == 3
        house.talk()
        assert house.trader.tally.ticks_seen == 1_100


def test_before_the_venue_has_said_that_its_link_is_up_an_order_is_refused_at_once() -> None:
    with House(a_run()) as house:
        ask(house, submit("o1"), up=False)
        assert house.venue.submits == []
        assert house.log.was_refused("o1")
