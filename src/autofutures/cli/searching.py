"""What `sweep`, `walk-forward` and `results` share: their options, and how a search is run and told."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from autofutures.cli.output import growing_bar
from autofutures.config import default_results
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.backtest.objective import SetResult
    from autofutures.backtest.results import Results
    from autofutures.backtest.search import Method
    from autofutures.backtest.sweep import Plan, Searched
    from autofutures.backtest.verdict import Verdict

GridOption = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="NAME=VALUES",
        help="What to vary; may be given again. fast=5:50:5 is 5, 10, … 50; slow=20,60,120 is these; width=0.5:2.5 "
        "is any number between, for --random and --optuna.",
    ),
]
RandomOption = Annotated[
    int, typer.Option("--random", help="Try so many sets drawn at random, each once.", min=0)
]
OptunaOption = Annotated[
    str,
    typer.Option("--optuna", metavar="SAMPLER", help="Let Optuna choose: tpe, cmaes, nsgaii or random."),
]
TrialsOption = Annotated[int, typer.Option("--trials", help="How many sets Optuna may choose.", min=1)]
SearchSeedOption = Annotated[
    int, typer.Option("--search-seed", help="What --random and --optuna draw from; the same draws the same.")
]
ObjectiveOption = Annotated[
    str,
    typer.Option(
        "--objective",
        help="What the best is the best by: net_pnl, gross_pnl, sharpe, sortino, calmar, profit_factor, expectancy, "
        "win_rate or max_drawdown.",
    ),
]
EngineOption = Annotated[
    str, typer.Option("--engine", help="What runs the sets; every engine gives the same answers.")
]
JobsOption = Annotated[
    int, typer.Option("--jobs", help="Processes to run sets in; 0: as many as there are cores.", min=0)
]
ClusterOption = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Run the sets on a dask cluster, as in tcp://10.0.0.5:8786. Its hosts need the same version, strategy "
        "file and catalogue at the same paths, and a network that only you can reach.",
    ),
]
ResultsOption = Annotated[
    str,
    typer.Option(
        "--results",
        metavar="URL",
        help="The database of what was tried: sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE. Default: "
        "results.sqlite in $XDG_STATE_HOME/autofutures.",
    ),
]
TopOption = Annotated[int, typer.Option("--top", help="How many sets the table shows.", min=1)]
CsvOption = Annotated[Path | None, typer.Option("--csv", help="Write every set as CSV here.")]
ParquetOption = Annotated[Path | None, typer.Option("--parquet", help="Write every set as Parquet here.")]

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""


@contextmanager
def opened(url: str) -> "Iterator[Results]":
    """The results database at a URL, or at the default place."""
    from autofutures.backtest.results import Results

    with Results.open(url or default_results()) as results:
        yield results


def method_of(random: int, optuna: str, trials: int, seed: int) -> "Method":
    """How to search, from the options.

    Raises:
        BadInput: both ways were asked for.
    """
    from autofutures.backtest.search import Method

    if random and optuna:
        raise BadInput("--random and --optuna are two ways to search: choose one")
    if optuna:
        return Method(f"optuna:{optuna}", trials, seed)
    return Method("random", random, seed) if random else Method()


def command_line() -> str:
    """The command as it was given: what goes on with a search."""
    return shlex.join(["autofutures", *sys.argv[1:]])


def searched(plan: "Plan", results: "Results", jobs: int, cluster: str) -> "Searched":
    """Runs a search and shows how far it is; broken off, it says how to go on."""
    import os

    from autofutures.backtest.cluster import workers_of
    from autofutures.backtest.sweep import Interrupted, sweep

    workers = workers_of(plan.engine, jobs or len(os.sched_getaffinity(0)), cluster)
    try:
        with growing_bar("sets") as progress:
            return sweep(plan, results, workers, progress)
    except Interrupted as stopped:
        sys.stderr.write(
            f"\nautofutures: search {stopped.number} was broken off; its {stopped.stored:,} finished sets are stored. "
            f"To go on:\n{plan.command}\n"
        )
        raise typer.Exit(INTERRUPTED) from stopped
    finally:
        workers.close()


def table_of(ranked: "Sequence[SetResult]", objective: str, top: int) -> Table:
    """The best sets for a person."""
    names = list(ranked[0].parameters)
    more = [name for name in ("net_pnl", "max_drawdown", "profit_factor", "sharpe") if name != objective]
    table = Table(box=None, pad_edge=False)
    for head in ("", *names, objective, *more, "trades"):
        table.add_column(head.replace("_", " "), justify="right")
    for rank, result in enumerate(ranked[:top], 1):
        figures = [figure_text(name, result.figures.get(name)) for name in (objective, *more)]
        values = [str(value) for value in result.parameters.values()]
        table.add_row(f"{rank}", *values, *figures, f"{len(result.trades):,}")
    return table


_MONEY = ("net_pnl", "gross_pnl", "expectancy", "max_drawdown")


def figure_text(name: str, figure: float | None) -> str:
    """A figure for a person; a dash where there is none to say."""
    if figure is None:
        return "–"
    return f"{figure:,.0f}" if name in _MONEY else f"{figure:,.2f}"


def print_wide(table: Table) -> None:
    """Prints a table as wide as it is: a terminal breaks lines better than a table breaks words."""
    Console(file=sys.stdout, width=1_000, highlight=False).print(table, soft_wrap=True)


def unsaid_line(ranked: "Sequence[SetResult]", objective: str) -> str:
    """How many sets the objective says nothing of, and why; empty where it speaks of all."""
    mute = [result for result in ranked if result.figures.get(objective) is None]
    if not mute:
        return ""
    why = mute[0].why_none.get(objective, "the sample is too small")
    return f"{len(mute):,} of {len(ranked):,} sets have no {objective} and rank last ({why}).\n"


def verdict_lines(verdict: "Verdict") -> list[str]:
    """What the search proves, in sentences."""
    seen = f"{verdict.observations:,} observations ({verdict.observed_by})"
    lines = [
        f"{verdict.trials:,} sets of this strategy were tried on this data, by this search and earlier ones."
    ]
    if verdict.deflated_sharpe is None or verdict.sharpe is None or verdict.sharpe_of_luck is None:
        lines.append(f"Deflated Sharpe ratio: cannot be said: {verdict.why_none}.")
    else:
        lines.append(
            f"Deflated Sharpe ratio {verdict.deflated_sharpe:.3f}: the probability that the best set's true Sharpe "
            f"ratio is above the {verdict.sharpe_of_luck:.3f} that the best of {verdict.trials:,} worthless sets would "
            f"be expected to show; it shows {verdict.sharpe:.3f}, over {seen}."
        )
        if verdict.minimum_track_record is not None:
            lines.append(
                f"A ratio like this, tried alone, needs {verdict.minimum_track_record:,} observations to be above zero "
                "with 95 % confidence."
            )
    if verdict.overfitting is None:
        lines.append(
            "Probability of backtest overfitting: cannot be said: it takes two sets and 40 observations."
        )
    else:
        lines.append(
            f"Probability of backtest overfitting {verdict.overfitting.pbo:.0%}: in so many of "
            f"{verdict.overfitting.halvings:,} halvings of the run, the set with the best Sharpe ratio in one half "
            "was in the worse half of the sets in the other."
        )
    return lines


def set_table(result: "SetResult") -> dict[str, object]:
    """One set as data."""
    return {
        "parameters": result.parameters,
        "figures": result.figures,
        "why_none": result.why_none,
        "trades": len(result.trades),
        "summary": msgspec.to_builtins(result.summary),
        "order_hash": result.summary.order_hash,
        "fill_hash": result.summary.fill_hash,
        "seconds": round(result.seconds, 4),
    }


def set_options(parameters: Mapping[str, object]) -> str:
    """A set as options of `autofutures backtest`."""
    words = [word for name, value in parameters.items() for word in ("--set", f"{name}={_said(value)}")]
    return shlex.join(words)


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_sets(ranked: "Sequence[SetResult]", csv: Path | None, parquet: Path | None) -> None:
    """Writes one row for each set, the best first."""
    if csv is None and parquet is None:
        return
    import polars as pl

    frame = pl.DataFrame([_flat(result) for result in ranked], infer_schema_length=None, strict=False)
    if csv is not None:
        frame.write_csv(csv)
    if parquet is not None:
        frame.write_parquet(parquet)


def _flat(result: "SetResult") -> dict[str, object]:
    summary: dict[str, object] = msgspec.to_builtins(result.summary)
    summary["positions"] = msgspec.json.encode(result.summary.positions).decode()
    row = {**summary, **result.figures, "trades": len(result.trades), "seconds": result.seconds}
    own = {name if name not in row else f"set_{name}": value for name, value in result.parameters.items()}
    return {**own, **row}
