"""Rule `price_limit`: a limit price lies within the exchange's limits of the day."""

from autofutures.domain.messages import Intent
from autofutures.domain.units import OrderType
from autofutures.risk.base import Exposure, Stateless, Violation


def outside(price_ticks: int, low_ticks: int, high_ticks: int) -> int:
    """The limit that the price passes, 0 for none. Both limits 0: not known, everything passes."""
    if low_ticks == 0 and high_ticks == 0:
        return 0
    if price_ticks < low_ticks:
        return low_ticks
    return high_ticks if price_ticks > high_ticks else 0


class PriceLimit(Stateless):
    """Refuses limit prices outside the day's band; without a settlement price it lets pass, and reports say so."""

    id = "price_limit"
    formula = "low <= price <= high of the day"
    source = "SEC 15c3-5(c)(2)(i), TAIFEX daily price limits"
    binds_exits = True

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Looks at limit prices only."""
        if intent.type not in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            return None
        limit = outside(intent.price_ticks, exposure.low_ticks, exposure.high_ticks)
        if limit == 0:
            return None
        band = f"{exposure.low_ticks}..{exposure.high_ticks}"
        return Violation(
            limit, intent.price_ticks, f"price {intent.price_ticks} is outside the day's limits {band}"
        )
