"""The account: a ledger for each strategy and instrument; the account's position is their sum."""

from collections.abc import Iterator, Mapping

from autofutures.domain.instrument import instrument
from autofutures.domain.messages import LedgerKept
from autofutures.domain.units import Side
from autofutures.portfolio.ledger import Ledger


class Portfolio:
    """Ledgers by (strategy, symbol) and the netted position by symbol."""

    def __init__(self) -> None:
        self._ledgers: dict[tuple[str, str], Ledger] = {}
        self._net: dict[str, int] = {}

    def apply(
        self, strategy: str, symbol: str, side: Side, qty: int, price_ticks: int, fee: int, tax: int
    ) -> int:
        """Books a fill and returns the strategy's own position after it."""
        ledger = self.ledger(strategy, symbol)
        ledger.apply(side, qty, price_ticks, fee, tax)
        self._net[symbol] = self._net.get(symbol, 0) + side * qty
        return ledger.position

    def ledger(self, strategy: str, symbol: str) -> Ledger:
        """A strategy's ledger of one symbol; the same one for ever."""
        ledger = self._ledgers.get((strategy, symbol))
        if ledger is None:
            inverse_value = instrument(symbol).product.inverse_value
            ledger = self._ledgers[strategy, symbol] = Ledger(inverse_value)
        return ledger

    def position(self, strategy: str, symbol: str) -> int:
        """A strategy's own position."""
        ledger = self._ledgers.get((strategy, symbol))
        return 0 if ledger is None else ledger.position

    def net(self, symbol: str) -> int:
        """The account's position: what the broker would show."""
        return self._net.get(symbol, 0)

    def restore(self, kept: LedgerKept) -> None:
        """Puts a ledger of a snapshot back."""
        ledger = self.ledger(kept.strategy, kept.symbol)
        self._net[kept.symbol] = self._net.get(kept.symbol, 0) + kept.position - ledger.position
        ledger.restore(kept)

    def nets(self) -> Mapping[str, int]:
        """The account's position in each symbol that was ever traded."""
        return self._net

    def ledgers(self) -> Iterator[tuple[str, str, Ledger]]:
        """Every ledger, by strategy and symbol."""
        for (strategy, symbol), ledger in sorted(self._ledgers.items(), key=lambda entry: entry[0]):
            yield strategy, symbol, ledger
