"""The recorder keeps the whole stream, and what it missed as a gap with a count."""

from autofutures.domain.messages import Gap, Heartbeat, Tick
from autofutures.seats.port import RECORDER, TRADER
from autofutures.seats.recorder import RecorderSeat
from tests.unit.seats.house import End, House, a_run


def market(house: House) -> list[object]:
    return [m if isinstance(m, Gap) else "tick" for m in house.tape.messages if isinstance(m, (Gap, Tick))]


def test_it_keeps_what_is_said_and_not_that_somebody_is_there() -> None:
    with House(a_run(every=9)).begin() as house:
        house.ticks(2)
        house.beat()
        assert market(house) == ["tick", "tick"]
        assert not [m for m in house.tape.messages if isinstance(m, Heartbeat)]


def test_what_it_missed_while_it_was_dead_is_a_gap_with_a_count() -> None:
    with House(a_run(every=9)).begin() as house:
        house.ticks(2)
        house.beat()
        house.lost.add((TRADER, RECORDER))
        house.ticks(4)
        house.beat()
        house.lost.clear()
        house.recorder = RecorderSeat(house.tape, End(house, RECORDER), house.lives, house.recorder.seen)
        house.beat()
        house.ticks()
        house.beat()
        kept = market(house)
        assert [kept[0], kept[1], kept[-1]] == ["tick", "tick", "tick"]
        lost = [(gap.source, gap.missed) for gap in kept if isinstance(gap, Gap)]
        assert lost == [("trader", 2), ("trader.market", 4)]  # A batch of trades, and a beat, were noted too.


def test_a_new_trader_is_greeted_by_a_new_life() -> None:
    with House(a_run(every=9)).begin() as house:
        life = house.recorder.life
        house.new_trader()
        house.beat(3)
        assert house.recorder.life > life
        assert house.recorder.greeted
