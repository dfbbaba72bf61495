"""The events: what is due at the exchange, the trader's answer, what the strategy hears and decides, and so on.

As `engine.Lockstep` does it for one strategy. A trade that can move nothing of ours costs a few comparisons: each leg
keeps the two prices between which no order, stop or plan is reached (`lo`, `hi`), and until when that is so.
"""

from typing import NamedTuple

from autofutures.backtest.kernel import exits, market, quotes
from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.book import (
    book_fill,
    changed,
    decide,
    fire_stops,
    heard,
    over,
    release,
    revoke,
    say_order,
)
from autofutures.backtest.kernel.equity import mark, move
from autofutures.backtest.kernel.hearing import hear, hear_quote, hear_tick
from autofutures.backtest.kernel.hours import limit_prices, session_at
from autofutures.backtest.kernel.memory import (
    band_row,
    borrow,
    column,
    give_back,
    pass_over,
    session_row,
    small,
)
from autofutures.backtest.kernel.reach import refresh_all
from autofutures.backtest.kernel.state import MAX_TIMERS, NEVER
from autofutures.engine import MAX_RINGS, MAX_ROUNDS
from autofutures.market.quotes import is_sound, middle

BEGIN, END = -1, -2
"""Instead of a number of events."""


class Hooks(NamedTuple):
    """What the kernel calls of a strategy: functions here, pointers in compiled code."""

    strategy: object
    on_tick: object
    on_quote: object
    on_bar: object
    on_order: object
    on_fill: object
    on_exit: object
    on_timer: object
    on_session_close: object
    glide: object
    """`glide`, with the strategy's own hooks compiled into it."""


# --- one instant


def settle(F, S, X, at, rounds=MAX_ROUNDS):
    """The strategy hears what happened and decides, and hears what became of that, to the end."""
    for _ in range(rounds):
        if S.heard_n == 0 or S.error:
            return
        S.now = at
        for index in range(S.heard_n):
            hear(F, S, X, index)
        for index in range(S.heard_n):
            slot = S.heard[index].slot
            if slot >= 0:
                release(S, X, slot)
        S.heard_n = 0
        if S.said_n == 0:
            return
        decide_all(S, X, at)
    S.error = w.ENDLESS_ANSWERS


def decide_all(S, X, at):
    """The trader handles what the strategy said, in its sequence."""
    for index in range(S.said_n):
        draft = S.said[index]
        if draft.kind == w.ASK_ORDER:
            decide(S, X, draft, at, False)
        elif draft.kind == w.ASK_CANCEL:
            revoke(S, X, draft, at)
        elif draft.kind == w.ASK_CLOSE:
            exits.close_lot(S, X, draft, at)
        elif draft.kind == w.ASK_TIMER:
            set_timer(S, max(draft.plan_ticks, at), draft.qty)
    S.said_n = 0


def handle_reports(S, X, at):
    """The trader hears what the exchange said."""
    for index in range(S.reports_n):
        said = S.reports[index]
        slot = said.slot
        if said.kind == w.SAYS_FILLED:
            opening = book_fill(S, X, slot, said.qty, said.price_ticks, at)
            exits.cover(S, X, slot, said.qty, opening, at)
            say_order(S, slot, at)
        elif said.kind == w.SAYS_NO_CANCEL:
            say_order(S, slot, at)
        else:
            changed(S, slot, said.kind, at)
    S.reports_n = 0


# --- timers


def set_timer(S, at, timer):
    """The strategy is to be woken."""
    if S.timers_n >= MAX_TIMERS:
        S.error = w.TOO_MANY_TIMERS
        return
    S.timer_number += 1
    entry = S.timers[S.timers_n]
    S.timers_n += 1
    entry.at = at
    entry.number = S.timer_number
    entry.timer = timer
    S.next_timer = min(S.next_timer, at)


def ring_before(F, S, X, at):
    """Timers that are due before the next event."""
    rung, last_at = 0, 0
    while S.next_timer < at and not S.error:
        first = 0
        for index in range(1, S.timers_n):
            entry, best = S.timers[index], S.timers[first]
            if entry.at < best.at or (entry.at == best.at and entry.number < best.number):
                first = index
        entry = S.timers[first]
        rings_at, timer = entry.at, entry.timer
        S.timers_n -= 1
        moved = S.timers[S.timers_n]
        entry.at = moved.at
        entry.number = moved.number
        entry.timer = moved.timer
        S.next_timer = NEVER
        for index in range(S.timers_n):
            S.next_timer = min(S.next_timer, S.timers[index].at)
        rung = rung + 1 if rings_at == last_at else 1
        last_at = rings_at
        if rung > MAX_RINGS:
            S.error = w.ENDLESS_TIMERS
            return
        event = heard(S, w.HEARS_TIMER, 0, rings_at)
        event.timer = timer
        limit_prices(S, X, rings_at)
        settle(F, S, X, rings_at)
        refresh_all(S, X)


# --- the events of a chunk


def is_bad(S, leg, price_ticks):
    """Whether a print cannot be a trade."""
    L = S.legs[leg]
    if price_ticks <= 0 and not L.is_spread:
        return True
    return L.high != 0 and not L.low <= price_ticks <= L.high


def quiet_until(S, leg):
    """Until when trades of a leg cannot move anything of ours, unless they reach a price of its own."""
    L = S.legs[leg]
    if L.takers_n or L.busy or L.quoted:
        return -NEVER
    until = min(L.until, S.next_point, S.next_timer + 1)
    if S.requests_n:
        until = min(until, S.requests[S.requests_first].acts_at)
    return until


def glide(F, S, X, at, kind, leg, a, b, c, number, count):
    """Takes trades of one leg until one may move something of ours, or the strategy says something.

    What only they change is held in hand meanwhile, the strategy's own fields too. Returns the number of the first that
    was not taken; what the strategy said waits.
    """
    which = small(leg, number)
    until = quiet_until(S, which)
    if column(at, number) >= until:
        return number
    L = S.legs[which]
    lo, hi = L.lo, L.hi
    if not L.is_spread:
        lo = max(lo, 0)
    if L.high != 0:
        lo, hi = max(lo, L.low - 1), min(hi, L.high + 1)
    position, marked_at = L.position, L.last_mark
    net, peak, deepest = S.net, S.peak, S.max_drawdown
    own = borrow(F)
    first = number
    while number < count and small(kind, number) == w.IS_TICK and small(leg, number) == which:
        now, price_ticks = column(at, number), column(a, number)
        if now >= until or not lo < price_ticks < hi:
            break
        if position:
            net += position * move(L, marked_at, price_ticks)
            if net > peak:
                peak = net
            elif peak - net > deepest:
                deepest = peak - net
        marked_at = price_ticks
        S.now = now
        hear_tick(F, own, S, X, which, now, price_ticks, column(b, number), column(c, number))
        number += 1
        if S.said_n:
            break
    give_back(F, own)
    if number > first:
        L.last, L.last_mark, L.last_at = marked_at, marked_at, S.now
        S.net, S.peak, S.max_drawdown = net, peak, deepest
        S.market_seq += number - first
        S.ticks += number - first
    return number


def answer(F, S, X, at):
    """The strategy has spoken beside the usual way: what it said is decided, and it hears what became of that."""
    decide_all(S, X, at)
    settle(F, S, X, at, MAX_ROUNDS - 1)
    refresh_all(S, X)


def take_tick(F, S, X, leg, at, price_ticks, qty, auction):
    """A trade, whole: the exchange, the trader, the strategy."""
    limit_prices(S, X, at)
    arrive(S, at)
    L = S.legs[leg]
    if L.quoted:
        quotes.hear_trade(S, leg, price_ticks, qty)
    else:
        market.hear_print(S, leg, price_ticks, qty)
        market.say_over(S)
    handle_reports(S, X, at)
    if is_bad(S, leg, price_ticks):
        S.bad_ticks += 1
        settle(F, S, X, at)
        refresh_all(S, X)
        return
    S.market_seq += 1
    L.seen = 1
    L.last = price_ticks
    L.last_at = at
    S.ticks += 1
    event = heard(S, w.HEARS_TICK, leg, at)
    event.price_ticks = price_ticks
    event.qty = qty
    event.n = auction
    take_price(S, X, leg, at, price_ticks)
    settle(F, S, X, at)
    refresh_all(S, X)


def take_price(S, X, leg, at, price_ticks):
    """The market is at a price: stops and exits that it reaches leave."""
    L = S.legs[leg]
    session = session_at(S, X, leg, at)
    L.until = session_row(X.sessions, session).ends_at if session >= 0 else 0
    if L.band + 1 < L.band_end:
        L.until = min(L.until, band_row(X.bands, L.band + 1).since)
    mark(S, X, leg, at, price_ticks)
    if S.held_n:
        fire_stops(S, X, leg, price_ticks, at)
    exits.hear_trade(S, X, leg, price_ticks, at)


def glide_quotes(F, S, X, at, kind, leg, a, b, c, d, number, count):
    """Takes quotes of one leg until one moves something of ours, or the strategy says something, that one included.

    Returns the number of the first that was not taken.
    """
    which = small(leg, number)
    L = S.legs[which]
    until = min(L.until, S.next_timer + 1)
    if S.requests_n:
        until = min(until, S.requests[S.requests_first].acts_at)
    while number < count and small(kind, number) == w.IS_QUOTE and small(leg, number) == which:
        now = column(at, number)
        if now >= until:
            break
        bid_ticks, bid_qty = column(a, number), column(b, number)
        ask_ticks, ask_qty = column(c, number), column(d, number)
        number += 1
        if not is_sound(bid_ticks, bid_qty, ask_ticks, ask_qty, L.lowest):
            hear_unsound(F, S, X, which, now)
            break
        quotes.hear_quote(S, which, bid_ticks, bid_qty, ask_ticks, ask_qty)
        price = L.last
        if not L.seen and (bid_qty > 0 or ask_qty > 0):
            price = middle(bid_ticks, bid_qty, ask_ticks, ask_qty)
        if S.reports_n or L.busy or not (L.seen or L.lo < price < L.hi):
            hear_moving_quote(F, S, X, which, now, bid_ticks, bid_qty, ask_ticks, ask_qty)
            break
        S.market_seq += 1
        L.last_at = now
        if not L.seen and (bid_qty > 0 or ask_qty > 0):
            L.last = price
            mark(S, X, which, now, price)
        S.now = now
        hear_quote(F, S, which, now, bid_ticks, bid_qty, ask_ticks, ask_qty)
        if S.said_n:
            answer(F, S, X, now)
            break
    return number


def take_quote(F, S, X, leg, at, bid_ticks, bid_qty, ask_ticks, ask_qty):
    """A quote, whole: the exchange, the trader, the strategy."""
    L = S.legs[leg]
    limit_prices(S, X, at)
    arrive(S, at)
    if not is_sound(bid_ticks, bid_qty, ask_ticks, ask_qty, L.lowest):
        hear_unsound(F, S, X, leg, at)
        return
    quotes.hear_quote(S, leg, bid_ticks, bid_qty, ask_ticks, ask_qty)
    hear_moving_quote(F, S, X, leg, at, bid_ticks, bid_qty, ask_ticks, ask_qty)


def hear_unsound(F, S, X, leg, at):
    """A quote that cannot be one: what was displayed may be gone, and nobody hears of it."""
    quotes.hear_unsound(S, leg)
    handle_reports(S, X, at)
    S.bad_quotes += 1
    settle(F, S, X, at)
    refresh_all(S, X)


def hear_moving_quote(F, S, X, leg, at, bid_ticks, bid_qty, ask_ticks, ask_qty):
    """The trader and the strategy hear a quote that the exchange has heard, and what it did."""
    L = S.legs[leg]
    handle_reports(S, X, at)
    S.market_seq += 1
    L.last_at = at
    event = heard(S, w.HEARS_QUOTE, leg, at)
    event.price_ticks = bid_ticks
    event.qty = bid_qty
    event.n = ask_ticks
    event.fee = ask_qty
    if not L.seen and (bid_qty > 0 or ask_qty > 0):
        L.last = middle(bid_ticks, bid_qty, ask_ticks, ask_qty)
        take_price(S, X, leg, at, L.last)
    elif at >= L.until:
        session = session_at(S, X, leg, at)
        L.until = session_row(X.sessions, session).ends_at if session >= 0 else 0
    settle(F, S, X, at)
    refresh_all(S, X)


def arrive(S, at):
    """Requests that are due by a time reach their market, in the sequence in which they left."""
    while S.requests_n > 0:
        asked = S.requests[S.requests_first]
        if asked.acts_at > at:
            return
        kind, slot = asked.kind, asked.slot
        S.requests_first = (S.requests_first + 1) % len(S.requests)
        S.requests_n -= 1
        order = S.orders[slot]
        order.refs -= 1
        if kind == w.TO_CANCEL:
            market.take_off(S, slot)
            continue
        S.arrivals += 1
        if S.legs[order.leg].quoted:
            quotes.put_on(S, slot)
        else:
            market.put_on(S, slot)


def take_session_end(F, S, X, leg, at, day):
    """A session is over: what worked in it is void."""
    limit_prices(S, X, at)
    arrive(S, at)
    market.end_session(S, leg)
    quotes.close(S, leg)
    handle_reports(S, X, at)
    event = heard(S, w.HEARS_SESSION_END, leg, at)
    event.day = day
    index = 0
    while index < S.held_n:
        slot = S.held[index]
        if S.orders[slot].leg == leg:
            over(S, slot, w.EXPIRED)
            say_order(S, slot, at)
        else:
            index += 1
    L = S.legs[leg]
    if L.position and L.session >= 0 and session_row(X.sessions, L.session).code == L.final_code:
        exits.settle_contract(S, X, leg, at)
    settle(F, S, X, at)
    refresh_all(S, X)


def void(F, S, X, at):
    """The feed has ended: what works or is on its way will never trade."""
    for leg in range(S.legs_n):
        market.void_market(S, leg)
    while S.requests_n > 0:
        asked = S.requests[S.requests_first]
        S.requests_first = (S.requests_first + 1) % len(S.requests)
        S.requests_n -= 1
        S.orders[asked.slot].refs -= 1
        if asked.kind == w.TO_SUBMIT:
            market.report(S, w.SAYS_EXPIRED, asked.slot, 0, 0)
    if S.reports_n:
        handle_reports(S, X, at)
        settle(F, S, X, at)


def begin(F, S, X, at):
    """What the strategy decided before the first event."""
    decide_all(S, X, at)
    settle(F, S, X, at, MAX_ROUNDS - 1)


def skim(F, S, X, at, kind, leg, a, b, c, d, number, count):
    """Takes events that move nothing of ours, up to one at which the strategy decides; the first that was not taken."""
    if small(kind, number) == w.IS_TICK:
        taken = pass_over(F, S, X, at, kind, leg, a, b, c, number, count)
        if S.said_n:
            answer(F, S, X, S.now)
        return taken
    if small(kind, number) == w.IS_QUOTE:
        return glide_quotes(F, S, X, at, kind, leg, a, b, c, d, number, count)
    return number


def take_event(F, S, X, at, kind, leg, a, b, c, d, number):
    """Takes one event, whole, and before it the timers that are due."""
    now = column(at, number)
    if S.next_timer < now:
        ring_before(F, S, X, now)
    which = small(leg, number)
    what = small(kind, number)
    if what == w.IS_TICK:
        take_tick(F, S, X, which, now, column(a, number), column(b, number), column(c, number))
    elif what == w.IS_SESSION_END:
        take_session_end(F, S, X, which, now, column(a, number))
    else:
        bid, ask = column(a, number), column(c, number)
        take_quote(F, S, X, which, now, bid, column(b, number), ask, column(d, number))


def has_room(S, rows):
    """Whether the tables have room for whatever one event may write."""
    return (
        S.out_orders <= rows
        and S.out_fills <= rows
        and S.out_refusals <= rows
        and S.out_points <= rows
        and S.placed_n <= S.placed_room
        and not S.error
    )


def run(F, S, X, at, kind, leg, a, b, c, d, first, count, rows, moment):
    """Takes the events of a chunk from `first` on; returns the number of the first that was not taken.

    It stops early where the tables must be emptied (`rows` is how full they may be), or something is wrong. Where
    `count` is `BEGIN` or `END` there is no chunk: what was decided before the first event is handled, or the feed has
    ended at `moment`.
    """
    if count == BEGIN:
        begin(F, S, X, moment)
    elif count == END:
        void(F, S, X, moment)
    number = first
    while number < count:
        taken = skim(F, S, X, at, kind, leg, a, b, c, d, number, count)
        if taken == number:
            take_event(F, S, X, at, kind, leg, a, b, c, d, number)
            taken += 1
        number = taken
        if not has_room(S, rows):
            break
    return number
