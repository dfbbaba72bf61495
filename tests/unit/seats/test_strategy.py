"""A strategy knows what it must before it decides, and begins afresh when it may have missed some of it."""

from autofutures.bus.codec import Outbox
from autofutures.domain.messages import OrderChanged, Placed, Refused, Restored, Submit, Tick
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


def test_a_new_life_does_not_number_its_decisions_as_the_old_one_did() -> None:
    with House().begin() as house:
        house.ticks()
        house.new_strategy()
        house.beat(2)
        [first] = [fact for fact in house.journal.facts() if isinstance(fact, Placed)]
        [restored] = [m for m in house.tape.messages if isinstance(m, Restored) and m.cause_seq]
        assert (restored.cause_seq, restored.k) == (first.intent.cause_seq, first.intent.k)
        ctx = house.strategy._host._ctx  # noqa: SLF001 - what a strategy does when it starts
        ctx.now = house.now
        ctx.buy_market(1)
        said = Outbox(PINGER, house.strategy.life).frame(ctx.take_said(None), house.now)
        house.trader.hear(PINGER, said, house.now)
        house.trader.settle(house.now)
        assert not [fact for fact in house.journal.facts() if isinstance(fact, Refused)]
        assert len([fact for fact in house.journal.facts() if isinstance(fact, Submit)]) == 2


def test_decisions_that_nobody_could_take_are_not_waited_for() -> None:
    with House().begin() as house:
        life = house.strategy.life
        house.cut.add((PINGER, TRADER))
        house.ticks()
        house.cut.clear()
        house.beat(2)
        assert house.venue.submits == []
        assert (house.strategy.life, house.strategy.restored) == (house.lives.life, True)
        assert house.strategy.life > life
        assert house.strategy._host._ctx.working == 0  # noqa: SLF001 - it would be 1 for ever


def test_decisions_that_were_lost_on_their_way_are_not_waited_for() -> None:
    with House().begin() as house:
        life = house.strategy.life
        house.lost.add((PINGER, TRADER))
        house.ticks()
        house.lost.clear()
        house.beat(3)
        assert house.venue.submits == []
        assert (house.strategy.life, house.strategy.restored) == (house.lives.life, True)
        assert house.strategy.life > life
        assert house.strategy._host._ctx.working == 0  # noqa: SLF001
