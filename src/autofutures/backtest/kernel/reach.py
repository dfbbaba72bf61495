"""The two prices of each leg between which a trade can do nothing of ours: what rests costs nothing until then."""

from autofutures.backtest.kernel import exits
from autofutures.backtest.kernel.memory import terms_row
from autofutures.backtest.kernel.state import NEVER


def refresh_all(S, X):
    """The two prices of each leg of which something has changed."""
    for leg in range(S.legs_n):
        if S.legs[leg].dirty:
            refresh(S, X, leg)


def refresh(S, X, leg):  # noqa: C901 - one comparison for each thing that may wait
    """The prices at which a trade would next do something, as far as orders, stops and plans stand now.

    A market of quotes asks its resting orders at every quote, so that they say nothing here.
    """
    L = S.legs[leg]
    L.dirty = 0
    lo, hi, busy = -NEVER, NEVER, L.ranging
    if L.buys_n and not L.quoted:
        lo = max(lo, S.orders[L.buys[L.buys_n - 1]].market_price)
    if L.sells_n and not L.quoted:
        hi = min(hi, S.orders[L.sells[L.sells_n - 1]].market_price)
    for index in range(S.held_n):
        order = S.orders[S.held[index]]
        if order.leg == leg:
            if order.side > 0:
                hi = min(hi, order.stop_ticks)
            else:
                lo = max(lo, order.stop_ticks)
    for index in range(L.plans_n):
        plan = S.plans[L.plans[index]]
        terms = terms_row(X.terms, plan.terms)
        waits = terms.time_stop_ns or terms.flat_before_close_ns or terms.bracket
        if plan.reason or waits or exits.moves(terms):
            busy = 1
        for price, favour in ((plan.take_profit_ticks, plan.side), (plan.stop_ticks, -plan.side)):
            if price and favour > 0:
                hi = min(hi, price)
            elif price:
                lo = max(lo, price)
    if L.stop_on and L.position:
        if L.position > 0:
            lo = max(lo, L.stop_floor)
        else:
            hi = min(hi, L.stop_floor)
        if L.stop_fired:
            busy = 1
    for index in range(S.alive_n if S.closing_n else 0):
        order = S.orders[S.alive[index]]
        if order.closes_k and order.leg == leg:
            busy = 1
    L.lo = lo
    L.hi = hi
    L.busy = busy
