"""Each limit beside its use, as a person reads it: of a trader at work, or of one folded from a journal."""

from collections.abc import Iterator

import msgspec

from autofutures.orders.account import Account
from autofutures.orders.margin import MarginView
from autofutures.orders.risk_desk import RiskDesk
from autofutures.orders.stake import Stake
from autofutures.portfolio import pnl
from autofutures.portfolio.book import Portfolio
from autofutures.risk.account_value import AccountValue
from autofutures.risk.base import Rule
from autofutures.risk.daily_messages import DailyMessages
from autofutures.risk.gate import Gate, Limit, settings_of
from autofutures.risk.halting import Halting
from autofutures.risk.margin import Margin
from autofutures.risk.message_rate import MessageRate
from autofutures.risk.position import Position
from autofutures.risk.scopes import INSTRUMENT, STRATEGY, Scope, is_of, key_of, scope_of

BOOK_STOP = "book_stop"

Measured = tuple[int, int, str]
"""The use, the limit that it is held against, and of which instrument it is where that matters."""


class LimitUse(msgspec.Struct, frozen=True):
    """One limit: what may be, and what is. Money in minor units."""

    control: str
    scope: str
    """As `strategy.ema`; empty for the account."""
    settings: dict[str, int]
    on: bool
    use: int | None
    """What is held against the limit now; none of what is measured order by order."""
    of: int | None
    """The limit that it is held against. Of `margin` use is what equity must be at least, and this what it is."""
    halted: str
    """Why it has halted; empty where it has not."""
    about: str = ""
    """The instrument that uses the most of it, where it is of one."""

    @property
    def key(self) -> str:
        """As in the settings: `position.strategy.ema`."""
        return key_of(self.control, scope_of(self.scope))


class Uses:
    """Measures every limit of one trader.

    Args:
        gate: the limits.
        risk: counters, halts and equity.
        account: orders, positions and stops.
        stake: what is open and at work is worth.
    """

    def __init__(self, gate: Gate, risk: RiskDesk, account: Account, stake: Stake) -> None:
        self._gate = gate
        self._risk = risk
        self._account = account
        self._stake = stake
        self._margin = MarginView(account, risk)

    def look(self, now: int) -> list[LimitUse]:
        """Every limit, in the order in which the gate asks, and then each strategy's book stop."""
        return [*(self._use(limit, now) for limit in self._gate.limits()), *self._book_stops()]

    def _use(self, limit: Limit, now: int) -> LimitUse:
        rule, scope = limit.rule, limit.scope
        measured = None if rule.off else self._measure(rule, scope, now)
        use, of, about = (None, None, "") if measured is None else measured
        halt = self._risk.state.halts.get((rule.id, scope.text))
        return LimitUse(
            control=rule.id,
            scope=scope.text,
            settings={**settings_of(rule.id), **limit.settings},
            on=not rule.off,
            use=use,
            of=of,
            halted="" if halt is None else halt.reason,
            about=about,
        )

    def _measure(self, rule: Rule, scope: Scope, now: int) -> Measured | None:
        if isinstance(rule, Halting):
            state = self._risk.state
            equity = state.equity(scope.text, self._stake.prices(state.symbols_held()))
            return rule.measure(state, scope.text, equity), rule.limit, ""
        if isinstance(rule, Position):
            use, about = _largest(self._account.portfolio, scope)
            return use, rule.max_contracts, about
        if isinstance(rule, AccountValue):
            return self._stake.value(scope), rule.max_value, ""
        if isinstance(rule, DailyMessages):
            return self._stake.messages(now), rule.max_messages, ""
        if isinstance(rule, MessageRate):
            return rule.within(now), rule.max_per_second, ""
        if isinstance(rule, Margin):
            equity, required, _ = self._margin.indicator(now, self._gate)
            return required * rule.min_percent // 100, equity, ""
        return None

    def _book_stops(self) -> Iterator[LimitUse]:
        """What each open position of a strategy with exits of its own has lost, of what it may."""
        stops = self._account.stops
        prices = self._stake.prices(stops.symbols())
        for symbol, last_ticks in prices.items():
            product = self._account.instruments[symbol].product
            for stop in stops.holding(symbol):
                ledger = stop.ledger
                last = pnl.worth(last_ticks, ledger.inverse_value)
                lost = max(0, -pnl.unrealised(ledger.position, ledger.cost, last))
                value = product.tick_value or 1
                yield LimitUse(
                    control=BOOK_STOP,
                    scope=f"{STRATEGY}.{stop.strategy}",
                    settings={},
                    on=True,
                    use=lost * value,
                    of=stop.limit * value,
                    halted="it has fired, and waits for a reset" if stop.fired else "",
                    about=symbol,
                )


def _largest(portfolio: Portfolio, scope: Scope) -> tuple[int, str]:
    """The largest position that the limit is of, in contracts without a sign, and in what it is."""
    if scope.kind == STRATEGY:
        held = [(symbol, led.position) for name, symbol, led in portfolio.ledgers() if name == scope.name]
    else:
        nets = portfolio.nets().items()
        held = [
            (symbol, qty) for symbol, qty in nets if scope.kind != INSTRUMENT or is_of(symbol, scope.name)
        ]
    largest = max(((abs(qty), symbol) for symbol, qty in held), default=(0, ""))
    return largest if largest[0] else (0, "")
