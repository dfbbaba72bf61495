from collections.abc import Sequence

from autofutures.domain.messages import AnyMessage, Quote, Restored, SessionOpened, Tick, WakeAt, Woke
from autofutures.domain.units import SECOND
from autofutures.market.sessions import Calendar, Session
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.host import Host
from autofutures.strategies.openings import TIMER
from tests.unit.strategies.house import MXF, TXF, view_of

LAST_DAY = 20210818


def sessions(day: int) -> tuple[Session, ...]:
    return Calendar().sessions_of(day, "taifex-index", LAST_DAY)


NIGHT, DAY = sessions(20210817)
LAST_NIGHT, LAST = sessions(LAST_DAY)


class Diary(Strategy):
    """Writes down what it hears of openings and trades, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str, int]] = []

    def on_start(self, event: Restored, ctx: Context) -> None:
        self.heard.append(("start", "", ctx.now))

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        self.heard.append(("tick", ctx.symbols[ctx.leg], ctx.now))

    def on_session_open(self, event: SessionOpened, ctx: Context) -> None:
        assert event.symbol == ctx.symbols[ctx.leg]
        self.heard.append((f"open {event.day} {event.session}", event.symbol, ctx.now))

    def on_last_trading_day(self, event: SessionOpened, ctx: Context) -> None:
        self.heard.append((f"last {event.day}", event.symbol, ctx.now))


class OnlyTrades(Strategy):
    def on_tick(self, tick: Tick, ctx: Context) -> None: ...


def host(*symbols: str) -> tuple[Host, Diary]:
    diary = Diary()
    return Host("sr", diary, symbols or (TXF,), view_of(TXF, MXF)), diary


def timers(said: Sequence[AnyMessage]) -> list[tuple[int, int]]:
    return [(one.at, one.timer) for one in said if isinstance(one, WakeAt)]


def test_a_session_opens_before_its_first_trade_and_the_next_one_is_asked_for() -> None:
    h, diary = host()
    at = NIGHT.opens_at + SECOND
    said = h.handle(Tick(TXF, at, 100, 1), at)
    assert diary.heard == [("open 20210817 night", TXF, at), ("tick", TXF, at)]
    assert timers(said) == [(DAY.opens_at, TIMER)]
    assert h.handle(Tick(TXF, at + 1, 100, 1), at + 1) == ()
    assert len(diary.heard) == 3


def test_a_quiet_market_opens_by_the_clock_and_its_first_trade_opens_nothing() -> None:
    h, diary = host()
    h.handle(Tick(TXF, NIGHT.opens_at, 100, 1), NIGHT.opens_at)
    said = h.handle(Woke("sr", DAY.opens_at, TIMER), DAY.opens_at)
    assert timers(said) == [(LAST_NIGHT.opens_at, TIMER)]
    h.handle(Tick(TXF, DAY.opens_at + 5, 100, 1), DAY.opens_at + 5)
    assert [what for what, _, _ in diary.heard] == [
        "open 20210817 night",
        "tick",
        "open 20210817 day",
        "tick",
    ]


def test_a_trade_at_the_opening_instant_comes_first_and_the_timer_tells_nothing_more() -> None:
    h, diary = host()
    h.handle(Tick(TXF, NIGHT.opens_at, 100, 1), NIGHT.opens_at)
    h.handle(Tick(TXF, DAY.opens_at, 100, 1), DAY.opens_at)
    assert h.handle(Woke("sr", DAY.opens_at, TIMER), DAY.opens_at) == ()
    assert [what for what, _, _ in diary.heard].count("open 20210817 day") == 1


def test_the_last_trading_day_begins_the_evening_before_and_is_told_once() -> None:
    h, diary = host()
    for session in (DAY, LAST_NIGHT, LAST):
        h.handle(Tick(TXF, session.opens_at, 100, 1), session.opens_at)
    assert [(what, at) for what, _, at in diary.heard if what != "tick"] == [
        ("open 20210817 day", DAY.opens_at),
        ("open 20210818 night", LAST_NIGHT.opens_at),
        ("last 20210818", LAST_NIGHT.opens_at),
        ("open 20210818 day", LAST.opens_at),
    ]
    assert h.handle(Woke("sr", LAST.closes_at + SECOND, TIMER), LAST.closes_at + SECOND) == ()


def test_every_leg_is_told_of_with_the_first_thing_that_is_heard() -> None:
    h, diary = host(TXF, MXF)
    at = DAY.opens_at + SECOND
    said = h.handle(Quote(MXF, at, 99, 1, 101, 1), at)
    assert diary.heard == [("open 20210817 day", TXF, at), ("open 20210817 day", MXF, at)]
    assert timers(said) == [(LAST_NIGHT.opens_at, TIMER), (LAST_NIGHT.opens_at, TIMER - 1)]


def test_who_starts_within_a_session_hears_of_it_after_the_start() -> None:
    h, diary = host()
    restored = Restored("sr", 7, b"", (), (), (), {})
    said = h.handle(restored, DAY.opens_at + SECOND)
    assert [what for what, _, _ in diary.heard] == ["start", "open 20210817 day"]
    assert timers(said) == [(LAST_NIGHT.opens_at, TIMER)]


def test_who_starts_between_sessions_is_woken_at_the_next_and_in_a_replay_nothing_is_told_before_its_time() -> (
    None
):
    h, diary = host()
    between = DAY.ends_at + SECOND
    restored = Restored("sr", 7, b"", (), (), (), {})
    assert timers(h.handle(restored, between)) == [(LAST_NIGHT.opens_at, TIMER)]
    assert [what for what, _, _ in diary.heard] == ["start"]
    h, diary = host()
    assert h.handle(restored, 0) == ()


def test_a_strategy_that_asks_for_no_openings_is_not_woken() -> None:
    h = Host("sr", OnlyTrades(), (TXF,), view_of(TXF))
    assert h.handle(Restored("sr", 7, b"", (), (), (), {}), DAY.opens_at) == ()
    assert h.handle(Tick(TXF, DAY.opens_at, 100, 1), DAY.opens_at) == ()
