"""The rules of an order book over integers: which prices meet, and at which price a call auction ends.

`side` is +1 for a buy and -1 for a sell, as `Side` has it. Source: the TAIFEX trading rules (market orders
come first in the call, then price and time; MWP is the best price of the own side plus or minus points).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

UNBOUNDED = 1 << 40
"""Beyond every price in ticks: the limit of a market order, and a price limit that does not exist."""


def crosses(side: int, limit_ticks: int, price_ticks: int) -> bool:
    """Whether an order of `side` with `limit_ticks` may trade at `price_ticks`."""
    return side * (limit_ticks - price_ticks) >= 0


def market_limit(side: int, low_ticks: int, high_ticks: int) -> int:
    """The worst price that a market order may reach: the price limit of its side."""
    return high_ticks if side > 0 else low_ticks


def mwp_limit(side: int, best_ticks: int, points: int, low_ticks: int, high_ticks: int) -> int:
    """The limit that the exchange gives a market order with protection, kept inside the price limits.

    Args:
        side: +1 buy, -1 sell.
        best_ticks: the best price of the order's own side: the bid for a buy, the offer for a sell.
        points: the protection in ticks.
        low_ticks: the lower price limit.
        high_ticks: the upper price limit.
    """
    return min(max(best_ticks + side * points, low_ticks), high_ticks)


def auction_price(
    bids: Sequence[tuple[int, int]],
    asks: Sequence[tuple[int, int]],
    reference_ticks: int | None,
    low_ticks: int,
    high_ticks: int,
) -> tuple[int, int] | None:
    """The price of a call auction, between the lowest and the highest that orders and reference name.

    Most contracts decide; then that buys above and sells below the price are filled whole; then the least
    left over; then the reference: the nearest price to it.

    Args:
        bids: (price_ticks, qty) of the buys in any order; market orders stand at `UNBOUNDED`.
        asks: the same of the sells; market orders stand at `-UNBOUNDED`.
        reference_ticks: the last price before the call; without one the middle of the best prices is taken.
        low_ticks: the lower price limit.
        high_ticks: the upper price limit.

    Returns:
        (price_ticks, contracts), or `None` where nothing can trade.
    """
    named = [price for price, _ in (*bids, *asks) if -UNBOUNDED < price < UNBOUNDED]
    if reference_ticks is not None:
        named.append(reference_ticks)
    if not named:
        return None
    floor, ceiling = (min(max(price, low_ticks), high_ticks) for price in (min(named), max(named)))
    # Demand and supply change only at named prices, so each run of equal prices ends at one or next to one.
    candidates = {price + step for price in named for step in (-1, 0, 1)} | {floor, ceiling}
    ranked: dict[tuple[int, bool, int], list[int]] = {}
    demand, supply = _Curve(bids), _Curve(asks)
    for price in candidates:
        if floor <= price <= ceiling:
            bought, sold = demand.at_least(price), supply.at_most(price)
            traded = min(bought, sold)
            passed_over = demand.at_least(price + 1) > traded or supply.at_most(price - 1) > traded
            ranked.setdefault((-traded, passed_over, abs(bought - sold)), []).append(price)
    best = min(ranked)
    if best[0] == 0:
        return None
    # Demand minus supply only falls as the price rises, so the best prices are one run without a hole.
    lowest, highest = min(ranked[best]), max(ranked[best])
    target = (lowest + highest) // 2 if reference_ticks is None else reference_ticks
    return min(max(target, lowest), highest), -best[0]


class _Curve:
    """Contracts by price, summed so that each question costs a search."""

    def __init__(self, levels: Sequence[tuple[int, int]]) -> None:
        ordered = sorted(levels)
        self._prices = [price for price, _ in ordered]
        self._sums = [0, *accumulate(qty for _, qty in ordered)]

    def at_least(self, price_ticks: int) -> int:
        return self._sums[-1] - self._sums[bisect_left(self._prices, price_ticks)]

    def at_most(self, price_ticks: int) -> int:
        return self._sums[bisect_right(self._prices, price_ticks)]
