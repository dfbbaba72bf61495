from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.messages import (
    Accepted,
    Cancel,
    Canceled,
    Expired,
    Filled,
    Message,
    Quote,
    Rejected,
    Request,
    SessionEnded,
    Tick,
)
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.matching.exchange import Exchange
from autofutures.matching.model import FeedEvent
from autofutures.matching.prints import PrintMarket
from tests.makers import OPEN, TXF, submit, tick

MXF = "TAIFEX:MXF202108"
MS = 1_000_000


def an_exchange(latency_ns: int = 0, **market: int) -> Exchange:
    return Exchange({TXF: PrintMarket(**market), MXF: PrintMarket(**market)}, latency_ns)


def ended(at: int, symbol: str = TXF) -> SessionEnded:
    return SessionEnded(symbol, at, 20210726, "day")


def hear(exchange: Exchange, *messages: Request | FeedEvent) -> list[Message]:
    """What is said of the last message."""
    said: Sequence[Message] = ()
    for message in messages:
        said = exchange.handle(message, message.at)
    return list(said)


def limit(client_id: str, price: int, qty: int = 1) -> Request:
    return submit(client_id, Side.BUY, qty, OrderType.LIMIT, price_ticks=price, tif=TimeInForce.ROD)


def test_without_orders_a_trade_goes_straight_through() -> None:
    assert hear(an_exchange(), tick(at=OPEN)) == [tick(at=OPEN)]


def test_a_request_is_answered_by_nobody_before_the_next_event() -> None:
    assert hear(an_exchange(), submit()) == []


def test_reports_precede_the_market_and_carry_its_time() -> None:
    exchange = an_exchange()
    said = hear(exchange, tick(at=OPEN), submit("o1", qty=2, at=OPEN), tick(17_400, 1, OPEN + 7))
    assert said == [
        Accepted("o1", OPEN + 7, "X2"),
        Filled("o1", OPEN + 7, "XF1", TXF, Side.BUY, 1, 17_401),
        tick(17_400, 1, OPEN + 7),
    ]


@pytest.mark.parametrize(
    ("latency", "after", "acts"), [(0, 0, True), (5 * MS, 5 * MS - 1, False), (5 * MS, 5 * MS, True)]
)
def test_an_order_acts_before_the_first_later_event_at_or_after_its_time(
    latency: int, after: int, acts: bool
) -> None:
    said = hear(an_exchange(latency), tick(at=OPEN), submit(at=OPEN), tick(at=OPEN + after))
    assert [type(message) for message in said] == ([Accepted, Filled, Tick] if acts else [Tick])


def test_an_order_waits_over_as_many_events_as_its_latency_takes() -> None:
    exchange = an_exchange(latency_ns=10 * MS)
    hear(exchange, submit(at=OPEN), tick(at=OPEN + 4 * MS), tick(at=OPEN + 9 * MS))
    assert [type(m) for m in hear(exchange, tick(at=OPEN + 10 * MS))] == [Accepted, Filled, Tick]


def test_an_order_for_one_symbol_reaches_the_market_at_the_event_of_another() -> None:
    exchange = an_exchange()
    assert [type(m) for m in hear(exchange, submit(), tick(at=OPEN + 1, symbol=MXF))] == [Accepted, Tick]
    assert [type(m) for m in hear(exchange, tick(at=OPEN + 2))] == [Filled, Tick]


def test_a_cancel_takes_back_what_is_left() -> None:
    exchange = an_exchange()
    hear(exchange, submit("o1", qty=5), tick(qty=2, at=OPEN + 1))
    said = hear(exchange, Cancel("o1", OPEN + 1, TXF), tick(at=OPEN + 2))
    assert said == [Canceled("o1", OPEN + 2, 3, "asked to"), tick(at=OPEN + 2)]


def test_a_cancel_that_comes_too_late_is_rejected_and_harms_nobody() -> None:
    exchange = an_exchange()
    hear(exchange, submit("o1"), tick(at=OPEN + 1))
    said = hear(
        exchange,
        limit("o2", 17_000),
        Cancel("o1", OPEN + 1, TXF),
        Cancel("o1", OPEN + 1, TXF),
        tick(at=OPEN + 2),
    )
    assert [type(message) for message in said] == [Accepted, Rejected, Rejected, Tick]
    assert said[1] == Rejected(
        "o1", OPEN + 2, "nothing to cancel: the order is not in the market", of_cancel=True
    )
    assert [type(m) for m in hear(exchange, tick(16_999, at=OPEN + 3))] == [Filled, Tick]


def test_a_cancel_never_overtakes_the_order_it_is_for() -> None:
    said = hear(an_exchange(5 * MS), submit("o1"), Cancel("o1", OPEN, TXF), tick(at=OPEN + 5 * MS))
    assert [type(message) for message in said] == [Accepted, Canceled, Tick]


def test_an_order_that_the_market_will_not_have_is_rejected_and_never_accepted() -> None:
    exchange = an_exchange(low_ticks=17_000, high_ticks=17_500)
    said = hear(exchange, limit("o1", 16_999), tick(at=OPEN + 1))
    assert said[0] == Rejected("o1", OPEN + 1, "outside the limits 17000..17500")
    assert [type(message) for message in said] == [Rejected, Tick]
    assert [type(m) for m in hear(exchange, Cancel("o1", OPEN + 1, TXF), tick(at=OPEN + 2))] == [
        Rejected,
        Tick,
    ]


def test_what_does_not_wait_is_canceled_with_a_reason() -> None:
    order = submit("o1", qty=3, kind=OrderType.LIMIT, price_ticks=17_410)
    said = hear(an_exchange(), order, tick(qty=1, at=OPEN + 1))
    assert [type(message) for message in said] == [Accepted, Filled, Canceled, Tick]
    assert said[2] == Canceled("o1", OPEN + 1, 2, "ioc does not wait")


def test_the_end_of_a_session_expires_what_works_and_what_is_on_its_way() -> None:
    exchange = an_exchange(latency_ns=10 * MS)
    close = OPEN + 30 * MS
    hear(exchange, limit("o1", 17_000, qty=4), tick(at=OPEN + 20 * MS))
    late = submit("o2", qty=2, at=OPEN + 25 * MS)
    said = hear(exchange, late, Cancel("o1", OPEN + 26 * MS, TXF), ended(close))
    assert said == [Expired("o1", close, 4), Expired("o2", close, 2), ended(close)]
    assert hear(exchange, tick(16_000, 99, close + 60 * MS)) == [tick(16_000, 99, close + 60 * MS)]


def test_the_session_of_one_symbol_ends_for_that_symbol_alone() -> None:
    exchange = an_exchange()
    hear(exchange, submit("o1"), submit("o2", symbol=MXF))
    said = hear(exchange, ended(OPEN + 1))
    assert [type(message) for message in said] == [Accepted, Accepted, Expired, SessionEnded]
    assert [type(m) for m in hear(exchange, tick(at=OPEN + 2, symbol=MXF))] == [Filled, Tick]


def test_an_order_due_at_the_very_end_is_accepted_and_expires() -> None:
    said = hear(an_exchange(5 * MS), submit("o1"), ended(OPEN + 5 * MS))
    assert [type(message) for message in said] == [Accepted, Expired, SessionEnded]


def test_an_order_for_what_is_not_traded_here_is_rejected() -> None:
    micro = "TAIFEX:TMF202108"
    said = hear(an_exchange(), submit("o1", symbol=micro), Cancel("o1", OPEN, micro), tick(at=OPEN + 1))
    assert said[:2] == [
        Rejected("o1", OPEN + 1, f"{micro} is not traded here"),
        Rejected("o1", OPEN + 1, f"{micro} is not traded here", of_cancel=True),
    ]


def test_an_order_that_reaches_the_exchange_twice_breaks_an_invariant() -> None:
    with pytest.raises(BrokenInvariant, match="o1 reached the exchange twice"):
        hear(an_exchange(), submit("o1"), submit("o1"), tick(at=OPEN + 1))


def test_a_feed_of_what_is_not_traded_here_is_an_error() -> None:
    with pytest.raises(
        BadInput, match="TMF202108 is not traded here: this exchange has TAIFEX:MXF202108, TAIFEX:TXF"
    ):
        hear(an_exchange(), tick(symbol="TAIFEX:TMF202108"))


def test_quotes_reach_whoever_listens() -> None:
    quote = Quote(TXF, OPEN, 17_399, 5, 17_400, 5)
    assert hear(an_exchange(), quote) == [quote]


def test_ids_are_marked_with_the_exchanges_name_and_never_used_twice() -> None:
    exchange = Exchange({TXF: PrintMarket()}, name="B2-")
    said = hear(exchange, submit("o1"), submit("o2"), tick(qty=9, at=OPEN + 1))
    assert [m.fill_id for m in said if isinstance(m, Filled)] == ["B2-F1", "B2-F2"]
    venue_ids = [m.venue_id for m in said if isinstance(m, Accepted)]
    assert len(set(venue_ids)) == 2
    assert all(venue_id.startswith("B2-") for venue_id in venue_ids)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.sampled_from(Side), st.integers(1, 5), st.sampled_from(TimeInForce)),
        st.tuples(st.just("cancel"), st.integers(1, 10)),
        st.tuples(st.just("tick"), st.integers(95, 105), st.integers(1, 6)),
        st.tuples(st.just("end")),
    ),
    min_size=10,
    max_size=40,
)


@given(STEPS, st.integers(0, 3))
def test_every_order_ends_with_all_of_its_contracts_accounted_for(
    steps: list[tuple[object, ...]], latency: int
) -> None:
    exchange, at, asked, done = an_exchange(latency), OPEN, dict[str, int](), dict[str, int]()

    def count(said: Sequence[Message]) -> None:
        for message in said:
            if isinstance(message, Filled):
                done[message.client_id] = done.get(message.client_id, 0) + message.qty
            elif isinstance(message, (Canceled, Expired)):
                done[message.client_id] = done.get(message.client_id, 0) + message.left

    for step in steps:
        at += 1
        match step:
            case ("order", Side() as side, int(qty), TimeInForce() as tif):
                client_id = f"o{len(asked) + 1}"
                asked[client_id] = qty
                kind = OrderType.LIMIT if qty % 2 else OrderType.MARKET
                exchange.handle(submit(client_id, side, qty, kind, price_ticks=100, tif=tif, at=at), at)
            case ("cancel", int(number)):
                exchange.handle(Cancel(f"o{number}", at, TXF), at)
            case ("tick", int(price), int(qty)):
                count(exchange.handle(tick(price, qty, at), at))
            case _:
                count(exchange.handle(ended(at), at))
    count(exchange.handle(ended(at + 10), at + 10))
    assert done == asked


def test_an_exchange_that_closes_voids_what_works_and_what_is_on_its_way() -> None:
    exchange = an_exchange(latency_ns=10)
    hear(exchange, limit("working", 17_000, qty=2), tick(at=OPEN + 20), submit("late", qty=3))
    assert [(said.client_id, said.left) for said in exchange.void(OPEN + 30)] == [("working", 2), ("late", 3)]
    assert exchange.void(OPEN + 31) == []
    assert exchange.is_idle(TXF)
