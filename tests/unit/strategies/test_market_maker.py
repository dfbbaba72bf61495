from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    AnyMessage,
    Intent,
    Quote,
    Restored,
    Revoke,
    Tick,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import Side
from autofutures.engine import Engine
from autofutures.matching.exchange import Exchange
from autofutures.matching.quote_market import QuoteMarket
from autofutures.portfolio.tally import Tally
from autofutures.strategies.host import Host
from autofutures.strategies.market_maker import MarketMaker
from tests.makers import OPEN, TXF, WIDE, a_trader
from tests.unit.strategies.house import MXF, Told, view_of

MS = 1_000_000
SECOND = 1_000 * MS


class Desk:
    """The maker's host, told what a trader would tell it; what it says is read as words."""

    def __init__(self, **settings: int) -> None:
        self.host = Host("sr", MarketMaker(**settings), (TXF, MXF), view_of(TXF, MXF))
        self.now = OPEN
        self.handles: list[int] = []

    def quote(self, bid: int, ask: int, bid_qty: int = 5, ask_qty: int = 5, *, after: int = 0) -> list[str]:
        self.now += after
        return self.hear(Quote(TXF, self.now, bid, bid_qty, ask, ask_qty))

    def hear(self, message: AnyMessage) -> list[str]:
        words = []
        for decision in self.host.handle(message, self.now):
            if isinstance(decision, Intent):
                self.handles.append(decision.cause_seq << 16 | decision.k)
                words.append(f"{decision.side.word} {decision.qty} at {decision.price_ticks}")
            elif isinstance(decision, Revoke):
                number = self.handles.index(decision.order_seq << 16 | decision.order_k)
                words.append(f"cancel {number}")
        return words

    def ended(self, number: int, status: Status = Status.CANCELED) -> list[str]:
        return self.hear(Told.changed(self.handles[number], status))

    def filled(self, number: int, side: Side, qty: int, position: int) -> list[str]:
        return self.hear(Told.traded(self.handles[number], side, qty, position))


def test_it_stands_at_both_best_prices_and_waits_there() -> None:
    desk = Desk(qty=2)
    assert desk.quote(99, 101) == ["buy 2 at 99", "sell 2 at 101"]
    assert desk.quote(99, 101, 9, after=SECOND) == []


def test_it_may_stand_behind_the_best_prices() -> None:
    assert Desk(edge_ticks=3).quote(99, 101) == ["buy 1 at 96", "sell 1 at 104"]


def test_it_follows_the_market_once_the_move_is_more_than_the_tolerance_and_the_order_has_rested() -> None:
    desk = Desk(tolerance_ticks=1, rest_ms=100)
    desk.quote(99, 101)
    assert desk.quote(100, 102, after=200 * MS) == []
    assert desk.quote(101, 103) == ["cancel 0", "cancel 1"]
    assert desk.quote(101, 103, after=50 * MS) == []
    assert desk.ended(0) == []
    assert desk.quote(101, 103) == ["buy 1 at 101"]
    assert desk.quote(105, 107, after=99 * MS) == []
    assert desk.quote(105, 107, after=1 * MS) == ["cancel 2"]


def test_a_cancel_that_nobody_answers_is_asked_for_again_a_second_later() -> None:
    desk = Desk()
    desk.quote(99, 101)
    assert desk.quote(100, 101, after=SECOND) == ["cancel 0"]
    assert desk.quote(100, 101, after=SECOND - 1) == []
    assert desk.quote(100, 101, after=1) == ["cancel 0"]


def test_what_it_holds_moves_back_the_side_that_adds_and_makes_the_other_larger() -> None:
    desk = Desk(qty=2, max_inventory=4, skew_ticks=3, rest_ms=0)
    desk.quote(99, 101)
    desk.filled(0, Side.BUY, 2, 2)
    assert desk.quote(99, 101, after=MS) == ["buy 2 at 98"]
    desk.ended(1)
    assert desk.quote(99, 101, after=MS) == ["sell 4 at 101"]
    desk.filled(2, Side.BUY, 2, 4)
    desk.ended(3)
    assert desk.quote(99, 101, after=MS) == ["sell 6 at 101"]
    desk.filled(4, Side.SELL, 6, -2)
    assert desk.quote(99, 101, after=MS) == ["buy 4 at 99", "sell 2 at 102"]


@pytest.mark.parametrize(("bid_qty", "ask_qty"), [(0, 5), (5, 0)])
def test_it_leaves_a_market_that_has_one_side_only(bid_qty: int, ask_qty: int) -> None:
    desk = Desk()
    assert desk.quote(99, 101, bid_qty, ask_qty) == []
    desk.quote(99, 101)
    assert desk.quote(99, 101, bid_qty, ask_qty) == ["cancel 0", "cancel 1"]


def test_a_refused_order_is_tried_again_only_after_its_rest() -> None:
    desk = Desk(rest_ms=100)
    desk.quote(99, 101)
    desk.hear(Told.refused(desk.handles[0]))
    assert desk.quote(99, 101, after=99 * MS) == []
    assert desk.quote(99, 101, after=1 * MS) == ["buy 1 at 99"]


def test_other_symbols_of_its_run_are_nothing_to_it() -> None:
    desk = Desk()
    assert desk.hear(Quote(MXF, OPEN, 99, 1, 101, 1)) == []


def test_after_a_restart_it_goes_on_with_the_orders_that_it_had() -> None:
    desk = Desk(rest_ms=0)
    desk.quote(99, 101)
    plan = Told.placed(9 << 16 | 1 << 15, Side.BUY, 1)
    placed = [
        Told.placed(handle, side, 1) for handle, side in zip(desk.handles, (Side.BUY, Side.SELL), strict=True)
    ]
    changed = [Told.changed(handle, Status.WORKING, left=1) for handle in desk.handles]
    other = Told.placed(9 << 16 | 2, Side.BUY, 1, symbol=MXF)
    again = Desk(rest_ms=0)
    again.handles = desk.handles
    again.hear(
        Restored(
            "sr",
            5,
            b"",
            (),
            (*placed, plan, other),
            (*changed, Told.changed(1, Status.WORKING, left=1), Told.changed(2, Status.WORKING, left=1)),
            {TXF: 1},
        )
    )
    assert again.quote(99, 101) == ["cancel 0", "cancel 1"]
    again.ended(0)
    again.ended(1)
    assert again.quote(99, 101) == ["buy 1 at 99", "sell 2 at 101"]


@pytest.mark.parametrize(
    "settings",
    [
        {"qty": 0},
        {"qty": 6, "max_inventory": 5},
        {"edge_ticks": -1},
        {"skew_ticks": -1},
        {"tolerance_ticks": -1},
        {"rest_ms": -1},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadInput, match=next(iter(settings))):
        MarketMaker(**settings)


class Witness(Tally):
    """Looks at the position after each fill, and at what could be bought and sold in the worst case."""

    def __init__(self) -> None:
        super().__init__({TXF: instrument(TXF)})
        self.most = 0

    def handle(self, message: AnyMessage, now: int) -> None:
        super().handle(message, now)
        if isinstance(message, Traded):
            self.most = max(self.most, abs(message.position))


MARKET = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.integers(95, 105),
        st.integers(1, 3),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 20),
    ),
    max_size=60,
)


@given(
    market=MARKET,
    qty=st.integers(1, 4),
    more=st.integers(0, 4),
    skew=st.integers(0, 3),
    latency=st.sampled_from([0, 20 * MS]),
)
def test_whatever_fills_the_inventory_never_passes_its_limit(
    market: Sequence[tuple[int, int, int, int, int, int]], qty: int, more: int, skew: int, latency: int
) -> None:
    witness = Witness()
    maker = MarketMaker(qty=qty, max_inventory=qty + more, skew_ticks=skew, rest_ms=10)
    exchange = Exchange({TXF: QuoteMarket()}, latency)
    engine = Engine(exchange, a_trader(WIDE), [Host("s", maker, (TXF,), view_of(TXF))], witness)
    feed: list[Quote | Tick] = []
    at = OPEN
    for wait_ms, bid, spread, bid_qty, ask_qty, traded in market:
        at += wait_ms * MS
        feed.append(Quote(TXF, at, bid, bid_qty, bid + spread, ask_qty))
        if traded:
            feed.append(Tick(TXF, at, bid + spread * (traded % 2), traded))
    engine.run(feed)
    assert witness.most <= qty + more
