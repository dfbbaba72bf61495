"""The arithmetic of positions: plain functions over integers, so that a kernel can compile them.

A position has a sign; its cost is the sum of price × quantity of what is open, in ticks × contracts. Realised
profit is in the same unit: only the caller turns it into money.

An inverse contract (worth a fixed sum of dollars, paid in the coin) earns qty × V × (1 / entry - 1 / exit), which is
linear in -V / price. So everywhere `worth` stands for the price, and all else is the same arithmetic; its unit is
then the coin's minor unit, and a tick is worth 1 of it.
"""

NEVER = 1 << 62
"""A price in ticks that no market reaches."""


def worth(price_ticks: int, inverse_value: int) -> int:
    """What one lot counts as at a price: costs and profits are sums and differences of it.

    Args:
        price_ticks: above 0 where the contract is inverse.
        inverse_value: 0 for a linear contract, whose worth is the price itself; else what a lot of an inverse one is
            worth at a price of one tick, in minor units. The quotient is rounded half up, once for each price, so a
            round trip is at most one minor unit for each lot off the exact profit.
    """
    if inverse_value == 0:
        return price_ticks
    return -((2 * inverse_value + price_ticks) // (2 * price_ticks))


def price_of_worth(amount: int, inverse_value: int) -> int:
    """The price in ticks at which one lot counts as `amount`; of an inverse contract the nearest one below.

    `NEVER` where no price is that good: an inverse contract's worth stays below 0.
    """
    if inverse_value == 0:
        return amount
    return inverse_value // -amount if amount < 0 else NEVER


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
