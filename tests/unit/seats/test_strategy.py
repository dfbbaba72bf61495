"""A strategy knows what it must before it decides, and begins afresh when it may have missed some of it."""

from autofutures.bus.codec import Outbox
from autofutures.domain.messages import OrderChanged, Restored, Tick
from autofutures.domain.order_life import Status
from autofutures.seats.port import TRADER
from tests.makers import TXF
from tests.unit.seats.house import PINGER, House, a_run


def test_it_hears_nothing_before_the_answer_to_its_own_greeting() -> None:
    with House() as house:
        older = Restored("pinger", 7, b"", (), (), (), {})
        frame = Outbox(TRADER, 1).frame((older, Tick(TXF, house.now, 17_400, 1)), house.now, cause=99)
        house.strategy.hear(TRADER, frame, house.now)
        assert not house.strategy.restored
        assert not house.frames


def test_an_older_trader_has_no_say() -> None:
    with House().begin() as house:
        house.new_trader()
        house.beat(3)
        life = house.strategy.life
        house.strategy.hear(TRADER, Outbox(TRADER, 1).frame((Tick(TXF, 1, 1, 1),), 1), house.now)
        assert (house.strategy.life, house.frames) == (life, type(house.frames)())


def test_a_new_trader_is_greeted_by_a_new_life() -> None:
    with House().begin() as house:
        life = house.strategy.life
        house.new_trader()
        house.beat(2)
        assert house.strategy.life > life
        assert house.strategy.restored
        house.ticks()
        assert len(house.venue.submits) == 1


def test_lost_trades_are_a_gap_and_lost_words_of_the_trader_a_new_life() -> None:
    with House(a_run(every=5)).begin() as house:
        life = house.strategy.life
        house.lost.add((TRADER, PINGER))
        house.ticks()
        house.lost.clear()
        house.beat()
        assert house.strategy.life == life
        house.lost.add((TRADER, PINGER))
        house.ticks(4)
        changed = OrderChanged("o1", "pinger", 1, 1, house.now, TXF, Status.WORKING, 0, 1)
        house.trader._stream.append(changed)  # noqa: SLF001 - said to strategies by itself, as a report makes it
        house.trader._outputs.append(changed)  # noqa: SLF001
        house.trader.settle(house.now)
        house.talk()
        house.lost.clear()
        house.beat(2)
        assert house.strategy.life > life
        assert house.strategy.restored


def test_a_greeting_that_was_heard_twice_is_answered_once_for_the_strategy() -> None:
    with House() as house:
        house.strategy.beat(house.now)
        house.frames.append(house.frames[0])
        house.talk()
        house.begin()
        house.ticks()
        assert house.strategy.restored
        assert len(house.venue.submits) == 1
