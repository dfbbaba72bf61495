"""When a person uses the kill switch in a simulation, how far, beside which other trouble, and when he lets go."""

from random import Random

import msgspec

from autofutures.domain.units import SECOND, KillLevel

BESIDE = (
    "",
    "",
    "trader stands still",
    "trader dies",
    "gateway stands still",
    "gateway dies",
    "gateway dies on it",
    "link silent",
    "link reset",
    "disk",
    "price locked",
)
"""What happens at the same moment."""

FIRST = 10
"""Nobody is stopped before so many trades in a hundred of those that are wanted."""

LAST = 85
"""As above: nor after so many."""

_SALT = "kill switch"


class Switch(msgspec.Struct, frozen=True):
    """One use of the kill switch."""

    after: int
    """Trades."""
    level: KillLevel
    beside: str
    lasts_ns: int
    """Before it is looked at again."""
    waits: bool
    """Until all is done, within reason; else it is lifted whatever is still to be done."""


def switches_of(seed: int, ticks: int) -> tuple[Switch, ...]:
    """The uses in one seed of four, by a stream of chances of its own; all other seeds have none."""
    random = Random(f"{_SALT}/{seed}")
    if random.randrange(4):
        return ()
    moments = sorted(
        random.randrange(ticks * FIRST // 100, ticks * LAST // 100) for _ in range(random.randint(1, 3))
    )
    levels = (KillLevel.ENTRIES, KillLevel.CANCEL, KillLevel.FLATTEN, KillLevel.FLATTEN, KillLevel.DISCONNECT)
    return tuple(
        Switch(
            after=after,
            level=random.choice(levels),
            beside=random.choice(BESIDE),
            lasts_ns=random.choice((1, 4, 10)) * SECOND,
            waits=random.randrange(4) > 0,
        )
        for after in moments
    )
