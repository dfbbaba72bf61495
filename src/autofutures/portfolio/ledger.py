"""One strategy's account of one instrument: position, cost by average price and by FIFO, what it realised and paid."""

from collections import deque

from autofutures.domain.messages import LedgerKept
from autofutures.domain.units import Side
from autofutures.portfolio import pnl


class Ledger:
    """Positions and realised profit in ticks × contracts (inverse: in minor units); costs in minor units.

    Args:
        inverse_value: of an inverse contract (`pnl.worth`); 0: linear.

    Attributes:
        position: signed contracts.
        cost: of what is open at its average price, ticks × contracts.
        realised: by average price.
        realised_fifo: by first in, first out; the two differ only while something is open.
    """

    __slots__ = (
        "contracts",
        "cost",
        "fees",
        "inverse_value",
        "lots",
        "position",
        "realised",
        "realised_fifo",
        "tax",
    )

    def __init__(self, inverse_value: int = 0) -> None:
        self.inverse_value = inverse_value
        self.position = 0
        self.cost = 0
        self.realised = 0
        self.realised_fifo = 0
        self.fees = 0
        self.tax = 0
        self.contracts = 0
        self.lots: deque[tuple[int, int]] = deque()

    def apply(self, side: Side, qty: int, price_ticks: int, fee: int = 0, tax: int = 0) -> None:
        """Books one fill."""
        opening = pnl.opening_part(self.position, side, qty)
        closing = qty - opening
        worth = pnl.worth(price_ticks, self.inverse_value)
        if closing:
            cost = pnl.closed_cost(self.cost, self.position, closing)
            self.realised += pnl.realised(-side, cost, closing, worth)
            self.cost -= cost
            self._close_lots(-side, closing, worth)
        if opening:
            self.cost += opening * worth
            self.lots.append((opening, price_ticks))
        self.position += side * qty
        self.fees += fee
        self.tax += tax
        self.contracts += qty

    def _close_lots(self, side_of_position: int, qty: int, worth: int) -> None:
        while qty:
            lot, paid = self.lots.popleft()
            used = min(lot, qty)
            qty -= used
            self.realised_fifo += side_of_position * (worth - pnl.worth(paid, self.inverse_value)) * used
            if lot > used:
                self.lots.appendleft((lot - used, paid))

    def kept(self, strategy: str, symbol: str) -> LedgerKept:
        """The ledger as a snapshot keeps it."""
        return LedgerKept(
            strategy=strategy,
            symbol=symbol,
            position=self.position,
            cost=self.cost,
            realised=self.realised,
            realised_fifo=self.realised_fifo,
            fees=self.fees,
            tax=self.tax,
            contracts=self.contracts,
            lots=tuple(self.lots),
        )

    def restore(self, kept: LedgerKept) -> None:
        """Takes over what a snapshot kept."""
        self.position, self.cost = kept.position, kept.cost
        self.realised, self.realised_fifo = kept.realised, kept.realised_fifo
        self.fees, self.tax, self.contracts = kept.fees, kept.tax, kept.contracts
        self.lots = deque(kept.lots)

    def gross(self, last_ticks: int) -> int:
        """Realised and open profit together, ticks × contracts."""
        return self.realised + pnl.unrealised(
            self.position, self.cost, pnl.worth(last_ticks, self.inverse_value)
        )
