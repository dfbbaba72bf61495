import pytest

from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    Command,
    CommandRefused,
    Configured,
    Ready,
    Restored,
    SessionOpened,
    Tick,
    WakeAt,
)
from autofutures.market import day_changes
from autofutures.market.dates import DAY_NS, taipei_ns
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.host import Host
from tests.unit.strategies.house import House

TXF = "TAIFEX:TXF202608"
LAST_DAY = 20260819
TYPHOON = 20260804
BREAKFAST = taipei_ns(TYPHOON, 7 * 3600)


def view() -> MarketView:
    made = MarketView(Calendar())
    made.add_instrument(instrument(TXF))
    return made


def asked(verb: str = "close", day: object = TYPHOON, reason: object = "typhoon") -> Command:
    values = {"day": day, "reason": reason}
    return Command("f", "", verb, day_changes.NAME, values, "ann")  # type: ignore[arg-type]


def fact(day: int = TYPHOON, verb: str = "close") -> Configured:
    made = day_changes.decide(asked(verb, day), view(), BREAKFAST)
    assert isinstance(made, Configured)
    return made


def test_a_day_that_is_closed_at_breakfast_has_no_session_and_the_night_before_is_the_next_days() -> None:
    market = view()
    noon, night = taipei_ns(TYPHOON, 12 * 3600), taipei_ns(20260803, 22 * 3600)
    assert market.accepts_orders(TXF, noon)
    session = market.session(TXF, night)
    assert session is not None
    assert session.day == TYPHOON

    assert day_changes.apply(fact(), market)

    assert not market.accepts_orders(TXF, noon)
    session = market.session(TXF, night)
    assert session is not None
    assert session.day == 20260805
    assert not day_changes.apply(fact(), market)


def test_a_last_trading_day_that_falls_on_it_moves_to_the_next_and_back() -> None:
    market = view()
    closes_at = market.last_close_at(TXF)
    day_changes.apply(fact(LAST_DAY), market)
    assert market.last_day(TXF) == 20260820
    assert market.last_close_at(TXF) == closes_at + DAY_NS
    market.change_day(LAST_DAY, "open")
    assert (market.last_day(TXF), market.last_close_at(TXF)) == (LAST_DAY, closes_at)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (asked(day=20260230), "20260230 is not a date"),
        (asked(day="soon"), "say which day, and why"),
        (asked(reason=" "), "say which day, and why"),
        (asked("move"), "the calendar knows close and open, not 'move'"),
        (asked(day=20260808), "20260808 is no trading day already"),
        (asked("open"), "20260804 is a trading day already"),
        (asked(day=20260803), "20260803 is over"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(command: Command, says: str) -> None:
    market = view()
    said = day_changes.decide(command, market, BREAKFAST)
    assert isinstance(said, CommandRefused)
    assert says in said.reason


class Opens(Strategy):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[int] = []

    def on_session_open(self, event: SessionOpened, ctx: Context) -> None:
        self.heard.append(event.day)


def test_a_strategy_is_not_told_twice_of_a_session_and_is_woken_at_the_next_that_is_left() -> None:
    strategy = Opens()
    host = Host("sr", strategy, (TXF,), view())
    at = taipei_ns(20260803, 22 * 3600)
    host.handle(Tick(TXF, at, 100, 1), at)
    said = host.handle(fact(), BREAKFAST)
    wakes = [one.at for one in said if isinstance(one, WakeAt)]
    assert wakes == [taipei_ns(20260805, 8 * 3600 + 45 * 60)]  # And no night without a day before it.
    assert strategy.heard == [TYPHOON]
    assert host.handle(fact(), BREAKFAST) == ()


def test_the_trader_keeps_it_tells_whoever_starts_and_knows_it_again() -> None:
    house = House(Opens())
    trader, at = house.trader, house.now
    closed = 20210728
    said = list(trader.handle(asked(day=closed), at))
    assert said == [
        Configured(
            "f", "", at, "close", f"calendar {closed}", {"day": closed, "reason": "typhoon", "who": "ann"}
        )
    ]
    assert not trader.view.calendar.is_trading_day(closed)

    later = House(Opens()).trader
    for kept in trader.facts(at):
        later.fold(kept)
    assert not later.view.calendar.is_trading_day(closed)
    restored, *more = later.handle(Ready("sr", (TXF,)), at)
    assert isinstance(restored, Restored)
    assert said[0] in more


def test_a_condition_that_is_called_calendar_belongs_to_its_strategy() -> None:
    trader = House(Opens()).trader
    assert list(trader.handle(Command("f", "sr", "close", day_changes.NAME, {}, "ann"), 0)) == []
