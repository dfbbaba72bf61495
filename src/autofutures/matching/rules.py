"""What a trade on the tape does to an order of ours: plain functions over integers, so that a kernel can compile them.

From trades alone there is no book. What is assumed instead, and what every report repeats, is `ASSUMPTIONS`.
"""

ASSUMPTIONS = (
    "No order fills on the event that caused it.",
    (
        "Market orders, and market orders with protection, fill at later trades plus {slippage} tick(s) against us, "
        "never for more than the quantity printed, first come first served among our orders."
    ),
    (
        "They take successive later trades until they are full or the session ends; a limit IOC or FOK looks at the "
        "first one only."
    ),
    (
        "A resting limit order fills when trades pass through its price, or at its price after {queue} contract(s) "
        "have traded there; a quantity printed fills us once."
    ),
    "Our orders do not move the market.",
)


def slipped(side: int, print_ticks: int, slippage_ticks: int, low_ticks: int, high_ticks: int) -> int:
    """The price at which an order that takes trades: the print, made worse, within the day's limits (0: unknown)."""
    price = print_ticks + side * slippage_ticks
    if side > 0 and high_ticks != 0 and price > high_ticks:
        return max(high_ticks, print_ticks)
    if side < 0 and low_ticks != 0 and price < low_ticks:
        return min(low_ticks, print_ticks)
    return price


def within(side: int, limit_ticks: int, price_ticks: int) -> bool:
    """Whether an order with this limit may trade at the price."""
    return (limit_ticks - price_ticks) * side >= 0


def passed_through(side: int, limit_ticks: int, print_ticks: int) -> bool:
    """Whether the market traded beyond the limit, so that everyone who stood at it must have been served."""
    return (limit_ticks - print_ticks) * side > 0


def behind_queue(printed: int, queue_ahead: int) -> int:
    """How much of a print at our own price reaches us, when so many contracts stood before us."""
    return max(0, printed - queue_ahead)
