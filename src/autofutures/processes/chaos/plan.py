"""What a drill of kills is made of, from one integer: a run that trades much, a broker that misbehaves, and strikes."""

from random import Random
from typing import Literal

import msgspec

from autofutures.assemble.nodes import with_covers
from autofutures.assemble.paper import by_the_clock
from autofutures.config import RunSettings, StrategySettings, Value
from autofutures.domain.units import SECOND
from autofutures.orders.policy import Policy

SYMBOL = "TAIFEX:TXF202608"
DAY = 20260803

ROLES = ("gateway", "trader", "strategy", "recorder", "supervisor")
"""Who is struck; which of the strategies is drawn."""

_DECK = (*ROLES, "trader", "gateway", "strategy", "trader")
"""Of nine strikes: at least one in ten for every role, and more where orders pass."""

STOPS_PER_KILL = 5
"""Beside the kills, one process is only stopped for a while for every so many of them."""

CUTS_PER_STRIKE = 8
OVERLAPPING = 15
"""Percent of strikes that do not wait until the machine has recovered from the one before."""
AIMED = 50
"""Percent of strikes that wait for an order to leave, and come within its first moments."""

_MILLISECOND = 1_000_000

FAULTS = {
    "slow": 40,
    "slow_ns": 3 * SECOND // 2,
    "lost_ack": 30,
    "mute": 10,
    "lost_fill": 20,
    "lost_end": 20,
    "duplicate": 60,
    "reorder": 60,
    "reject": 20,
    "partial": 300,
    "phantom": 50,
    "lack": 20,
    "stale": 50,
    "slow_answer": 50,
    "slow_answer_ns": SECOND,
    "no_answer": 20,
    "disconnect": 1,
    "away_ns": SECOND,
    "replay": 500,
    "stranger": 1,
}
"""How the broker misbehaves: chances in a thousand, see `matching/faults.py`."""


Signal = Literal["kill", "stop"]


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """One blow at one process. Times are nanoseconds.

    With signal `kill` it is dead at once; with `stop` it hangs for `stopped_ns`, or until the watchdog kills it.
    """

    role: str
    signal: Signal
    pause_ns: int
    """After the machine was ready, or after the strike before."""
    waits: bool = True
    """For the machine to be ready; otherwise it falls into what the one before has left."""
    aimed: bool = False
    """At the moment after an order has left."""
    delay_ns: int = 0
    """How long after that moment."""
    stopped_ns: int = 0
    draw: int = 0
    """Chooses among several processes of the role."""
    cut_ms: int = 0
    """The broker cuts the link for so long just before; 0: it does not."""


def strikes_of(seed: int, kills: int) -> tuple[Strike, ...]:
    """The strikes that a seed decides: so many kills, and stops between them.

    Kills and stops are dealt to roles each from a deck of its own, so that none is left out by chance.
    """
    random = Random(f"chaos/{seed}")
    dealt = _dealt("kill", kills) + _dealt("stop", kills // STOPS_PER_KILL)
    random.shuffle(dealt)
    return tuple(_strike(random, signal, role, first=not place) for place, (signal, role) in enumerate(dealt))


def strikes_every(seed: int, count: int, every_ns: int) -> tuple[Strike, ...]:
    """So many kills, one after so long each, whatever became of the one before: as in a bad hour."""
    random = Random(f"chaos every/{seed}")
    dealt = _dealt("kill", count)
    random.shuffle(dealt)
    return tuple(
        Strike(role=role, signal=signal, pause_ns=every_ns, waits=False, draw=random.randrange(1 << 16))
        for signal, role in dealt
    )


def _dealt(signal: Signal, count: int) -> list[tuple[Signal, str]]:
    return [(signal, _DECK[place % len(_DECK)]) for place in range(count)]


def _strike(random: Random, signal: Signal, role: str, *, first: bool) -> Strike:
    waits = random.randrange(100) >= OVERLAPPING or first
    return Strike(
        role=role,
        signal=signal,
        pause_ns=random.randrange(50, 1_000 if waits else 1_500) * _MILLISECOND,
        waits=waits,
        aimed=random.randrange(100) < AIMED,
        delay_ns=random.randrange(40) * _MILLISECOND,
        stopped_ns=random.randrange(500, 6_000) * _MILLISECOND if signal == "stop" else 0,
        draw=random.randrange(1 << 16),
        cut_ms=random.randrange(100, 3_000) if random.randrange(CUTS_PER_STRIKE) == 0 else 0,
    )


def run_of(seed: int) -> RunSettings:
    """The run of a seed: a session of five hours, dense at its open, and strategies that order much."""
    random = Random(f"chaos run/{seed}")
    symbols = (SYMBOL,)
    strategies = (
        StrategySettings(
            name="fuzz",
            use="autofutures.simulation.fuzz:Planned",
            symbols=symbols,
            settings={"seed": seed, "pace": 4},
        ),
        StrategySettings(
            name="ema",
            use="ema_cross",
            symbols=symbols,
            settings={"fast": 5, "slow": 15},
            book_stop=1_000_000_000,
        ),
        StrategySettings(name="sr", use="support_resistance", symbols=symbols, conditions=_conditions()),
    )
    run = RunSettings(
        symbols=symbols,
        day=DAY,
        source="generated",
        seed=seed,
        trades=200_000,
        strategies=strategies,
        limits={"position": {"max_contracts": 200}, "message_rate": {"max_per_second": 200}},
        order_latency_ns=20 * _MILLISECOND,
        policy=Policy(every_ns=2 * SECOND, query_ns=SECOND // 2),
        faults={**FAULTS, "skew_ns": random.choice((-1, 0, 1)) * 150 * _MILLISECOND},
    )
    return by_the_clock(with_covers(run))


def _conditions() -> dict[str, dict[str, Value]]:
    """Conditions on both sides of the open, so that some are always near the market."""
    found: dict[str, dict[str, Value]] = {}
    for step in range(1, 16):
        for side, sign in (("buy", -1), ("sell", 1)):
            found[f"{side}{step}"] = {
                "side": side,
                "trigger": 17_400 + sign * 3 * step,
                "turning_point": 2,
                "take_profit": 4,
                "stop_loss": 6,
                "quantity": 1 + step % 3,
                "following": step % 2 == 0,
            }
    return found
