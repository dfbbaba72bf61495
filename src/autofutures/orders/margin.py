"""What the account's margin is made of: lots open and at work, day trades among them, and the hour."""

from autofutures.domain.units import Side
from autofutures.market.dates import taipei_ns
from autofutures.orders.account import Account
from autofutures.orders.risk_desk import RiskDesk
from autofutures.risk.base import MarginSeen
from autofutures.risk.figures import required_margin, risk_indicator
from autofutures.risk.gate import Gate
from autofutures.risk.money import widest
from autofutures.risk.scopes import ACCOUNT

NAME = "margin"


class MarginView:
    """Looks at book and limits; asked only where the rule is on, or by a person.

    Args:
        account: orders, positions and plans.
        risk: what was earned, and the trading day.
    """

    def __init__(self, account: Account, risk: RiskDesk) -> None:
        self._account = account
        self._risk = risk

    def seen(self, symbol: str, now: int, gate: Gate) -> MarginSeen:
        """What the rule needs for an order in one instrument."""
        others, unknown = 0, ""
        for other in self._account.instruments:
            lots = self._lots(other) if other != symbol else 0
            if lots:
                initial = self.initial(other, gate)
                unknown = unknown or ("" if initial else other)
                day = self._day_margin(other, now, gate)
                others += required_margin(lots, self.day_lots(other), initial, day)
        return MarginSeen(
            earned=self._risk.equity(""),
            initial=self.initial(symbol, gate),
            day_trade=self._day_margin(symbol, now, gate),
            day_lots=self.day_lots(symbol),
            others=others,
            unknown=unknown,
        )

    def indicator(self, now: int, gate: Gate) -> tuple[int, int, int | None]:
        """Equity, initial margin of what is open alone, and the risk indicator that brokers publish of the two."""
        equity = gate.setting(NAME, ACCOUNT, "capital") + self._risk.equity("")
        required = sum(
            required_margin(
                abs(qty),
                self.day_lots(symbol),
                self.initial(symbol, gate),
                self._day_margin(symbol, now, gate),
            )
            for symbol, qty in self._account.portfolio.nets().items()
        )
        return equity, required, risk_indicator(equity, required)

    def initial(self, symbol: str, gate: Gate) -> int:
        """Of one lot: what the venue told, or what a person has set where that is more; 0 where neither is known."""
        return max(gate.of_instrument(NAME, symbol, "initial"), self._risk.state.margins.get(symbol, 0))

    def initials(self, gate: Gate) -> dict[str, dict[str, int]]:
        """Of each contract of which it is known: what counts, what the venue told, and what a person has set."""
        return {
            symbol: {
                "initial": self.initial(symbol, gate),
                "told": self._risk.state.margins.get(symbol, 0),
                "set": gate.of_instrument(NAME, symbol, "initial"),
            }
            for symbol in self._account.instruments
            if self.initial(symbol, gate)
        }

    def _lots(self, symbol: str) -> int:
        orders = self._account.orders
        buys, sells = orders.working(symbol, Side.BUY), orders.working(symbol, Side.SELL)
        return widest(self._account.portfolio.net(symbol), buys, sells)

    def day_lots(self, symbol: str) -> int:
        """Lots of day trades: of plans that such an entry opened, and of such orders at work."""
        plans = self._account.exits.plans()
        opened = sum(
            plan.open_qty for plan in plans if plan.intent.symbol == symbol and plan.intent.day_trade
        )
        orders = self._account.orders.alive()
        at_work = sum(
            order.left
            for order in orders
            if order.intent.symbol == symbol and order.intent.day_trade and not order.intent.closes_k
        )
        return opened + at_work

    def _day_margin(self, symbol: str, now: int, gate: Gate) -> int:
        """Of one lot of a day trade; 0 from the cut-off of the trading day on."""
        cutoff = gate.setting(NAME, ACCOUNT, "cutoff")
        if not cutoff:
            return 0
        hours, minutes = divmod(cutoff, 100)
        ends_at = taipei_ns(self._risk.trading_day(now), hours * 3600 + minutes * 60)
        return gate.of_instrument(NAME, symbol, "day_trade") if now < ends_at else 0
