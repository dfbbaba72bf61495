from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import pytest

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Command,
    Decision,
    Gap,
    OrderChanged,
    Quote,
    Refused,
    Restored,
    SessionEnded,
    Submit,
    Tick,
    Traded,
    WakeAt,
    Woke,
)
from autofutures.domain.units import Side
from autofutures.engine import MAX_ROUNDS, Engine, Lockstep
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.matching.exchange import Exchange
from autofutures.matching.model import FeedEvent
from autofutures.matching.prints import PrintMarket
from autofutures.portfolio.tally import Tally
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.host import Host
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

MS = 1_000_000


def written(message: AnyMessage) -> str:
    return type(message).__name__


class Strategies:
    """Answers what it hears from a script, and remembers what it heard and when."""

    def __init__(self, *answers: Sequence[Decision]) -> None:
        self.answers = list(answers)
        self.heard: list[tuple[int, list[str]]] = []

    def __call__(self, messages: Sequence[AnyMessage], at: int) -> Sequence[Decision]:
        self.heard.append((at - OPEN, [written(message) for message in messages]))
        return self.answers.pop(0) if self.answers else ()


def lockstep_of(ask: Strategies) -> tuple[Lockstep, list[str]]:
    told: list[str] = []
    return Lockstep(a_trader(WIDE), ask, lambda message, at: told.append(written(message))), told


# One event.


def test_reports_are_heard_before_the_market_and_verdicts_after_the_intents() -> None:
    ask = Strategies([intent()], [])
    lockstep, told = lockstep_of(ask)
    (submit,) = lockstep.step([tick()], OPEN, 0)
    assert isinstance(submit, Submit)
    reports: list[AnyMessage] = [Accepted(submit.client_id, OPEN + 1, "X")]
    reports.append(filled(submit.client_id, "F1", Side.BUY, 1, 17_401))
    ask.answers = [[intent(qty=99_999, cause_seq=2)]]
    assert lockstep.step([*reports, tick(at=OPEN + 1)], OPEN + 1, 0) == []
    assert ask.heard == [
        (0, ["Tick"]),
        (1, ["OrderChanged", "Traded", "OrderChanged", "Tick"]),
        (1, ["Refused"]),
    ]
    assert told == ["Tick", "Placed", "Submit", "OrderChanged", "Traded", "OrderChanged", "Tick", "Refused"]


def test_requests_leave_in_the_sequence_in_which_they_were_decided() -> None:
    ask = Strategies([intent(strategy="a"), intent(Side.SELL, strategy="b"), intent(k=2, strategy="a")])
    lockstep, _ = lockstep_of(ask)
    requests = lockstep.step([tick()], OPEN, 0)
    assert [request.client_id[5:] for request in requests] == ["00001", "00002", "00003"]


@pytest.mark.parametrize("message", [Gap("feed", OPEN, 1), SessionEnded(TXF, OPEN, 20210726, "day"), tick()])
def test_what_the_market_says_reaches_strategies_and_tallies(message: AnyMessage) -> None:
    ask = Strategies()
    lockstep, told = lockstep_of(ask)
    lockstep.step([message], OPEN, 0)
    assert ask.heard == [(0, [written(message)])]
    assert told == [written(message)]


def test_what_cannot_be_a_trade_is_told_and_no_strategy_hears_the_tick() -> None:
    ask = Strategies()
    lockstep, told = lockstep_of(ask)
    lockstep.step([tick(0)], OPEN, 0)
    assert "Tick" not in [name for _, names in ask.heard for name in names]
    assert told == ["BadTick"]


def test_what_cannot_be_a_quote_is_told_and_no_strategy_hears_it() -> None:
    ask = Strategies()
    lockstep, told = lockstep_of(ask)
    lockstep.step([Quote(TXF, OPEN, 2, 1, 1, 1)], OPEN, 0)
    assert "Quote" not in [name for _, names in ask.heard for name in names]
    assert told == ["BadQuote"]


def test_strategies_that_answer_every_verdict_are_stopped() -> None:
    ask = Strategies(*[[intent(qty=99_999, cause_seq=1, k=k)] for k in range(1, MAX_ROUNDS + 2)])
    lockstep, _ = lockstep_of(ask)
    with pytest.raises(BrokenInvariant, match=f"answered their own verdicts {MAX_ROUNDS} times"):
        lockstep.step([tick()], OPEN, 0)
    assert len(ask.heard) == MAX_ROUNDS


def test_a_few_answers_to_verdicts_are_no_trouble() -> None:
    ask = Strategies(*[[intent(qty=99_999, cause_seq=1, k=k)] for k in range(1, MAX_ROUNDS)])
    lockstep, _ = lockstep_of(ask)
    assert lockstep.step([tick()], OPEN, 0) == []


def test_everything_is_kept_before_strategies_hear_and_orders_leave_but_silent_ticks_are_not() -> None:
    log: list[str] = []

    def keep(inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], at: int) -> None:
        log.append(f"keep {[written(m) for m in inputs]} {[written(m) for m in outputs]}")

    def ask(messages: Sequence[AnyMessage], at: int) -> Sequence[Decision]:
        log.append(f"ask {[written(m) for m in messages]}")
        return [intent(qty=99_999)] if len(log) == 1 else []

    lockstep = Lockstep(a_trader(WIDE), ask, lambda message, at: None, keep)
    lockstep.step([tick()], OPEN, 0)
    lockstep.step([], OPEN, 0)
    assert log == ["ask ['Tick']", "keep ['Intent'] ['Refused']", "ask ['Refused']"]


# Timers.


def wake(after_ms: int, timer: int) -> WakeAt:
    return WakeAt("s", OPEN + after_ms * MS, timer)


def rings(ask: Strategies) -> list[int]:
    """Milliseconds after the opening at which timers were heard."""
    return [at // MS for at, heard in ask.heard if heard == ["Woke"]]


def test_timers_ring_in_time_order_before_the_next_event_and_never_at_or_after_it() -> None:
    ask = Strategies([wake(30, 1), wake(10, 2), wake(20, 3), wake(20, 4)])
    lockstep, _ = lockstep_of(ask)
    lockstep.step([tick()], OPEN, OPEN + 20 * MS)
    assert rings(ask) == [10]
    assert lockstep.wake_at == OPEN + 20 * MS
    lockstep.step([tick(at=OPEN + 20 * MS)], OPEN + 20 * MS, OPEN + 30 * MS + 1)
    assert rings(ask) == [10, 20, 20, 30]
    assert lockstep.wake_at == 0
    times = [at for at, _ in ask.heard]
    assert all(before <= after for before, after in pairwise(times))


def test_timers_of_one_instant_ring_as_they_were_asked_for() -> None:
    heard: list[int] = []

    def ask(messages: Sequence[AnyMessage], at: int) -> Sequence[Decision]:
        heard.extend(message.timer for message in messages if isinstance(message, Woke))
        return [wake(5, 7), wake(5, 3), wake(5, 5)] if isinstance(messages[0], Tick) else []

    Lockstep(a_trader(WIDE), ask, lambda message, at: None).step([tick()], OPEN, OPEN + 10 * MS)
    assert heard == [7, 3, 5]


def test_a_timer_for_the_past_rings_now() -> None:
    ask = Strategies([WakeAt("s", 5, 1)])
    lockstep, _ = lockstep_of(ask)
    lockstep.step([tick()], OPEN, OPEN + MS)
    assert ask.heard == [(0, ["Tick"]), (0, ["Woke"])]


def test_no_timer_rings_when_there_is_no_next_event() -> None:
    ask = Strategies([wake(1, 1)])
    lockstep, _ = lockstep_of(ask)
    lockstep.step([tick()], OPEN, 0)
    assert rings(ask) == []


def test_a_timer_asked_for_at_the_start_rings_with_the_first_event_at_the_earliest() -> None:
    ask = Strategies()
    lockstep, _ = lockstep_of(ask)
    lockstep.step([WakeAt("s", 5, 1), wake(1, 1), wake(6, 2)], 0, 0)
    lockstep.step([tick(at=OPEN + 5 * MS)], OPEN + 5 * MS, OPEN + 8 * MS)
    assert ask.heard == [(5 * MS, ["Tick"]), (5 * MS, ["Woke"]), (5 * MS, ["Woke"]), (6 * MS, ["Woke"])]


def test_a_strategy_that_asks_for_the_same_moment_again_and_again_is_stopped() -> None:
    def ask(messages: Sequence[AnyMessage], at: int) -> Sequence[Decision]:
        return [WakeAt("s", at, 1)]

    with pytest.raises(BrokenInvariant, match=r"s was woken 1000 times"):
        Lockstep(a_trader(WIDE), ask, lambda message, at: None).step([tick()], OPEN, OPEN + MS)


def test_an_order_of_a_timer_leaves_at_the_timers_time() -> None:
    ask = Strategies([wake(1, 1)], [intent(at=OPEN + MS)])
    lockstep, _ = lockstep_of(ask)
    (submit,) = lockstep.step([tick()], OPEN, OPEN + 2 * MS)
    assert submit.at == OPEN + MS


# A whole run.


class Recorder(Strategy):
    """Writes down what it hears; buys at the ticks it is told to."""

    buy_at: int = 0
    _saved: int = 0
    heard: ClassVar[list[tuple[str, int]]] = []

    def on_start(self, event: Restored, ctx: Context) -> None:
        self.heard.append(("start", 0))

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        self.heard.append(("tick", tick.at - OPEN))
        if ctx.cause_seq == self.buy_at:
            ctx.buy_market(2)

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        self.heard.append(("order", event.at - OPEN))

    def on_fill(self, fill: Traded, ctx: Context) -> None:
        self.heard.append(("fill", fill.at - OPEN))

    def on_session_close(self, event: SessionEnded, ctx: Context) -> None:
        self.heard.append(("end", event.at - OPEN))

    def on_command(self, command: Command, ctx: Context) -> None:
        if command.verb != "add":
            raise BadInput(f"{command.verb}: only add")
        self.heard.append(("command", 0))


class Sleeper(Strategy):
    """Wakes up between two trades and sells."""

    def on_start(self, event: Restored, ctx: Context) -> None:
        ctx.wake_at(OPEN + 15 * MS, 1)

    def on_timer(self, event: Woke, ctx: Context) -> None:
        ctx.sell_market(1)


def engine_of(*strategies: Strategy, latency_ns: int = 0) -> Engine:
    def view() -> MarketView:
        made = MarketView(Calendar())
        made.add(TXF, "taifex-index", 20210818)
        return made

    hosts = [Host(f"s{number}", strategy, [TXF], view()) for number, strategy in enumerate(strategies, 1)]
    exchange = Exchange({TXF: PrintMarket()}, latency_ns)
    return Engine(exchange, a_trader(WIDE), hosts, Tally({TXF: instrument(TXF)}))


def ticks(count: int, qty: int = 1) -> list[FeedEvent]:
    return [tick(17_400 + number, qty, OPEN + number * 10 * MS) for number in range(count)]


@pytest.fixture(autouse=True)
def _nothing_heard() -> None:
    Recorder.heard.clear()


def test_an_order_never_fills_on_its_cause_and_its_report_comes_before_the_trade_that_filled_it() -> None:
    tally = engine_of(Recorder(buy_at=1)).run(ticks(3, qty=5))
    assert Recorder.heard == [
        ("start", 0),
        ("tick", 0),
        ("order", 10 * MS),
        ("fill", 10 * MS),
        ("order", 10 * MS),
        ("tick", 10 * MS),
        ("tick", 20 * MS),
    ]
    (fill,) = tally.fills
    assert (fill.at, fill.price_ticks, fill.qty) == (OPEN + 10 * MS, 17_402, 2)


@pytest.mark.parametrize(("latency_ms", "filled_at"), [(0, 10), (10, 10), (11, 20), (25, 30)])
def test_latency_moves_the_fill_to_the_first_event_at_or_after_it(latency_ms: int, filled_at: int) -> None:
    tally = engine_of(Recorder(buy_at=1), latency_ns=latency_ms * MS).run(ticks(5, qty=5))
    assert [fill.at - OPEN for fill in tally.fills] == [filled_at * MS]
    assert tally.orders[0].intent.at == OPEN


def test_an_order_that_a_timer_decides_between_two_trades_fills_at_the_next() -> None:
    tally = engine_of(Sleeper()).run(ticks(4))
    assert [placed.intent.at - OPEN for placed in tally.orders] == [15 * MS]
    assert [fill.at - OPEN for fill in tally.fills] == [20 * MS]


def test_the_session_end_is_heard_and_what_worked_is_void() -> None:
    end = SessionEnded(TXF, OPEN + 15 * MS, 20210726, "day")
    tally = engine_of(Recorder(buy_at=2)).run([*ticks(2), end])
    assert Recorder.heard[-3:] == [("order", 15 * MS), ("order", 15 * MS), ("end", 15 * MS)]
    assert tally.fills == []


def test_a_limit_stops_after_so_many_ticks_were_given() -> None:
    assert engine_of(Recorder()).run(ticks(9), limit=4).summary().ticks_seen == 4


def test_an_empty_feed_is_a_run_without_anything() -> None:
    summary = engine_of(Recorder(buy_at=1)).run([]).summary()
    assert (summary.ticks_seen, summary.orders) == (0, 0)


def test_strategies_decide_in_their_order() -> None:
    tally = engine_of(Recorder(buy_at=1), Recorder(buy_at=1)).run(ticks(3, qty=9))
    assert [placed.intent.strategy for placed in tally.orders] == ["s1", "s2"]
    assert tally.summary().positions == {TXF: 4}


def test_the_same_feed_gives_the_same_hashes_and_one_changed_tick_does_not() -> None:
    def hashes(feed: list[FeedEvent]) -> tuple[str, str]:
        summary = engine_of(Recorder(buy_at=2)).run(feed).summary()
        return summary.order_hash, summary.fill_hash

    assert hashes(ticks(4)) == hashes(ticks(4))
    later = [ticks(1)[0], tick(17_401, 1, OPEN + 11 * MS), *ticks(4)[2:]]
    assert hashes(later)[0] != hashes(ticks(4))[0]
    dearer = [*ticks(2), tick(17_500, 1, OPEN + 20 * MS), ticks(4)[3]]
    assert hashes(dearer)[0] == hashes(ticks(4))[0]
    assert hashes(dearer)[1] != hashes(ticks(4))[1]


def test_commands_are_given_before_the_first_event_and_a_refused_one_stops_the_run() -> None:
    engine_of(Recorder()).run(
        ticks(1), commands=[Command("f", "s1", "add", "c", {}), Command("f", "s9", "add", "c", {})]
    )
    assert Recorder.heard == [("start", 0), ("command", 0), ("tick", 0)]
    with pytest.raises(BadInput, match="only add"):
        engine_of(Recorder()).run(ticks(1), commands=[Command("f", "s1", "drop", "c", {})])
