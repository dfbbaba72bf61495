"""Exit plans and the book's stop: what closes a lot, as `orders/exits`, `orders/exit_desk` and `orders/plan` do it."""

from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.book import book_trade, decide, heard, over, refuse, request, say_order
from autofutures.backtest.kernel.hours import session_at
from autofutures.backtest.kernel.lots import due, leaving, remove, rest_of_stop
from autofutures.backtest.kernel.memory import session_row, terms_row
from autofutures.domain.messages import TRADER_K
from autofutures.orders import exit_rules as rules

# --- plans


def plan_of(S, leg, seq, k):
    """The slot of the plan that an entry opened; -1 for none."""
    L = S.legs[leg]
    for index in range(L.plans_n):
        slot = L.plans[index]
        if S.plans[slot].seq == seq and S.plans[slot].k == k:
            return slot
    return -1


def find_plan(S, seq, k):
    """As `plan_of`, whatever its leg."""
    for leg in range(S.legs_n):
        slot = plan_of(S, leg, seq, k)
        if slot >= 0:
            return slot
    return -1


def say_plan(S, slot, at):
    """A plan as it is now."""
    plan = S.plans[slot]
    event = heard(S, w.HEARS_EXIT, plan.leg, at)
    event.order_seq = plan.seq
    event.order_k = plan.k
    event.handle = plan.seq << 16 | plan.k
    event.side = plan.side
    event.open_qty = plan.open_qty
    event.take_profit_ticks = plan.take_profit_ticks
    event.stop_ticks = plan.stop_ticks
    event.entered_qty = plan.entered_qty
    event.origin_ticks = plan.origin_ticks
    event.levels_reached = plan.levels_reached
    event.attempts = plan.attempts
    event.status = plan.reason


def distance(terms, plan):
    """How far behind the trades a plan's stop follows; 0 where it stands still."""
    if terms.trail_atr and plan.atr_spans:
        return rules.atr_distance(plan.atr_milli, terms.trail_atr)
    if terms.trail_ticks:
        return terms.trail_ticks
    return terms.stop_ticks if terms.trail_atr else 0


def open_plan(S, X, order_slot, qty, at):
    """Covers what an entry fill opened; the plan's slot."""
    order = S.orders[order_slot]
    terms = terms_row(X.terms, order.exit - 1)
    L = S.legs[order.leg]
    slot = plan_of(S, order.leg, order.seq, order.k)
    if slot < 0:
        if S.plan_free_n == 0:
            S.error = w.TOO_MANY_PLANS
            return -1
        S.plan_free_n -= 1
        slot = S.plan_free[S.plan_free_n]
        fresh(S, slot, order)
        L.plans[L.plans_n] = slot
        L.plans_n += 1
        if terms.range >= 0:
            L.ranges[terms.range].on = 1
            L.ranging = 1
            S.plans[slot].atr_milli = L.ranges[terms.range].atr_milli
            S.plans[slot].atr_spans = L.ranges[terms.range].spans
    plan = S.plans[slot]
    if not plan.entered_qty:
        plan.opened_at = at
    plan.open_qty += qty
    plan.entered_qty += qty
    average = (2 * order.cost + order.filled) // (2 * order.filled)
    plan.origin_ticks = order.plan_ticks if order.plan_ticks else average
    plan.take_profit_ticks = rules.exit_price(plan.side, plan.origin_ticks, terms.take_profit_ticks)
    away = terms.stop_ticks if terms.stop_ticks else distance(terms, plan)
    stop = rules.exit_price(plan.side, plan.origin_ticks, -away)
    moves = terms.trail_ticks or terms.trail_atr or terms.break_even_ticks
    plan.stop_ticks = rules.tighter(plan.side, plan.stop_ticks, stop) if moves else stop
    if not plan.reason:
        plan.attempts = plan.retry_at = 0
    return slot


def fresh(S, slot, order):
    """A plan of which nothing is open yet."""
    plan = S.plans[slot]
    S.numbers += 1
    plan.number = S.numbers
    plan.alive = 1
    plan.seq = order.seq
    plan.k = order.k
    plan.leg = order.leg
    plan.side = order.side
    plan.terms = order.exit - 1
    plan.plan_ticks = order.plan_ticks
    plan.day_trade = order.day_trade
    plan.open_qty = plan.entered_qty = plan.origin_ticks = 0
    plan.take_profit_ticks = plan.stop_ticks = plan.reason = plan.opened_at = 0
    plan.levels_reached = plan.attempts = plan.retry_at = plan.atr_milli = plan.atr_spans = 0


def close_plan(S, slot, qty):
    """Contracts of a plan were closed; one with nothing left is over."""
    plan = S.plans[slot]
    plan.open_qty -= qty
    if plan.open_qty == 0 and plan.alive:
        L = S.legs[plan.leg]
        L.plans_n = remove(L.plans, L.plans_n, slot)
        plan.alive = 0
        S.plan_free[S.plan_free_n] = slot
        S.plan_free_n += 1


def cover(S, X, order_slot, qty, opening, at):
    """Moves the plans with a fill, and says each that it moved."""
    order = S.orders[order_slot]
    if order.closes_k:
        own = plan_of(S, order.leg, order.closes_seq, order.closes_k)
        closed = 0
        if own >= 0:
            plan = S.plans[own]
            closed = min(plan.open_qty, qty)
            plan.attempts = plan.retry_at = 0
            close_plan(S, own, closed)
            say_plan(S, own, at)
        close_oldest(S, order.leg, order.side, qty - closed, at)
    elif order.exit:
        slot = open_plan(S, X, order_slot, qty, at)
        if slot >= 0:
            say_plan(S, slot, at)
    else:
        close_oldest(S, order.leg, order.side, qty - opening, at)
    S.legs[order.leg].dirty = 1


def settle_contract(S, X, leg, at):
    """The contract ends: what is held becomes money, and what covered it covers nothing any more."""
    L = S.legs[leg]
    price_ticks = L.final_price if L.final_price else (L.last if L.seen else 0)
    side, qty = (-1 if L.position > 0 else 1), abs(L.position)
    book_trade(S, X, leg, side, qty, price_ticks, at)
    close_oldest(S, leg, side, qty, at)


def close_oldest(S, leg, side, qty, at):
    """A fill on `side` closes what plans of the other side cover, oldest first."""
    L = S.legs[leg]
    index = 0
    while index < L.plans_n and qty > 0:
        slot = L.plans[index]
        plan = S.plans[slot]
        if plan.side == -side:
            closed = min(plan.open_qty, qty)
            qty -= closed
            close_plan(S, slot, closed)
            say_plan(S, slot, at)
            if not plan.alive:
                continue
        index += 1


# --- what fires them


def fire(plan, why):
    """From now on all of the lot is to leave."""
    plan.reason = why
    plan.attempts = plan.retry_at = 0


def level_due(terms, plan):
    """Contracts that the levels reached so far ask to be closed, and that are open."""
    percent = 0
    for level in range(plan.levels_reached):
        percent += terms.percent[level]
    closed = plan.entered_qty - plan.open_qty
    return max(0, rules.level_qty(plan.entered_qty, percent) - closed)


def follow(terms, plan, last_ticks):
    """A trade moves the stop of a plan, or reaches its levels; whether it did."""
    stop_before, levels_before = plan.stop_ticks, plan.levels_reached
    side = plan.side
    percent = 0
    for level in range(terms.levels):
        percent += terms.percent[level]
    while plan.levels_reached < terms.levels:
        price = rules.exit_price(side, plan.origin_ticks, terms.at[plan.levels_reached])
        if not rules.reached(side, price, 0, last_ticks):
            break
        plan.levels_reached += 1
    if terms.levels and plan.levels_reached == terms.levels and percent >= rules.WHOLE:
        fire(plan, rules.TAKE_PROFIT)
        return True
    stop = rules.trailed(side, plan.stop_ticks, last_ticks, distance(terms, plan))
    plan.stop_ticks = rules.broken_even(
        side, stop, plan.origin_ticks, last_ticks, terms.break_even_ticks, terms.break_even_offset_ticks
    )
    return stop_before != plan.stop_ticks or levels_before != plan.levels_reached


def moves(terms):
    """Whether trades move a plan before they fire it."""
    return terms.trail_ticks or terms.trail_atr or terms.break_even_ticks or terms.levels


def hear_price(S, terms, plan, last_ticks):
    """A trade may fire a plan or move it; whether it changed."""
    rests = terms.bracket and not plan.reason and leaving(S, plan.seq, plan.k) > 0
    why = rules.reached(plan.side, 0 if rests else plan.take_profit_ticks, plan.stop_ticks, last_ticks)
    if why:
        fire(plan, why)
        return True
    return bool(moves(terms)) and follow(terms, plan, last_ticks)


def hear_time(X, terms, plan, now, session):
    """Time may fire a plan, while its market trades; whether it did."""
    if plan.reason or session < 0:
        return False
    row = session_row(X.sessions, session)
    if rules.timed_out(now, plan.opened_at, terms.time_stop_ns):
        fire(plan, rules.TIME_STOP)
    elif rules.session_over(now, plan.opened_at, row.opens_at, row.closes_at, terms.flat_before_close_ns):
        fire(plan, rules.SESSION_END)
    return plan.reason > 0


def hear_range(S, leg, last_ticks, now):
    """A trade enters the average true ranges; whether a span ended before it."""
    L = S.legs[leg]
    if not L.ranging:
        return False
    ended = False
    for column in range(len(L.ranges)):
        measured = L.ranges[column]
        if not measured.on:
            continue
        number = now // S.range_span_ns[column]
        if number == measured.number:
            measured.high = max(measured.high, last_ticks)
            measured.low = min(measured.low, last_ticks)
            measured.last = last_ticks
            continue
        if measured.number >= 0:
            measured.spans += 1
            before = measured.close if measured.has_close else measured.low
            span = rules.true_range(measured.high, measured.low, before)
            measured.atr_milli = rules.next_atr(
                measured.atr_milli, measured.spans, S.range_periods[column], span
            )
            measured.close = measured.last
            measured.has_close = 1
            ended = True
        measured.number = number
        measured.high = measured.low = measured.last = last_ticks
    return ended


# --- what the desk orders


def hear_trade(S, X, leg, last_ticks, now):
    """A trade: the book's stop first, then plans in the order in which they were opened."""
    L = S.legs[leg]
    if L.stop_on and not L.stop_fired and rules.floor_reached(L.position, L.stop_floor, last_ticks):
        L.stop_fired = 1
        book_stopped(S, leg, now)
    session = session_at(S, X, leg, now)
    measured = hear_range(S, leg, last_ticks, now)
    for index in range(L.plans_n):
        slot = L.plans[index]
        plan = S.plans[slot]
        terms = terms_row(X.terms, plan.terms)
        changed = False
        if not plan.reason:
            if measured and terms.range >= 0:
                found = L.ranges[terms.range]
                changed = found.atr_milli != plan.atr_milli or found.spans != plan.atr_spans
                plan.atr_milli = found.atr_milli
                plan.atr_spans = found.spans
            changed = hear_price(S, terms, plan, last_ticks) or changed
            changed = hear_time(X, terms, plan, now, session) or changed
        act(S, X, slot, now, changed)
    if L.stop_fired and L.position:
        close_stopped(S, X, leg, now)
    cancel_resting(S, X, now)


def act(S, X, slot, now, changed):
    """Orders what a plan wants to have closed, and says the plan where it changed."""
    plan = S.plans[slot]
    terms = terms_row(X.terms, plan.terms)
    qty, kind = 0, w.MARKET
    if now >= plan.retry_at:
        if plan.reason:
            qty = due(S, plan)
        elif terms.bracket:
            qty, kind = due(S, plan), w.LIMIT
        elif plan.levels_reached:
            qty = max(0, level_due(terms, plan) - leaving(S, plan.seq, plan.k))
    if not (changed or qty):
        return
    L = S.legs[plan.leg]
    if kind == w.LIMIT and L.high and not L.low <= plan.take_profit_ticks <= L.high:
        qty = 0  # It cannot rest today: the trader holds it.
    L.dirty = 1
    if not qty:
        if changed:
            say_plan(S, slot, now)
        return
    plan.attempts += 1
    wait = rules.wait_ns(plan.attempts)
    plan.retry_at = now + wait if wait else 0
    say_plan(S, slot, now)
    draft = S.draft[0]
    draft.leg = plan.leg
    draft.side = -plan.side
    draft.qty = qty
    draft.type = kind
    draft.price_ticks = plan.take_profit_ticks if kind == w.LIMIT else 0
    draft.tif = w.ROD if kind == w.LIMIT else w.IOC
    draft.day_trade = plan.day_trade
    draft.closes_seq = plan.seq
    draft.closes_k = plan.k
    decide_own(S, X, now)


def decide_own(S, X, now):
    """A decision of the trader's own, numbered here; the draft says the rest."""
    S.own_k = S.own_k + 1 if S.own_seq == S.market_seq else TRADER_K
    S.own_seq = S.market_seq
    draft = S.draft[0]
    draft.seq = S.market_seq
    draft.k = S.own_k
    draft.at = now
    draft.stop_ticks = 0
    draft.open_close = w.AUTO
    draft.exit = 0
    draft.why = 0
    draft.plan_ticks = 0
    return decide(S, X, draft, now, True)


def cancel_resting(S, X, now):
    """Asks back what rests and does not fit its plan any more, each once."""
    if not S.closing_n:
        return
    for index in range(S.alive_n):
        slot = S.alive[index]
        order = S.orders[slot]
        if not order.closes_k or order.type != w.LIMIT or order.asked_back:
            continue
        own = plan_of(S, order.leg, order.closes_seq, order.closes_k)
        fits = False
        if own >= 0:
            plan = S.plans[own]
            terms = terms_row(X.terms, plan.terms)
            fits = (
                terms.bracket != 0
                and plan.reason == 0
                and order.price_ticks == plan.take_profit_ticks
                and leaving(S, plan.seq, plan.k) <= plan.open_qty
            )
        if not fits:
            order.asked_back = 1
            request(S, w.TO_CANCEL, slot, now)


def close_lot(S, X, draft, now):
    """The strategy wants its lot closed; the draft's handle is in `plan_ticks`."""
    handle = draft.plan_ticks
    slot = find_plan(S, handle >> 16, handle & 0xFFFF)
    if slot < 0:
        refuse(S, X, draft, now, w.NO_CLOSE, 1, 0)
        return
    if not S.plans[slot].reason:
        fire(S.plans[slot], rules.ASKED)
    act(S, X, slot, now, True)
    cancel_resting(S, X, now)


# --- the book's stop


def book_stopped(S, leg, now):
    """The strategy's orders are asked back: what they would still open nobody wants."""
    index = 0
    while index < S.alive_n:
        slot = S.alive[index]
        order = S.orders[slot]
        index += 1
        if order.leg != leg or order.closes_k:
            continue
        if order.status == w.HELD:
            over(S, slot, w.CANCELED)
            say_order(S, slot, now)
            index -= 1
        else:
            request(S, w.TO_CANCEL, slot, now)


def close_stopped(S, X, leg, now):
    """What a stopped strategy still holds goes: lots by their plans, the rest at the market."""
    L = S.legs[leg]
    for index in range(L.plans_n):
        slot = L.plans[index]
        if not S.plans[slot].reason:
            fire(S.plans[slot], rules.BOOK_STOPPED)
            act(S, X, slot, now, True)
    qty = rest_of_stop(S, leg)
    if qty <= 0 or now < L.stop_retry_at:
        return
    L.stop_attempts += 1
    wait = rules.wait_ns(L.stop_attempts)
    L.stop_retry_at = now + wait if wait else 0
    draft = S.draft[0]
    draft.leg = leg
    draft.side = -1 if L.position > 0 else 1
    draft.qty = qty
    draft.type = w.MARKET
    draft.price_ticks = 0
    draft.tif = w.IOC
    draft.day_trade = 0
    draft.closes_seq = 0
    draft.closes_k = 0
    decide_own(S, X, now)
