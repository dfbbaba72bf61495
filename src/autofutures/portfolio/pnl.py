"""The arithmetic of positions: plain functions over integers, so that a kernel can compile them.

A position has a sign; its cost is the sum of price × quantity of what is open, in ticks × contracts. Realised
profit is in the same unit: only the caller turns it into money.
"""


def opening_part(position: int, side: int, qty: int) -> int:
    """How much of a fill opens or adds, rather than closes."""
    against = -position * side
    return qty if against <= 0 else max(0, qty - against)


def closed_cost(cost: int, position: int, qty: int) -> int:
    """The average-price cost of `qty` contracts of a position, rounded down; the rest stays with what is open."""
    size = abs(position)
    return cost if qty == size else cost * qty // size


def realised(side_of_position: int, cost: int, qty: int, price_ticks: int) -> int:
    """Profit of closing `qty` contracts, which cost `cost`, at a price; ticks × contracts."""
    return side_of_position * (price_ticks * qty - cost)


def unrealised(position: int, cost: int, last_ticks: int) -> int:
    """Profit of what is open if it were closed at the last trade; ticks × contracts."""
    return position * last_ticks - cost if position > 0 else cost + position * last_ticks
