"""What the strategy hears, and what it knows by that. As `strategies/host` and `strategies/context`."""

from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.hours import session_at
from autofutures.backtest.kernel.memory import bar_event, call, session_row, tick_event
from autofutures.market import bars


def hear_tick(F, own, S, X, leg, at, price_ticks, qty, auction):
    """The strategy hears a trade; `own` is where its fields are."""
    S.cause_seq += 1
    S.k = 0
    S.leg = leg
    L = S.legs[leg]
    L.known_last = price_ticks
    if leg == 0:
        S.last_ticks = price_ticks
    if S.bars_n:
        hear_bars(F, own, S, X, leg, at, price_ticks, qty)
    tick = tick_event(F, S)
    tick.at = at
    tick.price_ticks = price_ticks
    tick.qty = qty
    tick.auction = auction
    call(F.on_tick, own, tick, S)


def hear_quote(F, S, leg, at, bid_ticks, bid_qty, ask_ticks, ask_qty):
    """The strategy hears a quote."""
    S.cause_seq += 1
    S.k = 0
    S.leg = leg
    quote = S.legs[leg].quote[0]
    quote.at = at
    quote.bid_ticks = bid_ticks
    quote.bid_qty = bid_qty
    quote.ask_ticks = ask_ticks
    quote.ask_qty = ask_qty
    if leg == 0:
        S.bid_ticks = bid_ticks
        S.bid_qty = bid_qty
        S.ask_ticks = ask_ticks
        S.ask_qty = ask_qty
    call(F.on_quote, F.strategy, quote, S)


def hear_bars(F, own, S, X, leg, at, price_ticks, qty):
    """A trade enters the bars of its leg; those that it finishes are heard before it."""
    session = session_at(S, X, leg, at)
    if session < 0:
        return
    code = session_row(X.sessions, session).code
    for number in range(S.bars_n):
        bar = S.legs[leg].bars[number]
        timed = S.span_kind[number] == 0
        over = timed and at >= bar.at + S.span_size[number]
        if bar.trades and (code != bar.session or over):
            tell_bar(F, own, S, leg, number)
        if not bar.trades:
            bar.at = bars.time_bucket(at, S.span_size[number]) if timed else at
            bar.session = code
            bar.qty = 0
            bar.open = bar.high = bar.low = price_ticks
        bar.high = max(bar.high, price_ticks)
        bar.low = min(bar.low, price_ticks)
        bar.close = price_ticks
        bar.qty += qty
        bar.trades += 1
        if not timed and (bar.trades if S.span_kind[number] == 1 else bar.qty) >= S.span_size[number]:
            tell_bar(F, own, S, leg, number)


def tell_bar(F, own, S, leg, number):
    """A bar is complete."""
    bar = S.legs[leg].bars[number]
    event = bar_event(F, S)
    event.at = bar.at
    event.open_ticks = bar.open
    event.high_ticks = bar.high
    event.low_ticks = bar.low
    event.close_ticks = bar.close
    event.qty = bar.qty
    event.trades = bar.trades
    event.day = bar.session >> 1
    event.span = number
    bar.trades = 0
    S.leg = leg
    call(F.on_bar, own, event, S)


def set_left(S, handle, left):
    """What is left of an order, as far as the strategy knows: the less is true."""
    index = known_index(S, handle)
    if index < 0:
        return
    known = S.known[index]
    if left >= known.left:
        return
    set_working(S, known.leg, known.side * (left - known.left))
    known.left = left
    if left:
        return
    S.known_n -= 1
    for place in range(index, S.known_n):
        here, following = S.known[place], S.known[place + 1]
        here.handle = following.handle
        here.leg = following.leg
        here.side = following.side
        here.left = following.left
        here.unfilled = following.unfilled


def set_working(S, leg, qty):
    """Contracts at work, as the strategy knows them."""
    L = S.legs[leg]
    L.known_working += qty
    if leg == 0:
        S.working = L.known_working


def known_index(S, handle):
    """Where an order stands among those that the strategy takes for open; -1 for nowhere."""
    low, high = 0, S.known_n - 1
    while low <= high:
        middle = (low + high) >> 1
        found = S.known[middle].handle
        if found == handle:
            return middle
        if found < handle:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def hear(F, S, X, index):
    """The strategy hears one message of its own."""
    event = S.heard[index]
    kind = event.kind
    if kind == w.HEARS_REFUSED:
        known = known_index(S, event.handle)
        if known >= 0:
            S.leg = S.known[known].leg
    elif kind != w.HEARS_TIMER:
        S.leg = event.leg
    if kind == w.HEARS_TICK:
        hear_tick(F, F.strategy, S, X, event.leg, event.at, event.price_ticks, event.qty, event.n)
    elif kind == w.HEARS_QUOTE:
        hear_quote(F, S, event.leg, event.at, event.price_ticks, event.qty, event.n, event.fee)
    elif kind == w.HEARS_SESSION_END:
        for number in range(S.bars_n):
            if S.legs[event.leg].bars[number].trades:
                tell_bar(F, F.strategy, S, event.leg, number)
        call(F.on_session_close, F.strategy, event, S)
    elif kind == w.HEARS_TIMER:
        call(F.on_timer, F.strategy, event, S)
    else:
        hear_own(F, S, event)


def hear_own(F, S, event):
    """What became of the strategy's own orders: its context hears it first."""
    kind = event.kind
    if kind == w.HEARS_ORDER:
        set_left(S, event.handle, event.left)
        call(F.on_order, F.strategy, event, S)
    elif kind == w.HEARS_REFUSED:
        set_left(S, event.handle, 0)
        call(F.on_order, F.strategy, event, S)
    elif kind == w.HEARS_FILL:
        found = known_index(S, event.handle)
        if found >= 0:
            S.known[found].unfilled -= event.qty
            set_left(S, event.handle, S.known[found].unfilled)
        L = S.legs[event.leg]
        L.known_position = event.position
        if event.leg == 0:
            S.position = event.position
        call(F.on_fill, F.strategy, event, S)
    elif kind == w.HEARS_EXIT:
        call(F.on_exit, F.strategy, event, S)
