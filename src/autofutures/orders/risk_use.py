"""Each limit beside its use, as a person reads it: of a trader at work, or of one folded from a journal."""

import msgspec

from autofutures.orders.stake import Stake
from autofutures.portfolio.book import Portfolio
from autofutures.risk.account_value import AccountValue
from autofutures.risk.daily_messages import DailyMessages
from autofutures.risk.gate import Gate, Limit, settings_of
from autofutures.risk.halting import Halting
from autofutures.risk.position import Position
from autofutures.risk.scopes import INSTRUMENT, STRATEGY, Scope, is_of
from autofutures.risk.state import RiskState


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
    """The limit that it is held against."""
    halted: str
    """Why it has halted; empty where it has not."""


def uses(gate: Gate, state: RiskState, portfolio: Portfolio, stake: Stake, now: int) -> list[LimitUse]:
    """Every limit, in the order in which the gate asks."""
    return [_use(limit, state, portfolio, stake, now) for limit in gate.limits()]


def _use(limit: Limit, state: RiskState, portfolio: Portfolio, stake: Stake, now: int) -> LimitUse:
    rule, scope = limit.rule, limit.scope
    use: int | None = None
    of: int | None = None
    if isinstance(rule, Halting):
        equity = state.equity(scope.text, stake.prices(state.symbols_held()))
        use, of = rule.measure(state, scope.text, equity), rule.limit
    elif isinstance(rule, Position):
        use, of = _largest(portfolio, scope), rule.max_contracts
    elif isinstance(rule, AccountValue):
        use, of = stake.value(scope), rule.max_value
    elif isinstance(rule, DailyMessages):
        use, of = stake.messages(now), rule.max_messages
    halt = state.halts.get((rule.id, scope.text))
    return LimitUse(
        control=rule.id,
        scope=scope.text,
        settings={**settings_of(rule.id), **limit.settings},
        on=not rule.off,
        use=None if rule.off else use,
        of=None if rule.off else of,
        halted="" if halt is None else halt.reason,
    )


def _largest(portfolio: Portfolio, scope: Scope) -> int:
    """The largest position that the limit is of, in contracts without a sign."""
    if scope.kind == STRATEGY:
        own = [abs(led.position) for name, _, led in portfolio.ledgers() if name == scope.name]
        return max(own, default=0)
    nets = portfolio.nets().items()
    return max(
        (abs(qty) for symbol, qty in nets if scope.kind != INSTRUMENT or is_of(symbol, scope.name)), default=0
    )
