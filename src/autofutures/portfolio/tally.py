"""Counts what a run did, from the trader's stream alone: the same fold in a backtest and over many processes.

The order and fill hashes are SHA-256 over text lines, so that two runs can be compared without their files:
`decided_ns,strategy,cause_seq,k,symbol,side,qty,type,price_ticks,tif,open_close` for every order that passed the gate,
and `filled_ns,strategy,cause_seq,k,n,symbol,side,qty,price_ticks,fee,tax` for every fill.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from autofutures.domain.instrument import Instrument, instrument
from autofutures.domain.messages import (
    MARKET,
    AnyMessage,
    Bad,
    Gap,
    OrderChanged,
    Placed,
    Quote,
    Refused,
    Restored,
    Submit,
    Tick,
    Traded,
)
from autofutures.domain.units import MINUTE
from autofutures.market.quotes import middle
from autofutures.portfolio import pnl

_Counted = TypeVar("_Counted", Placed, Traded, Refused)

ORDER_COLUMNS = "decided_ns,strategy,cause_seq,k,symbol,side,qty,type,price_ticks,tif,open_close"
_UNCOUNTED = frozenset({OrderChanged, Submit})
"""Half of what is said of an order."""

FILL_COLUMNS = "filled_ns,strategy,cause_seq,k,n,symbol,side,qty,price_ticks,fee,tax"


def order_line(placed: Placed) -> str:
    """The line of an order, as hashes and files have it."""
    intent = placed.intent
    return (
        f"{intent.at},{intent.strategy},{intent.cause_seq},{intent.k},{intent.symbol},{intent.side.word},{intent.qty},"
        f"{intent.type.word},{intent.price_ticks},{intent.tif.word},{intent.open_close.word}"
    )


def fill_line(fill: Traded) -> str:
    """The line of a fill, as hashes and files have it."""
    return (
        f"{fill.at},{fill.strategy},{fill.order_seq},{fill.order_k},{fill.n},{fill.symbol},{fill.side.word},{fill.qty},"
        f"{fill.price_ticks},{fill.fee},{fill.tax}"
    )


class EquityPoint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Profit after costs at a moment, minor units, and how far that is below its highest until then."""

    at: int
    net: int
    drawdown: int


class Summary(msgspec.Struct, frozen=True):
    """What a run did, as `--json` prints it. Money is in whole minor units of the account's currency."""

    ticks_seen: int
    ticks_lost: int
    bad_ticks: int
    orders: int
    refused: int
    fills: int
    contracts: int
    gross_pnl: int
    fees: int
    tax: int
    net_pnl: int
    max_drawdown: int
    positions: dict[str, int]
    order_hash: str
    fill_hash: str


class Tally:
    """Folds the trader's stream.

    Equity is kept by marking to market: a trade of the market moves it by the position, a fill by its distance from
    the last trade and its costs. So each event costs one addition, whatever was traded before. Until a market's first
    trade its quotes stand for one, at their middle.

    Args:
        instruments: what one tick of each symbol is worth.
        symbols: whose ticks count as seen by a strategy; none: all of them.
        keeps: whether each order, fill, refusal and point of equity is kept; who runs for weeks only counts them.
    """

    def __init__(
        self, instruments: Mapping[str, Instrument], symbols: Iterable[str] = (), *, keeps: bool = True
    ) -> None:
        self._tick_value = {symbol: item.product.tick_value for symbol, item in instruments.items()}
        self._inverse = {symbol: item.product.inverse_value for symbol, item in instruments.items()}
        self.symbols = frozenset(symbols) or frozenset(instruments)
        self._positions: dict[str, int] = {}
        self._lasts: dict[str, int] = {}
        self._traded: set[str] = set()
        self._order_hash = hashlib.sha256()
        self._fill_hash = hashlib.sha256()
        self._net = 0
        self._peak = 0
        self._next_point = 0
        self.ticks_seen = 0
        self.ticks_lost = 0
        self.bad_ticks = 0
        self.fees = 0
        self.tax = 0
        self.contracts = 0
        self.max_drawdown = 0
        self._keeps = keeps
        self._counts: Counter[str] = Counter()
        self.orders: list[Placed] = []
        self.fills: list[Traded] = []
        self.refusals: list[Refused] = []
        self.newest_refusals: deque[Refused] = deque(maxlen=5)
        self.equity: list[EquityPoint] = []
        self.decided: dict[str, int] = {}
        """The last trade when each order was decided, ticks by client id; what was decided before any is missing."""

    def handle(self, message: AnyMessage, now: int) -> None:
        """Hears one message of the stream."""
        if type(message) is Tick:
            symbol = message.symbol
            if symbol in self.symbols:
                self.ticks_seen += 1
            self._traded.add(symbol)
            self._mark(symbol, message.price_ticks, now)
        elif type(message) in _UNCOUNTED:
            pass
        elif isinstance(message, Quote):
            self._quote(message, now)
        elif isinstance(message, Traded):
            self._fill(message)
        elif isinstance(message, Placed):
            self.hear_order(message)
            self._note_decision(message)
        elif isinstance(message, Refused):
            self.hear_refusal(message)
        elif isinstance(message, Gap):
            self.ticks_lost += message.missed if message.source.endswith(MARKET) else 0
        elif isinstance(message, Bad):
            self.bad_ticks += 1
        elif isinstance(message, Restored):
            self.hold(message.positions)

    def hear_order(self, placed: Placed) -> None:
        """Counts an order."""
        self._count("orders", placed, self.orders)
        self._order_hash.update((order_line(placed) + "\n").encode())

    def hear_refusal(self, refused: Refused) -> None:
        """Counts a refusal."""
        self.newest_refusals.append(refused)
        self._count("refused", refused, self.refusals)

    def hear_fill(self, fill: Traded) -> None:
        """Counts a fill; what it does to equity is another matter."""
        self._count("fills", fill, self.fills)
        self._fill_hash.update((fill_line(fill) + "\n").encode())
        self.contracts += fill.qty
        self.fees += fill.fee
        self.tax += fill.tax

    def take_totals(
        self,
        *,
        ticks_seen: int,
        bad_ticks: int,
        net: int,
        peak: int,
        max_drawdown: int,
        positions: Mapping[str, int],
    ) -> None:
        """Takes over what another fold of the same stream has counted, beside its orders, fills and refusals."""
        self.ticks_seen, self.bad_ticks = ticks_seen, bad_ticks
        self._net, self._peak, self.max_drawdown = net, peak, max_drawdown
        self._positions = dict(positions)

    @property
    def lasts(self) -> dict[str, int]:
        """Where each market is, in ticks."""
        return dict(self._lasts)

    def hold(self, positions: Mapping[str, int], lasts: Mapping[str, int] | None = None) -> None:
        """Contracts that were held before the run: they count from its start, or from these prices in ticks."""
        self._lasts.update(lasts or {})
        for symbol, qty in positions.items():
            self._know(symbol)
            self._positions[symbol] = self._positions.get(symbol, 0) + qty

    def _know(self, symbol: str) -> None:
        """A book may hold what its run does not trade."""
        if symbol not in self._tick_value:
            product = instrument(symbol).product
            self._tick_value[symbol] = product.tick_value
            self._inverse[symbol] = product.inverse_value

    def _quote(self, quote: Quote, now: int) -> None:
        if quote.symbol not in self._traded and (quote.bid_qty or quote.ask_qty):
            price_ticks = middle(quote.bid_ticks, quote.bid_qty, quote.ask_ticks, quote.ask_qty)
            self._mark(quote.symbol, price_ticks, now)

    def _mark(self, symbol: str, price_ticks: int, now: int) -> None:
        # What was held before the run counts from its start.
        last = self._lasts.get(symbol, price_ticks)
        if price_ticks != last and (position := self._positions.get(symbol, 0)):
            self._net += position * self._move(symbol, last, price_ticks)
            self._measure()
        self._lasts[symbol] = price_ticks
        if now >= self._next_point:
            self._next_point = now - now % MINUTE + MINUTE
            self._point(now)

    def _fill(self, fill: Traded) -> None:
        symbol = fill.symbol
        self._know(symbol)
        self.hear_fill(fill)
        last = self._lasts.setdefault(symbol, fill.price_ticks)
        signed = fill.side * fill.qty
        self._net += signed * self._move(symbol, fill.price_ticks, last) - fill.fee - fill.tax
        self._positions[symbol] = self._positions.get(symbol, 0) + signed
        self._measure()
        self._point(fill.at)

    def _move(self, symbol: str, from_ticks: int, to_ticks: int) -> int:
        """What a move of the market earns one lot, in minor units."""
        inverse = self._inverse[symbol]
        if inverse:
            return pnl.worth(to_ticks, inverse) - pnl.worth(from_ticks, inverse)
        return (to_ticks - from_ticks) * self._tick_value[symbol]

    def _count(self, kind: str, message: _Counted, kept: list[_Counted]) -> None:
        self._counts[kind] += 1
        if self._keeps:
            kept.append(message)

    def _note_decision(self, order: Placed) -> None:
        last = self._lasts.get(order.intent.symbol)
        if self._keeps and self.ticks_seen and last is not None:
            self.decided[order.client_id] = last

    def _measure(self) -> None:
        if self._net > self._peak:
            self._peak = self._net
        elif self._peak - self._net > self.max_drawdown:
            self.max_drawdown = self._peak - self._net

    def _point(self, at: int) -> None:
        if not self._keeps:
            return
        point = EquityPoint(at, self._net, self._peak - self._net)
        if self.equity and self.equity[-1].at == at:
            self.equity[-1] = point
        else:
            self.equity.append(point)

    def summary(self) -> Summary:
        """The run so far."""
        return Summary(
            ticks_seen=self.ticks_seen,
            ticks_lost=self.ticks_lost,
            bad_ticks=self.bad_ticks,
            orders=self._counts["orders"],
            refused=self._counts["refused"],
            fills=self._counts["fills"],
            contracts=self.contracts,
            gross_pnl=self._net + self.fees + self.tax,
            fees=self.fees,
            tax=self.tax,
            net_pnl=self._net,
            max_drawdown=self.max_drawdown,
            positions={symbol: qty for symbol, qty in sorted(self._positions.items()) if qty},
            order_hash=self._order_hash.hexdigest(),
            fill_hash=self._fill_hash.hexdigest(),
        )
