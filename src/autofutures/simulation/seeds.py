"""What a seed of the simulation decides: the settings, how rough the links are, and who dies how often."""

from random import Random

import msgspec

from autofutures.bus.memory import CALM, Weather
from autofutures.config import RunSettings, StrategySettings, Value
from autofutures.domain.units import SECOND

TICKS = 500
"""Trades of a seed's market, on average, unless told."""

ON_DISK_EVERY = 20
"""One seed in so many keeps its journal in a file, as the machine does; the others in memory, for speed."""

DAY = 20210726
SYMBOLS = ("TAIFEX:TXF202108", "TAIFEX:MXF202108")


class Plan(msgspec.Struct, frozen=True):
    """All that a seed decides. Chances are in a thousand."""

    seed: int
    run: RunSettings
    ticks: int
    weather: Weather = CALM
    trader_dies: int = 0
    """Of its batches."""
    gateway_dies: int = 0
    """Of its requests."""
    strategy_dies: int = 0
    """Of the market's events, as the next two."""
    restarts: int = 0
    """How often the gateway is started again between two events."""
    commands: int = 0
    """How often a person gives a command."""
    reports_repeated: int = 0
    """Of the reports that the venue gives to the gateway, as the next."""
    reports_late: int = 0
    on_disk: bool = False


def plan_of(seed: int, ticks: int = TICKS) -> Plan:
    """What a seed decides, with about `ticks` trades."""
    random = Random(f"plan/{seed}")
    rough = random.choice((0, 1, 1, 2))
    weather = Weather(
        dropped=rough * random.choice((0, 2, 10)),
        repeated=rough * random.choice((0, 5, 25)),
        delayed=rough * random.choice((0, 5, 25)),
        latency_ns=random.choice((1, 5_000_000, 300_000_000)),
        delay_ns=random.choice((SECOND // 10, 2 * SECOND, 15 * SECOND)),
        again=rough * 400,
    )
    return Plan(
        seed=seed,
        run=_settings_of(random, seed),
        ticks=ticks,
        weather=weather,
        trader_dies=rough * random.choice((1, 3, 8)),
        gateway_dies=rough * random.choice((0, 10, 40)),
        strategy_dies=rough * random.choice((0, 1, 5)),
        restarts=rough * random.choice((0, 2, 10)),
        commands=random.choice((0, 5, 20)),
        reports_repeated=rough * random.choice((0, 20, 100)),
        reports_late=rough * random.choice((0, 20, 100)),
        on_disk=seed % ON_DISK_EVERY == 0,
    )


def _settings_of(random: Random, seed: int) -> RunSettings:
    symbols = SYMBOLS[: random.choice((1, 1, 2))]
    fast = random.randint(1, 5)
    strategies = [
        StrategySettings(
            name="fuzz", use="autofutures.simulation.fuzz:Fuzz", symbols=symbols, settings={"seed": seed + 1}
        ),
        StrategySettings(
            name="ema",
            use="ema_cross",
            symbols=symbols[:1],
            settings={"fast": fast, "slow": fast + random.randint(1, 10), "lots": random.randint(1, 3)},
        ),
    ]
    if random.randrange(3):
        conditions = {f"c{number}": _condition(random) for number in range(random.randint(1, 4))}
        strategies.append(
            StrategySettings(name="sr", use="support_resistance", symbols=symbols[-1:], conditions=conditions)
        )
    return RunSettings(
        symbols=symbols,
        day=DAY,
        source="recorded",
        strategies=tuple(strategies),
        limits={
            "position": {"max_contracts": random.choice((2, 4, 8, 20))},
            "order_size": {"max_contracts": random.choice((1, 3, 10))},
            "message_rate": {"max_per_second": random.choice((3, 50))},
            "stale_tick": {"max_age_ms": random.choice((2_000, 10_000))},
        },
        slippage_ticks=random.randrange(3),
        queue_contracts=random.choice((0, 3, 20)),
        mwp_points=random.choice((2, 50)),
        order_latency_ns=random.choice((0, 5_000_000, SECOND)),
    )


def _condition(random: Random) -> dict[str, Value]:
    return {
        "side": random.choice(("buy", "sell")),
        "trigger": 17_400 + random.randint(-25, 25),
        "turning_point": random.randint(1, 5),
        "take_profit": random.randint(2, 15),
        "stop_loss": random.randint(2, 15),
        "quantity": random.randint(1, 3),
        "following": random.choice((True, False)),
        "exit_from": random.choice(("plan", "fill")),
    }
