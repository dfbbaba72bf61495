"""Where exits are decided: trades, time and strategies come in; the trader's own orders, and what is recorded, go out.

A report decides nothing: it frees or closes contracts, and the next trade or beat sees that. So no venue's answer can
start a storm of orders.
"""

from collections.abc import Callable, Sequence

from autofutures.domain.messages import (
    Alert,
    AnyMessage,
    BookStop,
    CloseLot,
    Command,
    CommandRefused,
    Configured,
    Intent,
    Placed,
    Refused,
)
from autofutures.domain.order_life import Event, Status
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.market.view import MarketView
from autofutures.orders import exit_rules as rules
from autofutures.orders.account import Account
from autofutures.orders.book_stop import Stop
from autofutures.orders.calm import NOWHERE
from autofutures.orders.expiry import Expiries
from autofutures.orders.leaving import market_order
from autofutures.orders.plan import Plan

Said = list[AnyMessage]

Decide = Callable[[Intent, int, Said], Placed | None]
"""Gives one of the trader's own decisions its number and lets it through the gate."""


class ExitDesk:
    """Fires plans and book stops.

    Args:
        account: orders, positions, plans and stops.
        view: sessions and price limits.
        decide: makes an order of a decision.
        expiries: from when on nothing is held in a contract.
    """

    def __init__(self, account: Account, view: MarketView, decide: Decide, expiries: Expiries) -> None:
        self._account = account
        self._exits, self._stops, self._orders = account.exits, account.stops, account.orders
        self._view = view
        self._decide = decide
        self._expiries = expiries
        self._ending: set[str] = set()
        self._leaving: set[str] = set()

    def quiet(self, symbol: str) -> tuple[int, int]:
        """Between which prices, both excluded, a trade can do nothing here."""
        if self._leaving or self._exits.watches(symbol) or self._expiries.watches(symbol):
            return NOWHERE
        return self._stops.quiet(symbol)

    def hear_trade(self, symbol: str, last_ticks: int, now: int, said: Said) -> None:
        """A trade: book stops first, then plans in the order in which they were opened."""
        for fired in self._stops.hear_trade(symbol, last_ticks, now):
            self._book_stopped(fired, now, said)
        session = self._view.session(symbol, now)
        for plan, changed in self._exits.hear_trade(symbol, last_ticks, now, session):
            self._act(plan, now, said, changed=changed)
        self._close_stopped(symbol, now, said)
        self._leave_expiring(symbol, now, said)
        self._close_leaving(symbol, now, said)
        self._cancel_resting(now, said)

    def hear_time(self, now: int, said: Said) -> None:
        """Time passed without a trade; nothing is tried while a market is closed."""
        for symbol in sorted({*self._exits.symbols(), *self._stops.symbols()}):
            session = self._view.session(symbol, now)
            if session is not None:
                for plan, changed in self._exits.hear_time(symbol, now, session):
                    self._act(plan, now, said, changed=changed)
                self._close_stopped(symbol, now, said)
                self._leave_expiring(symbol, now, said)
                self._close_leaving(symbol, now, said)
        self._cancel_resting(now, said)

    def link_is_back(self, now: int, said: Said) -> None:
        """Orders that could not leave count for nothing: a lot that is to be closed must not wait for them."""
        said += [plan.moved(now) for plan in self._exits.try_again()]
        self._stops.try_again()

    def close(self, asked: CloseLot, now: int, said: Said) -> None:
        """A strategy wants its lot closed: the plan fires as if it had been reached."""
        plan = self._exits.plan(asked.strategy, asked.order_seq, asked.order_k)
        if plan is None:
            reason = f"decision {asked.order_seq}.{asked.order_k} has no open lot with an exit plan"
            said.append(Refused(asked.strategy, asked.cause_seq, asked.k, now, "close", 1, 0, reason))
            return
        if not plan.reason:
            plan.fire(rules.ASKED)
        self._act(plan, now, said, changed=True)
        self._cancel_resting(now, said)

    def _act(self, plan: Plan, now: int, said: Said, *, changed: bool) -> None:
        """Records a plan and orders what it wants to have closed."""
        kind, qty = self._exits.wanted(plan, now)
        if kind is OrderType.LIMIT and not self._within_band(plan, now):
            qty = 0  # It cannot rest today: the trader holds it.
        if not qty:
            if changed:
                said.append(plan.moved(now))
            return
        plan.attempted(now)
        said.append(plan.moved(now))
        if plan.reason and rules.alarming(plan.attempts):
            said.append(_failing(plan.intent.strategy, plan.intent.symbol, plan.attempts, now))
        intent = _exit_of(plan, kind, qty, now)
        placed = self._decide(intent, now, said)
        if placed is not None:
            self._exits.on_its_way(placed.client_id, intent, qty)

    def _within_band(self, plan: Plan, now: int) -> bool:
        low_ticks, high_ticks = self._view.band(plan.intent.symbol, now)
        return not high_ticks or low_ticks <= plan.take_profit_ticks <= high_ticks

    def _cancel_resting(self, now: int, said: Said) -> None:
        for client_id in self._exits.to_cancel():
            order = self._orders.get(client_id)
            if order is not None:
                self._account.cancel(order, now, said)

    def flatten(self, strategy: str, now: int, said: Said) -> None:
        """Closes all that a strategy holds, or everybody where none is named: lots by plans, the rest at the market.

        A market that is closed is waited for. A book stop that does this waits for its own reset.
        """
        for owner, symbol, ledger in self._account.portfolio.ledgers():
            if not ledger.position or strategy not in ("", owner):
                continue
            is_open = self._view.session(symbol, now) is not None
            for plan in self._exits.plans_of(owner, symbol):
                if plan.reason:
                    continue
                plan.fire(rules.RISK_HALT)
                if is_open:
                    self._act(plan, now, said, changed=True)
                else:
                    said.append(plan.moved(now))
            stop = self._stops.get(owner, symbol)
            if stop is None or stop.fired:
                continue
            said.append(self._stops.fire(stop, self._view.reference(symbol), now))
            if is_open:
                self._close_rest(stop, now, said)
        self._cancel_resting(now, said)

    # --- book stops

    def _book_stopped(self, fired: BookStop, now: int, said: Said) -> None:
        """The strategy's orders are asked back: what they would still open nobody wants."""
        text = f"lost {fired.loss} of {fired.limit}: its position is closed, and it waits for a reset"
        said.append(fired)
        said.append(Alert("book_stop", now, f"{fired.strategy} {fired.symbol}", text))
        self._ask_back(fired.symbol, (fired.strategy,), "the book stop fired", now, said)

    def _ask_back(self, symbol: str, strategies: Sequence[str], why: str, now: int, said: Said) -> None:
        """Orders at work that are no exits are taken back; of every strategy where none is named."""
        for order in tuple(self._orders.alive()):
            intent = order.intent
            if (
                intent.symbol != symbol
                or intent.closes_k
                or (strategies and intent.strategy not in strategies)
            ):
                continue
            if order.status is Status.HELD:
                self._orders.hear(order, Event.CANCELED)
                said.append(order.changed(now, why))
            else:
                self._account.cancel(order, now, said)

    def _close_stopped(self, symbol: str, now: int, said: Said) -> None:
        """Whatever a stopped strategy still holds goes: lots with a plan by their plans, the rest at the market."""
        for stop in tuple(self._stops.open(symbol)):
            self._close_held(stop.strategy, symbol, rules.BOOK_STOPPED, now, said)

    def leave(self, strategy: str, now: int, said: Said) -> None:
        """The machine stops: what a strategy holds is closed from now on, by what is tried at each trade and beat.

        A market that is closed is not waited for: no plan fires in it.
        """
        self._leaving.add(strategy)
        self.hear_time(now, said)

    def _close_leaving(self, symbol: str, now: int, said: Said) -> None:
        for strategy in sorted(self._leaving):
            self._close_held(strategy, symbol, rules.STOPPED, now, said)

    def _close_held(self, strategy: str, symbol: str, reason: int, now: int, said: Said) -> None:
        for plan in self._exits.plans_of(strategy, symbol):
            if not plan.reason:
                plan.fire(reason)
                self._act(plan, now, said, changed=True)
        stop = self._stops.get(strategy, symbol)
        if stop is not None and stop.ledger.position:
            self._close_rest(stop, now, said)

    def _leave_expiring(self, symbol: str, now: int, said: Said) -> None:
        """A contract that ends soon is left, trade by trade: lots by their plans, the rest at the market."""
        if not self._expiries.is_near(symbol, now):
            return
        plans = [plan for plan in self._exits.plans() if plan.intent.symbol == symbol and not plan.reason]
        stops = tuple(self._stops.holding(symbol))
        if (plans or stops) and symbol not in self._ending:
            self._ending.add(symbol)
            text = "its last session is near its close: what is held is closed, and its orders are asked back"
            said.append(Alert("contract_ends", now, symbol, text))
            self._ask_back(symbol, (), "its contract ends", now, said)
        for plan in plans:
            plan.fire(rules.EXPIRES)
            self._act(plan, now, said, changed=True)
        for stop in stops:
            self._close_rest(stop, now, said)

    def pending(self, symbol: str, side: Side, strategy: str) -> tuple[int, int]:
        """Contracts that may be ordered here on `side` at any moment: the limit must have room for them.

        Returns:
            What plans, and other strategies' book stops, may order; and what the strategy's own book stop may, which
            is the less, the more the strategy closes itself.
        """
        own, others = 0, self._exits.pending(symbol, side)
        for stop in self._stops.holding(symbol):
            if stop.ledger.position * side > 0:
                continue  # It would close on the other side.
            _, qty = self._rest_of(stop)
            if qty > 0 and stop.strategy == strategy:
                own += qty
            elif qty > 0:
                others += qty
        return others, own

    def _rest_of(self, stop: Stop) -> tuple[Side, int]:
        """What of a position neither plans nor orders of its strategy may still close; and which way that would go."""
        position = stop.ledger.position
        side = Side.SELL if position > 0 else Side.BUY
        at_work = sum(
            order.left
            for order in self._orders.alive()
            if order.intent.strategy == stop.strategy
            and order.intent.symbol == stop.symbol
            and order.intent.side is side
        )
        waiting = sum(
            self._exits.due(plan)
            for plan in self._exits.plans_of(stop.strategy, stop.symbol)
            if plan.intent.side is side.opposite
        )
        return side, abs(position) - at_work - waiting

    def _close_rest(self, stop: Stop, now: int, said: Said) -> None:
        """Orders no more than is open and no order of the strategy may still close."""
        side, qty = self._rest_of(stop)
        if qty <= 0 or now < stop.retry_at:
            return
        stop.attempts += 1
        wait = rules.wait_ns(stop.attempts)
        stop.retry_at = now + wait if wait else 0
        if rules.alarming(stop.attempts):
            said.append(_failing(stop.strategy, stop.symbol, stop.attempts, now))
        self._decide(market_order(stop.strategy, stop.symbol, side, qty, now), now, said)

    def reset(self, command: Command, now: int, said: Said) -> None:
        """A person lets a stopped strategy trade again."""
        stops = self._stops.of(command.strategy)
        reason = "" if stops else f"no book stop of {command.strategy!r} has fired"
        for stop in stops:
            if stop.ledger.position:
                reason = (
                    f"{stop.ledger.position} of {stop.symbol} are still being closed: wait until it is flat"
                )
        if reason:
            said.append(CommandRefused(command.flow, command.strategy, now, reason))
            return
        said += [self._stops.reset(stop, now) for stop in stops]
        said.append(Configured(command.flow, command.strategy, now, command.verb, command.name, {}))


def _failing(strategy: str, symbol: str, attempts: int, now: int) -> Alert:
    text = f"{attempts} orders in turn to close its lot were not filled: it is tried again, ever more slowly"
    return Alert("exit_failing", now, f"{strategy} {symbol}", text)


def _exit_of(plan: Plan, kind: OrderType, qty: int, now: int) -> Intent:
    entry = plan.intent
    rests = kind is OrderType.LIMIT
    return Intent(
        strategy=entry.strategy,
        cause_seq=0,
        k=0,
        at=now,
        symbol=entry.symbol,
        side=entry.side.opposite,
        qty=qty,
        type=kind,
        price_ticks=plan.take_profit_ticks if rests else 0,
        tif=TimeInForce.ROD if rests else TimeInForce.IOC,
        day_trade=entry.day_trade,
        leg=entry.leg,
        closes_seq=entry.cause_seq,
        closes_k=entry.k,
    )
