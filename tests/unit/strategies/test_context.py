from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    TRADER_K,
    CloseLot,
    ExitPlan,
    Intent,
    OrderChanged,
    Quote,
    Revoke,
    Saved,
    Tick,
    WakeAt,
    handle_of,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import MINUTE, SECOND, OpenClose, OrderType, Side, TimeInForce
from autofutures.strategies.context import Context
from tests.unit.strategies.house import MXF, TXF, Told


def context(*symbols: str) -> Context:
    ctx = Context("sr", symbols or (TXF,))
    ctx.now = 77
    ctx.market_event()
    return ctx


def said(ctx: Context) -> Intent:
    (intent,) = ctx.take_said(None)
    assert isinstance(intent, Intent)
    return intent


def order(ctx: Context, side: Side, qty: int, leg: int = 0) -> int:
    return (ctx.buy_market if side is Side.BUY else ctx.sell_market)(qty, leg=leg)


MARKET, MWP, LIMIT = OrderType.MARKET, OrderType.MWP, OrderType.LIMIT
STOP, STOP_LIMIT = OrderType.STOP, OrderType.STOP_LIMIT
IOC, ROD, FOK = TimeInForce.IOC, TimeInForce.ROD, TimeInForce.FOK


@pytest.mark.parametrize(
    ("ask", "side", "kind", "price_ticks", "stop_ticks", "tif"),
    [
        (lambda c: c.buy_market(2), Side.BUY, MARKET, 0, 0, IOC),
        (lambda c: c.sell_market(2), Side.SELL, MARKET, 0, 0, IOC),
        (lambda c: c.buy_mwp(2), Side.BUY, MWP, 0, 0, IOC),
        (lambda c: c.sell_mwp(2), Side.SELL, MWP, 0, 0, IOC),
        (lambda c: c.buy_limit(2, 99), Side.BUY, LIMIT, 99, 0, ROD),
        (lambda c: c.sell_limit(2, 99, tif=FOK), Side.SELL, LIMIT, 99, 0, FOK),
        (lambda c: c.buy_stop(2, 101), Side.BUY, STOP, 0, 101, ROD),
        (lambda c: c.buy_stop(2, 101, price_ticks=102), Side.BUY, STOP_LIMIT, 102, 101, ROD),
        (lambda c: c.sell_stop(2, 98), Side.SELL, STOP, 0, 98, ROD),
        (lambda c: c.sell_stop(2, 98, price_ticks=97), Side.SELL, STOP_LIMIT, 97, 98, ROD),
    ],
)
def test_each_ask_is_its_own_order(
    ask: Callable[[Context], int],
    side: Side,
    kind: OrderType,
    price_ticks: int,
    stop_ticks: int,
    tif: TimeInForce,
) -> None:
    ctx = context()
    handle = ask(ctx)
    assert handle == handle_of(1, 1)
    assert ctx.working == 2 * side
    intent = said(ctx)
    assert (intent.strategy, intent.cause_seq, intent.k, intent.at, intent.symbol) == ("sr", 1, 1, 77, TXF)
    assert (intent.side, intent.qty, intent.type) == (side, 2, kind)
    assert (intent.price_ticks, intent.stop_ticks, intent.tif) == (price_ticks, stop_ticks, tif)
    assert (intent.exit, intent.leg, intent.why) == (None, 0, 0)


def test_an_entry_names_its_leg_its_reason_and_its_exits() -> None:
    ctx = context(TXF, MXF)
    number = ctx.declare_exit(120, 30)
    assert ctx.declare_exit(120, 30) == number
    assert ctx.declare_exit(120, 31) == number + 1
    ctx.buy_market(1, leg=1, exit=number, why=4, plan_ticks=22030)
    planned = said(ctx)
    assert (planned.symbol, planned.leg, planned.why) == (MXF, 1, 4)
    assert planned.exit == ExitPlan(120, 30, 22030)
    ctx.buy_market(1, exit=number)
    assert said(ctx).exit == ExitPlan(120, 30)


def test_declared_exit_plans_count_from_one() -> None:
    ctx = Context("sr", (TXF,), (ExitPlan(5, 6),))
    ctx.sell_limit(1, 9, exit=1)
    assert said(ctx).exit == ExitPlan(5, 6)


def test_decisions_are_counted_from_one_at_every_market_event() -> None:
    ctx = context()
    first = [ctx.buy_market(1), ctx.sell_market(1)]
    ctx.market_event()
    second = ctx.buy_market(1)
    assert [*first, second] == [handle_of(1, 1), handle_of(1, 2), handle_of(2, 1)]
    assert len({*first, second}) == 3


def test_a_strategy_that_answers_itself_is_stopped_before_the_traders_own_numbers() -> None:
    ctx = context()
    for _ in range(TRADER_K - 1):
        ctx.wake_at(1)
        ctx.cancel(5)
    with pytest.raises(BadInput, match="is it answering itself"):
        ctx.cancel(5)


def test_a_cancel_names_the_order_and_changes_nothing_yet() -> None:
    ctx = context()
    handle = ctx.buy_limit(2, 9)
    ctx.cancel(handle)
    assert ctx.take_said(None)[1] == Revoke("sr", 1, 2, 77, 1, 1)
    assert (ctx.is_open(handle), ctx.working) == (True, 2)
    ctx.hear_order(Told.changed(handle, Status.CANCELED))
    assert (ctx.is_open(handle), ctx.working) == (False, 0)


def test_timers_and_states_leave_with_what_was_decided() -> None:
    ctx = context()
    ctx.wake_at(99, timer=3)
    ctx.save()
    assert ctx.take_said(b"state") == [WakeAt("sr", 99, 3), Saved("sr", 77, b"state")]
    assert ctx.take_said(b"state") == []


def test_each_leg_has_its_own_position_work_and_last_trade() -> None:
    ctx = context(TXF, MXF)
    ctx.hear_tick(Tick(TXF, 0, 100, 1), 0)
    ctx.hear_tick(Tick(MXF, 0, 200, 1), 1)
    ctx.sell_market(3, leg=1)
    ctx.set_position(MXF, -2)
    ctx.set_position("TAIFEX:TMF202108", 9)
    assert [ctx.leg_of(symbol) for symbol in (TXF, MXF)] == [0, 1]
    assert (ctx.last_ticks, ctx.position, ctx.working) == (100, 0, 0)
    legs = [(ctx.last_of(leg), ctx.position_of(leg), ctx.working_of(leg)) for leg in (0, 1)]
    assert legs == [(100, 0, 0), (200, -2, -3)]


def test_each_leg_has_its_own_best_bid_and_offer() -> None:
    ctx = context(TXF, MXF)
    ctx.hear_quote(Quote(MXF, 0, 199, 3, 201, 4), 1)
    assert (ctx.leg, ctx.bid_ticks, ctx.bid_qty, ctx.ask_ticks, ctx.ask_qty) == (1, 0, 0, 0, 0)
    ctx.hear_quote(Quote(TXF, 0, 99, 1, 101, 2), 0)
    assert (ctx.leg, ctx.bid_ticks, ctx.bid_qty, ctx.ask_ticks, ctx.ask_qty) == (0, 99, 1, 101, 2)
    legs = [
        (ctx.bid_ticks_of(leg), ctx.bid_qty_of(leg), ctx.ask_ticks_of(leg), ctx.ask_qty_of(leg))
        for leg in (0, 1)
    ]
    assert legs == [(99, 1, 101, 2), (199, 3, 201, 4)]


def test_a_refusal_frees_the_order_and_a_repeats_refusal_does_not() -> None:
    ctx = context()
    handle = ctx.buy_market(2)
    ctx.hear_refusal(Told.refused(handle, "duplicate"))
    assert ctx.working == 2
    ctx.hear_refusal(Told.refused(handle))
    assert (ctx.working, ctx.is_open(handle)) == (0, False)


def test_between_a_fill_and_its_orders_news_nothing_counts_twice() -> None:
    ctx = context()
    handle = ctx.buy_market(3)
    ctx.hear_fill(Told.traded(handle, Side.BUY, 1, 1))
    assert (ctx.position, ctx.working) == (1, 2)
    ctx.hear_order(Told.changed(handle, Status.WORKING, filled=1, left=2))
    assert (ctx.position, ctx.working) == (1, 2)


def test_orders_of_before_a_restart_are_at_work_and_the_traders_exits_are_not() -> None:
    ctx = context()
    ctx.restore_order(Told.placed(handle_of(5, 1), Side.BUY, 3), 2)
    ctx.restore_order(Told.placed(handle_of(5, 2), Side.BUY, 3), 0)
    ctx.restore_order(Told.placed(handle_of(5, TRADER_K), Side.SELL, 3), 3)
    ctx.restore_order(Told.placed(handle_of(5, 3), Side.SELL, 3, symbol=MXF), 3)
    assert ctx.working == 2
    ctx.hear_fill(Told.traded(handle_of(5, 1), Side.BUY, 2, 3))
    assert (ctx.working, ctx.position) == (0, 3)


News = tuple[int, int, int]
"""(order, contracts filled by this news, 0: its end)."""


@given(
    quantities=st.lists(st.tuples(st.sampled_from(list(Side)), st.integers(1, 4)), min_size=1, max_size=5),
    data=st.data(),
)
def test_working_and_position_follow_the_book_in_any_order_of_news(
    quantities: Sequence[tuple[Side, int]], data: st.DataObject
) -> None:
    ctx = context()
    handles = [order(ctx, side, qty) for side, qty in quantities]
    left = [qty for _, qty in quantities]
    position = 0
    behind: list[OrderChanged] = []
    while any(left):
        n = data.draw(st.sampled_from([n for n, each in enumerate(left) if each]))
        side, qty = quantities[n]
        fills = data.draw(st.integers(0, left[n]))
        left[n] -= fills
        filled = qty - left[n]
        if fills == 0:
            left[n] = 0
            status = Status.CANCELED if filled or data.draw(st.booleans()) else Status.REJECTED
            ctx.hear_order(Told.changed(handles[n], status, filled=filled))
        else:
            position += side * fills
            ctx.hear_fill(Told.traded(handles[n], side, fills, position))
            behind.append(Told.changed(handles[n], Status.WORKING, filled=filled, left=left[n]))
        while data.draw(st.booleans()) and behind:  # The order's own news comes late, twice, or not at all.
            ctx.hear_order(behind[data.draw(st.integers(0, len(behind) - 1))])
            behind.pop(0)
        working = sum(side * each for (side, _), each in zip(quantities, left, strict=True))
        assert (ctx.position, ctx.working) == (position, working)
    assert not any(ctx.is_open(handle) for handle in handles)


def test_news_of_unknown_orders_changes_nothing() -> None:
    ctx = context()
    ctx.hear_order(Told.changed(handle_of(8, 8), Status.WORKING, left=3))
    ctx.hear_refusal(Told.refused(handle_of(8, 8)))
    assert (ctx.working, ctx.is_open(handle_of(8, 8))) == (0, False)


def test_orders_carry_how_the_broker_shall_book_them() -> None:
    ctx = Context("s", ["TAIFEX:TXF202108"])
    ctx.open_close, ctx.day_trade = OpenClose.OPEN, True
    ctx.buy_market(1)
    (said,) = ctx.take_said(None)
    assert isinstance(said, Intent)
    assert (said.open_close, said.day_trade) == (OpenClose.OPEN, True)


def test_a_declared_plan_speaks_minutes_and_seconds_and_may_be_planned_from_a_price() -> None:
    ctx = Context("sr", (TXF,))
    number = ctx.declare_exit(
        stop_ticks=9,
        trail_atr=250,
        atr_minutes=5,
        atr_periods=10,
        break_even_ticks=8,
        break_even_offset_ticks=-2,
        time_stop_seconds=3,
        flat_before_close_seconds=4,
        levels=[(12, 50)],
    )
    ctx.buy_market(2, exit=number, plan_ticks=17_400)
    assert said(ctx).exit == ExitPlan(
        stop_ticks=9,
        plan_ticks=17_400,
        trail_atr=250,
        atr_span_ns=5 * MINUTE,
        atr_periods=10,
        break_even_ticks=8,
        break_even_offset_ticks=-2,
        time_stop_ns=3 * SECOND,
        flat_before_close_ns=4 * SECOND,
        levels=((12, 50),),
    )


def test_a_plan_that_makes_no_sense_cannot_be_declared() -> None:
    with pytest.raises(BadInput, match="exit plan: a bracket needs take_profit_ticks"):
        Context("sr", (TXF,)).declare_exit(stop_ticks=3, bracket=True)


def test_a_lot_is_closed_by_its_entrys_handle() -> None:
    ctx = Context("sr", (TXF,))
    ctx.market_event()
    handle = ctx.buy_market(1)
    ctx.take_said(None)
    ctx.close(handle)
    assert ctx.take_said(None) == [CloseLot("sr", 1, 2, 0, 1, 1)]
