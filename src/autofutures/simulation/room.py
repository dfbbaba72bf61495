"""The judge of limits: what is held, at work, and may be ordered by exits at any moment, by the journal's facts."""

from collections import Counter
from collections.abc import Mapping

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Intent, Traded
from autofutures.domain.units import Side
from autofutures.orders.cover import Cover
from autofutures.risk.position import reach


class Room:
    """Counts contracts.

    Args:
        limit: the most that may be held, long or short, if one side filled whole.
        covers: what closes each strategy's lots.

    Attributes:
        held: signed contracts by symbol.
        own: those of one strategy.
        working: what may still trade, by symbol and side.
        planned: what plans ought to cover, by strategy, symbol and the lot's side: entries that carry one, less exits.
        bare: what traded against that without a plan.
    """

    def __init__(self, limit: int, covers: Mapping[str, Cover]) -> None:
        self._limit = limit
        self._covers = covers
        self._at_work: Counter[tuple[str, str, Side]] = Counter()
        self._leaving: Counter[tuple[str, str, Side]] = Counter()
        self.held: Counter[str] = Counter()
        self.own: Counter[tuple[str, str]] = Counter()
        self.working: Counter[tuple[str, Side]] = Counter()
        self.planned: Counter[tuple[str, str, Side]] = Counter()
        self.bare: Counter[tuple[str, str, Side]] = Counter()

    def works(self, intent: Intent, qty: int) -> None:
        """So many contracts more, or fewer, may still trade of an order."""
        self.working[intent.symbol, intent.side] += qty
        self._at_work[intent.strategy, intent.symbol, intent.side] += qty
        if intent.closes_k:
            self._leaving[intent.strategy, intent.symbol, intent.side] += qty

    def at_work(self, strategy: str, symbol: str, side: Side) -> int:
        """What the orders of one strategy may still trade on one side."""
        return self._at_work[strategy, symbol, side]

    def traded(self, traded: Traded) -> None:
        """A fill is booked."""
        self.held[traded.symbol] += traded.side * traded.qty
        self.own[traded.strategy, traded.symbol] += traded.side * traded.qty
        if not traded.client_id:  # The kill switch closed it, whatever plan covered it.
            self.bare[traded.strategy, traded.symbol, traded.side.opposite] += traded.qty

    def covers(self, intent: Intent, qty: int) -> None:
        """So many contracts of an order were filled: plans cover more, or less."""
        where = (intent.strategy, intent.symbol)
        if intent.closes_k:
            self.planned[*where, intent.side.opposite] -= qty
        elif intent.exit is not None:
            self.planned[*where, intent.side] += qty
        else:
            self.bare[*where, intent.side.opposite] += qty

    def let_through(self, intent: Intent) -> None:
        """An order passes the gate.

        Raises:
            BrokenInvariant: with what is held and at work, and what exits may order at any moment, it is too much.
        """
        symbol, side = intent.symbol, intent.side
        held, working = self.held[symbol], self.working[symbol, side]
        exits = sum(
            self._may_close(strategy, symbol, side, own=strategy == intent.strategy)
            for strategy in self._covers
        )
        value = reach(held, working, side, intent.qty) + exits
        if value > self._limit:
            raise BrokenInvariant(
                f"{intent} was let through: with {held} held, {working} at work and {exits} that exits may order "
                f"it makes {value}, and {self._limit} are allowed"
            )

    def _may_close(self, strategy: str, symbol: str, side: Side, *, own: bool) -> int:
        """The least that a strategy's exits may still order; its own order takes the place of its book stop's."""
        lots = (strategy, symbol, side.opposite)
        planned = self.planned[lots] - self.bare[lots] - self._leaving[strategy, symbol, side]
        held = -side * self.own[strategy, symbol] - self._at_work[strategy, symbol, side]
        cover = self._covers[strategy]
        stops = cover.exits == "own" and cover.book_stop > 0 and not own
        return max(0, planned, held if stops else 0)
