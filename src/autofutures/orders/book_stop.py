"""The stop of a strategy's whole position in one symbol: what it may lose at most, held by the trader.

The loss is of what is open, against its average price, without fees. A fill moves the price at which the limit is
reached; a trade costs one comparison.
"""

from collections.abc import Iterator, Mapping

from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import BookStop
from autofutures.orders.calm import EVERYWHERE
from autofutures.orders.exit_rules import floor_price, floor_reached
from autofutures.portfolio.ledger import Ledger
from autofutures.portfolio.pnl import NEVER, price_of_worth, unrealised, worth


class Stop:
    """One strategy's stop in one symbol; `limit` in ticks × contracts."""

    __slots__ = (
        "attempts",
        "fired",
        "floor_ticks",
        "ledger",
        "limit",
        "retry_at",
        "strategy",
        "symbol",
    )

    def __init__(self, strategy: str, symbol: str, ledger: Ledger, limit: int) -> None:
        self.strategy = strategy
        self.symbol = symbol
        self.ledger = ledger
        self.limit = limit
        self.fired = False
        self.floor_ticks = 0
        self.attempts = 0
        self.retry_at = 0

    def moved(self) -> None:
        """A fill moved the ledger."""
        ledger = self.ledger
        self.attempts = self.retry_at = 0
        if ledger.position:
            floor = floor_price(ledger.position, ledger.cost, self.limit)
            self.floor_ticks = price_of_worth(floor, ledger.inverse_value)

    def reached(self, last_ticks: int) -> bool:
        """Whether a trade reaches it."""
        return floor_reached(self.ledger.position, self.floor_ticks, last_ticks)


class BookStops:
    """Every stop, by strategy and symbol; one appears with the strategy's first fill.

    Args:
        limits: what each strategy may lose in one symbol, in minor units of money; one that is missing has no stop.
        instruments: what a tick is worth. Where that is not known, the limit is taken for ticks × contracts.
    """

    def __init__(self, limits: Mapping[str, int], instruments: Mapping[str, Instrument]) -> None:
        self._limits = {strategy: limit for strategy, limit in limits.items() if limit}
        self._instruments = instruments
        self._stops: dict[tuple[str, str], Stop] = {}
        self._by_symbol: dict[str, list[Stop]] = {}
        self._quiet: dict[str, tuple[int, int]] = {}

    def quiet(self, symbol: str) -> tuple[int, int]:
        """Between which prices, both excluded, a trade reaches no stop of the symbol; nowhere, where one has fired."""
        return self._quiet.get(symbol, EVERYWHERE)

    def _bound(self, symbol: str) -> None:
        """Between which prices a trade reaches none of a symbol's stops; none are, where one has fired."""
        low_ticks, high_ticks = EVERYWHERE
        for stop in self._by_symbol[symbol]:
            position = stop.ledger.position
            if stop.fired:
                high_ticks = -NEVER
            elif position > 0:
                low_ticks = max(low_ticks, stop.floor_ticks)
            elif position < 0:
                high_ticks = min(high_ticks, stop.floor_ticks)
        self._quiet[symbol] = (low_ticks, high_ticks)

    def fired(self, strategy: str, symbol: str) -> bool:
        """Whether the strategy may not trade the symbol until a person resets it."""
        stop = self._stops.get((strategy, symbol))
        return stop is not None and stop.fired

    def of(self, strategy: str) -> list[Stop]:
        """A strategy's stops that fired."""
        return [stop for stop in self._stops.values() if stop.strategy == strategy and stop.fired]

    def filled(self, strategy: str, symbol: str, ledger: Ledger) -> None:
        """A fill moved a ledger."""
        limit = self._limits.get(strategy)
        stop = self._stops.get((strategy, symbol))
        if stop is None and limit is not None:
            stop = self._add(strategy, symbol, ledger, limit)
        if stop is not None:
            stop.moved()
            self._bound(symbol)

    def holding(self, symbol: str) -> Iterator[Stop]:
        """Stops of the symbol that hold a position, whether they fired or not."""
        return (stop for stop in self._by_symbol.get(symbol, ()) if stop.ledger.position)

    def open(self, symbol: str) -> Iterator[Stop]:
        """Stops of the symbol that fired and whose position is not closed yet."""
        return (stop for stop in self._by_symbol.get(symbol, ()) if stop.fired and stop.ledger.position)

    def hear_trade(self, symbol: str, last_ticks: int, now: int) -> Iterator[BookStop]:
        """Stops that a trade fires."""
        for stop in self._by_symbol.get(symbol, ()):
            if not stop.fired and stop.reached(last_ticks):
                yield self.fire(stop, last_ticks, now)

    def get(self, strategy: str, symbol: str) -> Stop | None:
        """A strategy's stop in a symbol; none before its first fill, or where it has no limit."""
        return self._stops.get((strategy, symbol))

    def fire(self, stop: Stop, last_ticks: int, now: int) -> BookStop:
        """The position is to be closed, whatever it has lost."""
        stop.fired = True
        self._bound(stop.symbol)
        ledger = stop.ledger
        last = worth(last_ticks, ledger.inverse_value)
        return self._said(stop, now, unrealised(ledger.position, ledger.cost, last))

    def try_again(self) -> None:
        """What kept positions from being closed has passed: none of them waits any longer."""
        for stop in self._stops.values():
            stop.attempts = stop.retry_at = 0

    def reset(self, stop: Stop, now: int) -> BookStop:
        """A person lets the strategy trade again."""
        stop.fired = False
        self._bound(stop.symbol)
        return self._said(stop, now, 0)

    def restore(self, said: BookStop, ledger: Ledger) -> None:
        """Puts a recorded stop back."""
        stop = self._stops.get((said.strategy, said.symbol))
        if stop is None:
            stop = self._add(said.strategy, said.symbol, ledger, said.limit)
        stop.fired = said.fired
        stop.moved()
        self._bound(said.symbol)

    def kept(self, at: int) -> list[BookStop]:
        """Every stop, as a snapshot keeps it."""
        return [self._said(stop, at, 0) for stop in self._stops.values()]

    def symbols(self) -> tuple[str, ...]:
        """Symbols with stops."""
        return tuple(self._by_symbol)

    def _add(self, strategy: str, symbol: str, ledger: Ledger, money: int) -> Stop:
        stop = Stop(strategy, symbol, ledger, max(1, money // self._value(symbol)))
        self._stops[strategy, symbol] = stop
        self._by_symbol.setdefault(symbol, []).append(stop)
        return stop

    def _value(self, symbol: str) -> int:
        item = self._instruments.get(symbol)
        return 1 if item is None else item.product.tick_value or 1

    def _said(self, stop: Stop, now: int, profit: int) -> BookStop:
        value = self._value(stop.symbol)
        return BookStop(
            strategy=stop.strategy,
            symbol=stop.symbol,
            at=now,
            fired=stop.fired,
            limit=stop.limit * value,
            loss=max(0, -profit) * value,
        )
