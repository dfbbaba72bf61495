import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, Tick
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.market.quotes import ANY_PRICE
from autofutures.matching.exchange import Exchange
from autofutures.matching.model import Order, SessionOpened
from autofutures.matching.quote_market import QuoteMarket
from tests.makers import OPEN, TXF, submit
from tests.unit.matching.told import tell

TAKING = """
    quote 99x10 101x5
    o1 buy 3 market ioc             => o1 3 at 101, o1 done
    o2 buy 3 limit 101 ioc          => o2 2 at 101, o2 canceled 1
    quote 99x12 101x5
    o3 buy 1 market ioc             => o3 canceled 1
    quote 99x12 101x7
    o4 buy 3 market ioc             => o4 2 at 101, o4 canceled 1
    quote 99x12 102x4
    o5 sell 2 limit 99 ioc          => o5 2 at 99, o5 done
    o6 sell 9 limit 100 ioc         => o6 canceled 9
    o7 buy 5 limit 103 rod          => o7 4 at 102
    quote 99x12 102x4
    quote 99x12 102x5               => o7 1 at 103, o7 done
"""


def test_what_was_taken_is_not_there_again_until_the_price_changes_or_the_size_grows() -> None:
    tell(QuoteMarket(), TAKING)


@pytest.mark.parametrize(
    "line",
    [
        "o1 buy 5 limit 101 fok => o1 5 at 101, o1 done",
        "o1 buy 6 limit 101 fok => o1 canceled 6",
        "o1 buy 6 market fok => o1 canceled 6",
        "o1 buy 5 limit 100 fok => o1 canceled 5",
        "o1 sell 10 market fok => o1 10 at 99, o1 done",
        "o1 sell 11 market ioc => o1 10 at 99, o1 canceled 1",
        "o1 sell 11 market rod => o1 10 at 99, o1 canceled 1",
        "o1 buy 2 limit 105 rod => o1 2 at 101, o1 done",
    ],
)
def test_an_order_takes_no_more_than_is_displayed_within_its_limit(line: str) -> None:
    tell(QuoteMarket(), f"quote 99x10 101x5\n{line}")


def test_before_the_first_quote_there_is_nothing_to_take_and_no_known_queue() -> None:
    story = """
        o1 buy 1 market ioc         => o1 canceled 1
        o2 buy 1 limit 99 rod
        quote 99x7 101x5
        queue o2                    => 7
    """
    tell(QuoteMarket(), story)


def test_buys_are_served_before_sells_where_prices_are_below_zero_too() -> None:
    """Of a spread; what is reached in one quote is said in that sequence."""
    story = """
        quote -12x0 -8x0
        o1 sell 1 limit -12 rod
        o2 buy 3 limit -5 rod
        quote -12x2 -8x4            => o2 3 at -5, o1 1 at -12, o2 done, o1 done
    """
    tell(QuoteMarket(lowest_ticks=ANY_PRICE), story)


def test_a_trade_takes_from_the_displayed_size_until_the_next_quote() -> None:
    story = """
        quote 99x10 101x5
        trade 101 4
        o1 buy 3 market ioc         => o1 1 at 101, o1 canceled 2
        trade 98 1
        o2 sell 3 market ioc        => o2 canceled 3
        quote 98x3 101x5
        o3 sell 3 market ioc        => o3 3 at 98, o3 done
        o4 buy 4 market ioc         => o4 4 at 101, o4 done
    """
    tell(QuoteMarket(), story)


QUEUE = """
    quote 99x10 101x5
    o1 buy 4 limit 99 rod
    queue o1                        => 10
    trade 99 6
    quote 99x4 101x5
    queue o1                        => 4
    quote 99x20 101x5
    queue o1                        => 4
    trade 99 5                      => o1 1 at 99
    quote 99x15 101x5
    trade 101 50
    trade 99 9                      => o1 3 at 99, o1 done
    queue o1                        => None
"""


def test_an_order_stands_behind_what_is_displayed_and_trades_carry_it_forward() -> None:
    tell(QuoteMarket(), QUEUE)


def test_a_smaller_display_takes_the_queue_down_and_the_trade_behind_it_counts_once() -> None:
    story = """
        quote 99x10 101x5
        o1 buy 4 limit 99 rod
        quote 99x7 101x5
        queue o1                    => 7
        trade 99 3
        queue o1                    => 7
        trade 99 3
        queue o1                    => 4
        quote 98x8 101x5
        queue o1                    => 0
        trade 99 6                  => o1 2 at 99
    """
    tell(QuoteMarket(), story)


def test_an_order_inside_the_spread_is_first_and_is_filled_by_what_trades_at_it_or_beyond() -> None:
    story = """
        quote 99x10 103x5
        o1 buy 4 limit 101 rod
        queue o1                    => 0
        trade 103 9
        trade 101 1                 => o1 1 at 101
        trade 99 2                  => o1 2 at 101
        quote 99x10 101x8           => o1 1 at 101, o1 done
    """
    tell(QuoteMarket(), story)


def test_the_opposite_quote_fills_what_it_reaches_up_to_its_size() -> None:
    story = """
        quote 99x10 103x5
        o1 sell 4 limit 102 rod
        o2 sell 4 limit 101 rod
        quote 101x3 103x5           => o2 3 at 101
        quote 101x3 103x5
        quote 101x4 103x5           => o2 1 at 101, o2 done
        quote 102x9 103x5           => o1 4 at 102, o1 done
        o3 sell 9 market ioc        => o3 5 at 102, o3 canceled 4
    """
    tell(QuoteMarket(), story)


def test_an_order_behind_the_best_price_stands_behind_all_that_is_displayed_there_later() -> None:
    story = """
        quote 99x10 101x5
        o1 sell 2 limit 102 rod
        trade 102 9
        trade 103 1                 => o1 1 at 102
        o2 sell 2 limit 103 rod
        quote 100x1 103x6
        queue o2                    => 6
        trade 103 7                 => o1 1 at 102, o1 done
        queue o2                    => 0
        quote 100x1 104x2
        trade 103 1                 => o2 1 at 103
    """
    tell(QuoteMarket(), story)


def test_trades_that_took_the_other_sides_display_serve_nobody_of_ours() -> None:
    story = """
        quote 99x10 101x5
        o1 buy 9 limit 102 rod      => o1 5 at 101
        trade 101 3
        trade 102 3
        quote 99x10 102x5           => o1 4 at 102, o1 done
    """
    tell(QuoteMarket(), story)


def test_one_print_serves_our_orders_in_turn_and_each_contract_once() -> None:
    story = """
        quote 99x2 101x5
        o1 buy 3 limit 99 rod
        quote 99x5 101x5
        o2 buy 3 limit 99 rod
        queue o1                    => 2
        queue o2                    => 5
        trade 99 10                 => o1 3 at 99, o2 2 at 99, o1 done
        o3 buy 3 limit 100 rod
        trade 98 3                  => o3 3 at 100, o3 done
    """
    tell(QuoteMarket(), story)


def test_mwp_counts_its_limit_from_the_best_price_of_its_own_side() -> None:
    story = """
        quote 99x10 101x5
        o1 buy 7 mwp ioc            => o1 5 at 101, o1 canceled 2
        o2 sell 2 mwp ioc           => o2 2 at 99, o2 done
        quote 99x10 103x5
        o3 buy 2 mwp ioc            => o3 canceled 2
        o4 buy 2 mwp rod
        quote 99x10 101x1           => o4 1 at 101
        quote - 103x5
        o5 buy 1 mwp ioc            => o5 rejected
    """
    tell(QuoteMarket(mwp_points=2), story)


def test_mwp_is_kept_within_the_days_limits() -> None:
    story = """
        quote 99x10 101x5
        o1 buy 1 mwp rod            => o1 1 at 101, o1 done
        quote 99x10 102x5
        o2 buy 1 mwp ioc            => o2 canceled 1
        quote 98x10 102x5
        o3 sell 1 mwp rod           => o3 1 at 98, o3 done
        quote 97x10 102x5
        o4 sell 1 mwp ioc           => o4 canceled 1
    """
    tell(QuoteMarket(mwp_points=50, low_ticks=98, high_ticks=101), story)


def test_prices_outside_the_days_limits_are_rejected_and_slippage_stays_within_them() -> None:
    story = """
        quote 99x10 101x9
        o1 buy 1 limit 103 rod      => o1 rejected
        o2 sell 1 limit 96 rod      => o2 rejected
        o3 buy 1 market ioc         => o3 1 at 102, o3 done
        o4 sell 1 market ioc        => o4 1 at 97, o4 done
        o5 buy 1 limit 101 ioc      => o5 1 at 101, o5 done
        o6 buy 0 market ioc         => o6 rejected
        limits 0 104
        o7 buy 1 limit 103 ioc      => o7 1 at 103, o7 done
        o8 sell 1 limit 96 ioc      => o8 1 at 97, o8 done
    """
    tell(QuoteMarket(slippage_ticks=2, low_ticks=97, high_ticks=102), story)


def test_a_cancel_takes_the_rest_off_and_the_session_voids_what_works() -> None:
    story = """
        quote 99x10 101x5
        o1 buy 7 limit 101 rod      => o1 5 at 101
        o2 buy 3 limit 98 rod
        o2 buy 3 limit 98 rod       => o2 rejected
        cancel o1                   => 2
        cancel o1                   => None
        close                       => o2 3
        o3 sell 1 market ioc        => o3 canceled 1
    """
    tell(QuoteMarket(), story)


@pytest.mark.parametrize("quote", ["101x5 101x5", "102x5 101x5", "0x5 101x5", "99x5 -1x5"])
def test_a_quote_that_cannot_be_one_moves_nothing_and_offers_nothing(quote: str) -> None:
    story = f"""
        quote 99x10 101x5
        o1 buy 3 limit 99 rod
        o2 buy 3 limit 100 rod
        quote {quote}
        queue o1                    => 10
        o3 buy 1 market ioc         => o3 canceled 1
        trade 0 5
        quote 99x10 101x5
        o4 buy 1 market ioc         => o4 1 at 101, o4 done
    """
    tell(QuoteMarket(), story)


def test_a_spread_trades_below_zero() -> None:
    story = """
        quote -5x3 -3x4
        o1 buy 2 market ioc         => o1 2 at -3, o1 done
        o2 buy 2 limit -4 rod
        trade -5 1                  => o2 1 at -4
    """
    tell(QuoteMarket(lowest_ticks=-100), story)


@pytest.mark.parametrize("kind", [OrderType.STOP, OrderType.STOP_LIMIT])
def test_the_exchange_knows_no_stops(kind: OrderType) -> None:
    outcome = QuoteMarket().enter(Order("o1", Side.BUY, kind, TimeInForce.ROD, 100, 1, 1), OPEN)
    assert [client_id for client_id, _ in outcome.rejected] == ["o1"]


def test_orders_of_a_book_do_not_belong_here() -> None:
    with pytest.raises(BadInput, match="choose the market that fits"):
        QuoteMarket().hear(SessionOpened(TXF, OPEN, 20210726, "day"))


def test_an_order_meets_the_quote_that_stands_when_it_arrives() -> None:
    exchange = Exchange({TXF: QuoteMarket()}, latency_ns=5)
    exchange.handle(Quote(TXF, OPEN, 99, 10, 101, 5), OPEN)
    exchange.handle(submit("o1", qty=2, at=OPEN), OPEN)
    assert len(exchange.handle(Quote(TXF, OPEN + 4, 99, 10, 102, 5), OPEN + 4)) == 1
    said = exchange.handle(Quote(TXF, OPEN + 5, 99, 10, 107, 5), OPEN + 5)
    assert [getattr(message, "price_ticks", None) for message in said] == [None, 102, None]


PRICES = st.integers(95, 105)
EVENTS = st.one_of(
    st.builds(Tick, st.just(TXF), st.just(OPEN), PRICES, st.integers(1, 9)),
    st.builds(
        lambda bid, bid_qty, spread, ask_qty: Quote(TXF, OPEN, bid, bid_qty, bid + spread, ask_qty),
        PRICES,
        st.integers(0, 9),
        st.integers(0, 3),
        st.integers(0, 9),
    ),
    st.tuples(
        st.sampled_from(list(Side)),
        st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.MWP]),
        st.sampled_from(list(TimeInForce)),
        PRICES,
        st.integers(1, 9),
    ),
    st.integers(1, 30),
)


@given(st.lists(EVENTS, max_size=40))
def test_nothing_fills_beyond_what_was_shown_or_printed_or_at_a_price_worse_than_the_limit(
    events: list[Tick | Quote | tuple[Side, OrderType, TimeInForce, int, int] | int],
) -> None:
    market = QuoteMarket(mwp_points=2)
    asked: dict[str, int] = {}
    filled: dict[str, int] = {}
    limits: dict[str, tuple[Side, OrderType, int]] = {}
    ended: dict[str, int] = {}
    quote = Quote(TXF, OPEN, 0, 0, 0, 0)
    bought_here = sold_here = 0  # Since the last change of the price of the side that is taken.
    for number, event in enumerate(events):
        most = {Side.BUY: 0, Side.SELL: 0}
        if isinstance(event, int):
            left = market.cancel(f"o{event}")
            if left is not None:
                ended[f"o{event}"] = left
            continue
        if isinstance(event, (Tick, Quote)):
            if isinstance(event, Quote) and (
                event.bid_ticks < event.ask_ticks or not (event.bid_qty and event.ask_qty)
            ):
                bought_here = min(bought_here, event.ask_qty) if event.ask_ticks == quote.ask_ticks else 0
                sold_here = min(sold_here, event.bid_qty) if event.bid_ticks == quote.bid_ticks else 0
                quote = event
            outcome = market.hear(event)
        else:
            side, kind, tif, price, qty = event
            name = f"o{number}"
            asked[name], limits[name] = qty, (side, kind, price)
            price = price if kind is OrderType.LIMIT else 0
            outcome = market.enter(Order(name, side, kind, tif, price, qty, number), OPEN)
        for name, _ in outcome.rejected:
            ended[name] = asked[name]
        for fill in outcome.executions:
            side, kind, price = limits[fill.client_id]
            assert fill.qty > 0
            assert kind is not OrderType.LIMIT or (price - fill.price_ticks) * side >= 0
            filled[fill.client_id] = filled.get(fill.client_id, 0) + fill.qty
            most[side] += fill.qty
        ended |= {name: left for name, left, _ in outcome.canceled}
        if isinstance(event, Tick):
            assert sum(most.values()) <= event.qty
        else:
            bought_here += most[Side.BUY]
            sold_here += most[Side.SELL]
            assert bought_here <= quote.ask_qty
            assert sold_here <= quote.bid_qty
    working = dict(market.close())
    for name, qty in asked.items():
        assert filled.get(name, 0) + ended.get(name, 0) + working.get(name, 0) == qty
