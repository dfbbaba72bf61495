"""What becomes of lots and orders when the machine stops: each strategy's own policy, shown before, recorded after."""

from collections.abc import Iterator, Mapping

import msgspec

from autofutures.domain.messages import TRADER_K, Alert, AnyMessage, BookKept, Leave, Left
from autofutures.domain.order_life import Event, Status
from autofutures.market.view import MarketView
from autofutures.orders.account import Account
from autofutures.orders.book import Order
from autofutures.orders.exit_desk import ExitDesk

Said = list[AnyMessage]

KEEP, FLATTEN, HAND_OVER = "keep", "flatten", "hand_over"
WHY = "the machine stops"
STOPPED = ("stop", "the machine has stopped")
"""The rule and reason by which nothing leaves after the last word."""


class Leaving(msgspec.Struct, frozen=True):
    """What a stop would do with one strategy's lots and orders."""

    strategy: str
    policy: str
    positions: dict[str, int]
    plans: int
    orders: int
    """At work, those that close lots among them."""
    will: tuple[str, ...]
    """What happens, in sentences."""


class Shutdown:
    """Carries the policies out.

    Args:
        account: orders, positions and plans.
        view: which markets are open.
        desk: closes what is held.

    Attributes:
        begun: the stop that has begun and is not over, in this life or the one before.
        over: the machine has said its last word: nothing leaves any more, for nobody would hear what became of it.
    """

    def __init__(self, account: Account, view: MarketView, desk: ExitDesk) -> None:
        self._account = account
        self._view = view
        self._desk = desk
        self._policies: dict[str, str] = {}
        self.begun: Leave | None = None
        self.over = False

    def fold(self, fact: AnyMessage) -> None:
        """Takes a recorded stop in: whether it goes on is the driver's to say. Most of a journal is none."""
        if type(fact) is Leave:
            self.begun = fact if fact.policies and not fact.over else None
        elif type(fact) is BookKept:
            self.begun = None

    def kept(self) -> list[Leave]:
        """What a snapshot keeps."""
        return [self.begun] if self.begun is not None else []

    def hear(self, leave: Leave, now: int, said: Said) -> None:
        """The stop begins, goes on in another life, or is over; without policies it is given up."""
        self.fold(leave)
        if leave.over:
            self.over = True
            for strategy, policy in self._policies.items():
                self._left(strategy, policy, now, said)
            return
        self._policies = dict(leave.policies)
        for strategy, policy in self._policies.items():
            for order in self._unwanted(strategy, policy):
                if order.status is Status.HELD:
                    self._account.orders.hear(order, Event.CANCELED)
                    said.append(order.changed(now, WHY))
                else:
                    self._account.cancel(order, now, said)
            if policy == FLATTEN:
                self._desk.leave(strategy, now, said)

    def is_under_way(self, now: int) -> bool:
        """Whether something is still to be done that can be: in a closed market nothing can."""
        return any(
            self._unwanted(strategy, policy)
            or any(self._is_open(symbol, now) for symbol in self._held(strategy, policy))
            for strategy, policy in self._policies.items()
        )

    def shown(self, policies: Mapping[str, str], leave_ns: int, now: int) -> list[Leaving]:
        """What a stop would do now."""
        return [
            Leaving(
                strategy=strategy,
                policy=policy,
                positions=self._positions(strategy),
                plans=self._plans(strategy),
                orders=len(self._orders(strategy)),
                will=tuple(self._sentences(strategy, policy, leave_ns, now)),
            )
            for strategy, policy in policies.items()
        ]

    def _sentences(self, strategy: str, policy: str, leave_ns: int, now: int) -> Iterator[str]:
        unwanted, orders = len(self._unwanted(strategy, policy)), len(self._orders(strategy))
        if unwanted:
            yield f"{_orders(unwanted)} asked back"
        if orders > unwanted and policy != FLATTEN:
            yield f"{_orders(orders - unwanted)} left at work"
        for symbol, position in self._positions(strategy).items():
            what = f"{position:+d} {symbol}"
            if policy != FLATTEN:
                yield f"{what} stays, {self._cover(strategy, symbol)}"
            elif self._is_open(symbol, now):
                yield f"{what} is closed at the market, within {leave_ns / 1e9:g} s"
            else:
                yield f"{what} stays, for its market is closed"

    def _cover(self, strategy: str, symbol: str) -> str:
        plans = len(self._account.exits.plans_of(strategy, symbol))
        cover = f"with {plans} exit plan{'s' * (plans > 1)}" if plans else "with its book stop"
        return f"{cover}: what rests at the venue closes it there, and nobody watches its stop until the next start"

    def _left(self, strategy: str, policy: str, now: int, said: Said) -> None:
        unwanted = len(self._unwanted(strategy, policy))
        undone = [f"{_orders(unwanted)} still at work"] if unwanted else []
        for symbol, position in self._held(strategy, policy).items():
            why = (
                "was not closed in time" if self._is_open(symbol, now) else "stays, for its market is closed"
            )
            undone.append(f"{position:+d} {symbol} {why}")
        text = "; ".join(undone)
        positions, orders = self._positions(strategy), len(self._orders(strategy))
        said.append(Left(strategy, now, policy, positions, self._plans(strategy), orders, text))
        if text:
            said.append(
                Alert("left_open", now, strategy, f"the machine has stopped, policy {policy}: {text}")
            )

    def _orders(self, strategy: str) -> list[Order]:
        return [order for order in self._account.orders.alive() if order.intent.strategy == strategy]

    def _unwanted(self, strategy: str, policy: str) -> list[Order]:
        """Orders that the policy asks back: not the trader's own, which close lots."""
        if policy == HAND_OVER:
            return []
        orders = [order for order in self._orders(strategy) if order.intent.k < TRADER_K]
        return orders if policy == FLATTEN else [order for order in orders if not self._reduces(order)]

    def _reduces(self, order: Order) -> bool:
        """Whether an order can only bring its strategy's position nearer to zero."""
        held = self._account.portfolio.position(order.intent.strategy, order.intent.symbol)
        return order.left <= -held * order.intent.side

    def _held(self, strategy: str, policy: str) -> dict[str, int]:
        """What the policy asks to close."""
        return self._positions(strategy) if policy == FLATTEN else {}

    def _positions(self, strategy: str) -> dict[str, int]:
        ledgers = self._account.portfolio.ledgers()
        return {symbol: led.position for name, symbol, led in ledgers if name == strategy and led.position}

    def _plans(self, strategy: str) -> int:
        return sum(plan.intent.strategy == strategy for plan in self._account.exits.plans())

    def _is_open(self, symbol: str, now: int) -> bool:
        return self._view.session(symbol, now) is not None


def _orders(count: int) -> str:
    return "1 order is" if count == 1 else f"{count} orders are"
