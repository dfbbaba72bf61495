from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, SessionEnded, Tick
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.matching.book_market import BookMarket
from autofutures.matching.model import Execution, FlowAdd, FlowRemove, Market, Order, Outcome, SessionOpened

SYMBOL = "TAIFEX:TXF202108"
BUY, SELL = Side.BUY, Side.SELL
LIMIT, MARKET, MWP = OrderType.LIMIT, OrderType.MARKET, OrderType.MWP
ROD, IOC, FOK = TimeInForce.ROD, TimeInForce.IOC, TimeInForce.FOK
OPENED = SessionOpened(SYMBOL, 50, 20210726, "day")
ENDED = SessionEnded(SYMBOL, 900, 20210726, "day")


def flow(
    order_id: int,
    side: Side,
    price: int,
    qty: int,
    kind: OrderType = LIMIT,
    tif: TimeInForce = ROD,
    at: int = 60,
) -> FlowAdd:
    return FlowAdd(SYMBOL, at, order_id, side, kind, tif, price, qty)


def order(
    client_id: str, side: Side, qty: int, price: int = 0, kind: OrderType = LIMIT, tif: TimeInForce = ROD
) -> Order:
    return Order(client_id, side, kind, tif, price, qty, arrival=0)


def opened(*orders: FlowAdd, low: int | None = 90, high: int | None = 110) -> BookMarket:
    market = BookMarket(SYMBOL, 5, low, high, 100)
    market.hear(OPENED)
    for event in orders:
        market.hear(event)
    return market


def ticks(outcome: Outcome) -> list[tuple[int, int]]:
    return [(said.price_ticks, said.qty) for said in outcome.market if isinstance(said, Tick)]


def quotes(outcome: Outcome) -> list[tuple[int, int, int, int]]:
    return [
        (said.bid_ticks, said.bid_qty, said.ask_ticks, said.ask_qty)
        for said in outcome.market
        if isinstance(said, Quote)
    ]


def test_it_is_a_market() -> None:
    market: Market = BookMarket(SYMBOL, 5)
    assert market.hears_when_idle


def test_orders_gather_before_the_open_and_nothing_is_shown() -> None:
    market = BookMarket(SYMBOL, 5)
    assert market.hear(flow(1, SELL, 99, 3)) == Outcome()
    assert market.enter(order("a", BUY, 2, 101), 10) == Outcome()
    assert market.queue_position("a") == 0


@pytest.mark.parametrize(
    ("kind", "tif", "word"), [(MWP, ROD, "mwp"), (LIMIT, IOC, "ioc"), (MARKET, FOK, "fok")]
)
def test_what_needs_a_trading_market_is_rejected_before_the_open(
    kind: OrderType, tif: TimeInForce, word: str
) -> None:
    rejected = BookMarket(SYMBOL, 5).enter(order("a", BUY, 1, 100, kind, tif), 10).rejected
    assert [client_id for client_id, _ in rejected] == ["a"]
    assert rejected[0][1].startswith(f"{word} before the open")


# By hand: five buy (ours 2 at market, 3 at 101) and four sell (99): four trade, ours at market first. One buy
# of 101 is left, so the price is 101.
def test_the_open_holds_one_auction_then_quotes() -> None:
    market = BookMarket(SYMBOL, 5, reference_ticks=100)
    market.hear(flow(1, BUY, 101, 3))
    market.hear(flow(2, SELL, 99, 4))
    market.enter(order("a", BUY, 2, kind=MARKET), 20)
    outcome = market.hear(OPENED)
    assert outcome.executions == [Execution("a", 2, 101)]
    assert outcome.market == [Tick(SYMBOL, 50, 101, 4, auction=True), Quote(SYMBOL, 50, 101, 1, 0, 0)]


def test_a_market_order_that_the_auction_leaves_is_canceled() -> None:
    market = BookMarket(SYMBOL, 5)
    market.hear(flow(1, SELL, 100, 1))
    market.hear(flow(2, BUY, 0, 4, MARKET))
    market.enter(order("a", BUY, 3, kind=MARKET), 20)
    outcome = market.hear(OPENED)
    assert ticks(outcome) == [(100, 1)]
    assert outcome.canceled == [("a", 3, "the call auction had no more contracts for it")]
    assert market.close() == []


def test_an_open_without_trades_prints_no_tick_and_one_quote() -> None:
    market = BookMarket(SYMBOL, 5)
    market.hear(flow(1, BUY, 99, 1))
    assert market.hear(OPENED).market == [Quote(SYMBOL, 50, 99, 1, 0, 0)]


def test_the_last_price_of_a_session_is_the_reference_of_the_next_auction() -> None:
    market = opened(flow(1, SELL, 103, 1), flow(2, BUY, 103, 1))
    market.hear(ENDED)
    market.close()
    market.hear(flow(3, BUY, 109, 1))
    market.hear(flow(4, SELL, 91, 1))
    assert ticks(market.hear(OPENED)) == [(103, 1)]


def test_each_match_is_an_execution_and_a_tick_and_the_rest_waits() -> None:
    market = opened(flow(1, SELL, 101, 2), flow(2, SELL, 102, 2))
    taker = order("a", BUY, 5, 102)
    outcome = market.enter(taker, 70)
    assert outcome.executions == [Execution("a", 2, 101), Execution("a", 2, 102)]
    assert outcome.market == [
        Tick(SYMBOL, 70, 101, 2),
        Tick(SYMBOL, 70, 102, 2),
        Quote(SYMBOL, 70, 102, 1, 0, 0),
    ]
    assert (taker.left, taker.resting) == (1, True)
    assert outcome.done == []


def test_others_fill_our_resting_order_when_its_turn_comes() -> None:
    market = opened(flow(1, BUY, 100, 3))
    market.enter(order("a", BUY, 2, 100), 70)
    market.hear(flow(2, BUY, 100, 9))
    assert market.queue_position("a") == 3
    assert market.hear(flow(3, SELL, 100, 2)).executions == []
    assert market.queue_position("a") == 1
    assert market.hear(FlowRemove(SYMBOL, 80, 1)).executions == []
    assert market.queue_position("a") == 0
    outcome = market.hear(flow(4, SELL, 0, 5, MARKET, IOC))
    assert outcome.executions == [Execution("a", 2, 100)]
    assert outcome.done == ["a"]
    assert ticks(outcome) == [(100, 2), (100, 3)]
    assert market.queue_position("a") is None


def test_a_quote_is_said_only_when_the_best_changed() -> None:
    market = opened(flow(1, BUY, 100, 3))
    assert quotes(market.hear(flow(2, BUY, 99, 3))) == []
    assert quotes(market.hear(flow(3, BUY, 100, 1))) == [(100, 4, 0, 0)]
    assert quotes(market.hear(flow(4, SELL, 101, 1))) == [(100, 4, 101, 1)]


def test_a_canceled_order_is_gone_and_the_quote_follows_with_the_next_event() -> None:
    market = opened(flow(1, BUY, 99, 3))
    market.enter(order("a", BUY, 2, 100), 70)
    assert market.cancel("a") == 2
    assert market.cancel("a") is None
    assert quotes(market.hear(FlowRemove(SYMBOL, 80, 77))) == [(99, 3, 0, 0)]


def test_an_order_off_the_price_limits_is_rejected() -> None:
    market = opened()
    assert market.enter(order("a", BUY, 1, 111), 70).rejected == [
        ("a", "price 111 is outside the price limits 90..110")
    ]
    assert market.enter(order("b", SELL, 1, 89), 70).rejected[0][0] == "b"
    assert market.enter(order("c", SELL, 1, 110), 70).rejected == []


def test_a_market_order_stops_at_the_price_limit_and_does_not_wait() -> None:
    market = opened(flow(1, SELL, 110, 1))
    for tif in (ROD, IOC):
        outcome = market.enter(order("a", BUY, 2, kind=MARKET, tif=tif), 70)
        assert sum(done.qty for done in outcome.executions) + outcome.canceled[0][1] == 2
    assert market.close() == []


def test_a_limit_ioc_takes_what_is_there_and_is_canceled() -> None:
    market = opened(flow(1, SELL, 100, 1), flow(2, SELL, 102, 5))
    outcome = market.enter(order("a", BUY, 3, 101, LIMIT, IOC), 70)
    assert outcome.executions == [Execution("a", 1, 100)]
    assert [(client_id, left) for client_id, left, _ in outcome.canceled] == [("a", 2)]


def test_fok_trades_whole_or_not_at_all() -> None:
    market = opened(flow(1, SELL, 100, 1), flow(2, SELL, 101, 2))
    outcome = market.enter(order("a", BUY, 4, 101, LIMIT, FOK), 70)
    assert outcome.canceled == [("a", 4, "fok: 3 of 4 contracts were there")]
    assert (outcome.executions, outcome.market) == ([], [])
    outcome = market.enter(order("b", BUY, 3, 101, LIMIT, FOK), 70)
    assert outcome.executions == [Execution("b", 1, 100), Execution("b", 2, 101)]
    assert outcome.canceled == []


def test_mwp_reaches_the_best_of_its_own_side_plus_the_points() -> None:
    market = opened(flow(1, BUY, 95, 1), flow(2, SELL, 100, 1), flow(3, SELL, 101, 1))
    outcome = market.enter(order("a", BUY, 3, kind=MWP, tif=IOC), 70)
    assert outcome.executions == [Execution("a", 1, 100)]
    assert outcome.canceled[0][:2] == ("a", 2)
    market.enter(order("b", SELL, 3, kind=MWP), 71)
    # 101 - 5 = 96: the bid of 95 is out of its reach, and as ROD it waits there.
    assert quotes(market.hear(flow(4, BUY, 95, 1))) == [(95, 2, 96, 3)]


@pytest.mark.parametrize(("side", "best"), [(BUY, "bid"), (SELL, "offer")])
def test_mwp_without_a_best_price_of_its_own_side_is_rejected(side: Side, best: str) -> None:
    market = opened(flow(1, side.opposite, 100, 5))
    rejected = market.enter(order("a", side, 1, kind=MWP, tif=IOC), 70).rejected
    assert rejected == [("a", f"mwp {side.word}: no best {best} to count the protection from")]


@pytest.mark.parametrize("kind", [OrderType.STOP, OrderType.STOP_LIMIT])
def test_the_exchange_knows_no_stop_orders(kind: OrderType) -> None:
    assert "knows no stop orders" in opened().enter(order("a", BUY, 1, 100, kind), 70).rejected[0][1]


def test_an_order_for_nothing_is_rejected() -> None:
    assert "at least 1 contract" in opened().enter(order("a", BUY, 0, 100), 70).rejected[0][1]


def test_a_client_id_works_once_at_a_time() -> None:
    market = opened()
    market.enter(order("a", BUY, 1, 100), 70)
    assert "working already" in market.enter(order("a", BUY, 1, 99), 71).rejected[0][1]
    assert market.close() == [("a", 1)]


def test_two_of_our_own_orders_may_trade_with_each_other() -> None:
    market = opened()
    market.enter(order("a", BUY, 2, 100), 70)
    outcome = market.enter(order("b", SELL, 1, 100), 71)
    assert outcome.executions == [Execution("a", 1, 100), Execution("b", 1, 100)]
    assert ticks(outcome) == [(100, 1)]


def test_an_order_of_others_that_would_be_refused_is_dropped() -> None:
    market = opened()
    assert market.hear(flow(1, BUY, 500, 1)).market == []
    assert market.hear(flow(2, BUY, 0, 1, MWP, IOC)).market == []


def test_the_end_stops_trading_and_the_close_voids_every_order() -> None:
    market = opened(flow(1, SELL, 101, 1))
    market.enter(order("a", BUY, 3, 101), 70)
    assert market.hear(ENDED) == Outcome()
    assert market.close() == [("a", 2)]
    assert market.cancel("a") is None
    assert market.hear(OPENED).market == [Quote(SYMBOL, 50, 0, 0, 0, 0)]


def test_a_feed_of_ticks_or_quotes_is_refused() -> None:
    for said in (Tick(SYMBOL, 60, 100, 1), Quote(SYMBOL, 60, 100, 1, 101, 1)):
        with pytest.raises(BadInput, match="prints model"):
            opened().hear(said)


def test_limits_and_protection_must_make_sense() -> None:
    with pytest.raises(BadInput, match="lower one first"):
        BookMarket(SYMBOL, 5, 110, 90)
    with pytest.raises(BadInput, match="0 ticks or more"):
        BookMarket(SYMBOL, -1)


Step = tuple[bool, Side, OrderType, TimeInForce, int, int]
STEPS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(Side),
        st.sampled_from([LIMIT, LIMIT, MARKET, MWP]),
        st.sampled_from(TimeInForce),
        st.integers(88, 112),
        st.integers(1, 9),
    ),
    max_size=60,
)


def _run(market: BookMarket, number: int, step: Step) -> tuple[Outcome, Order | None]:
    is_ours, side, kind, tif, price, qty = step
    if is_ours:
        ours = order(f"o{number}", side, qty, price, kind, tif)
        return market.enter(ours, number), ours
    return market.hear(flow(number, side, price, qty, kind, tif, at=number)), None


@given(st.integers(0, 20), STEPS)
def test_whatever_comes_each_of_our_contracts_has_one_end(opens_after: int, steps: Sequence[Step]) -> None:
    market = BookMarket(SYMBOL, 3, 90, 110, 100)
    asked: dict[str, tuple[Order, int]] = {}
    ends: dict[str, int] = {}
    outcomes: list[Outcome] = []
    full: list[str] = []
    for number, step in enumerate(steps):
        if number == opens_after:
            outcomes.append(market.hear(OPENED))
        outcome, ours = _run(market, number, step)
        outcomes.append(outcome)
        if ours is not None:
            asked[ours.client_id] = (ours, step[-1])
    outcomes.append(market.hear(OPENED))
    for outcome in outcomes:
        full.extend(outcome.done)
        for done in outcome.executions:
            ends[done.client_id] = ends.get(done.client_id, 0) + done.qty
            side, kind, limit = (ours := asked[done.client_id][0]).side, ours.type, ours.price_ticks
            assert 90 <= done.price_ticks <= 110
            assert kind is not LIMIT or side * (limit - done.price_ticks) >= 0
        for client_id, left, _ in outcome.canceled:
            ends[client_id] = ends.get(client_id, 0) + left
        for client_id, _ in outcome.rejected:
            ends[client_id] = ends.get(client_id, 0) + asked[client_id][1]
        assert all(bid < ask for bid, bid_qty, ask, ask_qty in quotes(outcome) if bid_qty and ask_qty)
    assert sorted(full) == sorted(client_id for client_id, (ours, _) in asked.items() if not ours.left)
    for client_id, left in market.close():
        assert left == asked[client_id][0].left
        ends[client_id] = ends.get(client_id, 0) + left
    assert ends == {client_id: qty for client_id, (_, qty) in asked.items()}


@given(STEPS)
def test_our_orders_are_treated_as_others_are(steps: Sequence[Step]) -> None:
    """Only the address differs: the market prints the same trades and quotes whoever sent the orders."""
    said: list[list[tuple[str, ...]]] = []
    for are_ours in (True, False):
        market = opened()
        outcomes = [_run(market, n, (are_ours, *step[1:]))[0] for n, step in enumerate(steps)]
        said.append([tuple(map(repr, outcome.market)) for outcome in outcomes])
    assert said[0] == said[1]
