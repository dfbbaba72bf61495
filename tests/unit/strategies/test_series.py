from collections.abc import Sequence

import pytest

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    Decision,
    Intent,
    OrderChanged,
    Placed,
    Quote,
    Refused,
    Restored,
    SessionEnded,
    Tick,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side
from autofutures.market.continuous import Segment
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.series import IN_K, OUT_K, Series, SeriesHost
from tests.makers import OPEN, intent

AUG, SEP, FRONT = "TAIFEX:TXF202108", "TAIFEX:TXF202109", "TAIFEX:TXF.front"
ROLL = OPEN + 1_000
"""From then on September is in front; it stands 50 ticks below August."""


class Diary(Strategy):
    """Writes down what it hears and holds, and does at the next trade what a test wants of it."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.wants = ""

    def on_start(self, event: Restored, ctx: Context) -> None:
        self.heard.append(f"start {ctx.position} {ctx.working}")

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        self.heard.append(f"tick {tick.symbol} {tick.price_ticks} {ctx.position}")
        wants, self.wants = self.wants, ""
        match wants:
            case "buy":
                ctx.buy_market(1)
            case "limit":
                ctx.buy_limit(1, tick.price_ticks)
                ctx.sell_limit(1, tick.price_ticks)
            case "stop":
                ctx.buy_stop(1, tick.price_ticks + 1)
                ctx.sell_stop(1, tick.price_ticks - 1)
            case "plan":
                ctx.buy_market(1, exit=ctx.declare_exit(stop_ticks=10))
            case _:
                pass

    def on_quote(self, quote: Quote, ctx: Context) -> None:
        self.heard.append(f"quote {quote.bid_ticks} {quote.ask_ticks}")

    def on_fill(self, fill: Traded, ctx: Context) -> None:
        self.heard.append(f"fill {fill.symbol} {fill.price_ticks} {fill.position}")

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        self.heard.append("refused" if isinstance(event, Refused) else f"order {event.symbol}")

    def on_session_close(self, event: SessionEnded, ctx: Context) -> None:
        self.heard.append(f"end {event.symbol}")


class House:
    """A strategy on a series, and the trader's side of it by hand."""

    def __init__(self, *segments: Segment, carries: bool = True) -> None:
        self.diary = Diary()
        both = segments or (Segment(AUG, 1, 1), Segment(SEP, 2, 2, shift_ticks=50))
        series = {FRONT: Series(FRONT, both, (0, ROLL), carries)}
        view = MarketView(Calendar())
        view.add(FRONT, "taifex-index")
        self.host = SeriesHost("s", self.diary, [FRONT], view, series)

    def tick(self, symbol: str, price_ticks: int, at: int) -> Sequence[Decision]:
        return self.host.handle(Tick(symbol, at, price_ticks, 1), at)

    def fill(self, order: Intent, price_ticks: int, position: int) -> None:
        self.host.handle(
            Traded(
                client_id="o",
                strategy="s",
                order_seq=order.cause_seq,
                order_k=order.k,
                n=1,
                at=order.at,
                symbol=order.symbol,
                side=order.side,
                qty=order.qty,
                price_ticks=price_ticks,
                fee=0,
                tax=0,
                position=position,
                fill_id="F",
            ),
            order.at,
        )

    def holding(self) -> "House":
        """The strategy has bought one August."""
        self.diary.wants = "buy"
        (order,) = self.tick(AUG, 17_000, OPEN)
        assert isinstance(order, Intent)
        assert (order.symbol, order.side) == (AUG, Side.BUY)
        self.fill(order, 17_001, 1)
        self.diary.heard.clear()
        return self


def only(decisions: Sequence[Decision]) -> Intent:
    (order,) = decisions
    assert isinstance(order, Intent)
    return order


def test_a_carried_position_moves_by_two_orders_that_the_strategy_does_not_hear_of() -> None:
    house = House().holding()
    into = only(house.tick(SEP, 16_955, ROLL))
    assert (into.symbol, into.side, into.qty, into.type, into.k) == (SEP, Side.BUY, 1, OrderType.MARKET, IN_K)
    out = only(house.tick(AUG, 17_005, ROLL + 1))
    assert (out.symbol, out.side, out.qty, out.type, out.k) == (AUG, Side.SELL, 1, OrderType.MARKET, OUT_K)
    for order, price, position in ((out, 17_005, 0), (into, 16_956, 1)):
        house.fill(order, price, position)
        house.tick(SEP, 16_956, ROLL + 2)
    assert house.diary.heard == [
        f"tick {FRONT} 17005 1",
        f"tick {FRONT} 17006 1",
        f"tick {FRONT} 17006 1",
    ]


def test_a_position_that_is_not_carried_is_gone_at_once() -> None:
    house = House(carries=False).holding()
    assert house.tick(SEP, 16_955, ROLL) == []
    assert house.diary.heard == [f"tick {FRONT} 17005 0"]
    out = only(house.tick(AUG, 17_005, ROLL + 1))
    house.fill(out, 17_005, 0)
    house.tick(SEP, 16_955, ROLL + 2)
    assert house.diary.heard[-1] == f"tick {FRONT} 17005 0"


@pytest.mark.parametrize("how", ["refused", "expired"])
def test_an_order_that_did_not_move_it_leaves_the_truth(how: str) -> None:
    house = House().holding()
    into = only(house.tick(SEP, 16_955, ROLL))
    out = only(house.tick(AUG, 17_005, ROLL + 1))
    house.fill(into, 16_956, 1)
    if how == "refused":
        house.host.handle(Refused("s", out.cause_seq, out.k, ROLL + 1, "session", 1, 0, "no"), ROLL + 1)
    else:
        changed = OrderChanged(
            "o", "s", out.cause_seq, out.k, ROLL + 1, AUG, Status.EXPIRED, 0, 0, "the session ended"
        )
        house.host.handle(changed, ROLL + 1)
    house.tick(SEP, 16_956, ROLL + 2)
    assert house.diary.heard[-1] == f"tick {FRONT} 17006 2"
    assert "refused" not in house.diary.heard


def test_orders_and_their_news_are_translated() -> None:
    house = House()
    house.tick(SEP, 16_950, ROLL)
    house.diary.wants = "limit"
    buy, sell = house.tick(SEP, 16_951, ROLL + 1)
    assert isinstance(buy, Intent)
    assert isinstance(sell, Intent)
    assert [(one.symbol, one.price_ticks) for one in (buy, sell)] == [(SEP, 16_951), (SEP, 16_951)]
    house.fill(buy, 16_951, 1)
    changed = OrderChanged("o", "s", buy.cause_seq, buy.k, ROLL + 1, SEP, Status.FILLED, 1, 0)
    house.host.handle(changed, ROLL + 1)
    house.host.handle(Refused("s", sell.cause_seq, sell.k, ROLL + 1, "position", 1, 2, "no"), ROLL + 1)
    assert house.diary.heard[-3:] == [f"fill {FRONT} 17001 1", f"order {FRONT}", "refused"]


def test_under_a_ratio_a_limit_is_kept_and_a_stop_does_not_fire_early() -> None:
    half = Segment(SEP, 2, 2, ratio_ppb=500_000_000)  # 200 and 201 are 100 and 101, 199 is 100.
    house = House(Segment(AUG, 1, 1), half)
    house.diary.wants = "limit"
    buy, sell = house.tick(SEP, 200, ROLL)
    house.diary.wants = "stop"
    buy_stop, sell_stop = house.tick(SEP, 200, ROLL + 1)
    assert [getattr(one, "price_ticks", 0) for one in (buy, sell)] == [200, 199]
    assert [half.to_series(price) for price in (198, 199, 200, 201)] == [99, 100, 100, 101]
    assert [getattr(one, "stop_ticks", 0) for one in (buy_stop, sell_stop)] == [201, 198]


def test_quotes_are_joined_and_an_absent_side_stays_absent() -> None:
    house = House()
    house.host.handle(Quote(SEP, ROLL, 16_950, 3, 0, 0), ROLL)
    house.host.handle(Quote(AUG, ROLL, 17_000, 3, 17_001, 3), ROLL)
    assert house.diary.heard == ["quote 17000 0"]


def test_only_the_session_of_the_contract_in_front_ends_for_the_strategy() -> None:
    house = House()
    for symbol, at in ((AUG, ROLL), (SEP, ROLL), (AUG, ROLL + 9), (SEP, ROLL + 9)):
        house.host.handle(SessionEnded(symbol, at, 20210726, "day"), at)
    assert house.diary.heard == [f"end {FRONT}"] * 2


def test_after_a_restart_positions_and_orders_are_those_of_the_series() -> None:
    house = House()
    order = intent(Side.BUY, 2, OrderType.LIMIT, symbol=SEP, price_ticks=16_950)
    placed = Placed("o", Status.WORKING, order)
    changed = OrderChanged("o", "s", 1, 1, OPEN, SEP, Status.WORKING, 0, 2)
    restored = Restored("s", 9, b"", (), (placed,), (changed,), {AUG: 1, SEP: 0})
    house.host.handle(restored, ROLL)
    assert house.diary.heard == ["start 1 2"]
    assert only(house.tick(SEP, 16_955, ROLL)).side is Side.BUY  # August was held, and September is in front.
    assert only(house.tick(AUG, 17_005, ROLL + 1)).side is Side.SELL


def test_an_exit_plan_on_a_series_is_refused_in_words() -> None:
    house = House()
    house.diary.wants = "plan"
    with pytest.raises(BadInput, match="an order on a series carries none"):
        house.tick(AUG, 17_000, OPEN)
