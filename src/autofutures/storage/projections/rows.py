"""What can be queried: the row of each table. Prices are ticks, money minor units, times UTC nanoseconds, words text.

Every row carries `batch`, the batch of the journal that changed it last.
"""

import msgspec

from autofutures.domain.errors import BrokenInvariant

Key = tuple[str | int, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What every row is."""


class OrderRow(Row, frozen=True, kw_only=True):
    """An order, as the book has it."""

    client_id: str
    strategy: str
    cause_seq: int
    """With `k`, the decision that made it."""
    k: int
    decided_at: int
    symbol: str
    side: str
    qty: int
    type: str
    price_ticks: int
    stop_ticks: int
    tif: str
    open_close: str
    day_trade: int
    leg: int
    why: int
    closes_seq: int
    closes_k: int
    status: str
    filled: int = 0
    left: int
    """Contracts that may still trade."""
    cost_ticks: int = 0
    """The sum of price × quantity of its fills: divided by `filled`, the average price."""
    sent_at: int | None = None
    venue_id: str = ""
    changed_at: int
    reason: str = ""
    batch: int


class FillRow(Row, frozen=True, kw_only=True):
    """A fill, as it was booked; one of an order that is not ours has no `client_id`."""

    fill_id: str
    client_id: str
    n: int
    strategy: str
    order_seq: int
    order_k: int
    at: int
    day: int
    """The trading day, YYYYMMDD."""
    symbol: str
    side: str
    qty: int
    price_ticks: int
    gross: int
    """What it realised, by average price."""
    fee: int
    tax: int
    position: int
    """The strategy's own, after it."""
    batch: int


class PositionRow(Row, frozen=True, kw_only=True):
    """A strategy's ledger of one contract; the account's position is the sum over strategies."""

    strategy: str
    symbol: str
    position: int = 0
    cost_ticks: int = 0
    """Of what is open, at its average price: ticks × contracts."""
    realised_ticks: int = 0
    """By average price: ticks × contracts."""
    currency: str
    gross: int = 0
    fees: int = 0
    tax: int = 0
    net: int = 0
    contracts: int = 0
    fills: int = 0
    changed_at: int = 0
    batch: int = 0


class DayRow(Row, frozen=True, kw_only=True):
    """What a strategy realised in one contract on one trading day; what is open counts when it is closed."""

    day: int
    strategy: str
    symbol: str
    currency: str
    gross: int = 0
    fees: int = 0
    tax: int = 0
    net: int = 0
    contracts: int = 0
    fills: int = 0
    batch: int = 0


class ExitRow(Row, frozen=True, kw_only=True):
    """The exit plan of what an entry opened, as it moved last; with nothing open it is over."""

    strategy: str
    order_seq: int
    """With `order_k`, the entry's decision."""
    order_k: int
    symbol: str
    side: str
    open_qty: int
    entered_qty: int
    origin_ticks: int
    """The price that its distances count from."""
    take_profit_ticks: int
    stop_ticks: int
    levels_reached: int
    attempts: int
    """Exit orders in turn of which nothing was filled."""
    reason: str
    opened_at: int
    moved_at: int
    batch: int


class ConditionRow(Row, frozen=True, kw_only=True):
    """A condition that a person gave a strategy.

    What only the strategy's saved state tells is null until there is one that can be read.
    """

    strategy: str
    name: str
    status: str
    """`configured` or `removed`, or where the strategy says that the condition is."""
    paused: int
    configured: str
    """The values that were asked for, as JSON."""
    configured_at: int
    symbol: str | None = None
    side: str | None = None
    quantity: int | None = None
    trigger_ticks: int | None = None
    order_ticks: int | None = None
    take_profit_ticks: int | None = None
    stop_loss_ticks: int | None = None
    filled: int | None = None
    open_qty: int | None = None
    note: str = ""
    changed_at: int
    batch: int


TABLES: dict[str, tuple[type[Row], tuple[str, ...]]] = {
    "orders": (OrderRow, ("client_id",)),
    "fills": (FillRow, ("fill_id",)),
    "positions": (PositionRow, ("strategy", "symbol")),
    "pnl_by_day": (DayRow, ("day", "strategy", "symbol")),
    "exits": (ExitRow, ("strategy", "order_seq", "order_k")),
    "conditions": (ConditionRow, ("strategy", "name")),
}
"""Every table by name: its row, and the columns that name a row."""

_NAMES = {kind: name for name, (kind, _) in TABLES.items()}


def name_of(kind: type[Row]) -> str:
    """The name of the table that holds such rows."""
    return _NAMES[kind]


def key_of(row: Row) -> Key:
    """What names a row in its table.

    Raises:
        BrokenInvariant: it has no name.
    """
    key: list[str | int] = []
    for column in TABLES[name_of(type(row))][1]:
        value: object = getattr(row, column)
        if not isinstance(value, (str, int)):
            raise BrokenInvariant(f"{column} of {row} names no row")
        key.append(value)
    return tuple(key)
