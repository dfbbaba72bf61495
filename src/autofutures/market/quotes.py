"""What a quote must be to be believed, over integers, so that a kernel can compile it."""

ANY_PRICE = -(1 << 40)
"""The lowest price of an instrument that may trade below zero: a spread, whose price is a difference."""

LOWEST = 1
"""The lowest price of every other instrument."""


def is_sound(bid_ticks: int, bid_qty: int, ask_ticks: int, ask_qty: int, lowest_ticks: int) -> bool:
    """Whether the quote can be one: sides that are there have a price, and the bid is below the offer.

    A bid that meets the offer is that of a call auction, where nothing can be taken, or a mistake.
    """
    if bid_qty < 0 or ask_qty < 0:
        return False
    if (bid_qty > 0 and bid_ticks < lowest_ticks) or (ask_qty > 0 and ask_ticks < lowest_ticks):
        return False
    return bid_qty == 0 or ask_qty == 0 or bid_ticks < ask_ticks


def middle(bid_ticks: int, bid_qty: int, ask_ticks: int, ask_qty: int) -> int:
    """The price that a sound quote stands for: its middle, rounded down, or its only side."""
    if bid_qty == 0:
        return ask_ticks
    return bid_ticks if ask_qty == 0 else (bid_ticks + ask_ticks) // 2
