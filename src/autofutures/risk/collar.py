"""Rule `collar`: a limit price stays near the last price. RTS 6 art. 15(1)(a), FIA price tolerance."""

from autofutures.domain.messages import Intent
from autofutures.domain.units import OrderType
from autofutures.risk.base import Exposure, Stateless, Violation

BP = 10_000
"""Basis points in one."""


def distance_bp(price_ticks: int, last_ticks: int) -> int:
    """Distance from the last price in basis points of it, rounded up; a last price of 0 allows nothing."""
    if last_ticks == 0:
        return BP
    return -(-abs(price_ticks - last_ticks) * BP // abs(last_ticks))


class Collar(Stateless):
    """Refuses limit and stop prices more than `max_bp` basis points from the last price, on either side."""

    id = "collar"
    formula = "|price - last| / last in basis points, rounded up, <= max_bp"
    source = "RTS 6 art. 15(1)(a), SEC 15c3-5(c)(1)(ii), FIA price tolerance"
    binds_exits = False

    def __init__(self, max_bp: int = 200) -> None:
        self.max_bp = max_bp

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Looks at whichever prices the order carries; market orders carry none."""
        if exposure.last_at == 0:
            return None
        prices = []
        if intent.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            prices.append(intent.price_ticks)
        if intent.type in (OrderType.STOP, OrderType.STOP_LIMIT):
            prices.append(intent.stop_ticks)
        for price in prices:
            value = distance_bp(price, exposure.last_ticks)
            if value > self.max_bp:
                reason = f"price {price} is {value} bp from the last price {exposure.last_ticks}"
                return Violation(self.max_bp, value, reason)
        return None
