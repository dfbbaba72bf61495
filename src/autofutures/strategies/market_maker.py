"""A bid and an offer in the market at all times, as far as the inventory allows; what it holds leans both.

At most one order a side is at work, so that whatever fills, the inventory never passes `max_inventory`: an order is
for no more than the room that is left, and a new one waits until all of the one before is known. It joins the best
price and never betters it: live, its own orders are part of what it sees, and it would climb over itself. It does not
flatten at the end of a session.
"""

from typing import ClassVar, Literal

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import TRADER_K, Quote, Restored, handle_of
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context

_MILLISECOND = 1_000_000

_ASKED_NS = 1_000_000_000
"""A cancel that was asked for is asked for again where the order still works so much later."""


class MarketMaker(Strategy):
    """Two-sided, on its first symbol.

    Settings: `qty` contracts are shown a side, and on the side that reduces all that is held as well. Prices stand
    `edge_ticks` behind the best ones; the side that adds moves back by up to `skew_ticks` as the inventory fills. An
    order is replaced when the wanted price is more than `tolerance_ticks` away and it is `rest_ms` old; as long passes
    between two orders of a side.
    """

    exits: ClassVar[Literal["plans", "own"]] = "own"
    reasons: ClassVar[tuple[str, ...]] = ("bids", "offers")

    qty: int = 1
    max_inventory: int = 5
    edge_ticks: int = 0
    skew_ticks: int = 2
    tolerance_ticks: int = 0
    rest_ms: int = 100

    _bid: int = 0
    _bid_ticks: int = 0
    _bid_at: int = 0
    _bid_pulled_at: int = 0
    _ask: int = 0
    _ask_ticks: int = 0
    _ask_at: int = 0
    _ask_pulled_at: int = 0

    def check(self) -> None:
        """The limit has room for an order, and no distance is less than nothing."""
        if not 1 <= self.qty <= self.max_inventory:
            raise BadInput(
                f"qty={self.qty} must be at least 1, and at most max_inventory={self.max_inventory}"
            )
        for name in ("edge_ticks", "skew_ticks", "tolerance_ticks", "rest_ms"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name}={getattr(self, name)} must not be below zero")

    def on_start(self, event: Restored, ctx: Context) -> None:
        """Takes up the orders that were at work before a restart: there is one a side at most."""
        for placed in event.placed:
            intent = placed.intent
            if intent.k >= TRADER_K or intent.symbol != ctx.symbols[0]:
                continue
            handle = handle_of(intent.cause_seq, intent.k)
            if intent.side > 0:
                self._bid, self._bid_ticks, self._bid_pulled_at = handle, intent.price_ticks, 0
            else:
                self._ask, self._ask_ticks, self._ask_pulled_at = handle, intent.price_ticks, 0

    def on_quote(self, quote: Quote, ctx: Context) -> None:
        """Wants a price and a size on each side, and brings its orders there."""
        if ctx.leg != 0:
            return
        held = ctx.position
        lean = self.skew_ticks * abs(held) // self.max_inventory
        bid = quote.bid_ticks - self.edge_ticks
        ask = quote.ask_ticks + self.edge_ticks
        if held > 0:
            bid -= lean
        else:
            ask += lean
        two_sided = quote.bid_qty > 0 and quote.ask_qty > 0
        rested = ctx.now - self.rest_ms * _MILLISECOND
        asked = ctx.now - _ASKED_NS
        if ctx.is_open(self._bid):
            if self._bid_pulled_at <= asked and self._moved(
                bid, self._bid_ticks, self._bid_at <= rested, two_sided
            ):
                ctx.cancel(self._bid)
                self._bid_pulled_at = ctx.now
        elif two_sided and self._bid_at <= rested and held < self.max_inventory:
            self._bid = ctx.buy_limit(self._size(held), bid, why=0)
            self._bid_ticks = bid
            self._bid_at = ctx.now
            self._bid_pulled_at = 0
        if ctx.is_open(self._ask):
            if self._ask_pulled_at <= asked and self._moved(
                ask, self._ask_ticks, self._ask_at <= rested, two_sided
            ):
                ctx.cancel(self._ask)
                self._ask_pulled_at = ctx.now
        elif two_sided and self._ask_at <= rested and -held < self.max_inventory:
            self._ask = ctx.sell_limit(self._size(-held), ask, why=1)
            self._ask_ticks = ask
            self._ask_at = ctx.now
            self._ask_pulled_at = 0

    def _moved(self, wanted_ticks: int, at_ticks: int, rested: bool, two_sided: bool) -> bool:  # noqa: FBT001
        """Whether an order must go: nobody is on one side of the market, or the market has moved away from it."""
        return not two_sided or (rested and abs(wanted_ticks - at_ticks) > self.tolerance_ticks)

    def _size(self, inventory: int) -> int:
        """Contracts of an order whose own direction already has this inventory; below zero it reduces."""
        wanted = self.qty if inventory > 0 else self.qty - inventory
        return min(wanted, self.max_inventory - inventory)
