"""How a simulated broker misbehaves: one chance or one length of time by each name, read from a run's settings.

Chances are in a thousand of what the fault befalls; times are nanoseconds, the longest that the fault lasts. Each
is bounded so that an order's absence can still be proved: see `broker`.
"""

from collections.abc import Mapping

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND

STALEST_NS = SECOND // 2
"""A list of orders is never later than this: half of the quiet period after which a missing order is absent."""


class BrokerFaults(msgspec.Struct, frozen=True, kw_only=True):
    """All that can go wrong at a broker; the default is a broker that does what it says, at once."""

    slow: int = 0
    """Of orders: all that is said of them comes late, each in its sequence."""
    slow_ns: int = 2 * SECOND
    """A slow order's reports are between half of this and all of it late."""
    lost_ack: int = 0
    """Of orders: the acknowledgement is never said; the fills are."""
    mute: int = 0
    """Of orders: it is taken and it trades, and nothing is ever said of it: only the list knows."""
    lost_fill: int = 0
    """Of fills: it is not said, while all else goes on."""
    lost_end: int = 0
    """Of reports that an order is canceled or expired: it is not said."""
    duplicate: int = 0
    """Of reports: it is said twice."""
    duplicate_ns: int = SECOND
    reorder: int = 0
    """Of reports: later ones may overtake it."""
    reorder_ns: int = SECOND // 10
    reject: int = 0
    """Of orders: the broker will not have it."""
    partial: int = 0
    """Of fills of several contracts: they come as two fills."""
    partial_ns: int = SECOND // 10
    phantom: int = 0
    """Of lists: for a while they hold a row that is no order, without any id."""
    phantom_ns: int = 10 * SECOND
    lack: int = 0
    """Of rows of live orders in a list: it is not there, once in the order's life."""
    stale: int = 0
    """Of lists: orders, fills and positions are those of an earlier moment."""
    stale_ns: int = STALEST_NS
    list_ns: int = 0
    """A list tells of what ended within so long before it, and of all that works; 0: of everything."""
    slow_answer: int = 0
    """Of queries: answered late, with the list as it was when they came."""
    slow_answer_ns: int = 3 * SECOND
    no_answer: int = 0
    """Of queries: never answered."""
    disconnect: int = 0
    """Of trades: the broker ends the session."""
    away_ns: int = 2 * SECOND
    """It takes no login after that for so long at most."""
    replay: int = 0
    """Of logins after the first: what the last session missed is said, and some of what it heard again."""
    skew_ns: int = 0
    """The broker's clock is so far ahead of ours; behind, where it is less than 0."""
    stranger: int = 0
    """Of trades: somebody trades a contract by hand in the same account."""


NONE = BrokerFaults()


def read_faults(table: Mapping[str, int]) -> BrokerFaults:
    """Faults from a run's settings.

    Raises:
        BadInput: a name that is none of them, or a value out of its range.
    """
    known = BrokerFaults.__struct_fields__
    for name, value in table.items():
        if name not in known:
            raise BadInput(f"there is no fault {name!r} of a broker; there are {', '.join(known)}")
        is_time = name.endswith("_ns")
        if not is_time and not 0 <= value <= 1_000:
            raise BadInput(f"fault {name} is {value}: it is a chance in a thousand, so give 0 to 1000")
        if is_time and name != "skew_ns" and value < 1:
            raise BadInput(f"fault {name} is {value}: it is a time in nanoseconds, at least 1")
    faults = BrokerFaults(**table)
    if faults.stale_ns > STALEST_NS:
        raise BadInput(
            f"fault stale_ns is {faults.stale_ns}: with lists later than {STALEST_NS} ns nobody could prove that an "
            "order never arrived"
        )
    return faults
