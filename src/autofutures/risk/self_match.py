"""Rule `self_match`: no order that would trade with an order of the same account. FIA self-match prevention."""

from autofutures.domain.messages import Intent
from autofutures.domain.units import OrderType
from autofutures.risk.base import Exposure, Switch, Violation


class SelfMatch(Switch):
    """Refuses, where `on` is 1, a new order that reaches the price of one that works on the other side.

    The new order gives way; the one that works stays. A market order, or a stop that becomes one, reaches every price.
    """

    id = "self_match"
    formula = "the order reaches no price of an own order on the other side"
    source = "FIA self-match prevention"
    binds_exits = False

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """Looks at prices alone: an order is at its own limit until the venue says that it is over."""
        other = exposure.lowest_sell_ticks if intent.side > 0 else exposure.highest_buy_ticks
        if other is None:
            return None
        takes = intent.type not in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        if not takes and (intent.price_ticks - other) * intent.side < 0:
            return None
        price = other if takes else intent.price_ticks
        side = "sells" if intent.side > 0 else "buys"
        return Violation(
            other, price, f"an order of this account {side} at {other}: the two would trade together"
        )
