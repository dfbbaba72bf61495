"""A small house for strategies: the real trader and host, and a venue that fills whole at the next trade."""

from collections.abc import Callable, Mapping, Sequence

from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Cancel,
    Canceled,
    Command,
    CommandRefused,
    Decision,
    ExitMoved,
    Filled,
    Intent,
    OrderChanged,
    Placed,
    Ready,
    Refused,
    Report,
    Request,
    Submit,
    Tick,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side
from autofutures.engine import Lockstep
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.orders.book import Orders
from autofutures.orders.ids import ClientIds
from autofutures.portfolio.costs import Costs
from autofutures.risk.base import Rule
from autofutures.risk.gate import Gate, Limit
from autofutures.risk.scopes import ACCOUNT
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.host import Host
from autofutures.trader import Trader

TXF = "TAIFEX:TXF202108"
MXF = "TAIFEX:MXF202108"
OPEN = taipei_ns(20210726, 9 * 3600)
SECOND = 1_000_000_000

Venue = Callable[[Submit, int, int], Sequence[Report]]
"""What a venue says of an order at the next trade: (submit, price_ticks, at)."""


def view_of(*symbols: str) -> MarketView:
    view = MarketView(Calendar())
    for symbol in symbols:
        view.add(symbol, "taifex-index", 20210818)
    return view


def filled(submit: Submit, price_ticks: int, at: int, qty: int = 0, n: int = 1) -> Filled:
    fill_id = f"{submit.client_id}-{n}"
    return Filled(submit.client_id, at, fill_id, submit.symbol, submit.side, qty or submit.qty, price_ticks)


def fills_whole(submit: Submit, price_ticks: int, at: int) -> Sequence[Report]:
    return Accepted(submit.client_id, at, "V"), filled(submit, price_ticks, at)


class House:
    """One trader, one strategy called `sr`, and a venue; `log` is all that the trader said."""

    def __init__(
        self,
        strategy: Strategy,
        symbols: Sequence[str] = (TXF,),
        *,
        venue: Venue = fills_whole,
        rules: Sequence[Rule] = (),
        trader: Trader | None = None,
    ) -> None:
        view = view_of(*symbols)
        self.strategy = strategy
        self.symbols = tuple(symbols)
        self.trader = trader or Trader(
            {symbol: instrument(symbol) for symbol in symbols},
            view,
            Gate(Limit(ACCOUNT, rule) for rule in rules),
            Orders(ClientIds(1)),
            Costs(),
        )
        self.host = Host("sr", strategy, symbols, view)
        self.venue = venue
        self.log: list[AnyMessage] = []
        self.kept: list[AnyMessage] = []
        self.now = OPEN
        self.pending: list[Request] = []
        self._lockstep = Lockstep(
            self.trader, self._ask, lambda message, _: self.log.append(message), self._keep
        )
        said = self.trader.handle(Ready("sr", self.symbols), OPEN)
        decisions = [decision for message in said for decision in self.host.handle(message, OPEN)]
        self._settle(decisions)

    def tick(self, price_ticks: int, symbol: str = TXF, qty: int = 1, late: int = 0) -> list[str]:
        """One trade, with reports on what was sent before it. Returns what was ordered, as in `buy 1`."""
        self.now += SECOND
        said: list[AnyMessage] = []
        for request in self.pending:
            if isinstance(request, Cancel):
                order = self.trader.orders.get(request.client_id)
                said.append(Canceled(request.client_id, self.now, order.left if order else 0))
            else:
                said += self.venue(request, price_ticks, self.now)
        self.pending = []
        said.append(Tick(symbol, self.now - late, price_ticks, qty))
        return self._settle(said)

    def report(self, *reports: Report) -> list[str]:
        """News of the venue between trades."""
        return self._settle(reports)

    def command(self, verb: str, name: str = "", values: Mapping[str, int | str | bool] | None = None) -> str:
        """Gives a command; returns why it was refused, or nothing."""
        command = Command("f", "sr", verb, name, dict(values or {}))
        heard = [*self.trader.handle(command, self.now), *self.host.handle(command, self.now)]
        refusals = [message.reason for message in heard if isinstance(message, CommandRefused)]
        self._settle([message for message in heard if not isinstance(message, CommandRefused)])
        return " ".join(refusals)

    def reach(self) -> int:
        """The position if all that is at work were filled."""
        orders = [self.trader.orders.get(submit.client_id) for submit in self.submits()]
        return sum(order.intent.side * (order.filled + order.left) for order in orders if order is not None)

    def submits(self) -> list[Submit]:
        return [message for message in self.log if isinstance(message, Submit)]

    def cancels(self) -> list[Cancel]:
        return [message for message in self.log if isinstance(message, Cancel)]

    def exits(self) -> list[ExitMoved]:
        return [message for message in self.log if isinstance(message, ExitMoved)]

    def _settle(self, said: Sequence[AnyMessage]) -> list[str]:
        if not said:
            return []
        requests = self._lockstep.step(said, self.now, 0)
        self.pending += requests
        return [f"{each.side.word} {each.qty}" for each in requests if isinstance(each, Submit)]

    def _ask(self, messages: Sequence[AnyMessage], at: int) -> Sequence[Decision]:
        return [decision for message in messages for decision in self.host.handle(message, at)]

    def _keep(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], at: int) -> None:
        self.kept += [*inputs, *outputs]


class Told:
    """A context and what the trader would tell it, without a trader."""

    def __init__(self, symbols: Sequence[str] = (TXF,)) -> None:
        self.ctx = Context("sr", symbols)
        self.ctx.market_event()

    @staticmethod
    def changed(
        handle: int, status: Status, *, filled: int = 0, left: int = 0, symbol: str = TXF
    ) -> OrderChanged:
        return OrderChanged("c", "sr", handle >> 16, handle & 0xFFFF, 0, symbol, status, filled, left)

    @staticmethod
    def traded(handle: int, side: Side, qty: int, position: int, symbol: str = TXF) -> Traded:
        return Traded(
            "c", "sr", handle >> 16, handle & 0xFFFF, 1, 0, symbol, side, qty, 100, 0, 0, position, "f"
        )

    @staticmethod
    def refused(handle: int, rule: str = "order_size") -> Refused:
        return Refused("sr", handle >> 16, handle & 0xFFFF, 0, rule, 1, 2, "too large")

    @staticmethod
    def placed(handle: int, side: Side, qty: int, symbol: str = TXF) -> Placed:
        intent = Intent("sr", handle >> 16, handle & 0xFFFF, 0, symbol, side, qty, OrderType.MARKET)
        return Placed("c", Status.WORKING, intent)
