"""Contracts that are at work, on their way out, or may still be ordered. As `orders/book` and `orders/exit_desk`."""


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
