"""The kernel against the nodes, on markets without sense: the same rows, byte for byte, or the first that differs.

python -m tests.parity.fuzz --seeds 20 --events 100000
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from autofutures.assemble import nodes
from autofutures.assemble.market import make_exchange
from autofutures.backtest import takes
from autofutures.backtest.kernel.machine import Machine
from autofutures.backtest.kernel.results import tally_of
from autofutures.config import RunSettings, StrategySettings
from autofutures.data.feed import events
from autofutures.data.stream import QUOTE, SESSION_END, TICK, Chunk
from autofutures.domain.messages import Placed
from autofutures.domain.units import SECOND
from autofutures.engine import Engine
from autofutures.market.sessions import Calendar, Session
from autofutures.portfolio.tally import Tally
from autofutures.strategies.load import make

SYMBOLS = ("TAIFEX:TXF202108", "TAIFEX:MXF202108")
START = 17_000
DAY = 20210726


def settings_of(seed: int, **changes: object) -> RunSettings:
    """What a seed trades, and under which limits; `changes` are fields that are to be others."""
    rng = np.random.default_rng(seed)
    symbols = SYMBOLS[: 1 + seed % 2]
    exits: Literal["plans", "own"] = "plans" if seed % 5 == 4 else "own"
    run = RunSettings(
        symbols=symbols,
        day=20210816 if seed % 7 == 5 else DAY,  # The contracts end on the 18th.
        until=20210831,
        source="recorded",
        market="quotes" if seed % 4 == 3 else "prints",
        strategies=(
            StrategySettings(
                name="every",
                use=f"{Path(__file__).parent / 'every_kind.py'}:EveryKind",
                symbols=symbols,
                settings={"seed": seed, "legs": len(symbols), "pace": 2 + int(rng.integers(4))},
                exits=exits,
                book_stop=int(rng.choice([20_000, 2_000_000, 200_000_000])),
            ),
        ),
        limits={
            "position": {"max_contracts": int(rng.integers(5, 25))},
            "message_rate": {"max_per_second": int(rng.integers(3, 30))},
            "stale_tick": {"max_age_ms": int(rng.choice([2_000, 10_000]))},
            "collar": {"max_bp": int(rng.choice([2, 50, 200]))},
        },
        slippage_ticks=int(rng.integers(3)),
        queue_contracts=int(rng.choice([0, 3, 20])),
        mwp_points=int(rng.choice([1, 3, 50])),
        order_latency_ns=int(rng.choice([0, 0, 5_000_000, SECOND])),
        bands=dict.fromkeys(symbols, (START - 60, START + 60)) if seed % 3 else {},
        fee=int(rng.integers(40)),
    )
    return msgspec.structs.replace(run, **changes)


def market(seed: int, run: RunSettings, events_n: int) -> Chunk:
    """Trades of several sessions, with jumps, lulls, whole-second stamps, and prints that cannot be trades."""
    rng = np.random.default_rng(seed + 1_000_000)
    calendar = Calendar()
    sessions: list[Session] = []
    day = run.day
    per_session = max(50, events_n // 12)
    while len(sessions) * per_session < events_n:
        sessions += calendar.sessions_of(day, "taifex-index")
        day = calendar.next_trading_day(day)
    rows: list[tuple[int, int, int, int, int, int, int]] = []
    prices = [START, START]
    numbers: Counter[int] = Counter()
    for session in sessions:
        numbers[session.day] += 1
        count = int(rng.integers(per_session // 2, per_session * 2))
        span = session.closes_at - session.opens_at
        begin = session.opens_at + int(rng.choice([0, span // 2, span - span // 8]))
        at = np.sort(
            begin + rng.integers(0, max(1, min(count * 200_000_000, session.closes_at - begin)), count)
        )
        if rng.integers(3) == 0:
            at = at // SECOND * SECOND
        traded = set()
        for number in range(count):
            leg = int(rng.integers(len(run.symbols)))
            step = int(rng.integers(-40, 41)) if rng.integers(80) == 0 else int(rng.integers(-2, 3))
            prices[leg] += step - (prices[leg] > START + 50) + (prices[leg] < START - 50)
            price = prices[leg] if rng.integers(300) else int(rng.choice([0, START * 2, START - 61]))
            rows.append(
                (int(at[number]), TICK, leg, price, int(rng.choice([1, 1, 2, 5, 30])), number == 0, 0)
            )
            traded.add(leg)
            if run.market == "quotes" and rng.integers(3):
                bid, ask = price - int(rng.integers(1, 3)), price + int(rng.integers(3))
                sizes = (int(rng.integers(0, 30)), int(rng.integers(0, 30)))
                rows.append((int(at[number]), QUOTE, leg, bid, sizes[0], ask, sizes[1]))
                if rng.integers(4) == 0:
                    rows.pop(-2)  # Only the quote.
        rows += [
            (session.ends_at, SESSION_END, leg, session.day, numbers[session.day] - 1, 0, 0)
            for leg in sorted(traded)
        ]
    columns = list(zip(*rows[:events_n], strict=True))
    kinds = ("i8", "u1", "u1", "i8", "i8", "i8", "i8")
    return Chunk(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


def on_nodes(run: RunSettings, chunk: Chunk) -> Tally:
    """The run on the nodes."""
    hosts = [nodes.make_host(run, strategy) for strategy in run.strategies]
    tally = nodes.make_tally(run)
    calendar = Calendar()

    def name(leg: int, day: int, number: int) -> str:
        return calendar.sessions_of(day, "taifex-index")[number].name

    Engine(make_exchange(run), nodes.make_trader(run), hosts, tally).run(events([chunk], run.symbols, name))
    return tally


def parts(chunk: Chunk, size: int) -> Iterator[Chunk]:
    """A chunk in pieces."""
    for start in range(0, len(chunk), size):
        yield chunk.part(start, start + size)


def on_kernel(run: RunSettings, chunk: Chunk, way: str = "compiled", size: int = 7_001) -> Tally:
    """The run on the kernel, compiled or interpreted, in pieces."""
    settings = run.strategies[0]
    strategy = make(settings.use, settings.settings)
    machine = Machine(run, strategy, getattr(takes, way)(strategy))
    for part in parts(chunk, size):
        machine.take(part)
    machine.finish(int(chunk.at[-1]))
    return tally_of(machine)


def difference(nodes_tally: Tally, kernel_tally: Tally) -> str:
    """The first thing in which two runs differ, in words; empty where they are equal."""
    for what in ("orders", "fills", "equity"):
        ours, theirs = getattr(nodes_tally, what), getattr(kernel_tally, what)
        for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            same = _comparable(one) == _comparable(other)
            if not same:
                return f"{what} {number}: nodes {one}, kernel {other}"
        if len(ours) != len(theirs):
            extra = max(ours, theirs, key=len)[min(len(ours), len(theirs))]
            return f"{what}: nodes {len(ours)}, kernel {len(theirs)}; the first more is {extra}"
    refused = [
        [(one.cause_seq, one.k, one.at, one.rule, one.limit, one.value) for one in tally.refusals]
        for tally in (nodes_tally, kernel_tally)
    ]
    for number, (one, other) in enumerate(zip(*refused, strict=False)):
        if one != other:
            return f"refusal {number}: nodes {one}, kernel {other}"
    mine, yours = nodes_tally.summary(), kernel_tally.summary()
    return "" if mine == yours else f"nodes {mine}, kernel {yours}"


def _comparable(one: object) -> object:
    if isinstance(one, Placed):
        intent = one.intent
        return (
            one.client_id,
            intent.at,
            intent.cause_seq,
            intent.k,
            intent.symbol,
            intent.side,
            intent.qty,
            intent.type,
            intent.price_ticks,
            intent.stop_ticks,
            intent.tif,
            intent.open_close,
        )
    return one


def counts_of(tally: Tally) -> Counter[str]:
    """How often each kind of order, refusal and fill occurred."""
    counts: Counter[str] = Counter()
    sizes: dict[str, int] = {}
    for placed in tally.orders:
        intent = placed.intent
        sizes[placed.client_id] = intent.qty
        counts[f"order {intent.type.word} {intent.tif.word}"] += 1
        counts["order of the trader"] += intent.k >= 1 << 15
    for refused in tally.refusals:
        counts[f"refused {refused.rule}"] += 1
    for fill in tally.fills:
        counts["fill"] += 1
        counts["fill in part"] += fill.qty < sizes.get(fill.client_id, 0)
    counts["bad print"] += tally.bad_ticks
    return counts


def main() -> int:
    """Prints one JSON object; 1 where a seed differs."""
    parser = argparse.ArgumentParser(description="the kernel against the nodes")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--way", choices=("compiled", "interpreted"), default="compiled")
    told = parser.parse_args()
    counts: Counter[str] = Counter()
    different = {}
    for seed in range(told.first_seed, told.first_seed + told.seeds):
        run = settings_of(seed)
        chunk = market(seed, run, told.events)
        on_them, on_it = on_nodes(run, chunk), on_kernel(run, chunk, told.way)
        counts += counts_of(on_them)
        found = difference(on_them, on_it)
        if found:
            different[seed] = found
            print(seed, found, file=sys.stderr, flush=True)
    print(
        json.dumps(
            {
                "seeds": told.seeds,
                "events": told.events,
                "different": different,
                "counts": dict(sorted(counts.items())),
            },
            indent=1,
        )
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
