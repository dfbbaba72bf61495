"""The trader's side of an order: the gate, the book, and what a report does to both.

As `trader`, `risk/gate` and `orders/account` do it with one strategy whose venue always answers. What cannot happen
then, an order in doubt or a decision that comes late, is left out; all arithmetic is theirs.
"""

# ruff: noqa: ANN001, ANN201 - `S` is the state and `X` the tables: arrays here, addresses in compiled code

from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.memory import (
    fill_row,
    order_row,
    placed_row,
    point_row,
    refusal_row,
    band_row,
    session_row,
    terms_row,
)
from autofutures.backtest.kernel.state import MAX_HEARD, MAX_ORDERS, NEVER
from autofutures.domain.messages import TRADER_K
from autofutures.domain.units import MINUTE, SECOND
from autofutures.orders import exit_rules
from autofutures.portfolio import costs, pnl
from autofutures.risk import collar, order_size, position, price_limit, stale_tick

# --- sessions


def next_session(S, X, leg, at):
    """The row of the session under way, or the next to open; -1 after the last one."""
    L = S.legs[leg]
    row = max(L.session, L.session_first)
    while row < L.session_end and session_row(X.sessions, row).ends_at <= at:
        row += 1
    return row if row < L.session_end else -1


def session_at(S, X, leg, at):
    """The row of the session that a trade belongs to; -1 while the market is closed."""
    L = S.legs[leg]
    if L.session >= 0:
        known = session_row(X.sessions, L.session)
        if known.opens_at <= at < known.ends_at:
            return L.session
    row = next_session(S, X, leg, at)
    if row < 0 or session_row(X.sessions, row).opens_at > at:
        return -1
    L.session = row
    return row


def accepts_orders(S, X, leg, now):
    """Whether the exchange takes orders."""
    if session_at(S, X, leg, now) >= 0:
        return True
    row = next_session(S, X, leg, now)
    return row >= 0 and session_row(X.sessions, row).accepts_from <= now


def limit_prices(S, X, at):
    """Brings each leg's price limits to what holds at a time."""
    for leg in range(S.legs_n):
        L = S.legs[leg]
        while L.band + 1 < L.band_end and band_row(X.bands, L.band + 1).since <= at:
            L.band += 1
            row = band_row(X.bands, L.band)
            L.low = row.low
            L.high = row.high


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


# --- contracts at work


def remove(places, count, value):
    """Takes a value out of a list, and keeps the sequence of the others; the new count."""
    index = 0
    while index < count and places[index] != value:
        index += 1
    if index == count:
        return count
    for at in range(index, count - 1):
        places[at] = places[at + 1]
    return count - 1


def work(S, order, qty):
    """What may still trade of an order grew by so much."""
    L = S.legs[order.leg]
    if order.side > 0:
        L.working_buy += qty
    else:
        L.working_sell += qty


def leaving(S, seq, k):
    """Contracts of a lot that exit orders may still close."""
    total = 0
    for index in range(S.alive_n):
        order = S.orders[S.alive[index]]
        if order.closes_k == k and order.closes_seq == seq and k:
            total += order.left
    return total


def due(S, plan):
    """Contracts of a plan that are open and not on their way out."""
    return max(0, plan.open_qty - leaving(S, plan.seq, plan.k))


def pending(S, leg, side):
    """Contracts that plans may order on `side` when they fire."""
    L = S.legs[leg]
    total = 0
    for index in range(L.plans_n):
        plan = S.plans[L.plans[index]]
        if plan.side == -side:
            total += due(S, plan)
    return total


def rest_of_stop(S, leg):
    """What of the position neither plans nor orders may still close."""
    L = S.legs[leg]
    side = -1 if L.position > 0 else 1
    at_work = 0
    for index in range(S.alive_n):
        order = S.orders[S.alive[index]]
        if order.leg == leg and order.side == side:
            at_work += order.left
    return abs(L.position) - at_work - pending(S, leg, side)


# --- the gate


def gate(S, X, draft, now, exits):
    """The first rule that the decision breaks, 0 for none; `limit` and `value` say by how much."""
    L = S.legs[draft.leg]
    S.limit, S.value = 1, 0
    if not exits:
        if L.stop_fired:
            S.limit, S.value = 0, 1
            return w.BOOK_STOP
        flawed = S.must_plan
        if draft.exit:
            terms = terms_row(X.terms, draft.exit - 1)
            flawed = terms.flawed or (S.must_plan and not terms.protects)
        if flawed:
            return w.EXIT_PLAN
    if not accepts_orders(S, X, draft.leg, now):
        return w.SESSION
    if not exits:
        rule = gate_of_size(S, draft, now)
        if rule:
            return rule
    if draft.type == w.LIMIT or draft.type == w.STOP_LIMIT:
        passed = price_limit.outside(draft.price_ticks, L.low, L.high)
        if passed:
            S.limit, S.value = passed, draft.price_ticks
            return w.PRICE_LIMIT
    return 0 if exits else gate_of_rate(S, now)


def gate_of_size(S, draft, now):
    """The rules between `session` and `price_limit`, which exits need not pass."""
    L = S.legs[draft.leg]
    S.limit = S.max_age_ms
    if L.last_at == 0:
        return w.STALE_TICK
    S.value = stale_tick.age_ms(now, L.last_at)
    if S.value > S.max_age_ms:
        return w.STALE_TICK
    S.limit, S.value = S.max_order, draft.qty
    if order_size.oversized(draft.qty, S.max_order):
        return w.ORDER_SIZE
    own = 0
    if L.stop_on and L.position and L.position * draft.side < 0:
        own = max(0, rest_of_stop(S, draft.leg))
    working = (L.working_buy if draft.side > 0 else L.working_sell) + pending(S, draft.leg, draft.side)
    S.limit, S.value = S.max_position, position.reach(L.position, working, draft.side, max(draft.qty, own))
    if S.value > S.max_position:
        return w.POSITION
    S.limit = S.max_bp
    if draft.type == w.LIMIT or draft.type == w.STOP_LIMIT:
        S.value = collar.distance_bp(draft.price_ticks, L.last)
        if S.value > S.max_bp:
            return w.COLLAR
    if draft.type == w.STOP or draft.type == w.STOP_LIMIT:
        S.value = collar.distance_bp(draft.stop_ticks, L.last)
        if S.value > S.max_bp:
            return w.COLLAR
    return 0


def gate_of_rate(S, now):
    """Rule `message_rate`: the last `max_rate` approvals lie in a ring."""
    if S.rate_n < S.max_rate:
        return 0
    within = 0
    for index in range(S.max_rate):
        if 0 <= now - S.rate[index] < SECOND:
            within += 1
    if not 0 <= now - S.rate[S.rate_first] < SECOND:
        return 0
    S.limit, S.value = S.max_rate, within + 1
    return w.MESSAGE_RATE


def remember(S, now):
    """An order was approved."""
    if S.rate_n < S.max_rate:
        S.rate[S.rate_n] = now
        S.rate_n += 1
        return
    S.rate[S.rate_first] = now
    S.rate_first = (S.rate_first + 1) % S.max_rate


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
    L = S.legs[draft.leg]
    row.last = L.last_mark if S.ticks and L.marked else -NEVER
    if draft.k < TRADER_K:
        placed = placed_row(X.placed, S.placed_n)
        S.placed_n += 1
        placed.handle = draft.seq << 16 | draft.k
        placed.slot = slot
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
        index = placed_index(S, X, order.seq << 16 | order.k)
        row = placed_row(X.placed, index)
        row.slot = -1
        row.status = order.status
        row.filled = order.filled
        row.leg = order.leg


def placed_index(S, X, handle):
    """Where the strategy's order stands among all that it placed; -1 where it made none."""
    low, high = 0, S.placed_n - 1
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


def over(S, slot, status):
    """Nothing of the order trades any more."""
    order = S.orders[slot]
    if order.status == w.HELD:
        S.held_n = remove(S.held, S.held_n, slot)
        S.legs[order.leg].dirty = 1
    order.status = status
    work(S, order, -order.left)
    order.left = 0
    S.alive_n = remove(S.alive, S.alive_n, slot)


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


def point(S, X, at):
    """A point of the equity curve; a later one of the same moment takes its place."""
    index = S.out_points
    if index and point_row(X.points, index - 1).at == at:
        index -= 1
    row = point_row(X.points, index)
    S.out_points = index + 1
    row.at = at
    row.net = S.net
    row.drawdown = S.peak - S.net


def measure(S):
    """The highest equity so far, and the deepest fall from it."""
    if S.net > S.peak:
        S.peak = S.net
    elif S.peak - S.net > S.max_drawdown:
        S.max_drawdown = S.peak - S.net


def book_fill(S, X, slot, qty, price_ticks, at):
    """A fill moves the position and the equity."""
    order = S.orders[slot]
    L = S.legs[order.leg]
    order.filled += qty
    order.cost += qty * price_ticks
    order.fills += 1
    order.left -= qty
    work(S, order, -qty)
    order.status = w.FILLED if order.filled == order.qty else w.WORKING
    if order.left == 0:
        S.alive_n = remove(S.alive, S.alive_n, slot)
    opening = pnl.opening_part(L.position, order.side, qty)
    closing = qty - opening
    if closing:
        L.cost -= pnl.closed_cost(L.cost, L.position, closing)
    L.cost += opening * pnl.worth(price_ticks, L.inverse_value)
    signed = order.side * qty
    L.position += signed
    fee = S.fee * qty
    tax = costs.tax_half_up(price_ticks * qty * L.tick_value, L.tax_rate_ppb) if L.tax_rate_ppb else 0
    if L.stop_limit:
        L.stop_on = 1
        L.stop_attempts = L.stop_retry_at = 0
        if L.position:
            floor = exit_rules.floor_price(L.position, L.cost, L.stop_limit)
            L.stop_floor = pnl.price_of_worth(floor, L.inverse_value)
    L.dirty = 1
    if not L.marked:
        L.marked = 1

        L.last_mark = price_ticks
    S.contracts += qty
    S.fees += fee
    S.tax += tax
    S.net += signed * move(L, price_ticks, L.last_mark) - fee - tax
    measure(S)
    point(S, X, at)
    row = fill_row(X.fills, S.out_fills)
    S.out_fills += 1
    S.fills_n += 1
    row.at = at
    row.seq = order.seq
    row.k = order.k
    row.n = order.fills
    row.leg = order.leg
    row.side = order.side
    row.qty = qty
    row.price_ticks = price_ticks
    row.fee = fee
    row.tax = tax
    row.position = L.position
    event = heard(S, w.HEARS_FILL, order.leg, at)
    event.order_seq = order.seq
    event.order_k = order.k
    event.handle = order.seq << 16 | order.k
    event.side = order.side
    event.qty = qty
    event.price_ticks = price_ticks
    event.n = order.fills
    event.fee = fee
    event.tax = tax
    event.position = L.position
    event.filled = order.filled
    event.left = order.left
    event.slot = slot
    return opening


def move(L, from_ticks, to_ticks):
    """What a move of the market earns one lot, in minor units."""
    if L.inverse_value:
        return pnl.worth(to_ticks, L.inverse_value) - pnl.worth(from_ticks, L.inverse_value)
    return (to_ticks - from_ticks) * L.tick_value


def minute_after(at):
    """The next whole minute."""
    return at - at % MINUTE + MINUTE


