"""One instrument's market with a true book: hears everyone's orders, says trades, quotes and our fills.

Conditions of a fill, after the exchange's rules:
- Before `SessionOpened` limit and market orders gather and may be canceled; nothing trades. MWP, IOC and FOK
  are rejected, for they need a market that trades. At `SessionOpened` one call auction sets one price (see
  `book_rules.auction_price`); it prints one tick, and market orders that found nobody are canceled.
- Then orders match at once, at the makers' prices, best price and oldest first. Each match prints one tick.
- A market order reaches as far as the price limit; what finds nobody is canceled, ROD or not. MWP becomes a
  limit order; with ROD its rest waits at that price.
- Two of our own orders may trade with each other: TAIFEX does not prevent it for these accounts.

What is unrealistic: other participants never answer to our orders, there is no dynamic price banding, and
no cap on the lots of one order (the gate has one).
"""

from typing import assert_never

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, SessionEnded, Tick
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.matching.book import Book, Match, OrderId
from autofutures.matching.book_rules import UNBOUNDED, market_limit, mwp_limit
from autofutures.matching.model import (
    DepthChanged,
    Execution,
    FeedEvent,
    FlowAdd,
    FlowRemove,
    Order,
    Outcome,
    SessionOpened,
)

# Bound once: CPython 3.11 needs 0.1 µs to find a member of an enum, as long as the book needs for a match.
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_ROD, _FOK = TimeInForce.ROD, TimeInForce.FOK

_OWN_SIDE = {Side.BUY: "bid", Side.SELL: "offer"}

_REPEATED = "an order with this client id is working already: give every order an id of its own"


class BookMarket:
    """A `Market` that keeps every order of one symbol.

    Other participants' orders carry numbers, ours their client id, so the two never meet as keys. An order of
    others that this market would refuse is dropped: its sender is not ours to tell.
    """

    hears_when_idle = True

    def __init__(
        self,
        symbol: str,
        mwp_points: int,
        low_ticks: int | None = None,
        high_ticks: int | None = None,
        reference_ticks: int | None = None,
    ) -> None:
        """An empty market before its open.

        Args:
            symbol: the instrument's whole symbol, as its ticks and quotes will carry it.
            mwp_points: protection of an MWP order in ticks beyond the best price of its own side.
            low_ticks: the lower price limit, `None` for none.
            high_ticks: the upper price limit, `None` for none.
            reference_ticks: the last price before the first call auction, `None` where it is not known.

        Raises:
            BadInput: the protection is negative or the price limits are the wrong way round.
        """
        if mwp_points < 0:
            raise BadInput(f"mwp_points is {mwp_points}: protection is 0 ticks or more")
        self._symbol = symbol
        self._mwp_points = mwp_points
        self._low = -UNBOUNDED + 1 if low_ticks is None else low_ticks
        self._high = UNBOUNDED - 1 if high_ticks is None else high_ticks
        if self._low > self._high:
            raise BadInput(f"price limits {low_ticks}..{high_ticks} hold no price: give the lower one first")
        self._last = reference_ticks
        self._open = False
        self._book = Book()
        self._ours: dict[str, Order] = {}
        self._quoted: tuple[int, int, int, int] | None = None

    def set_limits(self, low_ticks: int, high_ticks: int) -> None:
        """A new day has new price limits; 0 where they are not known."""
        self._low, self._high = low_ticks or 1 - UNBOUNDED, high_ticks or UNBOUNDED - 1

    def enter(self, order: Order, at: int) -> Outcome:
        """One of our orders reaches the market at `at`; its fills are told match by match."""
        outcome = Outcome()
        terms = _REPEATED if order.client_id in self._ours else self._terms(order, order.left)
        if isinstance(terms, str):
            outcome.rejected.append((order.client_id, terms))
            return outcome
        self._ours[order.client_id] = order
        left, reason = self._place(order, order.client_id, terms, order.left, at, outcome)
        if left:
            del self._ours[order.client_id]
            outcome.canceled.append((order.client_id, left, reason))
        self._tell_quote(at, outcome)
        return outcome

    def cancel(self, client_id: str) -> int | None:
        """Takes one of our orders off; the quote that changes with it is told with the next event."""
        if self._ours.pop(client_id, None) is None:
            return None
        return self._book.cancel(client_id)

    def hear(self, event: FeedEvent) -> Outcome:
        """The next event of the feed.

        `SessionEnded` only stops the trading: `close` forgets the orders and names ours.

        Raises:
            BadInput: the feed brings ticks or quotes, which this market makes itself, or a number twice.
        """
        outcome = Outcome()
        match event:
            case FlowAdd():
                self._add(event, outcome)
            case FlowRemove():
                self._book.cancel(event.order_id)
            case SessionOpened():
                self._hold_auction(event.at, outcome)
            case SessionEnded():
                self._open = False
            case Tick() | Quote() | DepthChanged():
                raise BadInput(
                    f"{event.symbol}: a market with a book makes its own ticks and quotes: "
                    "feed it orders, or replay recorded trades through the prints model"
                )
            case _:
                assert_never(event)
        self._tell_quote(event.at, outcome)
        return outcome

    def close(self) -> list[tuple[str, int]]:
        """The session is over: forgets all orders and returns ours that were working."""
        working = [(order.client_id, order.left) for order in self._ours.values()]
        self._open = False
        self._book = Book()
        self._ours = {}
        self._quoted = None
        return working

    def queue_position(self, client_id: str) -> int | None:
        """Contracts that trade before our order at its price; `None` if it is not in the book."""
        return self._book.queue_ahead(client_id)

    def _terms(self, asked: Order | FlowAdd, qty: int) -> int | str:
        """The worst price in ticks at which the order may trade, or why the market will not take it."""
        side, kind, price_ticks = asked.side, asked.type, asked.price_ticks
        if qty <= 0:
            return f"quantity {qty}: an order is for at least 1 contract"
        if not self._open and (kind is OrderType.MWP or asked.tif is not _ROD):
            word = kind.word if kind is OrderType.MWP else asked.tif.word
            return f"{word} before the open: the call auction takes only limit and market orders that are rod"
        if kind is _LIMIT:
            if self._low <= price_ticks <= self._high:
                return price_ticks
            return f"price {price_ticks} is outside the price limits {self._low}..{self._high}"
        if kind is _MARKET:
            return market_limit(side, self._low, self._high) if self._open else side * UNBOUNDED
        if kind is not OrderType.MWP:
            return f"{kind.word}: the exchange knows no stop orders, the trader holds them"
        best = self._book.best(side)
        if best is None:
            return f"mwp {side.word}: no best {_OWN_SIDE[side]} to count the protection from"
        return mwp_limit(side, best[0], self._mwp_points, self._low, self._high)

    def _place(
        self, asked: Order | FlowAdd, order_id: OrderId, limit_ticks: int, qty: int, at: int, outcome: Outcome
    ) -> tuple[int, str]:
        """Matches the order and lets the rest wait if it may; else says what was left, and why."""
        side, tif = asked.side, asked.tif
        if not self._open:
            self._rest(order_id, side, limit_ticks, qty)
            return 0, ""
        if tif is _FOK:
            depth = self._book.depth(side, limit_ticks, qty)
            if depth < qty:
                return qty, f"fok: {depth} of {qty} contracts were there"
        matches, left = self._book.take(order_id, side, limit_ticks, qty)
        for match in matches:
            self._tell_match(match, at, outcome)
        if left and tif is _ROD and asked.type is not _MARKET:
            self._rest(order_id, side, limit_ticks, left)
            return 0, ""
        return left, "no more contracts within its limit, and it does not wait"

    def _rest(self, order_id: OrderId, side: Side, price_ticks: int, qty: int) -> None:
        self._book.rest(order_id, side, price_ticks, qty)
        if isinstance(order_id, str):
            self._ours[order_id].resting = True

    def _add(self, event: FlowAdd, outcome: Outcome) -> None:
        terms = self._terms(event, event.qty)
        if isinstance(terms, int):
            self._place(event, event.order_id, terms, event.qty, event.at, outcome)

    def _hold_auction(self, at: int, outcome: Outcome) -> None:
        self._open = True
        matches, dropped = self._book.auction(self._last, self._low, self._high)
        for match in matches:
            self._execute(match, outcome)
        if matches:
            self._last = matches[0][3]
            outcome.market.append(
                Tick(self._symbol, at, self._last, sum(qty for _, _, qty, _ in matches), auction=True)
            )
        for order_id, left in dropped:
            if isinstance(order_id, str):
                del self._ours[order_id]
                outcome.canceled.append((order_id, left, "the call auction had no more contracts for it"))

    def _tell_match(self, match: Match, at: int, outcome: Outcome) -> None:
        self._execute(match, outcome)
        self._last = match[3]
        outcome.market.append(Tick(self._symbol, at, match[3], match[2]))

    def _execute(self, match: Match, outcome: Outcome) -> None:
        """Tells our part of a match, the maker's before the taker's where both are ours."""
        maker, taker, qty, price_ticks = match
        for order_id in (maker, taker):
            if isinstance(order_id, str):
                order = self._ours[order_id]
                order.left -= qty
                outcome.executions.append(Execution(order_id, qty, price_ticks))
                if not order.left:
                    del self._ours[order_id]
                    outcome.done.append(order_id)

    def _tell_quote(self, at: int, outcome: Outcome) -> None:
        """Says the best prices if they are not what was said last; before the open the book is not shown."""
        if not self._open:
            return
        bid_ticks, bid_qty = self._book.best(1) or (0, 0)
        ask_ticks, ask_qty = self._book.best(-1) or (0, 0)
        now = (bid_ticks, bid_qty, ask_ticks, ask_qty)
        if now != self._quoted:
            self._quoted = now
            outcome.market.append(Quote(self._symbol, at, *now))
