"""The pre-trade controls in the gate's sequence. As `risk/gate`; each rule's arithmetic is its own."""

from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.hours import accepts_orders
from autofutures.backtest.kernel.lots import pending, rest_of_stop
from autofutures.backtest.kernel.memory import terms_row
from autofutures.domain.units import SECOND
from autofutures.risk import collar, order_size, position, price_limit, stale_tick


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
    if not 0 <= now - S.rate[S.rate_first] < SECOND:
        return 0
    within = 0
    for index in range(S.max_rate):
        if 0 <= now - S.rate[index] < SECOND:
            within += 1
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
