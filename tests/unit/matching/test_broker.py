"""The broker on virtual time: each fault alone, and what holds under all of them together."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autofutures.assemble.market import make_broker, make_feed
from autofutures.config import RunSettings
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Cancel,
    Canceled,
    Expired,
    Filled,
    Gap,
    LinkChanged,
    Query,
    Rejected,
    Report,
    SessionEnded,
    Snapshot,
    Submit,
    Tick,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import MINUTE, SECOND, OrderType, Side, TimeInForce
from autofutures.matching.broker import Broker
from autofutures.matching.exchange import Exchange
from autofutures.matching.faults import BrokerFaults, read_faults
from autofutures.matching.prints import PrintMarket
from autofutures.matching.said import NEVER
from autofutures.orders.policy import Policy
from tests.makers import OPEN, TXF, submit, tick

MS = 1_000_000


def a_broker(seed: int = 1, **faults: int) -> Broker:
    """A broker behind whose faults an exchange gives every order what it asks for."""
    return Broker(Exchange({TXF: PrintMarket(slippage_ticks=0)}), read_faults(faults), seed)


def logged_in(seed: int = 1, **faults: int) -> Broker:
    broker = a_broker(seed, **faults)
    broker.connect(OPEN)
    return broker


def trade(broker: Broker, at: int, qty: int = 9, price_ticks: int = 17_400) -> list[AnyMessage]:
    """A trade happens; what is said by then."""
    broker.market(tick(price_ticks, qty, at), at)
    return broker.say(at)


def reports(said: Sequence[AnyMessage]) -> list[Report]:
    return [message for message in said if isinstance(message, Report)]


def kinds(said: Sequence[AnyMessage]) -> list[type[AnyMessage]]:
    return [type(message) for message in said]


def everything(broker: Broker, until: int) -> list[AnyMessage]:
    """All that is still said by then, each at its time."""
    said: list[AnyMessage] = []
    while broker.due_at <= until:
        said += broker.say(broker.due_at)
    return said


def resting(client_id: str, at: int, qty: int = 1) -> Submit:
    return submit(client_id, Side.BUY, qty, OrderType.LIMIT, price_ticks=17_000, tif=TimeInForce.ROD, at=at)


def a_list(broker: Broker, at: int, flow: str = "q") -> Snapshot:
    """The list as it is answered, at once."""
    broker.hear(Query(flow, at), broker.session, at)
    (snapshot,) = [message for message in broker.say(at) if isinstance(message, Snapshot)]
    return snapshot


# Sessions


def test_a_login_begins_a_session() -> None:
    broker = a_broker()
    assert broker.connect(OPEN) == [LinkChanged("paper", OPEN, up=True, session=1)]
    assert broker.up


def test_before_the_first_login_the_market_is_said_to_nobody_and_missed_by_nobody() -> None:
    broker = a_broker()
    assert trade(broker, OPEN) == []
    assert kinds(broker.connect(OPEN + 1)) == [LinkChanged]


def test_a_later_login_declares_what_was_missed_of_the_market() -> None:
    broker = logged_in()
    broker.drop(OPEN)
    for number in range(3):
        assert trade(broker, OPEN + number) == []
    said = broker.connect(OPEN + 9)
    assert said == [LinkChanged("paper", OPEN + 9, up=True, session=2), Gap("exchange.market", OPEN + 9, 3)]


def test_a_broken_link_is_a_gap_even_where_all_was_said() -> None:
    broker = logged_in()
    trade(broker, OPEN)
    broker.drop(OPEN)
    assert Gap("exchange.market", OPEN + 1, 1) in broker.connect(OPEN + 1)


def test_a_second_login_ends_the_first_session() -> None:
    broker = logged_in()
    broker.connect(OPEN + 1)
    broker.hear(submit("o1"), 1, OPEN + 2)
    broker.hear(submit("o2"), 2, OPEN + 2)
    assert [entry.client_id for entry in broker.ledger.orders.values()] == ["o2"]
    assert broker.faults["of an old session"] == 1


def test_what_was_sent_in_a_dead_session_is_not_heard() -> None:
    broker = logged_in()
    broker.drop(OPEN)
    for request in (submit("o1"), Cancel("o1", OPEN, TXF), Query("q", OPEN)):
        broker.hear(request, 1, OPEN)
    assert not broker.ledger.orders
    assert broker.faults["of an old session"] == 3
    assert broker.due_at == NEVER


def test_without_replay_reports_of_a_dead_link_are_never_said() -> None:
    broker = logged_in()
    broker.hear(submit("o1"), 1, OPEN)
    broker.drop(OPEN)
    trade(broker, OPEN + 1)
    assert reports(broker.connect(OPEN + 2)) == []
    assert reports(trade(broker, OPEN + 3)) == []
    assert broker.ledger.positions == {TXF: 1}


def test_with_replay_they_are_said_at_the_login_behind_some_that_were_heard() -> None:
    broker = logged_in(replay=1_000)
    broker.hear(submit("o1"), 1, OPEN)
    first = reports(trade(broker, OPEN + 1))
    broker.hear(submit("o2"), 1, OPEN + 1)
    broker.drop(OPEN + 1)
    trade(broker, OPEN + 2)
    said = reports(broker.connect(OPEN + 3))
    assert said[: len(first)] == first
    assert [(type(report), report.client_id) for report in said[len(first) :]] == [
        (Accepted, "o2"),
        (Filled, "o2"),
    ]
    assert broker.faults["replay"] == 1


def test_a_broker_that_ends_the_session_says_so_and_takes_no_login_for_a_while() -> None:
    broker = logged_in(disconnect=1_000, away_ns=SECOND)
    said = trade(broker, OPEN + 1)
    assert said == [
        LinkChanged("paper", OPEN + 1, up=False, session=1, reason="the broker ended the session")
    ]
    assert not broker.up
    assert broker.connect(OPEN + 1) == ()
    assert kinds(broker.connect(OPEN + 1 + SECOND)) == [LinkChanged, Gap]


def test_a_market_with_a_book_has_the_same_troubles() -> None:
    run = RunSettings(
        symbols=("TAIFEX:TXF202608",),
        day=20260803,
        source="generated",
        trades=400,
        length_ns=MINUTE,
        faults={"stranger": 50, "disconnect": 50, "away_ns": 1},
    )
    broker = make_broker(run)
    for event in make_feed(run):
        if not broker.up:
            broker.connect(event.at)
        broker.market(event, event.at)
        broker.say(event.at)
    statement = broker.statement()
    assert statement.sessions > 3
    assert statement.faults["stranger"] > 3
    assert statement.positions == statement.strangers


# Orders


def test_an_honest_broker_says_reports_and_then_the_trade() -> None:
    broker = logged_in()
    broker.hear(submit("o1", qty=2), 1, OPEN)
    assert broker.due_at == NEVER
    assert trade(broker, OPEN + 1) == [
        Accepted("o1", OPEN + 1, "B1"),
        Filled("o1", OPEN + 1, "XF1", TXF, Side.BUY, 2, 17_400),
        tick(17_400, 9, OPEN + 1),
    ]


def test_a_request_that_arrives_twice_is_two_orders() -> None:
    broker = logged_in()
    for _ in range(2):
        broker.hear(submit("o1"), 1, OPEN)
    trade(broker, OPEN + 1)
    statement = broker.statement()
    assert statement.orders_per_client_id_max == 2
    assert statement.positions == {TXF: 2}
    assert [line.venue_id for line in statement.orders] == ["B1", "B2"]


def test_a_cancel_takes_back_the_order_under_its_own_id() -> None:
    broker = logged_in()
    broker.hear(resting("o1", OPEN, qty=3), 1, OPEN)
    trade(broker, OPEN + 1)
    broker.hear(Cancel("o1", OPEN + 1, TXF), 1, OPEN + 1)
    assert reports(trade(broker, OPEN + 2)) == [Canceled("o1", OPEN + 2, 3, "asked to")]


@pytest.mark.parametrize("client_id", ["o1", "never"])
def test_there_is_nothing_to_cancel_of_an_order_that_is_over_or_never_was(client_id: str) -> None:
    broker = logged_in()
    broker.hear(submit("o1"), 1, OPEN)
    trade(broker, OPEN + 1)
    broker.hear(Cancel(client_id, OPEN + 1, TXF), 1, OPEN + 2)
    (rejected,) = reports(broker.say(OPEN + 2))
    assert isinstance(rejected, Rejected)
    assert (rejected.client_id, rejected.of_cancel) == (client_id, True)


def test_the_end_of_a_session_expires_what_works_and_what_comes_later_is_refused() -> None:
    broker = logged_in()
    broker.hear(resting("o1", OPEN), 1, OPEN)
    trade(broker, OPEN + 1)
    broker.hear(resting("o2", OPEN + 1), 1, OPEN + 1)
    broker.market(SessionEnded(TXF, OPEN + 2, 20210726, "day"), OPEN + 2)
    assert kinds(broker.say(OPEN + 2)) == [Accepted, Expired, Expired, SessionEnded]
    broker.hear(submit("o3"), 1, OPEN + 3)
    assert reports(broker.say(OPEN + 3)) == [Rejected("o3", OPEN + 3, "no session in which it could trade")]
    assert broker.statement().faults == {"expired with its session": 2}
    trade(broker, OPEN + 4)
    broker.hear(submit("o4"), 1, OPEN + 5)
    assert kinds(trade(broker, OPEN + 6)) == [Accepted, Filled, Tick]


def test_a_market_that_is_no_more_leaves_no_order_working() -> None:
    broker = logged_in()
    broker.hear(resting("o1", OPEN), 1, OPEN)
    broker.close(OPEN + 1)
    broker.hear(submit("o2"), 1, OPEN + 2)
    assert kinds(broker.say(OPEN + 2)) == [Expired, Rejected]
    assert {line.status for line in broker.statement().orders} == {"expired", "rejected"}


def test_a_trade_may_be_said_without_happening_while_it_can_do_nothing_else() -> None:
    broker = a_broker()
    assert not broker.is_calm(TXF)
    broker.connect(OPEN)
    assert broker.is_calm(TXF)
    broker.hear(submit("o1"), 1, OPEN)
    assert not broker.is_calm(TXF)
    trade(broker, OPEN + 1)
    assert broker.is_calm(TXF)
    broker.market(SessionEnded(TXF, OPEN + 2, 20210726, "day"), OPEN + 2)
    assert not broker.is_calm(TXF)
    assert not logged_in(stranger=1).is_calm(TXF)


# Each fault alone


def test_slow_keeps_an_orders_reports_in_their_sequence_and_late() -> None:
    broker = logged_in(slow=1_000, slow_ns=6 * SECOND)
    broker.hear(submit("o1"), 1, OPEN)
    assert kinds(trade(broker, OPEN + 1)) == [Tick]
    assert kinds(everything(broker, OPEN + 3 * SECOND)) == []
    assert kinds(everything(broker, OPEN + 6 * SECOND + 1)) == [Accepted, Filled]


def test_a_broker_that_needs_six_seconds_has_one_order() -> None:
    broker = logged_in(slow=1_000, slow_ns=12 * SECOND)
    broker.hear(submit("o1"), 1, OPEN)
    trade(broker, OPEN + 1)
    assert everything(broker, OPEN + 6 * SECOND) == []
    assert [row.status for row in a_list(broker, OPEN + 2 * SECOND).orders] == [Status.FILLED]
    assert kinds(everything(broker, OPEN + 13 * SECOND)) == [Accepted, Filled]
    assert broker.statement().orders_per_client_id_max == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("lost_ack", [Filled, Canceled]),
        ("lost_fill", [Accepted, Canceled]),
        ("lost_end", [Accepted, Filled]),
        ("mute", []),
        ("reject", [Rejected]),
        ("duplicate", [Accepted, Accepted, Canceled, Canceled, Filled, Filled]),
    ],
)
def test_what_is_said_of_an_order_with_one_fault(fault: str, said: list[type[Report]]) -> None:
    broker = logged_in(**{fault: 1_000})
    order = submit("o1", qty=2, kind=OrderType.LIMIT, price_ticks=17_400)
    broker.hear(order, 1, OPEN)
    heard = reports(trade(broker, OPEN + 1, qty=1)) + reports(everything(broker, OPEN + 2 * SECOND))
    assert sorted(kind.__name__ for kind in kinds(heard)) == sorted(kind.__name__ for kind in said)
    (line,) = broker.statement().orders
    assert (line.status, line.filled) == (("rejected", 0) if fault == "reject" else ("canceled", 1))
    assert broker.faults[fault] >= 1


def test_with_reordering_a_fill_may_beat_its_acknowledgement() -> None:
    def first(seed: int) -> type[AnyMessage]:
        broker = logged_in(seed, reorder=500)
        broker.hear(submit("o1"), 1, OPEN)
        return type(reports(trade(broker, OPEN + 1) + everything(broker, OPEN + SECOND))[0])

    assert {first(seed) for seed in range(20)} == {Accepted, Filled}


def test_a_fill_in_two_clips_is_the_same_fill() -> None:
    broker = logged_in(partial=1_000)
    broker.hear(submit("o1", qty=5), 1, OPEN)
    said = reports(trade(broker, OPEN + 1) + everything(broker, OPEN + SECOND))
    fills = [report for report in said if isinstance(report, Filled)]
    assert [fill.fill_id for fill in fills] == ["XF1.1", "XF1.2"]
    assert sum(fill.qty for fill in fills) == 5
    assert list(a_list(broker, OPEN + 2).fills) == fills


def test_a_skewed_clock_shifts_the_brokers_times_and_not_the_markets() -> None:
    broker = logged_in(skew_ns=-3 * SECOND)
    broker.hear(submit("o1"), 1, OPEN)
    said = trade(broker, OPEN + 1)
    assert [message.at for message in said if isinstance(message, (Report, Tick))] == [
        OPEN + 1 - 3 * SECOND,
        OPEN + 1 - 3 * SECOND,
        OPEN + 1,
    ]
    snapshot = a_list(broker, OPEN + 2)
    assert snapshot.at == OPEN + 2 - 3 * SECOND
    assert broker.statement().faults == {"skew": 1}
    assert snapshot.orders[0].at == OPEN + 1 - 3 * SECOND


def test_a_stranger_is_in_the_list_and_in_the_position_and_in_nobodys_reports() -> None:
    broker = logged_in(stranger=1_000)
    assert kinds(trade(broker, OPEN + 1)) == [Tick]
    assert kinds(trade(broker, OPEN + 2)) == [Tick]
    snapshot = a_list(broker, OPEN + 3)
    assert {row.client_id for row in snapshot.orders} == {""}
    assert all(row.venue_id for row in snapshot.orders)
    (fill,) = snapshot.fills
    assert snapshot.positions == {TXF: fill.side * fill.qty} == broker.statement().strangers


# Queries


def test_the_list_has_orders_fills_and_positions() -> None:
    broker = logged_in()
    broker.hear(submit("o1", qty=2), 1, OPEN)
    trade(broker, OPEN + 1)
    broker.hear(resting("o2", OPEN + 1), 1, OPEN + 2)
    snapshot = a_list(broker, OPEN + 3, "why")
    assert (snapshot.flow, snapshot.at, snapshot.since) == ("why", OPEN + 3, 0)
    assert [(row.client_id, row.venue_id, row.status, row.filled) for row in snapshot.orders] == [
        ("o1", "B1", Status.FILLED, 2),
        ("o2", "B2", Status.SENT, 0),
    ]
    assert snapshot.fills == (Filled("o1", OPEN + 1, "XF1", TXF, Side.BUY, 2, 17_400),)
    assert snapshot.positions == {TXF: 2}


def test_a_query_may_never_be_answered() -> None:
    broker = logged_in(no_answer=1_000)
    broker.hear(Query("q", OPEN), 1, OPEN)
    assert broker.due_at == NEVER


def test_a_slow_answer_is_the_list_as_it_was_asked_for() -> None:
    broker = logged_in(slow_answer=1_000, slow_answer_ns=3 * SECOND)
    broker.hear(Query("q", OPEN), 1, OPEN)
    broker.hear(submit("o1"), 1, OPEN)
    due = broker.due_at
    assert OPEN < due <= OPEN + 3 * SECOND
    (snapshot,) = broker.say(due)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.orders == ()


def test_a_phantom_has_no_id_and_goes_away() -> None:
    broker = logged_in(phantom=1_000, phantom_ns=SECOND)
    broker.hear(submit("o1", qty=3), 1, OPEN)
    own, phantom, *_ = a_list(broker, OPEN + 1).orders
    assert own.client_id == "o1"
    assert (phantom.client_id, phantom.venue_id, phantom.status, phantom.qty) == ("", "", Status.SENT, 3)
    assert not broker.statement().positions
    assert len(a_list(broker, OPEN + 2 * SECOND).orders) == 2


def test_a_row_is_lacking_once() -> None:
    broker = logged_in(lack=1_000)
    broker.hear(resting("o1", OPEN), 1, OPEN)
    assert [len(a_list(broker, OPEN + number).orders) for number in range(1, 5)] == [0, 1, 1, 1]


# What holds under all of them

ALL = BrokerFaults.__struct_fields__
ROUGH = {name: 200 for name in ALL if not name.endswith("_ns")} | {"disconnect": 20, "mute": 100}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), sent_at=st.integers(0, 40), asked=st.integers(0, 30))
def test_of_two_lists_asked_for_after_the_quiet_period_one_has_the_order(
    seed: int, sent_at: int, asked: int
) -> None:
    broker = logged_in(seed, **{**ROUGH, "disconnect": 0, "no_answer": 0, "slow_answer_ns": 1})
    for step in range(sent_at):
        trade(broker, OPEN + step * 50 * MS)
    at = OPEN + sent_at * 50 * MS
    broker.hear(resting("o1", at), 1, at)
    at += Policy().quiet_ns
    pairs = [a_list(broker, at + (asked + step) * 50 * MS) for step in range(6)]
    seen = [any(row.client_id == "o1" for row in snapshot.orders) for snapshot in pairs]
    assert seen.count(False) <= 1


@pytest.mark.parametrize("seed", range(8))
def test_books_and_faults_depend_on_the_seed_alone(seed: int) -> None:
    def played() -> tuple[list[AnyMessage], object]:
        broker, said = logged_in(seed, **ROUGH), list[AnyMessage]()
        for number in range(400):
            at = OPEN + number * 100 * MS
            if not broker.up:
                said += broker.connect(at)
            if number % 5 == 0:
                broker.hear(submit(f"o{number}", qty=3, at=at), broker.session, at)
            if number % 20 == 0:
                broker.hear(Query(f"q{number}", at), broker.session, at)
            said += everything(broker, at)
            said += trade(broker, at)
        return said, broker.statement()

    assert played() == played()


def test_a_rough_broker_shows_every_fault_and_its_books_add_up() -> None:
    broker = logged_in(7, **ROUGH)
    for number in range(3_000):
        at = OPEN + number * 100 * MS
        if not broker.up:
            broker.connect(at)
        if number % 3 == 0:
            order = submit(f"o{number}", qty=3, kind=OrderType.LIMIT, price_ticks=17_400, at=at)
            broker.hear(order, broker.session, at)
        if number % 10 == 0:
            broker.hear(Query(f"q{number}", at), broker.session, at)
        trade(broker, at, qty=1 + number % 5)
    statement = broker.statement()
    happened = {name for name in ALL if not name.endswith("_ns")}
    assert happened <= statement.faults.keys()
    assert sum(fill.side * fill.qty for fill in statement.fills) == statement.positions[TXF]
    assert len({fill.fill_id for fill in statement.fills}) == len(statement.fills)
    assert all(line.filled + line.left <= line.qty for line in statement.orders)


def test_at_a_locked_price_an_order_is_taken_and_comes_back_whole_until_it_trades_again() -> None:
    broker = logged_in()
    broker.locked = True
    broker.hear(submit("a", at=OPEN, symbol=TXF), 1, OPEN)
    said = [type(one) for one in reports(trade(broker, OPEN + MS))]
    assert said == [Accepted, Canceled]
    assert broker.statement().positions == {}
    broker.locked = False
    broker.hear(submit("b", at=OPEN + MS, symbol=TXF), 1, OPEN + MS)
    assert [type(one) for one in reports(trade(broker, OPEN + 2 * MS))] == [Accepted, Filled]
