import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, Tick
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.matching.depth_market import DepthMarket
from autofutures.matching.exchange import Exchange
from autofutures.matching.model import DepthChanged, Order
from tests.makers import OPEN, TXF
from tests.unit.matching.told import tell

BOOK = """
    depth buy 99 10 snapshot more
    depth buy 98 20 more
    depth buy 96 30 more
    depth sell 101 5 more
    depth sell 102 6 more
    depth sell 104 7             => says 99x10 101x5
"""


def story(text: str, market: DepthMarket | None = None) -> None:
    tell(market or DepthMarket(), BOOK + text)


@pytest.mark.parametrize(
    "line",
    [
        "o1 buy 9 market ioc => o1 5 at 101, o1 4 at 102, o1 done",
        "o1 buy 20 market ioc => o1 5 at 101, o1 6 at 102, o1 7 at 104, o1 canceled 2",
        "o1 buy 20 limit 102 ioc => o1 5 at 101, o1 6 at 102, o1 canceled 9",
        "o1 buy 11 limit 102 fok => o1 5 at 101, o1 6 at 102, o1 done",
        "o1 buy 12 limit 103 fok => o1 canceled 12",
        "o1 sell 31 market fok => o1 10 at 99, o1 20 at 98, o1 1 at 96, o1 done",
        "o1 sell 61 market fok => o1 canceled 61",
        "o1 sell 11 mwp ioc => o1 10 at 99, o1 canceled 1",
    ],
)
def test_an_order_sweeps_the_levels_within_its_limit(line: str) -> None:
    story(line, DepthMarket(mwp_points=2))


def test_what_was_taken_of_a_level_stays_taken_while_it_is_displayed() -> None:
    story("""
        o1 buy 7 market ioc         => o1 5 at 101, o1 2 at 102, o1 done
        o2 buy 5 limit 102 ioc      => o2 4 at 102, o2 canceled 1
        depth sell 101 8            => says 99x10 101x8
        o3 buy 5 limit 101 ioc      => o3 3 at 101, o3 canceled 2
        depth sell 101 0            => says 99x10 102x6
        depth sell 101 2            => says 99x10 101x2
        o4 buy 5 limit 102 ioc      => o4 2 at 101, o4 canceled 3
    """)


def test_a_trade_and_the_change_of_depth_behind_it_count_once() -> None:
    story("""
        o1 buy 4 limit 99 rod
        queue o1                    => 10
        trade 99 6
        queue o1                    => 4
        depth buy 99 4              => says 99x4 101x5
        queue o1                    => 4
        depth buy 99 9              => says 99x9 101x5
        queue o1                    => 4
        trade 99 5                  => o1 1 at 99
        depth buy 99 4              => says 99x4 101x5
        trade 99 2                  => o1 2 at 99
    """)


def test_a_change_of_depth_and_the_trade_behind_it_count_once() -> None:
    story("""
        o1 buy 4 limit 99 rod
        depth buy 99 4              => says 99x4 101x5
        trade 99 6
        queue o1                    => 4
        trade 99 5                  => o1 1 at 99
    """)


def test_the_queue_is_known_at_every_displayed_price_and_nobody_stands_in_a_gap() -> None:
    story("""
        o1 buy 1 limit 98 rod
        o2 buy 1 limit 97 rod
        o3 buy 1 limit 100 rod
        o4 buy 1 limit 95 rod
        queue o1                    => 20
        queue o2                    => 0
        queue o3                    => 0
        depth buy 95 40
        queue o4                    => 40
        trade 98 3                  => o3 1 at 100, o3 done
        queue o1                    => 18
        trade 97 2                  => o1 1 at 98, o2 1 at 97, o1 done, o2 done
    """)


def test_what_a_trade_swept_cannot_be_taken_any_more() -> None:
    story("""
        trade 102 2
        o1 buy 9 limit 102 ioc      => o1 4 at 102, o1 canceled 5
        depth sell 101 0 more
        depth sell 102 4            => says 99x10 102x4
        o2 buy 9 limit 102 ioc      => o2 canceled 9
    """)


def test_a_change_in_parts_matches_and_is_said_once_it_is_whole() -> None:
    story("""
        o1 buy 9 limit 100 rod
        o2 buy 1 limit 98 rod
        depth sell 98 2 more
        queue o2                    => 20
        depth sell 98 0 more
        depth sell 100 3 more
        depth sell 101 0 more
        depth sell 99 2 more
        depth buy 99 0              => o1 2 at 100, o1 3 at 100, says 98x20 99x2
        depth buy 98 20
        depth sell 99 4             => o1 2 at 100, says 98x20 99x4
    """)


def test_a_snapshot_forgets_what_was_known() -> None:
    story("""
        depth buy 90 1 snapshot more
        depth sell 95 2             => says 90x1 95x2
        o1 sell 3 market ioc        => o1 1 at 90, o1 canceled 2
    """)


def test_a_book_whose_sides_meet_is_said_and_offers_nothing() -> None:
    story("""
        o1 sell 1 limit 100 rod
        depth buy 101 3             => says 101x3 101x5
        o2 buy 1 market ioc         => o2 canceled 1
        depth sell 101 0            => o1 1 at 100, o1 done, says 101x3 102x6
    """)


def test_after_the_session_the_book_is_kept_and_nothing_is_taken_before_it_moves() -> None:
    story("""
        o1 buy 1 limit 99 rod
        close                       => o1 1
        o2 buy 1 market ioc         => o2 canceled 1
        depth sell 104 8
        o3 buy 1 market ioc         => o3 1 at 101, o3 done
        trade 0 3
    """)


def test_prices_outside_the_days_limits_are_rejected_and_slippage_stays_within_them() -> None:
    market = DepthMarket(slippage_ticks=2, low_ticks=97, high_ticks=103)
    story(
        """
        o1 buy 1 limit 105 rod      => o1 rejected
        o2 buy 7 market ioc         => o2 5 at 103, o2 2 at 103, o2 done
        o3 sell 1 limit 98 ioc      => o3 1 at 98, o3 done
        limits 0 105
        o4 buy 1 limit 105 ioc      => o4 1 at 104, o4 done
        """,
        market,
    )


def test_an_order_leaves_when_it_is_asked_back() -> None:
    story("""
        o1 buy 7 limit 101 rod      => o1 5 at 101
        cancel o1                   => 2
        cancel o1                   => None
        queue o1                    => None
    """)


def test_quotes_do_not_belong_here() -> None:
    with pytest.raises(BadInput, match="choose the market that fits"):
        DepthMarket().hear(Quote(TXF, OPEN, 1, 1, 2, 1))


def test_the_best_price_is_found_however_often_levels_come_and_go() -> None:
    market = DepthMarket()
    for number in range(500):
        market.hear(DepthChanged(TXF, OPEN, Side.BUY, 50 + number % 7, number % 3))
    outcome = market.hear(DepthChanged(TXF, OPEN, Side.BUY, 90, 1))
    assert outcome.market == [Quote(TXF, OPEN, 90, 1, 0, 0)]


def test_depth_never_leaves_the_exchange() -> None:
    exchange = Exchange({TXF: DepthMarket()})
    assert exchange.handle(DepthChanged(TXF, OPEN, Side.BUY, 99, 1, more=True), OPEN) == []
    assert exchange.handle(DepthChanged(TXF, OPEN, Side.SELL, 101, 1), OPEN) == [
        Quote(TXF, OPEN, 99, 1, 101, 1)
    ]


PRICES = st.integers(95, 105)
EVENTS = st.one_of(
    st.builds(Tick, st.just(TXF), st.just(OPEN), PRICES, st.integers(1, 9)),
    st.builds(
        DepthChanged,
        st.just(TXF),
        st.just(OPEN),
        st.sampled_from(list(Side)),
        PRICES,
        st.integers(0, 9),
        st.integers(0, 9).map(lambda n: n == 0),
        st.booleans(),
    ),
    st.tuples(
        st.sampled_from(list(Side)),
        st.sampled_from([OrderType.MARKET, OrderType.LIMIT]),
        st.sampled_from(list(TimeInForce)),
        PRICES,
        st.integers(1, 20),
    ),
)


@given(st.lists(EVENTS, max_size=40))
def test_no_level_gives_more_than_it_shows_and_no_contract_is_lost(
    events: list[Tick | DepthChanged | tuple[Side, OrderType, TimeInForce, int, int]],
) -> None:
    market = DepthMarket()
    asked: dict[str, tuple[Side, OrderType, int, int]] = {}
    over: dict[str, int] = {}
    shown: dict[tuple[Side, int], int] = {}
    for number, event in enumerate(events):
        if isinstance(event, DepthChanged):
            if event.first:
                shown.clear()
            shown[event.side, event.price_ticks] = event.qty
        if isinstance(event, tuple):
            side, kind, tif, price, qty = event
            asked[f"o{number}"] = (side, kind, price, qty)
            ticks = price if kind is OrderType.LIMIT else 0
            outcome = market.enter(Order(f"o{number}", side, kind, tif, ticks, qty, number), OPEN)
        else:
            outcome = market.hear(event)
        total = 0
        for fill in outcome.executions:
            side, kind, price, _ = asked[fill.client_id]
            assert kind is OrderType.MARKET or (price - fill.price_ticks) * side >= 0
            if isinstance(event, tuple):
                assert fill.qty <= shown[side.opposite, fill.price_ticks]
            over[fill.client_id] = over.get(fill.client_id, 0) + fill.qty
            total += fill.qty
        if isinstance(event, Tick):
            assert total <= event.qty
        else:
            assert total <= sum(shown.values())
        for name, left, _ in outcome.canceled:
            over[name] = over.get(name, 0) + left
    for name, left in market.close():
        over[name] = over.get(name, 0) + left
    assert over == {name: qty for name, (_, _, _, qty) in asked.items()}
