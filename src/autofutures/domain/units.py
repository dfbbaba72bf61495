"""The plain integers that the whole machine counts in, and the few words that are coded as integers.

Prices are integer ticks, times integer UTC nanoseconds, quantities contracts, money the currency's minor
unit. The words are IntEnums, because the matching and risk functions are functions over integers.
"""

from enum import IntEnum

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

MINUTE = 60 * SECOND
"""Nanoseconds in a minute."""


class Word(IntEnum):
    """An integer with a name.

    Attributes:
        word: the name in lower case, as hashes, files and screens have it.
    """

    word: str

    __hash__ = int.__hash__  # An enum's own is Python code, run for every look into a table.

    def __init__(self, _: int) -> None:
        self.word = self.name.lower()


class Side(Word):
    """Buy or sell; the value is the sign that a fill gives to the position."""

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side(-self.value)


class OrderType(Word):
    """How an order may trade. TAIFEX knows the first three; the trader itself holds the stops."""

    MARKET = 0
    LIMIT = 1
    MWP = 2
    """Market with protection: a limit the exchange sets a fixed distance beyond the best price."""
    STOP = 3
    """Held by the trader until a trade touches `stop_ticks`, then sent as a market order."""
    STOP_LIMIT = 4
    """Held by the trader until a trade touches `stop_ticks`, then sent as a limit order."""


class TimeInForce(Word):
    """How long an order may work: the rest of the session, now in part, now or not at all."""

    ROD = 0
    IOC = 1
    FOK = 2


class OpenClose(Word):
    """What the order does to the account's position, as the broker books it."""

    AUTO = 0
    OPEN = 1
    CLOSE = 2


class Mode(Word):
    """What a book may do."""

    NORMAL = 0
    REDUCING = 1
    """Exits, cancels and orders that reduce a position go on; no entries."""
    HALTED = 2
    """Cancels and exits only, until a person resets it."""


class KillLevel(Word):
    """What the kill switch stops at the door; each level stops all that the one before it does."""

    NONE = 0
    ENTRIES = 1
    """Nothing opens: only orders that reduce the account's position go out."""
    CANCEL = 2
    """What works at the venue is taken back, and nothing that would rest there goes out."""
    FLATTEN = 3
    """The account's positions are closed, and no order of the trader's goes out."""
    DISCONNECT = 4
    """Once all is flat, the session with the venue ends."""
