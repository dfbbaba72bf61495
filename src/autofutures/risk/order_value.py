"""Rule `order_value`: no order worth more than this. RTS 6 art. 15(1)(b), FIA maximum order size."""

from autofutures.domain.messages import Intent
from autofutures.domain.units import OrderType
from autofutures.risk.base import Exposure, Stateless, Violation
from autofutures.risk.money import lots_value


def price_of(intent: Intent, last_ticks: int) -> int:
    """The price that an order is measured at: its limit, else its stop, else the last price."""
    if intent.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        return intent.price_ticks
    return intent.stop_ticks if intent.type is OrderType.STOP else last_ticks


class OrderValue(Stateless):
    """Refuses orders worth more than `max_value` minor units of money: contracts × price × what a tick is worth."""

    id = "order_value"
    formula = "contracts x price x tick value <= max_value"
    source = "RTS 6 art. 15(1)(b)"
    binds_exits = False

    def __init__(self, max_value: int = 0) -> None:
        self.max_value = max_value

    @property
    def off(self) -> bool:
        """No value is too much."""
        return not self.max_value

    def check(self, intent: Intent, exposure: Exposure) -> Violation | None:
        """A product whose tick is worth nobody knows what cannot be measured, and so cannot pass."""
        if not exposure.tick_value and not exposure.inverse_value:
            return Violation(self.max_value, 0, f"nobody knows what a tick of {intent.symbol} is worth")
        price_ticks = price_of(intent, exposure.last_ticks)
        value = lots_value(intent.qty, price_ticks, exposure.tick_value, exposure.inverse_value)
        if value <= self.max_value:
            return None
        return Violation(
            self.max_value, value, f"the order is worth {value}: at most {self.max_value} may be"
        )
