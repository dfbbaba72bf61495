"""A trader whose orders fill at once, at the price of the last trade."""

from collections.abc import Mapping

from autofutures.domain.messages import AnyMessage, Command, Filled, Halted, Intent, Refused, Submit
from autofutures.domain.units import OrderType, Side
from autofutures.orders.cover import Cover
from tests.makers import OPEN, TXF, a_trader, intent, tick

COVERS = {"s": Cover("own", 10**9), "other": Cover("own", 10**9)}
TICK_VALUE = 200
"""TXF: NT$200 a point (TAIFEX contract specifications)."""


class Bench:
    """Fees are 20 a contract and side; the tax of one TXF at 17,400 is 3,480,000 × 0.00002 = 69.6, so 70."""

    def __init__(self, limits: Mapping[str, Mapping[str, int]], symbols: tuple[str, ...] = (TXF,)) -> None:
        self.trader = a_trader(limits, covers=COVERS, symbols=symbols)
        self.now, self.k, self.price = OPEN, 0, 17_400
        self.said: list[AnyMessage] = []
        self.fills = 0
        self.at(17_400)

    def hear(self, message: AnyMessage) -> list[AnyMessage]:
        said = list(self.trader.handle(message, self.now))
        self.said += said
        return said

    def at(self, price: int, symbol: str = TXF) -> list[AnyMessage]:
        """A trade of the market; orders that it makes leave fill there."""
        self.price = price
        said = self.hear(tick(price, at=self.now, symbol=symbol))
        for submit in [one for one in said if isinstance(one, Submit)]:
            said += self.fill(submit)
        return said

    def fill(self, submit: Submit) -> list[AnyMessage]:
        self.fills += 1
        fill_id, side = f"F{self.fills}", submit.side
        fill = Filled(submit.client_id, self.now, fill_id, submit.symbol, side, submit.qty, self.price)
        said = self.hear(fill)
        for more in [one for one in said if isinstance(one, Submit)]:
            said += self.fill(more)
        return said

    def order(self, side: Side, qty: int = 1, strategy: str = "s", limit: int = 0) -> list[AnyMessage]:
        """A decision; a market order that passes is filled."""
        said = self.hear(self.decision(side, qty, strategy, limit))
        for submit in [one for one in said if isinstance(one, Submit) and not limit]:
            said += self.fill(submit)
        return said

    def decision(self, side: Side, qty: int = 1, strategy: str = "s", limit: int = 0) -> Intent:
        self.k += 1
        kind = OrderType.LIMIT if limit else OrderType.MARKET
        seq = self.trader.market_seq
        return intent(
            side, qty, kind, strategy=strategy, cause_seq=seq, k=self.k, at=self.now, price_ticks=limit
        )

    def refused(self, side: Side, qty: int = 1, strategy: str = "s") -> str:
        """The rule that refuses; empty where the order passes."""
        return next((one.rule for one in self.order(side, qty, strategy) if isinstance(one, Refused)), "")

    def command(self, verb: str, **values: int | str) -> list[AnyMessage]:
        return self.hear(Command("c1", "", verb, "risk", dict(values), "ann operator/1"))

    def halts(self) -> list[tuple[str, str, int, int]]:
        return [
            (one.control, one.scope, one.limit, one.value) for one in self.said if isinstance(one, Halted)
        ]

    def position(self, strategy: str = "s", symbol: str = TXF) -> int:
        return self.trader.portfolio.position(strategy, symbol)
