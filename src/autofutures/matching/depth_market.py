"""A market known by the size at every price, and its trades: orders take several levels and have places in a queue.

The rules are those of `quote_rules`, level by level. What differs, and every report says in `ASSUMPTIONS`: what lies
behind the best price is known, so the queue at any displayed price is too.
"""

from bisect import bisect_left, insort

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, Tick
from autofutures.domain.units import Side
from autofutures.market.quotes import LOWEST, is_sound
from autofutures.matching import quote_rules as rules
from autofutures.matching.model import DepthChanged, FeedEvent, Order, Outcome
from autofutures.matching.ours import Ours
from autofutures.matching.quote_market import Shown

ASSUMPTIONS = (
    "No order fills on the event that caused it: it meets the book that stands when it arrives.",
    (
        "An order that takes gets the displayed sizes, best price first, at their prices plus {slippage} tick(s); the "
        "rest of a market or IOC order is canceled, that of a limit order rests."
    ),
    (
        "What we took of a level stays taken while it is displayed; what traded is gone at once (against us: others "
        "may have refilled it)."
    ),
    (
        "An order that rests stands behind all that is displayed at its price, and behind all that will be displayed "
        "where the recorded book does not reach (against us: it may have come first)."
    ),
    (
        "The queue before it falls with trades at its price, and to the displayed size where that is less (cancels are "
        "taken to come from behind us). A trade and the change of depth that it causes count once, in either order."
    ),
    (
        "A resting order fills at its price: with trades behind its queue, with trades beyond its price, and where the "
        "opposite side comes to its price, never for more than was traded or displayed."
    ),
    "Our orders do not move the market, and do not meet each other (for us: nobody answers to them).",
)


class _Ladder:
    """The displayed levels of one side; `_keys` has their prices in order, the best last, where most changes are."""

    def __init__(self, side: int) -> None:
        self.side = side
        self._levels: dict[int, Shown] = {}
        self._keys: list[int] = []

    def say(self, price_ticks: int, qty: int) -> None:
        """All that is displayed at a price from now on."""
        key = self.side * price_ticks
        level = self._levels.get(key)
        if qty > 0:
            if level is None:
                level = self._levels[key] = Shown(self.side)
                insort(self._keys, key)
            level.say(price_ticks, qty)
        elif level is not None:
            del self._levels[key]
            del self._keys[bisect_left(self._keys, key)]

    def clear(self) -> None:
        """Nothing is displayed."""
        self._levels.clear()
        self._keys.clear()

    def best(self) -> tuple[int, int]:
        """Price and size of the best level; the size is 0 where there is none."""
        if not self._keys:
            return 0, 0
        level = self._levels[self._keys[-1]]
        return level.ticks, level.qty

    def reached_by(self, limit_ticks: int) -> list[Shown]:
        """The levels that an order of the other side may take within its limit, best first."""
        first = bisect_left(self._keys, self.side * limit_ticks)
        return [self._levels[key] for key in reversed(self._keys[first:])]

    def queue_at(self, price_ticks: int) -> int:
        """What an order that comes to rest at a price stands behind; not known beyond the last displayed price."""
        key = self.side * price_ticks
        level = self._levels.get(key)
        if level is not None:
            return level.qty
        return 0 if self._keys and self._keys[0] < key else rules.UNKNOWN


class DepthMarket:
    """One instrument's depth and trades; it says a quote when the best bid or offer has changed.

    Between the parts of one change nothing matches. A book whose bid meets its offer is passed on as a quote, for the
    trader to say so: until it is sound again nothing can be taken.

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
        self._bids, self._asks = _Ladder(1), _Ladder(-1)
        self._ours = Ours(mwp_points, low_ticks, high_ticks)
        self._sound = False
        self._quoted = (0, 0, 0, 0)

    def set_limits(self, low_ticks: int, high_ticks: int) -> None:
        """A new day has new price limits; 0 where they are not known."""
        self._ours.set_limits(low_ticks, high_ticks)

    def enter(self, order: Order, at: int) -> Outcome:
        """The order takes what is displayed within its limit, level by level; the rest rests or is canceled."""
        outcome, side, ours = Outcome(), order.side, self._ours
        own, other = (self._bids, self._asks) if side > 0 else (self._asks, self._bids)
        limit = ours.limit_of(order, *own.best())
        if isinstance(limit, str):
            outcome.rejected.append((order.client_id, limit))
            return outcome
        levels = other.reached_by(limit) if self._sound else []
        if ours.kill(order, sum(level.available() for level in levels), outcome):
            return outcome
        for level in levels:
            qty = min(order.left, level.available())
            if qty:
                price = rules.paid(
                    side, level.ticks, self.slippage_ticks, limit, ours.low_ticks, ours.high_ticks
                )
                level.taken += ours.execute(order, qty, price, outcome)
        ours.keep(order, limit, own.queue_at(limit), outcome)
        return outcome

    def cancel(self, client_id: str) -> int | None:
        """Takes an order off; returns what was left of it, `None` if it is not here."""
        return self._ours.cancel(client_id)

    def close(self) -> list[tuple[str, int]]:
        """Voids what still works. The book stays, for later changes count from it; nothing can be taken before one."""
        self._sound = False
        return self._ours.close()

    def hear(self, event: FeedEvent) -> Outcome:
        """The next trade or change of depth.

        Raises:
            BadInput: the feed brings something else.
        """
        outcome = Outcome()
        if isinstance(event, DepthChanged):
            self._hear_depth(event, outcome)
        elif isinstance(event, Tick):
            if event.price_ticks >= self.lowest_ticks:
                self._hear_trade(event, outcome)
            outcome.market.append(event)
        else:
            raise BadInput(
                f"{event.symbol} is known by its depth here, and the feed brings {type(event).__name__}: "
                "choose the market that fits the data with --market"
            )
        return outcome

    def queue_position(self, client_id: str) -> int | None:
        """Contracts that are taken to stand before our order; `None` if it is not here."""
        order = self._ours.resting.get(client_id)
        return None if order is None else order.queue_ahead

    def _hear_depth(self, event: DepthChanged, outcome: Outcome) -> None:
        if event.first:
            self._bids.clear()
            self._asks.clear()
        (self._bids if event.side is Side.BUY else self._asks).say(event.price_ticks, event.qty)
        for order in self._ours.resting.values():
            if order.side is event.side and order.price_ticks == event.price_ticks:
                self._ours.hear_size(order, event.price_ticks, event.qty)
        if not event.more:
            self._settle(event, outcome)

    def _settle(self, event: DepthChanged, outcome: Outcome) -> None:
        """The book is whole again: what it reaches of ours is filled, and the best prices are said if they moved."""
        quoted = (*self._bids.best(), *self._asks.best())
        self._sound = is_sound(*quoted, self.lowest_ticks)
        if self._sound and self._ours.resting:
            self._serve_reached(outcome)
        if quoted != self._quoted:
            self._quoted = quoted
            outcome.market.append(Quote(event.symbol, event.at, *quoted))

    def _serve_reached(self, outcome: Outcome) -> None:
        for order in self._ours.by_priority():
            other = self._asks if order.side > 0 else self._bids
            for level in other.reached_by(order.price_ticks):
                qty = min(order.left, level.available())
                if qty:
                    level.taken += self._ours.execute(order, qty, order.price_ticks, outcome)

    def _hear_trade(self, tick: Tick, outcome: Outcome) -> None:
        price, qty = tick.price_ticks, tick.qty
        if self._ours.resting:
            self._ours.hear_trade(price, qty, self._bids.best(), self._asks.best(), outcome)
        for ladder in (self._bids, self._asks):
            for level in ladder.reached_by(price):
                level.hear_trade(price, qty)
