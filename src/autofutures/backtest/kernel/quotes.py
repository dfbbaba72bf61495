"""A market of quotes: what is displayed, and our orders in its queues. As `matching/quote_market` and `ours`."""

from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.market import execute, insert, report, within_day
from autofutures.matching import quote_rules as rules
from autofutures.matching.book_rules import UNBOUNDED, mwp_limit


def limit_of(S, order):
    """The worst price at which an order that the market takes may trade."""
    L = S.legs[order.leg]
    if order.market_type == w.LIMIT:
        return order.market_price
    if order.market_type == w.MARKET:
        return order.side * UNBOUNDED
    own = L.shown[0] if order.side > 0 else L.shown[1]
    low = L.low if L.low else -UNBOUNDED
    high = L.high if L.high else UNBOUNDED
    return mwp_limit(order.side, own.ticks, S.mwp_points, low, high)


def may_enter(S, order):
    """Whether the market takes the order at all."""
    L = S.legs[order.leg]
    if order.market_type == w.LIMIT:
        return within_day(L, order.market_price)
    own = L.shown[0] if order.side > 0 else L.shown[1]
    return order.market_type == w.MARKET or own.qty != 0


def put_on(S, slot):
    """An order reaches the market: it takes what is displayed within its limit, and the rest waits or is canceled."""
    order = S.orders[slot]
    L = S.legs[order.leg]
    side = order.side
    if not may_enter(S, order):
        report(S, w.SAYS_REJECTED, slot, 0, 0)
        return
    limit = limit_of(S, order)
    own = L.shown[0] if side > 0 else L.shown[1]
    other = L.shown[1] if side > 0 else L.shown[0]
    order.arrival = S.arrivals
    order.market_left = order.qty
    order.resting = 0
    order.passed = 0
    report(S, w.SAYS_ACCEPTED, slot, 0, 0)
    there = (
        rules.available(other.qty, other.taken, other.traded)
        if rules.may_meet(side, limit, other.ticks)
        else 0
    )
    if order.market_tif == w.FOK and there < order.market_left:
        report(S, w.SAYS_CANCELED, slot, 0, 0)
        return
    qty = min(order.market_left, there)
    if qty > 0:
        price = rules.paid(side, other.ticks, S.slippage_ticks, limit, L.low, L.high)
        other.taken += qty
        order.market_left -= qty
        report(S, w.SAYS_FILLED, slot, qty, price)
    if order.market_left == 0:
        return
    if order.market_tif != w.ROD or order.market_type == w.MARKET:
        report(S, w.SAYS_CANCELED, slot, 0, 0)
        return
    order.market_price = limit
    order.in_market = 1
    order.resting = 1
    order.queue_ahead = rules.queue_on_joining(side, limit, own.ticks, own.qty, other.qty)
    if side > 0:
        insert(S, L.buys, L.buys_n, slot)
        L.buys_n += 1
    else:
        insert(S, L.sells, L.sells_n, slot)
        L.sells_n += 1


def say(shown, ticks, qty):
    """A new quote says this of a side."""
    shown.taken = rules.taken_after_quote(shown.taken, shown.ticks, ticks, qty)
    shown.traded = 0
    shown.ticks = ticks
    shown.qty = qty


def hear_quote(S, leg, bid_ticks, bid_qty, ask_ticks, ask_qty):
    """A new quote: the queues before our orders, and what now comes to their price."""
    L = S.legs[leg]
    bid, ask = L.shown[0], L.shown[1]
    say(bid, bid_ticks, bid_qty)
    say(ask, ask_ticks, ask_qty)
    index = L.buys_n - 1
    while index >= 0:
        meet_quote(S, L.buys[index], bid, ask)
        index -= 1
    index = L.sells_n - 1
    while index >= 0:
        meet_quote(S, L.sells[index], ask, bid)
        index -= 1


def hear_unsound(S, leg):
    """A quote that cannot be one: nothing of what was displayed can be taken for there."""
    bid, ask = S.legs[leg].shown[0], S.legs[leg].shown[1]
    bid.traded = bid.qty
    ask.traded = ask.qty


def meet_quote(S, slot, own, other):
    """One resting order hears a quote."""
    order = S.orders[slot]
    before = order.queue_ahead
    after = rules.queue_after_quote(order.side, order.market_price, before, own.ticks, own.qty)
    order.queue_ahead = after
    order.passed = rules.passed_after_quote(order.passed, before, after)
    there = rules.available(other.qty, other.taken, other.traded)
    if there > 0 and rules.may_meet(order.side, order.market_price, other.ticks):
        other.taken += execute(S, slot, min(order.market_left, there), order.market_price)


def hear_trade(S, leg, price_ticks, qty):
    """A trade of a market that has quotes as well."""
    L = S.legs[leg]
    if price_ticks < L.lowest:
        return
    bid, ask = L.shown[0], L.shown[1]
    left = qty
    if rules.reaches_side(1, price_ticks, ask.ticks, ask.qty):
        index = L.buys_n - 1
        while index >= 0:
            left -= meet_trade(S, L.buys[index], price_ticks, left)
            index -= 1
    if rules.reaches_side(-1, price_ticks, bid.ticks, bid.qty):
        index = L.sells_n - 1
        while index >= 0:
            left -= meet_trade(S, L.sells[index], price_ticks, left)
            index -= 1
    bid.traded = rules.traded_after_trade(1, bid.ticks, bid.qty, bid.traded, price_ticks, qty)
    ask.traded = rules.traded_after_trade(-1, ask.ticks, ask.qty, ask.traded, price_ticks, qty)


def meet_trade(S, slot, price_ticks, qty):
    """One resting order hears a trade; how much of it it takes."""
    order = S.orders[slot]
    side, limit, queue, passed = order.side, order.market_price, order.queue_ahead, order.passed
    served = rules.served_by_trade(side, limit, queue, passed, price_ticks, qty)
    order.queue_ahead = rules.queue_after_trade(side, limit, queue, passed, price_ticks, qty)
    order.passed = rules.passed_after_trade(limit, passed, price_ticks, qty)
    if served <= 0:
        return 0
    return execute(S, slot, min(order.market_left, served), limit)


def close(S, leg):
    """The session is over: what was displayed is not there any more."""
    for side in range(2):
        shown = S.legs[leg].shown[side]
        shown.ticks = shown.qty = shown.taken = shown.traded = 0
