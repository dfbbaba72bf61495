"""The exchange's side: a trade fills what it reaches. As `matching/exchange` and `matching/prints`."""

from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.lots import remove
from autofutures.backtest.kernel.state import MAX_HEARD, MAX_ORDERS
from autofutures.matching import rules


def report(S, kind, slot, qty, price_ticks):
    """The exchange says something of an order."""
    if S.reports_n >= MAX_HEARD - 8:
        S.error = w.TOO_MUCH_HEARD
        S.reports_n = 0
    said = S.reports[S.reports_n]
    S.reports_n += 1
    said.kind = kind
    said.slot = slot
    said.qty = qty
    said.price_ticks = price_ticks


# --- requests arrive


def within_day(L, price_ticks):
    """Whether a price is within the day's limits; 0 where one is not known."""
    return not ((L.high != 0 and price_ticks > L.high) or (L.low != 0 and price_ticks < L.low))


def take_off(S, slot):
    """A request to cancel reaches the market."""
    order = S.orders[slot]
    if not order.in_market:
        report(S, w.SAYS_NO_CANCEL, slot, 0, 0)
        return
    forget(S, slot)
    report(S, w.SAYS_CANCELED, slot, 0, 0)


def put_on(S, slot):
    """A request to trade reaches the market: it waits for the next trade."""
    order = S.orders[slot]
    L = S.legs[order.leg]
    if order.market_type == w.LIMIT and not within_day(L, order.market_price):
        report(S, w.SAYS_REJECTED, slot, 0, 0)
        return
    order.arrival = S.arrivals
    order.in_market = 1
    order.resting = 0
    order.queue_ahead = 0
    order.market_left = order.qty
    L.takers[L.takers_n] = slot
    L.takers_n += 1
    report(S, w.SAYS_ACCEPTED, slot, 0, 0)


# --- the market's lists


def forget(S, slot):
    """The market knows the order no more."""
    order = S.orders[slot]
    order.in_market = 0
    L = S.legs[order.leg]
    if not order.resting:
        L.takers_n = remove(L.takers, L.takers_n, slot)
    elif order.side > 0:
        L.buys_n = remove(L.buys, L.buys_n, slot)
    else:
        L.sells_n = remove(L.sells, L.sells_n, slot)
    order.resting = 0
    L.dirty = 1


def rest(S, slot):
    """A taker waits from now on: the best price stands last in its list, of one price the oldest."""
    order = S.orders[slot]
    L = S.legs[order.leg]
    L.takers_n = remove(L.takers, L.takers_n, slot)
    order.resting = 1
    order.queue_ahead = S.queue_contracts
    L.dirty = 1
    if order.side > 0:
        insert(S, L.buys, L.buys_n, slot)
        L.buys_n += 1
    else:
        insert(S, L.sells, L.sells_n, slot)
        L.sells_n += 1


def insert(S, places, count, slot):
    """Puts an order in front of those that are served before it."""
    order = S.orders[slot]
    index = count
    while index > 0:
        other = S.orders[places[index - 1]]
        ahead = (other.market_price - order.market_price) * order.side
        if ahead < 0 or (ahead == 0 and other.arrival > order.arrival):
            break
        places[index] = places[index - 1]
        index -= 1
    places[index] = slot


def execute(S, slot, qty, price_ticks):
    """Part of an order trades."""
    if qty <= 0:
        return 0
    order = S.orders[slot]
    order.market_left -= qty
    report(S, w.SAYS_FILLED, slot, qty, price_ticks)
    if order.market_left == 0:
        forget(S, slot)
    return qty


# --- a trade


def hear_print(S, leg, price_ticks, qty):
    """A trade fills our orders: first those that take, as they came, then those that rest, best price first."""
    left = serve_takers(S, leg, price_ticks, qty)
    L = S.legs[leg]
    left = serve_resting(S, leg, L.buys, True, price_ticks, left)
    serve_resting(S, leg, L.sells, False, price_ticks, left)


def serve_takers(S, leg, price_ticks, printed):
    """Orders that take; what does not wait is said to be canceled after everything that traded."""
    L = S.legs[leg]
    index = 0
    over_n = 0
    while index < L.takers_n:
        slot = L.takers[index]
        order = S.orders[slot]
        if order.market_type == w.MWP and order.market_price == 0:
            order.market_price = price_ticks + order.side * S.mwp_points
        price = rules.slipped(order.side, price_ticks, S.slippage_ticks, L.low, L.high)
        reached = order.market_type == w.MARKET or rules.within(order.side, order.market_price, price)
        if reached and (order.market_tif != w.FOK or printed >= order.market_left):
            printed -= execute(S, slot, min(order.market_left, printed), price)
        if order.market_left == 0:
            continue
        if order.market_tif == w.FOK or (order.market_type == w.LIMIT and order.market_tif == w.IOC):
            S.over[over_n] = slot
            over_n += 1
            index += 1
        elif order.market_type == w.LIMIT and not reached:
            rest(S, slot)
        else:
            index += 1
    S.over_n = over_n
    return printed


def serve_resting(S, leg, places, buys, price_ticks, printed):
    """Orders that rest on one side; the best price stands last."""
    L = S.legs[leg]
    index = (L.buys_n if buys else L.sells_n) - 1
    while index >= 0:
        slot = places[index]
        order = S.orders[slot]
        if rules.passed_through(order.side, order.market_price, price_ticks):
            reaches = printed
            order.queue_ahead = 0
        elif order.market_price == price_ticks:
            reaches = rules.behind_queue(printed, order.queue_ahead)
            order.queue_ahead = max(0, order.queue_ahead - printed)
        else:
            break
        printed -= execute(S, slot, min(order.market_left, reaches), order.market_price)
        index -= 1
    return printed


def say_over(S):
    """Takers that did not wait are canceled, after all that traded has been said."""
    for index in range(S.over_n):
        slot = S.over[index]
        forget(S, slot)
        report(S, w.SAYS_CANCELED, slot, 0, 0)
    S.over_n = 0


# --- the end of a session


def end_session(S, leg):
    """Voids what works in the market, in the sequence in which it arrived, then what is still on its way to it."""
    void_market(S, leg)
    kept = 0
    total = S.requests_n
    for number in range(total):
        index = (S.requests_first + number) % (MAX_ORDERS * 4)
        asked = S.requests[index]
        if S.orders[asked.slot].leg == leg:
            S.orders[asked.slot].refs -= 1
            if asked.kind == w.TO_SUBMIT:
                report(S, w.SAYS_EXPIRED, asked.slot, 0, 0)
            continue
        place = S.requests[(S.requests_first + kept) % (MAX_ORDERS * 4)]
        place.acts_at = asked.acts_at
        place.kind = asked.kind
        place.slot = asked.slot
        place.number = asked.number
        kept += 1
    S.requests_n = kept


def void_market(S, leg):
    """Every order of one market expires, oldest first."""
    L = S.legs[leg]
    while L.takers_n + L.buys_n + L.sells_n > 0:
        oldest = -1
        for index in range(L.takers_n):
            oldest = older(S, oldest, L.takers[index])
        for index in range(L.buys_n):
            oldest = older(S, oldest, L.buys[index])
        for index in range(L.sells_n):
            oldest = older(S, oldest, L.sells[index])
        forget(S, oldest)
        report(S, w.SAYS_EXPIRED, oldest, 0, 0)


def older(S, one, other):
    """Which of two orders arrived first; -1 is none."""
    if one < 0 or S.orders[other].arrival < S.orders[one].arrival:
        return other
    return one
