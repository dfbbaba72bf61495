"""What the gate may know of an instrument and our stake in it, gathered at one moment."""

from collections.abc import Iterable, Mapping

from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side
from autofutures.market.view import MarketView
from autofutures.orders.account import Account
from autofutures.orders.cover import Cover
from autofutures.orders.exit_desk import ExitDesk
from autofutures.orders.margin import MarginView
from autofutures.orders.risk_desk import RiskDesk
from autofutures.orders.standing import Standing
from autofutures.risk.base import Exposure, Own
from autofutures.risk.gate import Gate
from autofutures.risk.money import lots_value, widest
from autofutures.risk.scopes import INSTRUMENT, Scope, is_of

_RESTING = (OrderType.LIMIT, OrderType.STOP_LIMIT)


class Stake:
    """Looks at book, market and standing; what costs a walk through the book is done only for a limit that asks.

    Args:
        account: orders, positions, plans and stops.
        view: markets and sessions.
        desk: what exits may still order.
        standing: what the book may do.
        covers: how each strategy's open lots are covered.
        risk: halts and counters.
    """

    def __init__(
        self,
        account: Account,
        view: MarketView,
        desk: ExitDesk,
        standing: Standing,
        covers: Mapping[str, Cover],
        risk: RiskDesk,
    ) -> None:
        self._account = account
        self._orders, self._portfolio = account.orders, account.portfolio
        self._view = view
        self._desk = desk
        self._standing = standing
        self._covers = covers
        self._margin = MarginView(account, risk)
        self._risk, self._day = risk.state, risk.trading_day

    def exposure(self, symbol: str, now: int, strategy: str, gate: Gate) -> Exposure:
        """Everything that the rules of this gate look at."""
        view, orders = self._view, self._orders
        market = view.market(symbol, now)
        mode, reasons = self._standing.verdict
        may_buy, stop_buy = self._desk.pending(symbol, Side.BUY, strategy)
        may_sell, stop_sell = self._desk.pending(symbol, Side.SELL, strategy)
        product = self._account.instruments[symbol].product
        on = gate.on
        prices, values = "self_match" in on, "account_value" in on
        halts = self._risk.halts_of(strategy)
        return Exposure(
            now=now,
            position=self._portfolio.net(symbol),
            working_buy=orders.working(symbol, Side.BUY) + may_buy,
            working_sell=orders.working(symbol, Side.SELL) + may_sell,
            stop_buy=stop_buy,
            stop_sell=stop_sell,
            last_ticks=market.last_ticks,
            last_at=market.last_at,
            session_open=market.accepts_orders,
            low_ticks=market.low_ticks,
            high_ticks=market.high_ticks,
            mode=mode,
            reasons=reasons,
            unknown=orders.unknown_of(symbol),
            must_plan=strategy in self._covers and self._covers[strategy].exits == "plans",
            stopped=self._account.stops.fired(strategy, symbol),
            tick_value=product.tick_value,
            inverse_value=product.inverse_value,
            last_close_at=view.last_close_at(symbol) if "expiry_guard" in on else 0,
            own=self._own(symbol, strategy, stop_buy, stop_sell, values=values)
            if gate.wants_own or halts
            else None,
            halts=halts,
            messages=self.messages(now) if "daily_messages" in on else 0,
            others_value=self._value(symbol, "") if values else 0,
            margin=self._margin.seen(symbol, now, gate) if "margin" in on else None,
            lowest_sell_ticks=self._best(symbol, Side.SELL) if prices else None,
            highest_buy_ticks=self._best(symbol, Side.BUY) if prices else None,
        )

    def _own(self, symbol: str, strategy: str, stop_buy: int, stop_sell: int, *, values: bool) -> Own:
        return Own(
            position=self._portfolio.position(strategy, symbol),
            working_buy=self._at_work(symbol, Side.BUY, strategy),
            working_sell=self._at_work(symbol, Side.SELL, strategy),
            stop_buy=stop_buy,
            stop_sell=stop_sell,
            others_value=self._value(symbol, strategy) if values else 0,
        )

    def _at_work(self, symbol: str, side: Side, strategy: str) -> int:
        """What orders and plans of one strategy may still trade on one side."""
        orders = sum(
            order.left
            for order in self._orders.alive()
            if (order.intent.strategy, order.intent.symbol, order.intent.side) == (strategy, symbol, side)
        )
        exits = self._account.exits
        plans = exits.plans_of(strategy, symbol)
        return orders + sum(exits.due(plan) for plan in plans if plan.intent.side is side.opposite)

    def _value(self, but: str, strategy: str) -> int:
        """What the instruments but one are worth, at work counted: a strategy's, or the account's without one."""
        symbols = [symbol for symbol in self._account.instruments if symbol != but]
        return sum(self._value_of(symbol, strategy) for symbol in symbols)

    def _value_of(self, symbol: str, strategy: str) -> int:
        if strategy:
            position = self._portfolio.position(strategy, symbol)
            buys, sells = (self._at_work(symbol, side, strategy) for side in (Side.BUY, Side.SELL))
        else:
            position = self._portfolio.net(symbol)
            buys, sells = (self._orders.working(symbol, side) for side in (Side.BUY, Side.SELL))
        lots = widest(position, buys, sells)
        product = self._account.instruments[symbol].product
        price_ticks = self._view.reference(symbol)
        return lots_value(lots, price_ticks, product.tick_value, product.inverse_value)

    def value(self, scope: Scope) -> int:
        """What a scope has open and at work, in minor units."""
        if scope.kind == INSTRUMENT:
            symbols = [symbol for symbol in self._account.instruments if is_of(symbol, scope.name)]
            return max((self._value_of(symbol, "") for symbol in symbols), default=0)
        return self._value("", scope.name)

    def prices(self, symbols: Iterable[str]) -> dict[str, int]:
        """The newest price of each; none of a market that has not been heard in this life."""
        heard = [symbol for symbol in sorted(symbols) if self._view.heard_at(symbol)]
        return {symbol: self._view.reference(symbol) for symbol in heard}

    def unheard(self, symbols: Iterable[str]) -> list[str]:
        """Those of the symbols that are in the book, and of which no trade was heard."""
        silent = {symbol for symbol in symbols if not self._view.heard_at(symbol)}
        held = {symbol for _, symbol, ledger in self._portfolio.ledgers() if ledger.position}
        at_work = {order.intent.symbol for order in self._orders.alive()}
        return sorted(silent & (held | at_work))

    def messages(self, now: int) -> int:
        """Orders and cancels sent on the trading day of `now`."""
        return self._risk.messages_on(self._day(now))

    def _best(self, symbol: str, side: Side) -> int | None:
        """The best price at which an order of the account may rest at the venue on one side."""
        prices = [
            order.intent.price_ticks * side
            for order in self._orders.alive()
            if order.intent.symbol == symbol
            and order.intent.side is side
            and order.intent.type in _RESTING
            and order.status is not Status.HELD
        ]
        return max(prices) * side if prices else None
