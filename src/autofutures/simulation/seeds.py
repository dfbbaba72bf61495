"""What a seed decides: the settings, and which of all that can go wrong does, and how often."""

from collections.abc import Mapping
from random import Random

import msgspec

from autofutures.bus.memory import CALM, Weather
from autofutures.config import RunSettings, StrategySettings, Value
from autofutures.domain.units import SECOND
from autofutures.orders.policy import Policy
from autofutures.simulation.limits import limits_of
from autofutures.simulation.switches import Switch, switches_of

TICKS = 2_000
"""The fewest trades of a seed's market, unless told otherwise."""

ORDERS = 20
"""The fewest orders that reach the broker in a seed."""

KINDS = 3
"""The fewest kinds of fault that happen in a seed."""

DAY = 20210726
SYMBOLS = ("TAIFEX:TXF202108", "TAIFEX:MXF202108")
PRICES = {"TAIFEX:TXF202108": 17_400, "TAIFEX:MXF202108": 16_900}
"""Where each market begins: so far apart that a trade of one cannot pass for a trade of the other."""

MILLISECOND = SECOND // 1_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that a seed decides. Chances without a unit are in a hundred thousand."""

    seed: int
    run: RunSettings
    ticks: int
    pace_ns: int
    """Between two trades, on average."""
    beat_ns: int
    """How often a process's driver beats."""
    link_latency_ns: int
    gather_ns: int
    """The broker says together what is due within so long."""
    weather: Weather = CALM
    kills: dict[str, int] = {}
    """By role: of the points at which a process may end."""
    pauses: int = 0
    """Of trades, as the next five."""
    cuts: int = 0
    resets: int = 0
    disk_troubles: int = 0
    bad_prints: int = 0
    commands: int = 0
    switches: tuple[Switch, ...] = ()


def plan_of(seed: int, ticks: int = TICKS) -> Plan:
    """What a seed decides, with at least `ticks` trades."""
    random = Random(f"plan/{seed}")
    troubles = _troubles(random)
    weather = Weather(
        dropped=troubles.get("dropped", 0),
        repeated=troubles.get("repeated", 0),
        delayed=troubles.get("delayed", 0),
        refused=troubles.get("refused", 0),
        latency_ns=random.choice((1, MILLISECOND, 20 * MILLISECOND)),
        delay_ns=random.choice((SECOND // 10, SECOND, 5 * SECOND)),
        again=random.choice((0, 400)) if "repeated" in troubles else 0,
    )
    return Plan(
        seed=seed,
        run=_settings_of(random, seed),
        ticks=ticks,
        pace_ns=random.choice((20, 40, 80)) * MILLISECOND,
        beat_ns=random.choice((200, 300, 500)) * MILLISECOND,
        link_latency_ns=random.choice((MILLISECOND, 5 * MILLISECOND, 50 * MILLISECOND)),
        gather_ns=random.choice((0, MILLISECOND, 20 * MILLISECOND)),
        weather=weather,
        kills={role: troubles.get(f"kill {role}", 0) for role in ROLES},
        **{name: troubles.get(name, 0) for name in ("pauses", "cuts", "resets", "commands")},
        **{name: troubles.get(name, 0) for name in ("disk_troubles", "bad_prints")},
        switches=switches_of(seed, ticks),
    )


ROLES = ("trader", "gateway", "strategy", "recorder")

_TROUBLES: Mapping[str, tuple[int, ...]] = {
    "dropped": (1, 3, 10),
    "repeated": (5, 25),
    "delayed": (2, 10),
    "refused": (2, 10),
    "kill trader": (5, 20, 50),
    "kill gateway": (10, 50, 150),
    "kill strategy": (5, 20),
    "kill recorder": (10, 50),
    "pauses": (100, 300),
    "cuts": (100, 300),
    "resets": (100, 300),
    "disk_troubles": (100, 200),
    "bad_prints": (200, 1_000),
    "commands": (300, 1_000),
}
"""What may go wrong in the house and on its links, and the chances to choose from."""

_BROKER: Mapping[str, tuple[int, ...]] = {
    "slow": (30, 200),
    "lost_ack": (30, 200),
    "mute": (20, 60),
    "lost_fill": (20, 100),
    "lost_end": (20, 100),
    "duplicate": (50, 300),
    "reorder": (50, 300),
    "reject": (20, 100),
    "partial": (100, 500),
    "phantom": (100, 400),
    "lack": (50, 300),
    "stale": (100, 500),
    "slow_answer": (100, 300),
    "no_answer": (100, 300),
    "disconnect": (1, 3),
    "stranger": (1, 2),
}
"""As above, of the broker: chances in a thousand of what each befalls."""


def _troubles(random: Random) -> dict[str, int]:
    """A few of all kinds, or many."""
    chosen = random.sample(sorted(_TROUBLES), random.randint(2, 9))
    return {name: random.choice(_TROUBLES[name]) for name in chosen}


def _faults_of(random: Random) -> dict[str, int]:
    chosen = random.sample(sorted(_BROKER), random.choice((1, 3, 5, 9)))
    faults = {name: random.choice(_BROKER[name]) for name in chosen}
    if "disconnect" in faults:
        faults["replay"] = random.choice((0, 500, 1_000))
    if not random.randrange(4):
        faults["skew_ns"] = random.choice((-3, -1, 1, 3)) * SECOND
    return faults


def _settings_of(random: Random, seed: int) -> RunSettings:
    symbols = SYMBOLS[: random.choice((1, 1, 2))]
    return RunSettings(
        symbols=symbols,
        day=DAY,
        source="recorded",
        seed=seed,
        strategies=_strategies_of(random, seed, symbols),
        limits={
            "position": {"max_contracts": random.choice((4, 6, 10, 20))},
            "order_size": {"max_contracts": random.choice((1, 3, 10))},
            "message_rate": {"max_per_second": random.choice((3, 50))},
            "stale_tick": {"max_age_ms": random.choice((2_000, 10_000))},
            **limits_of(seed),
        },
        slippage_ticks=random.randrange(3),
        queue_contracts=random.choice((0, 3, 20)),
        mwp_points=random.choice((2, 50)),
        order_latency_ns=random.choice((0, 5_000_000, SECOND // 2)),
        bands={symbol: (PRICES[symbol] * 9 // 10, PRICES[symbol] * 11 // 10) for symbol in symbols},
        policy=Policy(
            reconciles=True, every_ns=5 * SECOND, strangers=random.choice(("ignore", "adopt", "flatten"))
        ),
        faults=_faults_of(random),
    )


def _strategies_of(random: Random, seed: int, symbols: tuple[str, ...]) -> tuple[StrategySettings, ...]:
    fast = random.randint(5, 20)
    pace = random.choice((15, 30, 60))
    strategies = [
        StrategySettings(
            name="fuzz",
            use="autofutures.simulation.fuzz:Fuzz",
            symbols=symbols,
            settings={"seed": seed + 1, "pace": pace},
            book_stop=random.choice((20_000, 60_000, 200_000)),
        ),
        StrategySettings(
            name="planned",
            use="autofutures.simulation.fuzz:Planned",
            symbols=symbols,
            settings={"seed": seed + 2, "pace": 2 * pace},
        ),
    ]
    if random.randrange(2):
        strategies.append(
            StrategySettings(
                name="ema",
                use="ema_cross",
                symbols=symbols[:1],
                settings={"fast": fast, "slow": fast + random.randint(5, 40), "lots": random.randint(1, 3)},
            )
        )
    if random.randrange(3):
        legs = symbols if random.randrange(2) else symbols[-1:]
        conditions = {
            f"c{number}": _condition(random, legs, number) for number in range(1, random.randint(2, 5))
        }
        strategies.append(
            StrategySettings(name="sr", use="support_resistance", symbols=legs, conditions=conditions)
        )
    return tuple(strategies)


def _condition(random: Random, legs: tuple[str, ...], number: int) -> dict[str, Value]:
    """Each of its own size, so that an order says whose it is."""
    symbol = random.choice(legs)
    return {
        "symbol": symbol,
        "side": random.choice(("buy", "sell")),
        "trigger": PRICES[symbol] + random.randint(-15, 15),
        "turning_point": random.randint(1, 5),
        "take_profit": random.randint(2, 15),
        "stop_loss": random.randint(2, 15),
        "quantity": number,
        "following": random.choice((True, False)),
        "exit_from": random.choice(("plan", "fill")),
    }
