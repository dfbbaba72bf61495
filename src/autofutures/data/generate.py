"""Generates a lively session from a seed: everyone's orders, for a market that keeps a book.

The model: a hidden fair price wanders, with spells of trend and of wild or quiet moves; participants place
limit orders around it, take them back, and send market orders, some in bursts, more of them towards the fair
price. The generator keeps the same book as the exchange will, so that it never empties a side.

Equal arguments give equal events on every machine: only `Random.random()` is drawn, whose sequence Python
promises, and the arithmetic is integer or exact in any IEEE 754 double.
"""

from collections.abc import Iterator
from random import Random

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import SessionEnded
from autofutures.domain.units import MINUTE, SECOND, OrderType, Side, TimeInForce
from autofutures.matching.book import Book
from autofutures.matching.book_rules import UNBOUNDED
from autofutures.matching.model import FeedEvent, FlowAdd, FlowRemove, SessionOpened

GATHERING = 15 * MINUTE
"""Orders gather for the opening call auction this long, unless told otherwise."""

AFTER_CLOSE = SECOND
"""The session is declared over this long after its close: a trade of the closing second belongs to it."""

_EVENTS_PER_TRADE = 4
_GATHERED = 700
"""Events before the open."""
_LEAST_ORDERS = 60
"""A side with fewer orders only gets more: it never empties, whatever a strategy takes out of it."""
_MOST_ORDERS = 400
_MILLI = 1_000
"""The fair price is counted in thousandths of a tick."""
_REACH_PERCENT = 8
"""The fair price stays within this distance of the start: inside TAIFEX's daily limits of 10 %."""

# Bound once: CPython 3.11 needs 0.1 µs to find a member of an enum, as long as this book needs for a match.
_BUY, _SELL = Side.BUY, Side.SELL
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_ROD, _IOC = TimeInForce.ROD, TimeInForce.IOC


def generate(  # noqa: PLR0913  # eight are options of one thing, all by name
    symbol: str,
    day: int,
    session: str,
    seed: int,
    *,
    opens_at: int,
    closes_at: int,
    gathers_at: int | None = None,
    trades: int = 18_000,
    start_ticks: int = 17_400,
    volatility_percent: int = 100,
) -> Iterator[FeedEvent]:
    """The events of one session at strictly rising times, from the first order to 1 s after the close.

    Args:
        symbol: the instrument's whole symbol.
        day: the trading day, YYYYMMDD.
        session: the session's name, `day` or `night`; symbol, day and session each change what a seed makes.
        seed: any integer.
        opens_at: the open, UTC nanoseconds.
        closes_at: the close, UTC nanoseconds.
        gathers_at: when orders for the call auction begin; 15 minutes before the open if not given.
        trades: matches in continuous trading, to within a few in a hundred; events are 4 times as many.
        start_ticks: the price before the open in ticks.
        volatility_percent: how far the fair price moves; 100 makes a day of about 1 % between high and low.

    Raises:
        BadInput: an argument makes no session; the text says which.
    """
    gathers = opens_at - GATHERING if gathers_at is None else gathers_at
    if closes_at - opens_at < MINUTE or opens_at - gathers < SECOND:
        raise BadInput(
            f"orders from {gathers}, open {opens_at}, close {closes_at}: "
            "a session needs a second before its open and a minute after it, in UTC nanoseconds"
        )
    if not 1 <= trades <= 100 * (closes_at - opens_at) // SECOND:
        raise BadInput(f"{trades} trades: ask for at least 1, and at most 100 for each second of the session")
    if start_ticks < 1_000:
        raise BadInput(f"start_ticks is {start_ticks}: a lively book needs a price of at least 1000 ticks")
    if not 0 <= volatility_percent <= 1_000:
        raise BadInput(f"volatility_percent is {volatility_percent}: give 0..1000; 100 is an ordinary day")
    flow = _Flow(symbol, Random(f"{symbol}|{day}|{session}|{seed}"), start_ticks, volatility_percent)
    return _session(flow, SessionOpened(symbol, opens_at, day, session), gathers, closes_at, trades)


def _session(
    flow: "_Flow", opened: SessionOpened, gathers_at: int, closes_at: int, trades: int
) -> Iterator[FeedEvent]:
    for at in _times(flow.random, gathers_at, opened.at, _GATHERED):
        yield flow.gather(at)
    yield opened
    flow.open()
    events = trades * _EVENTS_PER_TRADE
    for number, at in enumerate(_u_shaped_times(flow.random, opened.at, closes_at, events)):
        yield flow.next(at, trades * number // events - flow.trades)
    yield SessionEnded(opened.symbol, closes_at + AFTER_CLOSE, opened.day, opened.session)


def _times(random: Random, begins_at: int, ends_at: int, count: int) -> list[int]:
    """Rising times between two moments, both left out; one in five comes within a millisecond of another."""
    span = ends_at - begins_at - 2 * count
    millisecond = SECOND // 1_000
    drawn: list[int] = []
    for _ in range(count):
        if drawn and random.random() < 0.2:
            drawn.append(min(drawn[-1] + int(random.random() * millisecond), span))
        else:
            drawn.append(int(random.random() * span))
    drawn.sort()
    return [begins_at + offset + place for place, offset in enumerate(drawn, 1)]


def _u_shaped_times(random: Random, opens_at: int, closes_at: int, count: int) -> Iterator[int]:
    """Rising times within a session, four times as dense at its ends as in its middle."""
    length, slices = closes_at - opens_at, 60
    weights = [slices * slices + 3 * (2 * place + 1 - slices) ** 2 for place in range(slices)]
    whole, before, sent = sum(weights), 0, 0
    for place, weight in enumerate(weights):
        before += weight
        due = count * before // whole
        begins_at = opens_at + length * place // slices
        yield from _times(random, begins_at, opens_at + length * (place + 1) // slices, due - sent)
        sent = due


class _Flow:
    """All participants together: one hidden price, one book, one order at a time."""

    def __init__(self, symbol: str, random: Random, start_ticks: int, volatility_percent: int) -> None:
        self.random = random
        self.trades = 0
        self._symbol = symbol
        self._start = start_ticks * _MILLI
        self._reach = self._start * _REACH_PERCENT // 100
        self._fair = self._start
        self._calm = 6 * volatility_percent
        self._step = self._calm
        self._trend = 0
        self._burst = 0
        self._burst_side = _BUY
        self._book = Book()
        self._placed: list[int] = []
        self._number = 0

    def gather(self, at: int) -> FlowAdd | FlowRemove:
        """An order, or the end of one, before the open: nothing matches yet, so the two sides overlap."""
        random = self.random.random
        side = _BUY if random() < 0.5 else _SELL
        draw, distance, qty = random(), int(random() * 20) - 4, self._size()
        if draw < 0.1 and self._placed:
            return self._remove(at)
        self._number += 1
        if draw > 0.97:
            self._book.rest(self._number, side, side * UNBOUNDED, qty)
            return FlowAdd(self._symbol, at, self._number, side, _MARKET, _ROD, 0, qty)
        price = self._fair // _MILLI - side * distance
        self._book.rest(self._number, side, price, qty)
        self._placed.append(self._number)
        return FlowAdd(self._symbol, at, self._number, side, _LIMIT, _ROD, price, qty)

    def open(self) -> None:
        """Holds the call auction in the own book; which of tied prices it takes makes no difference there."""
        self._book.auction(self._fair // _MILLI, -UNBOUNDED, UNBOUNDED)

    def next(self, at: int, trades_due: int) -> FlowAdd | FlowRemove:
        """The next order or removal of continuous trading, which is `trades_due` trades behind its plan."""
        self._move()
        random = self.random.random
        bids, asks = self._book.orders(1), self._book.orders(-1)
        if bids < _LEAST_ORDERS or asks < _LEAST_ORDERS:
            return self._limit(at, _BUY if bids < asks else _SELL)
        if random() < (0.6 if self._burst else 0.15 + trades_due / 800):
            return self._market(at)
        if (bids + asks) * random() > _MOST_ORDERS / 3:
            return self._remove(at)
        return self._limit(at, _BUY if random() < 0.5 else _SELL)

    def _move(self) -> None:
        """Moves the fair price: noise whose size jumps and decays, a trend that turns, a weak pull home."""
        random = self.random.random
        draw = random()
        if draw < 0.0005:
            self._trend = int((random() - 0.5) * self._calm / 16)
        elif draw < 0.002:
            self._step = min(self._step + int(random() * 3 * self._calm), 5 * self._calm)
        self._step += (self._calm - self._step) // 256
        noise = int((draw + random() - 1) * self._step)
        away = self._fair - self._start
        away += noise + self._trend - away // 100_000
        if -self._reach < away < self._reach:
            self._fair = self._start + away

    def _limit(self, at: int, side: Side) -> FlowAdd:
        """A limit order: two in five at the fair price, others behind it; one in five may trade at once."""
        draw, patience = self.random.random(), self.random.random()
        distance, fair = int(draw * draw * draw * 24), self._fair // _MILLI
        price = fair - distance if side > 0 else fair + 1 + distance
        other = self._book.best(-side)
        if other and patience > 0.2 and side * (price - other[0]) >= 0:
            price = other[0] - side
        qty = self._size()
        self._number += 1
        self.trades += len(self._book.limit(self._number, side, price, qty))
        self._placed.append(self._number)
        return FlowAdd(self._symbol, at, self._number, side, _LIMIT, _ROD, price, qty)

    def _market(self, at: int) -> FlowAdd:
        """A market order; it may begin a burst, whose orders all push one way."""
        random = self.random.random
        if self._burst:
            self._burst -= 1
            side = self._burst_side
        else:
            side = _BUY if random() < self._share_of_buys() else _SELL
            if random() < 0.05:
                self._burst, self._burst_side = 2 + int(random() * 6), side
        qty = self._size()
        self._number += 1
        matches, _ = self._book.take(self._number, side, side * UNBOUNDED, qty)
        self.trades += len(matches)
        return FlowAdd(self._symbol, at, self._number, side, _MARKET, _IOC, 0, qty)

    def _share_of_buys(self) -> float:
        """More buys while the fair price is above the middle of the book: 15 in a hundred for each tick."""
        bid, ask = self._book.best(1), self._book.best(-1)
        away = 2 * (self._fair // _MILLI) + 1 - bid[0] - ask[0] if bid and ask else 0
        return min(max(0.5 + away * 0.075, 0.1), 0.9)

    def _size(self) -> int:
        """Contracts of an order: mostly 1 or 2, at most 8."""
        draw = self.random.random()
        return 1 + int(draw * draw * draw * 8)

    def _remove(self, at: int) -> FlowRemove:
        """Takes any order off; traded ones that are drawn are forgotten. The book must not be empty."""
        placed = self._placed
        while True:
            place = int(self.random.random() * len(placed))
            placed[place], placed[-1] = placed[-1], placed[place]
            number = placed.pop()
            if self._book.cancel(number) is not None:
                return FlowRemove(self._symbol, at, number)
