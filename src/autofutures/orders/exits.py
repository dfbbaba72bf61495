"""Exit plans: what closes an open lot, kept and fired by the trader, so that they outlive the strategy.

A plan is opened by the first fill of an entry that carries one. It covers what that entry filled and is still open,
never more: a strategy's own closing fills reduce its plans, oldest first. When a trade reaches one of the plan's
prices, the trader sends a market order for what is open and not already on its way out; whatever of it does not
fill is decided again on the next trade.
"""

from collections.abc import Iterator

from autofutures.domain.messages import ExitMoved, ExitPlan, Intent
from autofutures.domain.units import Side


def exit_price(side: int, from_ticks: int, distance_ticks: int) -> int:
    """The price `distance_ticks` beyond the entry in the position's favour (negative: against it); 0 for none."""
    return from_ticks + side * distance_ticks if distance_ticks else 0


def reached(side: int, take_profit_ticks: int, stop_ticks: int, last_ticks: int) -> str:
    """Which exit a trade reaches for a position on `side`: take profit is asked first, then the stop."""
    if take_profit_ticks and (last_ticks - take_profit_ticks) * side >= 0:
        return "take profit"
    if stop_ticks and (stop_ticks - last_ticks) * side >= 0:
        return "stop loss"
    return ""


class Plan:
    """One entry's exit: what is open of it, the prices that close it, and which of them was reached."""

    __slots__ = ("intent", "open_qty", "reason", "stop_ticks", "take_profit_ticks")

    def __init__(self, intent: Intent) -> None:
        self.intent = intent
        self.open_qty = 0
        self.take_profit_ticks = 0
        self.stop_ticks = 0
        self.reason = ""

    @property
    def key(self) -> tuple[str, int, int]:
        """The decision that opened it."""
        return self.intent.strategy, self.intent.cause_seq, self.intent.k

    def opened(self, plan: ExitPlan, qty: int, average_ticks: int) -> None:
        """An entry fill adds to what is covered; without a planned price the exits follow the entry's average fill."""
        self.open_qty += qty
        side = self.intent.side
        origin = plan.plan_ticks or average_ticks
        self.take_profit_ticks = exit_price(side, origin, plan.take_profit_ticks)
        self.stop_ticks = exit_price(side, origin, -plan.stop_ticks)

    def moved(self, at: int) -> ExitMoved:
        """The plan as the fact that is recorded and shown."""
        intent = self.intent
        return ExitMoved(
            strategy=intent.strategy,
            order_seq=intent.cause_seq,
            order_k=intent.k,
            at=at,
            symbol=intent.symbol,
            side=intent.side,
            open_qty=self.open_qty,
            take_profit_ticks=self.take_profit_ticks,
            stop_ticks=self.stop_ticks,
            reason=self.reason,
        )


class Exits:
    """Every open plan, by the decision that opened it, and what of each is already on its way out."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, int, int], Plan] = {}
        # Kept apart from the plans: an exit order may outlive its plan, and another fill of the entry reopen it.
        self._leaving: dict[tuple[str, int, int], int] = {}
        self._by_symbol: dict[str, list[Plan]] = {}

    def watches(self, symbol: str) -> bool:
        """Whether any plan waits for trades of the symbol."""
        return symbol in self._by_symbol

    def plan(self, strategy: str, cause_seq: int, k: int) -> Plan | None:
        """The plan that an entry opened."""
        return self._plans.get((strategy, cause_seq, k))

    def plans(self) -> list[Plan]:
        """Open plans, oldest first."""
        return list(self._plans.values())

    def due(self, plan: Plan) -> int:
        """Contracts of a plan that are open and not on their way out."""
        return max(0, plan.open_qty - self._leaving.get(plan.key, 0))

    def pending(self, symbol: str, side: Side) -> int:
        """Contracts that plans may order on `side` when they fire: the limit must have room for them."""
        plans = self._by_symbol.get(symbol, ())
        return sum(self.due(plan) for plan in plans if plan.intent.side is side.opposite)

    def leaving(self, exit_intent: Intent, qty: int) -> None:
        """What may still trade of an exit order grew by `qty`, or shrank."""
        key = (exit_intent.strategy, exit_intent.closes_seq, exit_intent.closes_k)
        now = self._leaving.get(key, 0) + qty
        if now:
            self._leaving[key] = now
        else:
            self._leaving.pop(key, None)

    def open(self, intent: Intent, exit_plan: ExitPlan, qty: int, average_ticks: int) -> Plan:
        """Covers what an entry fill opened; `average_ticks` is the average of all the entry's fills so far."""
        key = (intent.strategy, intent.cause_seq, intent.k)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = Plan(intent)
            self._by_symbol.setdefault(intent.symbol, []).append(plan)
        plan.opened(exit_plan, qty, average_ticks)
        return plan

    def restore(self, intent: Intent, moved: ExitMoved) -> None:
        """Puts a recorded plan back."""
        key = (moved.strategy, moved.order_seq, moved.order_k)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = Plan(intent)
            self._by_symbol.setdefault(moved.symbol, []).append(plan)
        plan.open_qty = moved.open_qty
        plan.take_profit_ticks = moved.take_profit_ticks
        plan.stop_ticks = moved.stop_ticks
        plan.reason = moved.reason
        if plan.open_qty == 0:
            self._forget(plan)

    def reached(self, symbol: str, last_ticks: int) -> Iterator[Plan]:
        """Plans that a trade fires, or that were fired before and are not fully on their way out."""
        for plan in tuple(self._by_symbol.get(symbol, ())):
            if not plan.reason:
                plan.reason = reached(plan.intent.side, plan.take_profit_ticks, plan.stop_ticks, last_ticks)
            if plan.reason and self.due(plan):
                yield plan

    def close(self, plan: Plan, qty: int) -> None:
        """Contracts of the plan were closed; a plan with nothing left is over."""
        plan.open_qty -= qty
        if plan.open_qty == 0:
            self._forget(plan)

    def close_oldest(self, strategy: str, symbol: str, side: Side, qty: int) -> list[Plan]:
        """A strategy's own fill on `side` closes what its plans of the other side cover, oldest first."""
        touched = []
        for plan in tuple(self._by_symbol.get(symbol, ())):
            if qty == 0:
                break
            if plan.intent.strategy == strategy and plan.intent.side is side.opposite:
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
