"""Exit plans: what closes an open lot, kept and fired by the trader, so that they outlive the strategy.

A plan is opened by the first fill of an entry that carries one. It covers what that entry filled and is still open,
never more. Trades and time fire it or move its stop; what is open and not already on its way out is then to be
ordered, and whatever of that does not fill is decided again. Reports move plans and decide nothing.
"""

from collections.abc import Iterable, Iterator

from autofutures.domain.messages import ExitMoved, ExitPlan, Intent
from autofutures.domain.units import OrderType, Side
from autofutures.market.sessions import Session
from autofutures.orders.plan import Key, Plan
from autofutures.orders.ranges import Ranges


class Exits:
    """Every open plan, by the decision that opened it, and what of each is already on its way out."""

    def __init__(self) -> None:
        self._plans: dict[Key, Plan] = {}
        self._by_symbol: dict[str, list[Plan]] = {}
        # Kept apart from the plans: an exit order may outlive its plan, and another fill of the entry reopen it.
        self._leaving: dict[Key, dict[str, int]] = {}
        self._resting: dict[str, Intent] = {}
        self._asked_back: set[str] = set()
        self.ranges = Ranges()

    def watches(self, symbol: str) -> bool:
        """Whether any plan, or an order that outlived one, waits for trades of the symbol."""
        return symbol in self._by_symbol or bool(self._resting) or self.ranges.watches(symbol)

    def symbols(self) -> Iterable[str]:
        """Symbols of which plans are open."""
        return tuple(self._by_symbol)

    def plan(self, strategy: str, cause_seq: int, k: int) -> Plan | None:
        """The plan that an entry opened."""
        return self._plans.get((strategy, cause_seq, k))

    def plans(self) -> list[Plan]:
        """Open plans, oldest first."""
        return list(self._plans.values())

    def plans_of(self, strategy: str, symbol: str) -> list[Plan]:
        """Open plans of one strategy in one symbol, oldest first."""
        return [plan for plan in self._by_symbol.get(symbol, ()) if plan.intent.strategy == strategy]

    # --- what is on its way out

    def leaving(self, plan: Plan) -> int:
        """Contracts of a plan that exit orders may still close."""
        return sum(self._leaving.get(plan.key, {}).values())

    def due(self, plan: Plan) -> int:
        """Contracts of a plan that are open and not on their way out."""
        return max(0, plan.open_qty - self.leaving(plan))

    def pending(self, symbol: str, side: Side) -> int:
        """Contracts that plans may order on `side` when they fire: the limit must have room for them."""
        plans = self._by_symbol.get(symbol)
        if plans is None:
            return 0
        return sum(self.due(plan) for plan in plans if plan.intent.side is side.opposite)

    def on_its_way(self, client_id: str, exit_intent: Intent, left: int) -> None:
        """What may still trade of an exit order is `left` now."""
        key = (exit_intent.strategy, exit_intent.closes_seq, exit_intent.closes_k)
        orders = self._leaving.setdefault(key, {})
        if left:
            orders[client_id] = left
            if exit_intent.type is OrderType.LIMIT:
                self._resting[client_id] = exit_intent
            return
        orders.pop(client_id, None)
        self._resting.pop(client_id, None)
        self._asked_back.discard(client_id)
        if not orders:
            del self._leaving[key]

    def to_cancel(self) -> list[str]:
        """Orders at rest that do not fit their plan any more, each named once: only what is left of them is covered.

        Its lot goes another way, it is smaller or over, or the price has moved.
        """
        found = []
        for client_id, resting in self._resting.items():
            plan = self._plans.get((resting.strategy, resting.closes_seq, resting.closes_k))
            fits = (
                plan is not None
                and plan.rests
                and resting.price_ticks == plan.take_profit_ticks
                and self.leaving(plan) <= plan.open_qty
            )
            if not fits and client_id not in self._asked_back:
                self._asked_back.add(client_id)
                found.append(client_id)
        return found

    def wanted(self, plan: Plan, now: int) -> tuple[OrderType, int]:
        """What is to be ordered for a plan now: never more than is open and not on its way out."""
        if now < plan.retry_at:
            return OrderType.MARKET, 0
        if plan.reason:
            return OrderType.MARKET, self.due(plan)
        if plan.rests:
            return OrderType.LIMIT, self.due(plan)
        return OrderType.MARKET, max(0, plan.level_due - self.leaving(plan)) if plan.levels_reached else 0

    def try_again(self) -> list[Plan]:
        """What kept exits from being filled has passed: none of them waits any longer. Returns those that did."""
        waited = [plan for plan in self._plans.values() if plan.attempts or plan.retry_at]
        for plan in waited:
            plan.progressed()
        return waited

    # --- what moves plans

    def open(self, intent: Intent, terms: ExitPlan, qty: int, average_ticks: int, at: int = 0) -> Plan:
        """Covers what an entry fill opened; `average_ticks` is the average of all the entry's fills so far."""
        plan = self._plan_of(intent, terms)
        plan.opened(qty, average_ticks, at)
        return plan

    def restore(self, intent: Intent, moved: ExitMoved) -> None:
        """Puts a recorded plan back."""
        plan = self._plan_of(intent, intent.exit or ExitPlan())
        plan.restore(moved)
        self.ranges.restore(plan.intent.symbol, plan.terms, moved.atr_milli, moved.atr_spans)
        if plan.open_qty == 0:
            self._forget(plan)

    def clear(self) -> None:
        """No plan is open: a snapshot that follows says which are."""
        self._plans.clear()
        self._by_symbol.clear()

    def _plan_of(self, intent: Intent, terms: ExitPlan) -> Plan:
        key = (intent.strategy, intent.cause_seq, intent.k)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = Plan(intent, terms)
            self._by_symbol.setdefault(intent.symbol, []).append(plan)
            plan.atr_milli, plan.atr_spans = self.ranges.watch(intent.symbol, terms)
        return plan

    def hear_trade(
        self, symbol: str, last_ticks: int, now: int, session: Session | None
    ) -> Iterator[tuple[Plan, bool]]:
        """Plans that a trade, or the time of it, changed, or that have more to order; and whether they changed."""
        measured = self.ranges.hear(symbol, last_ticks, now)
        for plan in tuple(self._by_symbol.get(symbol, ())):
            changed = False
            if not plan.reason:
                changed = measured and self._measure(plan)
                resting = plan.rests and self.leaving(plan) > 0
                changed = plan.hear_trade(last_ticks, resting=resting) or changed
                changed = plan.hear_time(now, session) or changed
            if changed or self.wanted(plan, now)[1]:
                yield plan, changed

    def hear_time(self, symbol: str, now: int, session: Session) -> Iterator[tuple[Plan, bool]]:
        """Plans that time alone fires, or that have more to order; and whether they changed."""
        for plan in tuple(self._by_symbol.get(symbol, ())):
            changed = plan.hear_time(now, session)
            if changed or self.wanted(plan, now)[1]:
                yield plan, changed

    def _measure(self, plan: Plan) -> bool:
        """Takes over the average true range after a span; whether it is news for the plan."""
        if not plan.terms.trail_atr:
            return False
        before = (plan.atr_milli, plan.atr_spans)
        plan.atr_milli, plan.atr_spans = self.ranges.of(plan.intent.symbol, plan.terms)
        return before != (plan.atr_milli, plan.atr_spans)

    def close(self, plan: Plan, qty: int) -> None:
        """Contracts of the plan were closed; a plan with nothing left is over."""
        plan.open_qty -= qty
        if plan.open_qty == 0:
            self._forget(plan)

    def close_oldest(self, strategy: str, symbol: str, side: Side, qty: int) -> list[Plan]:
        """A strategy's own fill on `side` closes what its plans of the other side cover, oldest first."""
        touched = []
        for plan in self.plans_of(strategy, symbol):
            if qty == 0:
                break
            if plan.intent.side is side.opposite:
                closed = min(plan.open_qty, qty)
                qty -= closed
                self.close(plan, closed)
                touched.append(plan)
        return touched

    def _forget(self, plan: Plan) -> None:
        intent = plan.intent
        self._plans.pop(plan.key, None)
        plans = self._by_symbol.get(intent.symbol, [])
        if plan in plans:
            plans.remove(plan)
        if not plans:
            self._by_symbol.pop(intent.symbol, None)
