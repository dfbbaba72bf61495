"""Runs seeds, one after the other or on several cores, and adds up what they did."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import msgspec

from autofutures.domain.errors import AutofuturesError
from autofutures.domain.units import SECOND
from autofutures.simulation.house import House
from autofutures.simulation.recoveries import BRANCHES
from autofutures.simulation.seeds import TICKS, Plan, plan_of

CRASHES = (AutofuturesError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a broken house raises: the judge's verdict, or an error that ought not to be."""

_HOUR = 3_600 * SECOND
_CHUNK = 4
"""Seeds that one process takes at once."""


class Result(msgspec.Struct, frozen=True):
    """What one seed did; `broken` says which promise did not hold, and is empty where all held."""

    seed: int
    broken: str
    ticks: int
    orders: int
    """That reached the broker."""
    fills: int
    refused: int
    faults: dict[str, int]
    recoveries: dict[str, int]
    kill_points: dict[str, int]
    simulated_ns: int
    journal_hash: str
    story_hash: str
    story: tuple[str, ...]


def simulate(plan: Plan, *, told: bool = False, retold: bool = True) -> Result:
    """Runs the house from a plan; a broken promise is in the result, with the story that led to it.

    Args:
        plan: what happens.
        told: have the story of a run where nothing broke, too.
        retold: run a seed that broke once more, for its story.
    """
    house = House(plan, told=told)
    broken = ""
    try:
        house.play()
    except CRASHES as error:
        broken = f"{type(error).__name__}: {error}"
    finally:
        house.close()
    if broken and retold and not told:
        return simulate(plan, told=True)  # The same again, with its story.
    return Result(
        seed=plan.seed,
        broken=broken,
        ticks=house.world.counts["ticks"],
        orders=len(house.world.judge.arrived),
        fills=house.world.books.fills_booked,
        refused=house.world.judge.counts["refused"],
        faults=house.faults(),
        recoveries=dict(house.world.judge.recoveries.counts),
        kill_points=house.kill_points(),
        simulated_ns=house.simulated_ns,
        journal_hash=house.journal_hash,
        story_hash=house.world.story.hash,
        story=tuple(house.world.story.sentences()),
    )


def run_seed(seed: int, ticks: int = TICKS, *, told: bool = False, retold: bool = True) -> Result:
    """One seed."""
    return simulate(plan_of(seed, ticks), told=told, retold=retold)


def run_seeds(
    seeds: Sequence[int], ticks: int = TICKS, *, jobs: int = 1, told: bool = False
) -> Iterator[Result]:
    """Every seed's result, in the sequence of the seeds, whatever `jobs` is."""
    one: Callable[[int], Result] = partial(run_seed, ticks=ticks, told=told)
    if jobs == 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, seeds, chunksize=_CHUNK)


def total(results: Sequence[Result]) -> dict[str, object]:
    """Sums of many seeds, in the words of `autofutures simulate --json`."""
    faults: Counter[str] = Counter()
    recoveries: Counter[str] = Counter(dict.fromkeys(BRANCHES, 0))
    points: Counter[str] = Counter()
    for result in results:
        faults.update(result.faults)
        recoveries.update(result.recoveries)
        points.update(result.kill_points)
    return {
        "seeds": len(results),
        "violations": sum(1 for result in results if result.broken),
        "simulated_hours": round(sum(result.simulated_ns for result in results) / _HOUR, 2),
        **{
            name: sum(getattr(result, name) for result in results)
            for name in ("ticks", "orders", "fills", "refused")
        },
        "faults": dict(sorted(faults.items())),
        "recoveries": dict(recoveries),
        "kill_points": dict(sorted(points.items())),
        "least": {
            "ticks": min(result.ticks for result in results),
            "orders": min(result.orders for result in results),
            "fault_kinds": min(len(result.faults) for result in results),
        },
        "journal_hash": _hash_of(result.journal_hash for result in results),
        "story_hash": _hash_of(result.story_hash for result in results),
    }


def _hash_of(hashes: Iterator[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
