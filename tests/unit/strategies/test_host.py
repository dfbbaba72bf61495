from collections.abc import Sequence
from typing import ClassVar, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    Answer,
    AnyMessage,
    Ask,
    Bar,
    Command,
    CommandRefused,
    Configured,
    ExitMoved,
    Gap,
    Intent,
    Message,
    OrderChanged,
    Placed,
    Quote,
    Refused,
    Restored,
    Saved,
    SessionEnded,
    Stop,
    Tick,
    Traded,
    Woke,
    handle_of,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import Side
from autofutures.market.bars import BarBuilder, parse_span
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.host import Host
from tests.unit.strategies.house import MXF, OPEN, SECOND, TXF, Told, view_of

OTHER = "TAIFEX:TMF202108"


class Ear(Strategy):
    """Writes down what it hears."""

    bars: ClassVar[tuple[str, ...]] = ("1m", "3t")

    _commands: str = ""

    def __init__(self) -> None:
        super().__init__()
        self.known = (0, 0, 0, False)
        self.heard: list[tuple[str, Message]] = []

    @property
    def commands(self) -> str:
        return self._commands

    def on_start(self, event: Restored, ctx: Context) -> None:
        self.known = (ctx.cause_seq, ctx.position, ctx.working, ctx.is_open(7 << 16 | 1))
        self.heard.append(("start", event))

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        self.heard.append(("tick", tick))
        if tick.qty == 99:
            ctx.buy_market(1)

    def on_quote(self, quote: Quote, ctx: Context) -> None:
        self.heard.append(("quote", quote))

    def on_bar(self, bar: Bar, ctx: Context) -> None:
        self.heard.append(("bar", bar))

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        self.heard.append(("order", event))

    def on_fill(self, fill: Traded, ctx: Context) -> None:
        self.heard.append(("fill", fill))

    def on_exit(self, event: ExitMoved, ctx: Context) -> None:
        self.heard.append(("exit", event))

    def on_timer(self, event: Woke, ctx: Context) -> None:
        self.heard.append(("timer", event))

    def on_gap(self, gap: Gap, ctx: Context) -> None:
        self.heard.append(("gap", gap))

    def on_session_close(self, event: SessionEnded, ctx: Context) -> None:
        self.heard.append(("end", event))

    def on_command(self, command: Command, ctx: Context) -> None:
        if command.verb == "fail":
            raise BadInput("no: say please")
        self._commands += command.name

    def conditions(self) -> list[dict[str, int | str | bool]]:
        return [{"name": "c", "quantity": 2}]

    def unpack(self, state: bytes) -> Self:
        self.heard.append(("unpack", Saved("sr", 0, state)))
        return super().unpack(state)


def host(*symbols: str) -> tuple[Host, Ear]:
    ear = Ear()
    return Host("sr", ear, symbols or (TXF,), view_of(TXF, MXF, OTHER)), ear


def names(ear: Ear) -> list[str]:
    return [name for name, _ in ear.heard]


def bars(ear: Ear, span: str) -> list[Bar]:
    return [each for _, each in ear.heard if isinstance(each, Bar) and each.span == span]


def exit_of(strategy: str) -> ExitMoved:
    return ExitMoved(strategy, 1, 1, 0, TXF, Side.BUY, 1, 2, 3)


@pytest.mark.parametrize(
    ("message", "method"),
    [
        (Quote(TXF, OPEN, 1, 1, 2, 1), "quote"),
        (Told.changed(1, Status.WORKING), "order"),
        (Told.refused(1), "order"),
        (Told.traded(1, Side.BUY, 1, 1), "fill"),
        (exit_of("sr"), "exit"),
        (Woke("sr", OPEN, 1), "timer"),
        (Gap("feed", OPEN, 3), "gap"),
        (SessionEnded(TXF, OPEN, 20210726, "day"), "end"),
    ],
)
def test_each_message_has_its_method(message: AnyMessage, method: str) -> None:
    h, ear = host()
    assert h.handle(message, OPEN) == ()
    assert ear.heard == [(method, message)]


@pytest.mark.parametrize(
    "message",
    [
        Tick(OTHER, OPEN, 100, 1),
        Quote(OTHER, OPEN, 1, 1, 2, 1),
        SessionEnded(OTHER, OPEN, 20210726, "day"),
        OrderChanged("c", "else", 1, 1, 0, TXF, Status.WORKING, 0, 1),
        Refused("else", 1, 1, 0, "order_size", 1, 2, "too large"),
        exit_of("else"),
        Woke("else", OPEN, 1),
        Command("f", "else", "add", "x", {}),
        Restored("else", 0, b"", (), (), (), {}),
        Told.placed(1, Side.BUY, 1),
    ],
)
def test_what_belongs_to_others_is_not_heard(message: AnyMessage) -> None:
    h, ear = host()
    assert list(h.handle(message, OPEN)) == []
    assert ear.heard == []


def test_every_market_event_is_counted_whoever_it_is_for() -> None:
    h, _ = host()
    for message in (Tick(OTHER, OPEN, 100, 1), Quote(OTHER, OPEN, 1, 1, 2, 1), Gap("feed", OPEN, 1)):
        h.handle(message, OPEN)
    (intent,) = h.handle(Tick(TXF, OPEN, 100, 99), OPEN + 5)
    assert isinstance(intent, Intent)
    assert (intent.cause_seq, intent.k, intent.at) == (3, 1, OPEN + 5)


class Leg(Strategy):
    """Keeps the leg of each event, and its best bid."""

    def __init__(self) -> None:
        super().__init__()
        self.legs: list[int] = []
        self.bids: list[int] = []

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        self.legs.append(ctx.leg)
        if tick.qty == 99:
            ctx.buy_market(1, leg=1)

    def on_quote(self, quote: Quote, ctx: Context) -> None:
        self.legs.append(ctx.leg)
        self.bids.append(ctx.bid_ticks_of(ctx.leg))

    def on_fill(self, fill: Traded, ctx: Context) -> None:
        self.legs.append(ctx.leg)

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        self.legs.append(ctx.leg)

    def on_session_close(self, event: SessionEnded, ctx: Context) -> None:
        self.legs.append(ctx.leg)


def test_the_leg_is_that_of_the_event_being_heard() -> None:
    strategy = Leg()
    h = Host("sr", strategy, (TXF, MXF), view_of(TXF, MXF, OTHER))
    messages: list[AnyMessage] = [
        Quote(MXF, OPEN, 90, 1, 92, 1),
        Quote(TXF, OPEN, 100, 1, 102, 1),
        Quote(OTHER, OPEN, 7, 1, 8, 1),
        Tick(MXF, OPEN, 91, 1),
        Tick(TXF, OPEN, 101, 99),
        Told.traded(1, Side.BUY, 1, 1, symbol=MXF),
        Told.changed(1, Status.WORKING),
        SessionEnded(MXF, OPEN, 20210726, "day"),
        Tick(TXF, OPEN, 101, 1),
        Told.refused(handle_of(5, 1)),
        Told.refused(handle_of(5, 1)),
    ]
    for message in messages:
        h.handle(message, OPEN)
    assert strategy.legs == [1, 0, 1, 0, 1, 0, 1, 0, 1, 1]
    assert strategy.bids == [90, 100]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 200), st.sampled_from([TXF, MXF])), max_size=40))
def test_bars_are_those_of_a_builder_for_each_contract(trades: Sequence[tuple[int, int, str]]) -> None:
    h, ear = host(TXF, MXF)
    view = view_of(TXF, MXF)
    builders = {(s, span): BarBuilder(s, parse_span(span)) for s in (TXF, MXF) for span in Ear.bars}
    expected: list[Bar] = []
    at = OPEN
    for pause, price, symbol in trades:
        at += pause * SECOND
        h.handle(Tick(symbol, at, price, 1), at)
        session = view.on_tick(symbol, at, price)
        assert session is not None
        for span in Ear.bars:
            expected += builders[symbol, span].on_tick(at, price, 1, session)
    for symbol in (TXF, MXF):
        h.handle(SessionEnded(symbol, at, 20210726, "day"), at)
        flushed = [builders[symbol, span].flush() for span in Ear.bars]
        expected += [bar for bar in flushed if bar is not None]
    assert [each for _, each in ear.heard if isinstance(each, Bar)] == expected


def test_a_bar_is_heard_before_the_trade_that_ends_it_and_before_the_sessions_end() -> None:
    h, ear = host()
    for at, price in ((OPEN, 100), (OPEN + 59 * SECOND, 103), (OPEN + 60 * SECOND, 90)):
        h.handle(Tick(TXF, at, price, 2), at)
    h.handle(SessionEnded(TXF, OPEN, 20210726, "day"), OPEN)
    assert names(ear) == ["tick", "tick", "bar", "bar", "tick", "bar", "end"]
    first, last = bars(ear, "1m")
    assert (first.open_ticks, first.close_ticks, first.qty, first.trades) == (100, 103, 4, 2)
    assert (last.open_ticks, last.trades, last.session) == (90, 1, "day")


def test_a_trade_outside_every_session_is_a_tick_and_no_bar() -> None:
    h, ear = host()
    h.handle(Tick(TXF, OPEN + 6 * 3600 * SECOND - 1800 * SECOND, 100, 1), OPEN)
    h.handle(SessionEnded(TXF, OPEN, 20210726, "day"), OPEN)
    assert names(ear) == ["tick", "end"]


def test_a_command_that_is_taken_is_a_fact_kept_with_the_state() -> None:
    h, ear = host()
    said = h.handle(Command("f", "sr", "add", "x", {"a": 1}), OPEN)
    assert said == [Configured("f", "sr", OPEN, "add", "x", {"a": 1}), Saved("sr", OPEN, ear.pack())]
    assert list(h.handle(Command("f", "sr", "fail", "x", {}), OPEN)) == [
        CommandRefused("f", "sr", OPEN, "no: say please")
    ]


def test_a_question_is_answered_with_the_conditions() -> None:
    h, _ = host()
    assert list(h.handle(Ask("f", "conditions"), OPEN)) == [Answer("f", '[{"name":"c","quantity":2}]')]


def test_a_stop_keeps_the_state() -> None:
    h, ear = host()
    assert h.handle(Stop(OPEN, "done"), OPEN) == [Saved("sr", OPEN, ear.pack())]


FACT = Configured("f", "sr", OPEN, "add", "x", {})


def restored(state: bytes) -> Restored:
    working = Told.changed(7 << 16 | 1, Status.WORKING, filled=1, left=2)
    placed: tuple[Placed, ...] = (Told.placed(7 << 16 | 1, Side.BUY, 3),)
    return Restored("sr", 41, state, (FACT,), placed, (working,), {TXF: 5, OTHER: 9})


def test_a_restart_puts_back_counts_positions_and_orders_before_the_start() -> None:
    h, ear = host()
    h.handle(restored(b""), OPEN)
    assert names(ear) == ["start"]
    assert ear.known == (41, 5, 2, True)
    (intent,) = h.handle(Tick(TXF, OPEN, 100, 99), OPEN)
    assert isinstance(intent, Intent)
    assert intent.cause_seq == 42


def test_commands_are_given_again_only_where_there_is_no_state() -> None:
    h, ear = host()
    h.handle(restored(b""), OPEN)
    assert ear.commands == "x"
    state = ear.pack()
    h, ear = host()
    h.handle(restored(state), OPEN)
    assert names(ear) == ["unpack", "start"]
    assert ear.commands == "x"


def test_a_strategy_that_overrides_nothing_hears_everything_in_silence() -> None:
    class Silent(Strategy):
        bars: ClassVar[tuple[str, ...]] = ("1t",)

    h = Host("sr", Silent(), (TXF,), view_of(TXF))
    messages: list[AnyMessage] = [
        *(Tick(TXF, OPEN, 1, 1), Quote(TXF, OPEN, 1, 1, 2, 1), Gap("feed", OPEN, 1), exit_of("sr")),
        *(Told.changed(1, Status.WORKING), Told.traded(1, Side.BUY, 1, 1), Woke("sr", OPEN, 1)),
        *(SessionEnded(TXF, OPEN, 20210726, "day"), Restored("sr", 0, b"", (), (), (), {})),
    ]
    assert [list(h.handle(message, OPEN)) for message in messages] == [[] for _ in messages]
