"""The rules of exits as plain functions over integers, so that a kernel can compile them: prices in ticks, times in ns.

`side` is the position's: 1 long, -1 short. A price of 0 is none.
"""

NONE, TAKE_PROFIT, STOP_LOSS, TIME_STOP, SESSION_END, ASKED, BOOK_STOPPED, EXPIRES, RISK_HALT, STOPPED = (
    range(10)
)
"""What closes a lot; `WORDS` names them in messages."""

WORDS = (
    *("", "take profit", "stop loss", "time stop", "session end", "asked to", "book stop", "contract ends"),
    *("risk halt", "machine stops"),
)

AT_ONCE = 2
"""So many exit orders in turn may go unfilled before the next one waits."""

FIRST_WAIT_NS = 250_000_000
LONGEST_WAIT_NS = 8_000_000_000
ALERT_AFTER = 5
"""So many exit orders in turn without a fill, and a person is told; then at twice that, and so on."""

WHOLE = 100
"""Percent of a lot that are all of it."""

_MILLI = 1_000


def exit_price(side: int, from_ticks: int, distance_ticks: int) -> int:
    """The price `distance_ticks` beyond the entry in the position's favour (negative: against it); 0 for none."""
    return from_ticks + side * distance_ticks if distance_ticks else 0


def reached(side: int, take_profit_ticks: int, stop_ticks: int, last_ticks: int) -> int:
    """Which exit a trade reaches for a position on `side`: take profit is asked first, then the stop."""
    if take_profit_ticks and (last_ticks - take_profit_ticks) * side >= 0:
        return TAKE_PROFIT
    if stop_ticks and (stop_ticks - last_ticks) * side >= 0:
        return STOP_LOSS
    return NONE


def tighter(side: int, stop_ticks: int, other_ticks: int) -> int:
    """Of two stops the one that loses less; either may be none."""
    if not stop_ticks or not other_ticks:
        return stop_ticks or other_ticks
    return other_ticks if (other_ticks - stop_ticks) * side > 0 else stop_ticks


def trailed(side: int, stop_ticks: int, last_ticks: int, distance_ticks: int) -> int:
    """The stop after a trade that it follows at a distance. The best price need not be kept: the stop holds it."""
    return tighter(side, stop_ticks, exit_price(side, last_ticks, -distance_ticks))


def broken_even(
    side: int, stop_ticks: int, origin_ticks: int, last_ticks: int, after_ticks: int, offset_ticks: int
) -> int:
    """The stop once a trade is `after_ticks` in favour of the entry: no more than that can be lost any more."""
    if not after_ticks or (last_ticks - origin_ticks) * side < after_ticks:
        return stop_ticks
    return tighter(side, stop_ticks, origin_ticks + side * offset_ticks)


def timed_out(now: int, opened_at: int, time_stop_ns: int) -> bool:
    """Whether the lot has been open for as long as it may."""
    return time_stop_ns > 0 and now - opened_at >= time_stop_ns


def session_over(now: int, opened_at: int, opens_at: int, closes_at: int, before_ns: int) -> bool:
    """Whether the lot must be flat: its session's last stretch has come, or a later session is under way."""
    return before_ns > 0 and (opened_at < opens_at or now >= closes_at - before_ns)


def level_qty(entered_qty: int, percent: int) -> int:
    """Contracts of a lot that are closed once levels of so many percent were reached, rounded down.

    So a lot of one waits for the level that makes the hundred.
    """
    return entered_qty * min(percent, WHOLE) // WHOLE


def true_range(high_ticks: int, low_ticks: int, close_before_ticks: int) -> int:
    """A span's range with the gap from the trade before it. Wilder, New Concepts in Technical Trading Systems, 1978."""
    return max(high_ticks, close_before_ticks) - min(low_ticks, close_before_ticks)


def next_atr(atr_milli: int, spans: int, periods: int, range_ticks: int) -> int:
    """Wilder's average after one more span, in thousandths of a tick, rounded to nearest, half up.

    Args:
        atr_milli: the average so far.
        spans: spans measured, this one included: up to `periods` of them the average is the plain one.
        periods: of the average.
        range_ticks: the span's true range.
    """
    weight = min(spans, periods)
    return (2 * (atr_milli * (weight - 1) + range_ticks * _MILLI) + weight) // (2 * weight)


def atr_distance(atr_milli: int, hundredths: int) -> int:
    """So many hundredths of the average true range in ticks, rounded up, at least one."""
    return max(1, -(-atr_milli * hundredths // (_MILLI * WHOLE)))


def wait_ns(attempts: int) -> int:
    """How long to wait after the `attempts`-th exit order in turn without a fill: not at all, then ever longer."""
    if attempts <= AT_ONCE:
        return 0
    return min(FIRST_WAIT_NS << min(attempts - AT_ONCE - 1, 16), LONGEST_WAIT_NS)


def alarming(attempts: int) -> bool:
    """Whether a person must be told of an exit that fails: at the fifth attempt, the tenth, the twentieth."""
    times, rest = divmod(attempts, ALERT_AFTER)
    return rest == 0 and times > 0 and times & (times - 1) == 0


def floor_price(position: int, cost: int, limit: int) -> int:
    """The price at which what is open loses `limit` or more, ticks × contracts.

    Args:
        position: signed contracts, not 0.
        cost: what they cost, ticks × contracts, without a sign.
        limit: the most that may be lost.
    """
    if position > 0:
        return (cost - limit) // position
    return -(-(cost + limit) // -position)


def floor_reached(position: int, floor_ticks: int, last_ticks: int) -> bool:
    """Whether a trade is at the floor of a position, or beyond it; the floor may be a price that is never reached."""
    return last_ticks <= floor_ticks if position > 0 else position < 0 and last_ticks >= floor_ticks
