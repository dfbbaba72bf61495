"""All of a trader that outlives it, in a form that two traders can be compared by."""

from autofutures.domain.units import Side
from autofutures.orders.book import Order
from autofutures.risk.scopes import key_of
from autofutures.trader import Trader


def book_of(trader: Trader) -> dict[str, object]:
    """All of a trader that money depends on, in a form that two traders can be compared by."""
    orders = trader.orders
    return {
        "ledgers": [
            (strategy, symbol, ledger.position, ledger.cost, ledger.realised, ledger.fees, ledger.tax)
            for strategy, symbol, ledger in trader.portfolio.ledgers()
        ],
        "orders": sorted(str(order_of(order)) for order in orders.alive()),
        "working": [(symbol, orders.working(symbol, side)) for symbol in trader.instruments for side in Side],
        "held": sorted(orders.held),
        "plans": sorted(str(plan.moved(0)) for plan in trader.exits.plans()),
        "risk": _risk_of(trader),
    }


def order_of(order: Order | None) -> object:
    """An order's account, in a form that can be compared."""
    return order and (order.client_id, order.status, order.filled, order.fills, order.cost, order.left)


def _risk_of(trader: Trader) -> object:
    """Counters, halts, changed limits, the venue's terms, and what the equity is made of."""
    state = trader.risk.state
    counters = (state.day, state.messages, state.orders, state.streaks, state.baselines, state.peaks)
    limits = sorted(
        (key_of(one.rule.id, one.scope), sorted(one.settings.items())) for one in trader.gate.limits()
    )
    held = sorted((key, one.position, one.cash, one.costs) for key, one in state.held.items())
    terms = state.limits, state.margins
    return counters, state.marks, state.trips, state.halts, state.changed, held, limits, terms
