"""What a strategy may ask of its context: each call becomes a decision in the state. As `strategies/context`."""

from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.hearing import known_index, set_working
from autofutures.backtest.kernel.state import MAX_ORDERS, MAX_SAID
from autofutures.domain.messages import TRADER_K


def next_said(S, kind):
    """A new decision; the caller fills in the rest."""
    S.k += 1
    if S.k >= TRADER_K or S.said_n >= MAX_SAID - 1:
        S.error = w.TOO_MANY_DECISIONS
        S.said_n = 0
    said = S.said[S.said_n]
    S.said_n += 1
    said.kind = kind
    said.seq = S.cause_seq
    said.k = S.k
    said.at = S.now
    return said


def place(S, side, qty, kind, price_ticks, stop_ticks, tif, leg, exit, why, plan_ticks):
    """Asks for an order; returns its handle."""
    if not 0 <= leg < S.legs_n:
        S.error, S.error_value = w.BAD_LEG, leg
        return 0
    if not 0 <= exit <= S.terms_n:
        S.error, S.error_value = w.BAD_PLAN, exit
        return 0
    said = next_said(S, w.ASK_ORDER)
    said.leg = leg
    said.side = side
    said.qty = qty
    said.type = kind
    said.price_ticks = price_ticks
    said.stop_ticks = stop_ticks
    said.tif = tif
    said.open_close = S.open_close
    said.day_trade = S.day_trade
    said.exit = exit
    said.why = why
    said.plan_ticks = plan_ticks if exit else 0
    said.closes_seq = 0
    said.closes_k = 0
    handle = S.cause_seq << 16 | S.k
    if S.known_n >= MAX_ORDERS:
        S.error = w.TOO_MANY_ORDERS
        return 0
    known = S.known[S.known_n]
    S.known_n += 1
    known.handle = handle
    known.leg = leg
    known.side = side
    known.left = qty
    known.unfilled = qty
    set_working(S, leg, side * qty)
    return handle


def buy_market(S, qty, leg=0, exit=0, why=0, plan_ticks=0):
    return place(S, 1, qty, w.MARKET, 0, 0, w.IOC, leg, exit, why, plan_ticks)


def sell_market(S, qty, leg=0, exit=0, why=0, plan_ticks=0):
    return place(S, -1, qty, w.MARKET, 0, 0, w.IOC, leg, exit, why, plan_ticks)


def buy_mwp(S, qty, leg=0, exit=0, why=0, plan_ticks=0):
    return place(S, 1, qty, w.MWP, 0, 0, w.IOC, leg, exit, why, plan_ticks)


def sell_mwp(S, qty, leg=0, exit=0, why=0, plan_ticks=0):
    return place(S, -1, qty, w.MWP, 0, 0, w.IOC, leg, exit, why, plan_ticks)


def buy_limit(S, qty, price_ticks, tif=0, leg=0, exit=0, why=0, plan_ticks=0):
    return place(S, 1, qty, w.LIMIT, price_ticks, 0, tif, leg, exit, why, plan_ticks)


def sell_limit(S, qty, price_ticks, tif=0, leg=0, exit=0, why=0, plan_ticks=0):
    return place(S, -1, qty, w.LIMIT, price_ticks, 0, tif, leg, exit, why, plan_ticks)


def buy_stop(S, qty, stop_ticks, price_ticks=0, leg=0, exit=0, why=0):
    kind = w.STOP_LIMIT if price_ticks else w.STOP
    return place(S, 1, qty, kind, price_ticks, stop_ticks, w.ROD, leg, exit, why, 0)


def sell_stop(S, qty, stop_ticks, price_ticks=0, leg=0, exit=0, why=0):
    kind = w.STOP_LIMIT if price_ticks else w.STOP
    return place(S, -1, qty, kind, price_ticks, stop_ticks, w.ROD, leg, exit, why, 0)


def cancel(S, handle):
    next_said(S, w.ASK_CANCEL).plan_ticks = handle


def close(S, handle):
    next_said(S, w.ASK_CLOSE).plan_ticks = handle


def wake_at(S, at, timer=0):
    k = S.k
    said = next_said(S, w.ASK_TIMER)
    S.k = k
    said.plan_ticks = at
    said.qty = timer


def save(S):
    S.saves += 1


def is_open(S, handle):
    return known_index(S, handle) >= 0


def position_of(S, leg):
    return S.legs[leg].known_position


def working_of(S, leg):
    return S.legs[leg].known_working


def last_of(S, leg):
    return S.legs[leg].known_last


def bid_ticks_of(S, leg):
    return S.legs[leg].quote[0].bid_ticks


def bid_qty_of(S, leg):
    return S.legs[leg].quote[0].bid_qty


def ask_ticks_of(S, leg):
    return S.legs[leg].quote[0].ask_ticks


def ask_qty_of(S, leg):
    return S.legs[leg].quote[0].ask_qty


METHODS = {
    found.__name__: found
    for found in (
        buy_market,
        sell_market,
        buy_mwp,
        sell_mwp,
        buy_limit,
        sell_limit,
        buy_stop,
        sell_stop,
        cancel,
        close,
        wake_at,
        save,
        is_open,
        position_of,
        working_of,
        last_of,
        bid_ticks_of,
        bid_qty_of,
        ask_ticks_of,
        ask_qty_of,
    )
}
"""A context's methods by name."""
