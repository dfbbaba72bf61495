"""A market known by its best bid and offer, and its trades where they are recorded: hears both, says what fills ours.

See `quote_rules.ASSUMPTIONS` for the conditions of a fill and what is unrealistic, and on whose side.
"""

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, Tick
from autofutures.market.quotes import LOWEST, is_sound
from autofutures.matching import quote_rules as rules
from autofutures.matching.model import FeedEvent, Order, Outcome
from autofutures.matching.ours import Ours


class Shown:
    """What is displayed at a price on one side: the size as last said, and what of it is gone since."""

    __slots__ = ("qty", "side", "taken", "ticks", "traded")

    def __init__(self, side: int) -> None:
        self.side = side
        self.ticks = 0
        self.qty = 0
        self.taken = 0
        self.traded = 0

    def available(self) -> int:
        """What an order may still take."""
        return rules.available(self.qty, self.taken, self.traded)

    def say(self, ticks: int, qty: int) -> None:
        """A new quote, or change of depth, says this."""
        self.taken = rules.taken_after_quote(self.taken, self.ticks, ticks, qty)
        self.traded = 0
        self.ticks = ticks
        self.qty = qty

    def doubt(self) -> None:
        """The quote cannot be one: until the next, nothing is there to take."""
        self.traded = self.qty

    def hear_trade(self, price_ticks: int, qty: int) -> None:
        """A trade may have taken some of it."""
        self.traded = rules.traded_after_trade(self.side, self.ticks, self.qty, self.traded, price_ticks, qty)


class QuoteMarket:
    """One instrument's quotes and trades.

    A quote that cannot be one (`market/quotes.py`) is passed on, for the trader to say so: until the next one nothing
    can be taken, and nothing else moves. A trade at such a price moves nothing.

    Args:
        slippage_ticks: how much worse than displayed an order that takes is filled.
        mwp_points: the protection of an MWP order, in ticks beyond the best price of its own side.
        low_ticks: the day's lower price limit, 0 where it is not known.
        high_ticks: the day's upper price limit, 0 where it is not known.
        lowest_ticks: the lowest price that can be one.
    """

    hears_when_idle = True

    def __init__(
        self,
        slippage_ticks: int = 0,
        mwp_points: int = 50,
        low_ticks: int = 0,
        high_ticks: int = 0,
        lowest_ticks: int = LOWEST,
    ) -> None:
        self.slippage_ticks = slippage_ticks
        self.lowest_ticks = lowest_ticks
        self._bid, self._ask = Shown(1), Shown(-1)
        self._ours = Ours(mwp_points, low_ticks, high_ticks)

    def set_limits(self, low_ticks: int, high_ticks: int) -> None:
        """A new day has new price limits; 0 where they are not known."""
        self._ours.set_limits(low_ticks, high_ticks)

    def enter(self, order: Order, at: int) -> Outcome:
        """The order takes what is displayed within its limit; the rest of it rests or is canceled."""
        outcome, side, ours = Outcome(), order.side, self._ours
        own, other = (self._bid, self._ask) if side > 0 else (self._ask, self._bid)
        limit = ours.limit_of(order, own.ticks, own.qty)
        if isinstance(limit, str):
            outcome.rejected.append((order.client_id, limit))
            return outcome
        there = other.available() if rules.may_meet(side, limit, other.ticks) else 0
        if ours.kill(order, there, outcome):
            return outcome
        qty = min(order.left, there)
        if qty:
            price = rules.paid(side, other.ticks, self.slippage_ticks, limit, ours.low_ticks, ours.high_ticks)
            other.taken += ours.execute(order, qty, price, outcome)
        ours.keep(order, limit, rules.queue_on_joining(side, limit, own.ticks, own.qty, other.qty), outcome)
        return outcome

    def cancel(self, client_id: str) -> int | None:
        """Takes an order off; returns what was left of it, `None` if it is not here."""
        return self._ours.cancel(client_id)

    def close(self) -> list[tuple[str, int]]:
        """Voids what still works, and forgets what was displayed."""
        self._bid, self._ask = Shown(1), Shown(-1)
        return self._ours.close()

    def hear(self, event: FeedEvent) -> Outcome:
        """The next trade or quote.

        Raises:
            BadInput: the feed brings orders of a book, which this market does not keep.
        """
        outcome = Outcome()
        if isinstance(event, Quote):
            self._hear_quote(event, outcome)
        elif isinstance(event, Tick):
            if event.price_ticks >= self.lowest_ticks:
                self._hear_trade(event, outcome)
        else:
            raise BadInput(
                f"{event.symbol} is known by its quotes here, and the feed brings {type(event).__name__}: "
                "choose the market that fits the data with --market"
            )
        outcome.market.append(event)
        return outcome

    def queue_position(self, client_id: str) -> int | None:
        """Contracts that are taken to stand before our order; `None` if it is not here."""
        order = self._ours.resting.get(client_id)
        return None if order is None else order.queue_ahead

    def _hear_quote(self, quote: Quote, outcome: Outcome) -> None:
        bid, ask, ours = self._bid, self._ask, self._ours
        if not is_sound(quote.bid_ticks, quote.bid_qty, quote.ask_ticks, quote.ask_qty, self.lowest_ticks):
            bid.doubt()
            ask.doubt()
            return
        bid.say(quote.bid_ticks, quote.bid_qty)
        ask.say(quote.ask_ticks, quote.ask_qty)
        if not ours.resting:
            return
        for order in ours.by_priority():
            own, other = (bid, ask) if order.side > 0 else (ask, bid)
            ours.hear_size(order, own.ticks, own.qty)
            there = other.available()
            if there and rules.may_meet(order.side, order.price_ticks, other.ticks):
                other.taken += ours.execute(order, min(order.left, there), order.price_ticks, outcome)

    def _hear_trade(self, tick: Tick, outcome: Outcome) -> None:
        bid, ask, price, qty = self._bid, self._ask, tick.price_ticks, tick.qty
        if self._ours.resting:
            self._ours.hear_trade(price, qty, (bid.ticks, bid.qty), (ask.ticks, ask.qty), outcome)
        bid.hear_trade(price, qty)
        ask.hear_trade(price, qty)
