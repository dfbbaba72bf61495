"""The trader's side of an order: the gate, the book, and what a report does to both.

As `trader`, `risk/gate` and `orders/account` do it with one strategy whose venue always answers. What cannot happen
then, an order in doubt or a decision that comes late, is left out; all arithmetic is theirs.
"""

from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.equity import measure, move, point
from autofutures.backtest.kernel.gate import gate, remember
from autofutures.backtest.kernel.hours import session_at
from autofutures.backtest.kernel.lots import remove, work
from autofutures.backtest.kernel.memory import fill_row, order_row, placed_row, refusal_row, session_row
from autofutures.backtest.kernel.state import MAX_HEARD, MAX_ORDERS, NEVER
from autofutures.domain.messages import TRADER_K
from autofutures.orders import exit_rules
from autofutures.portfolio import costs, pnl

# --- what the strategy hears


def heard(S, kind, leg, at):
    """A new event for the strategy; the caller fills in the rest."""
    if S.heard_n >= MAX_HEARD - 8:
        S.error = w.TOO_MUCH_HEARD
        S.heard_n = 0
    event = S.heard[S.heard_n]
    S.heard_n += 1
    event.kind = kind
    event.leg = leg
    event.at = at
    event.slot = -1
    return event


def say_order(S, slot, at):
    """An order as it is now."""
    order = S.orders[slot]
    event = heard(S, w.HEARS_ORDER, order.leg, at)
    event.order_seq = order.seq
    event.order_k = order.k
    event.handle = order.seq << 16 | order.k
    event.status = order.status
    event.filled = order.filled
    event.left = order.left
    event.side = order.side
    event.qty = order.qty
    event.refused = 0
    event.slot = slot


def refuse(S, X, draft, now, rule, limit, value):
    """A decision makes no order."""
    event = heard(S, w.HEARS_REFUSED, draft.leg, now)
    event.order_seq = draft.seq
    event.order_k = draft.k
    event.handle = draft.seq << 16 | draft.k
    event.status = w.REJECTED
    event.filled = 0
    event.left = 0
    event.side = draft.side
    event.qty = draft.qty
    event.refused = 1
    row = refusal_row(X.refusals, S.out_refusals)
    S.out_refusals += 1
    S.refused_n += 1
    row.at = now
    row.seq = draft.seq
    row.k = draft.k
    row.rule = rule
    row.limit = limit
    row.value = value
    row.leg = draft.leg


# --- decisions


def decide(S, X, draft, now, exits):
    """A decision passes the gate and becomes an order; its slot, or -1."""
    rule = gate(S, X, draft, now, exits)
    if rule:
        refuse(S, X, draft, now, rule, S.limit, S.value)
        return -1
    remember(S, now)
    slot = enter(S, draft)
    if slot < 0:
        return -1
    row = order_row(X.orders, S.out_orders)
    S.out_orders += 1
    S.orders_n += 1
    row.at = draft.at
    row.seq = draft.seq
    row.k = draft.k
    row.leg = draft.leg
    row.side = draft.side
    row.qty = draft.qty
    row.type = draft.type
    row.price_ticks = draft.price_ticks
    row.tif = draft.tif
    row.open_close = draft.open_close
    row.stop_ticks = draft.stop_ticks
    row.why = draft.why
    row.day_trade = draft.day_trade
    row.exit = draft.exit
    row.plan_ticks = draft.plan_ticks
    row.closes_seq = draft.closes_seq
    row.closes_k = draft.closes_k
    L = S.legs[draft.leg]
    row.last = L.last_mark if S.ticks and L.marked else -NEVER
    if draft.k < TRADER_K:
        placed = placed_row(X.placed, S.placed_n)
        S.placed_n += 1
        placed.handle = draft.seq << 16 | draft.k
        placed.slot = slot
        S.orders[slot].placed = S.placed_n - 1
    order = S.orders[slot]
    if order.status == w.SENT:
        submit(S, slot, draft.type, now)
    return slot


def enter(S, draft):
    """The book takes an order in."""
    if S.free_n == 0:
        S.error = w.TOO_MANY_ORDERS
        return -1
    S.free_n -= 1
    slot = S.free[S.free_n]
    order = S.orders[slot]
    S.numbers += 1
    order.number = S.numbers
    order.alive = 1
    order.refs = 0
    order.seq = draft.seq
    order.k = draft.k
    order.at = draft.at
    order.leg = draft.leg
    order.side = draft.side
    order.qty = draft.qty
    order.type = draft.type
    order.price_ticks = draft.price_ticks
    order.stop_ticks = draft.stop_ticks
    order.tif = draft.tif
    order.open_close = draft.open_close
    order.day_trade = draft.day_trade
    order.exit = draft.exit
    order.plan_ticks = draft.plan_ticks
    order.why = draft.why
    order.closes_seq = draft.closes_seq
    order.closes_k = draft.closes_k
    order.filled = 0
    order.fills = 0
    order.cost = 0
    order.left = draft.qty
    order.asked_back = 0
    order.in_market = 0
    order.resting = 0
    S.alive[S.alive_n] = slot
    S.alive_n += 1
    S.closing_n += draft.closes_k != 0
    order.status = w.SENT
    if draft.type == w.STOP or draft.type == w.STOP_LIMIT:
        order.status = w.HELD
        S.held[S.held_n] = slot
        S.held_n += 1
        S.legs[draft.leg].dirty = 1
    work(S, order, draft.qty)
    return slot


def submit(S, slot, kind, now):
    """The order's request leaves."""
    order = S.orders[slot]
    order.market_type = kind
    market = kind == w.MARKET or kind == w.MWP
    order.market_price = 0 if market else order.price_ticks
    order.market_tif = w.IOC if market and order.tif == w.ROD else order.tif
    request(S, w.TO_SUBMIT, slot, now)


def request(S, kind, slot, now):
    """Something is on its way to the exchange: what left first arrives first."""
    order = S.orders[slot]
    order.refs += 1
    index = (S.requests_first + S.requests_n) % (MAX_ORDERS * 4)
    if S.requests_n >= MAX_ORDERS * 4 - 1:
        S.error = w.TOO_MANY_ORDERS
        return
    asked = S.requests[index]
    S.requests_n += 1
    asked.acts_at = now + S.latency_ns
    asked.kind = kind
    asked.slot = slot
    asked.number = order.number


def release(S, X, slot):
    """A slot of which nothing can come any more is free for another order."""
    order = S.orders[slot]
    if order.left or order.refs or not order.alive:
        return
    order.alive = 0
    S.free[S.free_n] = slot
    S.free_n += 1
    if order.k < TRADER_K:
        row = placed_row(X.placed, order.placed)
        row.slot = -1
        row.status = order.status
        row.filled = order.filled
        row.leg = order.leg


def placed_index(S, X, handle):
    """Where the strategy's order stands among all that it placed, sought from the latest; -1 where it made none."""
    high = S.placed_n - 1
    low, step = max(0, high), 1
    while low > 0 and placed_row(X.placed, low).handle > handle:
        high = low - 1
        low = max(0, low - step)
        step += step
    while low <= high:
        middle = (low + high) >> 1
        found = placed_row(X.placed, middle).handle
        if found == handle:
            return middle
        if found < handle:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def revoke(S, X, draft, now):
    """The strategy wants an order back; the draft's handle is in `plan_ticks`."""
    handle = draft.plan_ticks
    index = placed_index(S, X, handle)
    if index < 0:
        refuse(S, X, draft, now, w.NO_CANCEL, 1, 0)
        return
    row = placed_row(X.placed, index)
    slot = row.slot
    if slot < 0:
        event = heard(S, w.HEARS_ORDER, row.leg, now)
        event.order_seq = handle >> 16
        event.order_k = handle & 0xFFFF
        event.handle = handle
        event.status = row.status
        event.filled = row.filled
        event.left = 0
        event.refused = 0
        return
    order = S.orders[slot]
    if order.status == w.HELD:
        over(S, slot, w.CANCELED)
        say_order(S, slot, now)
    elif order.left:
        request(S, w.TO_CANCEL, slot, now)
    else:
        say_order(S, slot, now)


# --- reports


def bury(S, slot):
    """An order is not alive any more."""
    S.alive_n = remove(S.alive, S.alive_n, slot)
    S.closing_n -= S.orders[slot].closes_k != 0


def over(S, slot, status):
    """Nothing of the order trades any more."""
    order = S.orders[slot]
    if order.status == w.HELD:
        S.held_n = remove(S.held, S.held_n, slot)
        S.legs[order.leg].dirty = 1
    order.status = status
    work(S, order, -order.left)
    order.left = 0
    bury(S, slot)


def changed(S, slot, kind, at):
    """A report that is no fill."""
    order = S.orders[slot]
    if kind == w.SAYS_ACCEPTED:
        if order.status != w.SENT:
            return
        order.status = w.WORKING
    elif kind == w.SAYS_REJECTED:
        over(S, slot, w.REJECTED)
    elif kind == w.SAYS_CANCELED:
        over(S, slot, w.CANCELED)
    elif kind == w.SAYS_EXPIRED:
        over(S, slot, w.EXPIRED)
    say_order(S, slot, at)


def fire_stops(S, X, leg, price_ticks, at):
    """Stops that the trader holds and a trade reaches leave."""
    session = session_at(S, X, leg, at)
    if session < 0:
        return
    row = session_row(X.sessions, session)
    index = 0
    while index < S.held_n:
        slot = S.held[index]
        order = S.orders[slot]
        index += 1
        if order.leg != leg:
            continue
        if not row.accepts_from <= order.at < row.ends_at:
            over(S, slot, w.EXPIRED)
            say_order(S, slot, at)
            index -= 1
        elif (price_ticks - order.stop_ticks) * order.side >= 0:
            index -= 1
            S.held_n = remove(S.held, S.held_n, slot)
            order.status = w.SENT
            S.legs[leg].dirty = 1
            say_order(S, slot, at)
            submit(S, slot, w.MARKET if order.type == w.STOP else w.LIMIT, at)


def book_fill(S, X, slot, qty, price_ticks, at):
    """A fill moves its order, the position and the equity; how much of it opened something."""
    order = S.orders[slot]
    order.filled += qty
    order.cost += qty * price_ticks
    order.fills += 1
    order.left -= qty
    work(S, order, -qty)
    order.status = w.FILLED if order.filled == order.qty else w.WORKING
    if order.left == 0:
        bury(S, slot)
    opening = pnl.opening_part(S.legs[order.leg].position, order.side, qty)
    event = book_trade(S, X, order.leg, order.side, qty, price_ticks, at)
    event.order_seq = order.seq
    event.order_k = order.k
    event.handle = order.seq << 16 | order.k
    event.n = order.fills
    event.filled = order.filled
    event.left = order.left
    event.slot = slot
    row = fill_row(X.fills, S.out_fills - 1)
    row.seq = order.seq
    row.k = order.k
    row.n = order.fills
    return opening


def book_trade(S, X, leg, side, qty, price_ticks, at):
    """Contracts change hands: position, equity, a row of the run, and what the strategy hears, of no order so far."""
    L = S.legs[leg]
    fee = S.fee * qty
    tax = costs.tax_half_up(price_ticks * qty * L.tick_value, L.tax_rate_ppb) if L.tax_rate_ppb else 0
    hold(L, side, qty, price_ticks)
    if not L.marked:
        L.marked = 1
        L.last_mark = price_ticks
    S.contracts += qty
    S.fees += fee
    S.tax += tax
    S.net += side * qty * move(L, price_ticks, L.last_mark) - fee - tax
    measure(S)
    point(S, X, at)
    row = fill_row(X.fills, S.out_fills)
    S.out_fills += 1
    S.fills_n += 1
    row.at = at
    row.seq = row.k = row.n = 0
    row.leg = leg
    row.side = side
    row.qty = qty
    row.price_ticks = price_ticks
    row.fee = fee
    row.tax = tax
    row.position = L.position
    event = heard(S, w.HEARS_FILL, leg, at)
    event.order_seq = event.order_k = event.handle = event.n = 0
    event.side = side
    event.qty = qty
    event.price_ticks = price_ticks
    event.fee = fee
    event.tax = tax
    event.position = L.position
    return event


def hold(L, side, qty, price_ticks):
    """A fill moves what is held, what it cost, and the price at which the book's stop is reached."""
    closing = qty - pnl.opening_part(L.position, side, qty)
    if closing:
        L.cost -= pnl.closed_cost(L.cost, L.position, closing)
    L.cost += (qty - closing) * pnl.worth(price_ticks, L.inverse_value)
    L.position += side * qty
    L.dirty = 1
    if L.stop_limit:
        L.stop_on = 1
        L.stop_attempts = L.stop_retry_at = 0
        if L.position:
            floor = exit_rules.floor_price(L.position, L.cost, L.stop_limit)
            L.stop_floor = pnl.price_of_worth(floor, L.inverse_value)
