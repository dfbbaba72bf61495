"""What quotes and trades do to an order of ours: plain functions over integers, so that a kernel can compile them.

A market known by its best bid and offer shows what may be taken, and what stands before an order that joins the best
price. What it does not show is assumed; every report repeats `ASSUMPTIONS`. `side` is +1 for a buy, -1 for a sell.
"""

ASSUMPTIONS = (
    "No order fills on the event that caused it: it meets the quote that stands when it arrives.",
    (
        "An order that takes gets the displayed size at the displayed price plus {slippage} tick(s), and no more, for "
        "what lies behind is not known: the rest of a market or IOC order is canceled, that of a limit order rests "
        "(against us: a true book is deeper)."
    ),
    (
        "What we took, and what traded since the last quote, is not there again; what we took stays taken until the "
        "price of that side changes (against us: others may have refilled it)."
    ),
    (
        "An order that joins the best price stands behind all that is displayed there; one behind the best price "
        "stands behind all that will be displayed when its price is the best (against us: it may have come first)."
    ),
    (
        "The queue before it falls with trades at its price, and to the displayed size where that is less (cancels are "
        "taken to come from behind us). What a smaller display let pass, the next trades do not let pass again."
    ),
    (
        "A resting order fills at its price: with trades behind its queue, with trades beyond its price, and where the "
        "opposite quote comes to its price, never for more than was traded or displayed."
    ),
    "Our orders do not move the market, and do not meet each other (for us: nobody answers to them).",
)

UNKNOWN = 1 << 40
"""More contracts than there are: the queue at a price that is not displayed."""


def available(shown: int, taken: int, traded: int) -> int:
    """What may still be taken of a displayed size.

    Args:
        shown: the size as the last quote said it.
        taken: what we took of it.
        traded: what others took since the last quote.
    """
    return max(0, shown - taken - traded)


def taken_after_quote(taken: int, before_ticks: int, price_ticks: int, shown: int) -> int:
    """What we have taken of a side after a new quote: nothing at a new price, at most all that is shown."""
    return min(taken, shown) if before_ticks == price_ticks else 0


def traded_after_trade(
    side: int, shown_ticks: int, shown: int, traded: int, print_ticks: int, printed: int
) -> int:
    """What others took of a displayed side since its quote, after a trade; beyond its price it is all gone.

    Args:
        side: whose size it is: +1 the bid's, -1 the offer's.
        shown_ticks: its price.
        shown: its size as the last quote said it.
        traded: what was taken before this trade.
        print_ticks: the trade's price.
        printed: its contracts.
    """
    beyond = side * (shown_ticks - print_ticks)
    if beyond > 0:
        return shown
    return traded + printed if beyond == 0 else traded


def may_meet(side: int, limit_ticks: int, shown_ticks: int) -> bool:
    """Whether an order of `side` with this limit may trade with what the other side shows."""
    return side * (limit_ticks - shown_ticks) >= 0


def paid(
    side: int, shown_ticks: int, slippage_ticks: int, limit_ticks: int, low_ticks: int, high_ticks: int
) -> int:
    """The price that a taking order pays: the displayed one, made worse within its limit and the day's (0: unknown)."""
    price = shown_ticks + side * slippage_ticks
    if side * (price - limit_ticks) > 0:
        price = limit_ticks
    if side > 0 and high_ticks != 0 and price > high_ticks:
        return max(high_ticks, shown_ticks)
    if side < 0 and low_ticks != 0 and price < low_ticks:
        return min(low_ticks, shown_ticks)
    return price


def queue_on_joining(side: int, limit_ticks: int, own_ticks: int, own_qty: int, other_qty: int) -> int:
    """What stands before an order that comes to rest.

    Args:
        side: its side.
        limit_ticks: its price.
        own_ticks: the best price of its side.
        own_qty: the size displayed there, 0 where there is none.
        other_qty: the size that the other side displays; where neither shows any, nothing is known.
    """
    if own_qty == 0:
        return 0 if other_qty > 0 else UNKNOWN
    better = side * (limit_ticks - own_ticks)
    if better > 0:
        return 0
    return own_qty if better == 0 else UNKNOWN


def queue_after_quote(side: int, limit_ticks: int, queue: int, own_ticks: int, own_qty: int) -> int:
    """What stands before a resting order after a new quote: nothing where its price is better than any displayed."""
    better = side * (limit_ticks - own_ticks)
    if own_qty == 0 or better > 0:
        return 0
    return min(queue, own_qty) if better == 0 else queue


def passed_after_quote(passed: int, before: int, after: int) -> int:
    """Contracts that a smaller display let pass and no trade has accounted for, after the queue went down with it."""
    return passed + before - after if before < UNKNOWN else passed


def reaches_side(side: int, print_ticks: int, other_ticks: int, other_qty: int) -> bool:
    """Whether a trade can have hit orders of `side`: not where it took what the other side displays."""
    return other_qty == 0 or side * (other_ticks - print_ticks) > 0


def served_by_trade(
    side: int, limit_ticks: int, queue: int, passed: int, print_ticks: int, printed: int
) -> int:
    """How much of a trade reaches a resting order: all of it beyond its price, at it what its queue leaves."""
    beyond = side * (limit_ticks - print_ticks)
    if beyond > 0:
        return printed
    return max(0, printed - passed - queue) if beyond == 0 else 0


def queue_after_trade(
    side: int, limit_ticks: int, queue: int, passed: int, print_ticks: int, printed: int
) -> int:
    """What stands before a resting order after a trade."""
    beyond = side * (limit_ticks - print_ticks)
    if beyond > 0:
        return 0
    if beyond < 0 or queue >= UNKNOWN:
        return queue
    return max(0, queue - max(0, printed - passed))


def passed_after_trade(limit_ticks: int, passed: int, print_ticks: int, printed: int) -> int:
    """What a smaller display let pass and no trade has accounted for, after a trade at the order's price."""
    return max(0, passed - printed) if print_ticks == limit_ticks else passed
