"""A market known by its trades alone: hears ticks, says at what price and for how much they fill our orders."""

from autofutures.domain.messages import Quote, Tick
from autofutures.domain.units import OrderType, TimeInForce
from autofutures.matching import rules
from autofutures.matching.model import Execution, FeedEvent, Order, Outcome


class PrintMarket:
    """One instrument's tape. See `rules.ASSUMPTIONS` for what is unrealistic, and on whose side.

    Args:
        slippage_ticks: how much worse than the print an order that takes is filled.
        queue_contracts: what must trade at a resting order's own price before it is served.
        mwp_points: distance of the limit that the exchange gives a market order with protection, in ticks from the
            first trade that it meets, for without a book there is no best price.
        low_ticks: the day's lower price limit, 0 where it is not known.
        high_ticks: the day's upper price limit, 0 where it is not known.
    """

    hears_when_idle = False

    def __init__(
        self,
        slippage_ticks: int = 1,
        queue_contracts: int = 20,
        mwp_points: int = 50,
        low_ticks: int = 0,
        high_ticks: int = 0,
    ) -> None:
        self.slippage_ticks = slippage_ticks
        self.queue_contracts = queue_contracts
        self.mwp_points = mwp_points
        self.low_ticks = low_ticks
        self.high_ticks = high_ticks
        self.orders: dict[str, Order] = {}

    def set_limits(self, low_ticks: int, high_ticks: int) -> None:
        """A new day has new price limits; 0 where they are not known."""
        self.low_ticks, self.high_ticks = low_ticks, high_ticks

    def enter(self, order: Order, at: int) -> Outcome:
        """Keeps the order until the next trade; a limit outside the day's band is rejected."""
        outcome = Outcome()
        too_high = self.high_ticks and order.price_ticks > self.high_ticks
        too_low = self.low_ticks and order.price_ticks < self.low_ticks
        if order.type is OrderType.LIMIT and (too_high or too_low):
            outcome.rejected.append(
                (order.client_id, f"outside the limits {self.low_ticks}..{self.high_ticks}")
            )
        else:
            self.orders[order.client_id] = order
        return outcome

    def cancel(self, client_id: str) -> int | None:
        """Takes an order off; returns what was left of it, `None` if it is not here."""
        order = self.orders.pop(client_id, None)
        return None if order is None else order.left

    def close(self) -> list[tuple[str, int]]:
        """Voids what still works, in the sequence in which it arrived."""
        left = [(order.client_id, order.left) for order in self.orders.values()]
        self.orders.clear()
        return left

    def hear(self, event: FeedEvent) -> Outcome:
        """Lets a trade fill our orders: first those that take, as they came, then those that rest, best price first."""
        outcome = Outcome()
        if isinstance(event, Tick):
            left = self._serve_takers(event, event.qty, outcome)
            self._serve_resting(event, left, outcome)
        if isinstance(event, (Tick, Quote)):
            outcome.market.append(event)
        return outcome

    def _serve_takers(self, tick: Tick, printed: int, outcome: Outcome) -> int:
        for order in [order for order in self.orders.values() if not order.resting]:
            if order.type is OrderType.MWP and order.price_ticks == 0:
                order.price_ticks = tick.price_ticks + order.side * self.mwp_points
            price = rules.slipped(
                order.side, tick.price_ticks, self.slippage_ticks, self.low_ticks, self.high_ticks
            )
            reached = order.type is OrderType.MARKET or rules.within(order.side, order.price_ticks, price)
            enough = order.tif is not TimeInForce.FOK or printed >= order.left
            if reached and enough:
                printed -= self._execute(order, min(order.left, printed), price, outcome)
            self._settle_taker(order, outcome, reached=reached)
        return printed

    def _settle_taker(self, order: Order, outcome: Outcome, *, reached: bool) -> None:
        """What a taking order does after its look at a print: ends, waits for the next one, or rests."""
        if order.left == 0:
            return
        if order.tif is TimeInForce.FOK or (order.type is OrderType.LIMIT and order.tif is TimeInForce.IOC):
            del self.orders[order.client_id]
            outcome.canceled.append((order.client_id, order.left, f"{order.tif.word} does not wait"))
        elif order.type is OrderType.LIMIT and not reached:
            order.resting = True
            order.queue_ahead = self.queue_contracts

    def _serve_resting(self, tick: Tick, printed: int, outcome: Outcome) -> None:
        resting = [order for order in self.orders.values() if order.resting]
        resting.sort(key=lambda order: (-order.side, -order.side * order.price_ticks, order.arrival))
        for order in resting:
            if rules.passed_through(order.side, order.price_ticks, tick.price_ticks):
                reaches_us = printed
                order.queue_ahead = 0
            elif order.price_ticks == tick.price_ticks:
                # What others of ours took of the print served nobody who stands before this order.
                reaches_us = rules.behind_queue(printed, order.queue_ahead)
                order.queue_ahead = max(0, order.queue_ahead - printed)
            else:
                continue
            printed -= self._execute(order, min(order.left, reaches_us), order.price_ticks, outcome)

    def _execute(self, order: Order, qty: int, price_ticks: int, outcome: Outcome) -> int:
        if qty > 0:
            order.left -= qty
            outcome.executions.append(Execution(order.client_id, qty, price_ticks))
            if order.left == 0:
                del self.orders[order.client_id]
                outcome.done.append(order.client_id)
        return qty
