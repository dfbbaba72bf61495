"""The measurement behind `autofutures bench sweep`: whole searches on the kernel, their database included."""

import tempfile
from pathlib import Path

import msgspec
import polars as pl

from autofutures.backtest.kernel_cost import DAY, SYMBOL, EmaBars, run_of, ticks
from autofutures.backtest.results import Results
from autofutures.backtest.sweep import Plan, sweep
from autofutures.backtest.workers import Here, evaluate
from autofutures.data.catalog import place_of, write_frame
from autofutures.domain.errors import BrokenInvariant
from autofutures.strategies.load import place_of as use_of

TICKS, BARS = 1_000_000, 100_000

FAST, SLOW = "fast=5:100:5", "slow=120:480:40"
"""Of the averages: 200 sets."""

_CHECKED = 3
"""Sets that are run once more, each alone, and must come to the same."""


class Rate(msgspec.Struct, frozen=True):
    """One search."""

    events: int
    """That each set heard: trades, or bars."""
    sets: int
    seconds: float
    """From the question to the last answer in the database."""
    sets_per_s: float
    orders: int
    """Of all sets."""


class SweepCost(msgspec.Struct, frozen=True):
    """All of it."""

    ticks: Rate
    bars: Rate
    """Each trade a bar of its own."""


def measure(scale: float = 1.0) -> SweepCost:
    """Makes a market, searches it, and deletes it; `scale` makes the market shorter."""
    with tempfile.TemporaryDirectory(prefix="bench-sweep-") as folder:
        return SweepCost(
            ticks=_rate("ema_cross", round(TICKS * scale), Path(folder) / "ticks"),
            bars=_rate(use_of(EmaBars), round(BARS * scale), Path(folder) / "bars"),
        )


def _rate(use: str, count: int, folder: Path) -> Rate:
    walk = ticks(count)
    frame = pl.DataFrame({"at": walk.at, "price_ticks": walk.a, "qty": walk.b, "auction": walk.c != 0})
    write_frame(frame, folder / place_of("ticks", SYMBOL, DAY))
    run = msgspec.structs.replace(run_of(use, {}, "prints"), catalog=str(folder))
    evaluate("kernel", run, [{"fast": 5, "slow": 120}])  # What must be compiled is compiled before.
    plan = Plan(run=run, grid=[FAST, SLOW], engine="kernel")
    with Results.open(f"sqlite:///{folder}/results.db") as results:
        found = sweep(plan, results, Here("kernel"))
    for one in found.results[:: -(-len(found.results) // _CHECKED)]:
        (alone,) = evaluate("kernel", run, [one.parameters])
        if alone.summary != one.summary:
            raise BrokenInvariant(f"the set {one.parameters} came to something else alone than among others")
    return Rate(
        events=count,
        sets=len(found.results),
        seconds=round(found.seconds, 3),
        sets_per_s=round(len(found.results) / found.seconds, 1),
        orders=sum(one.summary.orders for one in found.results),
    )
