"""A strategy on a series of contracts: it sees one market with joined prices, and its orders go to the one in front.

What comes in is translated to the series, what goes out to the contract; everybody else hears of contracts only. When
another contract comes in front, this node moves what is held by two orders of its own, each at the next trade of its
contract: out of the old one and, where the policy is to carry, into the new one. To the strategy a carried position is
never gone, and one that is not carried is gone at once; orders that move it are not told to it.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    TRADER_K,
    AnyMessage,
    Decision,
    Intent,
    OrderChanged,
    Quote,
    Refused,
    Restored,
    SessionEnded,
    Tick,
    Traded,
)
from autofutures.domain.order_life import ALIVE
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.market.continuous import Segment
from autofutures.market.view import MarketView
from autofutures.strategies.base import Strategy
from autofutures.strategies.host import Host

OUT_K, IN_K = TRADER_K - 2, TRADER_K - 1
"""The numbers of the two orders at their market event: no strategy decides so often at one."""


class Series(msgspec.Struct, frozen=True):
    """A series and from when each of its contracts is in front."""

    symbol: str
    segments: tuple[Segment, ...]
    starts: tuple[int, ...]
    """UTC nanoseconds, one for each segment: when orders for its first session are accepted."""
    carries: bool = True
    """Whether a position goes on in the next contract."""


class _Held:
    """What a strategy holds of one series, contract by contract, and what is being moved."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self.number: int | None = None
        self.positions: dict[str, int] = {one.symbol: 0 for one in series.segments}
        self.leaving: dict[str, int] = {}
        self.entering = 0
        self.hidden = 0
        """What the orders that move it will have changed and the strategy is not to see."""
        self.moving: dict[tuple[int, int], int] = {}
        """Signed contracts at work of each such order, by cause and number."""

    @property
    def shown(self) -> int:
        return sum(self.positions.values()) + self.hidden

    def segment_at(self, ns: int) -> Segment:
        return self.series.segments[max(0, bisect_right(self.series.starts, ns) - 1)]

    def segment_of(self, symbol: str) -> Segment:
        return next(one for one in self.series.segments if one.symbol == symbol)

    def roll(self, at: int) -> None:
        """Notices that another contract is in front."""
        number = max(0, bisect_right(self.series.starts, at) - 1)
        if number == self.number:
            return
        self.number = number
        front = self.series.segments[number].symbol
        self.leaving = {symbol: qty for symbol, qty in self.positions.items() if qty and symbol != front}
        moved = sum(self.leaving.values())
        self.entering = moved if self.series.carries else 0
        self.hidden -= moved - self.entering

    def moved(self, key: tuple[int, int], signed: int) -> None:
        """Part of an order that moves a position was filled, or will not be."""
        self.hidden -= signed
        self.moving[key] -= signed
        if not self.moving[key]:
            del self.moving[key]


class SeriesHost(Host):
    """Runs a strategy under a name, on series and contracts.

    Args:
        name: who the orders belong to; unique in the book.
        strategy: what decides.
        symbols: the strategy's legs, in order.
        view: knows each symbol's sessions, those of the series too.
        series: the legs that are series, by symbol.
    """

    def __init__(
        self,
        name: str,
        strategy: Strategy,
        symbols: Sequence[str],
        view: MarketView,
        series: Mapping[str, Series],
    ) -> None:
        super().__init__(name, strategy, symbols, view)
        self._held = {symbol: _Held(series[symbol]) for symbol in symbols if symbol in series}
        self._by_contract = {contract: held for held in self._held.values() for contract in held.positions}

    def handle(self, message: AnyMessage, now: int) -> Sequence[Decision]:
        """Hears one message of the stream, and says what the strategy decided on it, and what moves its position."""
        match message:
            case Tick() | Quote():
                return self._market(message, now)
            case Traded() | OrderChanged() | Refused() if message.strategy == self.name:
                heard = self._own(message)
                return self._out(super().handle(heard, now), now) if heard is not None else ()
            case Restored() if message.strategy == self.name:
                return self._out(super().handle(self._restored(message), now), now)
            case SessionEnded():
                held = self._by_contract.get(message.symbol)
                if held is not None and held.segment_at(message.at - 1).symbol == message.symbol:
                    message = msgspec.structs.replace(message, symbol=held.series.symbol)
            case _:
                pass  # The rest of the stream names no contract.
        return self._out(super().handle(message, now), now)

    def _market(self, message: Tick | Quote, now: int) -> Sequence[Decision]:
        held = self._by_contract.get(message.symbol)
        if held is None:
            return self._out(super().handle(message, now), now)
        held.roll(message.at)
        self._show(held)
        segment = held.segment_at(message.at)
        heard = _joined(message, held.series.symbol, segment) if message.symbol == segment.symbol else message
        said = self._out(super().handle(heard, now), now)
        return [*said, *self._moves(held, message.symbol, now)] if isinstance(message, Tick) else said

    def _moves(self, held: _Held, symbol: str, now: int) -> list[Intent]:
        """The orders that move a position, each at a trade of its contract."""
        orders = []
        if symbol in held.leaving:
            orders.append(self._move(held, symbol, -held.leaving.pop(symbol), OUT_K, now))
        if held.entering and symbol == held.segment_at(now).symbol:
            orders.append(self._move(held, symbol, held.entering, IN_K, now))
            held.entering = 0
        return orders

    def _move(self, held: _Held, symbol: str, signed: int, k: int, now: int) -> Intent:
        seq = self._ctx.cause_seq
        held.moving[seq, k] = signed
        return Intent(
            strategy=self.name,
            cause_seq=seq,
            k=k,
            at=now,
            symbol=symbol,
            side=Side.BUY if signed > 0 else Side.SELL,
            qty=abs(signed),
            type=OrderType.MARKET,
            tif=TimeInForce.IOC,
            leg=self.symbols.index(held.series.symbol),
        )

    def _own(self, message: Traded | OrderChanged | Refused) -> AnyMessage | None:
        """News of an order, as the strategy hears it; None where it is not to."""
        if isinstance(message, Refused):
            key = (message.cause_seq, message.k)
            mover = next((held for held in self._held.values() if key in held.moving), None)
            if mover is None:
                return message
            mover.moved(key, mover.moving[key])
            self._show(mover)
            return None
        held = self._by_contract.get(message.symbol)
        if held is None:
            return message
        key = (message.order_seq, message.order_k)
        moves = key in held.moving
        if isinstance(message, Traded):
            held.positions[message.symbol] = message.position
            if moves:
                held.moved(key, message.side * message.qty)
        elif moves and message.status not in ALIVE:
            held.moved(key, held.moving[key])
        self._show(held)
        if moves or message.order_k in (OUT_K, IN_K):
            return None
        if isinstance(message, OrderChanged):
            return msgspec.structs.replace(message, symbol=held.series.symbol)
        price_ticks = held.segment_of(message.symbol).to_series(message.price_ticks)
        return msgspec.structs.replace(
            message, symbol=held.series.symbol, price_ticks=price_ticks, position=held.shown
        )

    def _restored(self, restored: Restored) -> Restored:
        positions = dict(restored.positions)
        for held in self._held.values():
            for symbol in held.positions:
                held.positions[symbol] = positions.pop(symbol, 0)
            positions[held.series.symbol] = held.shown
        placed = []
        for one in restored.placed:
            mine = self._by_contract.get(one.intent.symbol)
            if mine is not None:
                intent = msgspec.structs.replace(one.intent, symbol=mine.series.symbol)
                one = msgspec.structs.replace(one, intent=intent)  # noqa: PLW2901 - the same order, translated
            placed.append(one)
        return msgspec.structs.replace(restored, positions=positions, placed=tuple(placed))

    def _show(self, held: _Held) -> None:
        self._ctx.set_position(held.series.symbol, held.shown)

    def _out(self, decisions: Sequence[Decision], now: int) -> list[Decision]:
        """Orders go to the contract in front."""
        return [
            _to_contract(one, self._held[one.symbol].segment_at(now))
            if isinstance(one, Intent) and one.symbol in self._held
            else one
            for one in decisions
        ]


def _joined(message: Tick | Quote, symbol: str, segment: Segment) -> Tick | Quote:
    if isinstance(message, Tick):
        price_ticks = segment.to_series(message.price_ticks)
        return Tick(symbol, message.at, price_ticks, message.qty, message.auction)
    bid, ask = segment.to_series(message.bid_ticks), segment.to_series(message.ask_ticks)
    return Quote(
        symbol,
        message.at,
        bid if message.bid_qty else 0,
        message.bid_qty,
        ask if message.ask_qty else 0,
        message.ask_qty,
    )


def _to_contract(intent: Intent, segment: Segment) -> Intent:
    """The same order in the contract: a limit never beyond what was said, a stop never before."""
    if intent.exit is not None:
        raise BadInput(
            f"{intent.strategy}: exit plans count in ticks of a contract and end with it, so an order on a series "
            "carries none: close positions with orders, or name a contract"
        )
    buys = intent.side > 0
    limit, stop = intent.price_ticks, intent.stop_ticks
    if intent.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        limit = segment.at_most(limit) if buys else segment.at_least(limit)
    if intent.type in (OrderType.STOP, OrderType.STOP_LIMIT):
        stop = segment.at_least(stop) if buys else segment.at_most(stop)
    return msgspec.structs.replace(intent, symbol=segment.symbol, price_ticks=limit, stop_ticks=stop)
