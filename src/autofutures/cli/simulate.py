"""`autofutures simulate`: the whole house from one integer, with everything that can go wrong."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from autofutures.cli import options
from autofutures.cli.output import print_json, spinner

if TYPE_CHECKING:
    from autofutures.simulation.run import Result

_HELP = (
    "Run the whole house from seeds, and prove that it keeps its promises.\n\n"
    "A seed decides a market, strategies that do all which can be done, and the faults: processes killed at any "
    "point or standing still, messages lost, repeated and late, links cut, a disk full or slow, a broker that "
    "misbehaves in every way, and in one seed of four a person at the kill switch. The broker keeps its own ledger "
    "and is the judge. Exit code 1 when a promise is broken.\n\n"
    "Examples:\n\n"
    "autofutures simulate --seeds 1000 --json\n\n"
    "autofutures simulate --seeds 1 --first-seed 17 --story"
)

TAIL = 40
"""Lines of a story that are shown unasked."""

SHOWN = 3
"""Broken seeds whose story is shown unasked."""

TICKS = 2_000


def mount(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("simulate", help=_HELP)(simulate)


def simulate(
    seeds: Annotated[int, typer.Option("--seeds", help="How many seeds.", min=1)] = 100,
    first_seed: Annotated[int, typer.Option("--first-seed", help="The first of them.", min=0)] = 1,
    ticks: Annotated[int, typer.Option("--ticks", help="The fewest trades of each market.", min=1)] = TICKS,
    jobs: Annotated[
        int, typer.Option("--jobs", help="Seeds at a time; as many as there are cores unless told.", min=0)
    ] = 0,
    story: Annotated[
        bool, typer.Option("--story", help="Tell all that happened, on standard error.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    from autofutures import clock
    from autofutures.domain.units import SECOND
    from autofutures.simulation.run import run_seeds, total

    started = clock.stopwatch_ns()
    results: list[Result] = []
    broken = 0
    at_once = min(seeds, jobs or len(os.sched_getaffinity(0)))
    with spinner("seeds") as progress:
        for result in run_seeds(range(first_seed, first_seed + seeds), ticks, jobs=at_once, told=story):
            results.append(result)
            progress(len(results))
            broken += bool(result.broken)
            if story or (result.broken and broken <= SHOWN):
                _tell(result, ticks, whole=story)
    figures = {**total(results), "seconds": round((clock.stopwatch_ns() - started) / SECOND, 3)}
    _print(figures, results, ticks, as_json=as_json)
    if broken:
        raise typer.Exit(1)


def replay_of(seed: int, ticks: int) -> str:
    """The one command that runs a seed again and tells its story."""
    market = "" if ticks == TICKS else f" --ticks {ticks}"
    return f"autofutures simulate --seeds 1 --first-seed {seed}{market} --story"


def _tell(result: "Result", ticks: int, *, whole: bool) -> None:
    """A seed's story; unless the whole is wanted, how it ended."""
    lines = result.story if whole else result.story[-TAIL:]
    for line in lines:
        sys.stderr.write(f"{line}\n")
    if result.broken:
        sys.stderr.write(
            f"seed {result.seed}: {result.broken}\nto see it again: {replay_of(result.seed, ticks)}\n"
        )


def _print(figures: Mapping[str, object], results: "Sequence[Result]", ticks: int, *, as_json: bool) -> None:
    failed = [replay_of(result.seed, ticks) for result in results if result.broken]
    if as_json:
        print_json({**figures, "replay": failed})
        return
    for name, value in figures.items():
        text = (
            ", ".join(f"{kind} {count:,}" for kind, count in value.items())
            if isinstance(value, dict)
            else value
        )
        sys.stdout.write(f"{name.replace('_', ' '):15} {text}\n")
    for command in failed:
        sys.stdout.write(f"to see it again: {command}\n")
