"""`autofutures walk-forward`: what a strategy would have made whose parameters were chosen again and again."""

import re
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer
from rich.table import Table

from autofutures.cli import options, searching
from autofutures.cli.of_a_run import of_a_run
from autofutures.cli.output import print_json
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.backtest.sweep import Plan, Searched
    from autofutures.backtest.walk_forward import WalkForward, Window
    from autofutures.config import RunSettings

_HELP = (
    "Choose parameters on one window of a run, count what they make in the next, and go on so to its end.\n\n"
    "Windows are trading days (20d) or, within a day, time (2h, 30m). Every set is run once over the whole market, as "
    "`autofutures sweep` does, and stored there; a window's profit is what the set's equity gained in it. So a set "
    "that is chosen comes warm, and a position that it holds at a window's end is not closed, nor is the change from "
    "one set to the next charged.\n\n"
    "Examples:\n\n"
    "autofutures walk-forward ema_cross --generate --grid fast=5:20:5 --grid slow=30,60 --train 2h --test 30m\n\n"
    "autofutures walk-forward ema_cross --symbol TXF202606 --from 2026-05-21 --to 2026-06-05 --grid fast=5:50:5 "
    "--train 5d --test 2d\n\n"
    "autofutures walk-forward ema_cross --symbol TXF202108 --date 2021-07-26 --grid fast=5:50:5 --train 60m --test 20m "
    "--anchored --objective sharpe --json"
)


def mount(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("walk-forward", help=_HELP)(walk_forward)


@of_a_run
def walk_forward(
    run: "RunSettings",
    train: Annotated[str, typer.Option("--train", help="How long to choose on: 20d, 2h, 30m.")],
    test: Annotated[str, typer.Option("--test", help="How long the choice is then held: 5d, 1h, 10m.")],
    anchored: Annotated[
        bool,
        typer.Option("--anchored/--rolling", help="Choose on all that came before, or on the last --train."),
    ] = False,
    grid: searching.GridOption = None,
    random: searching.RandomOption = 0,
    search_seed: searching.SearchSeedOption = 1,
    objective: Annotated[
        str, typer.Option("--objective", help="What to choose by: net_pnl, sharpe, sortino or calmar.")
    ] = "net_pnl",
    engine: searching.EngineOption = "nodes",
    jobs: searching.JobsOption = 0,
    cluster: searching.ClusterOption = "",
    results: searching.ResultsOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    from autofutures.backtest.sweep import Plan

    lengths = length_of("--train", train), length_of("--test", test)
    method = searching.method_of(random, "", 0, search_seed)
    command = searching.command_line()
    plan = Plan(run=run, grid=grid or [], method=method, objective=objective, engine=engine, command=command)
    with searching.opened(results) as database:
        found = searching.searched(plan, database, jobs, cluster)
    _tell(plan, found, lengths, "anchored" if anchored else "rolling", as_json=as_json)


Length = tuple[int, Literal["d", "m"]]
_LENGTH = re.compile(r"(?P<number>[1-9]\d{0,6})(?P<unit>[dhm])")


def length_of(option: str, text: str) -> Length:
    """`20d` as 20 days, `2h` as 120 minutes.

    Raises:
        BadInput: it is something else.
    """
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"{option} {text!r}: write days or time, as in 20d, 2h or 30m")
    number = int(found["number"])
    if found["unit"] == "d":
        return number, "d"
    return number * (60 if found["unit"] == "h" else 1), "m"


def windows_of(
    plan: "Plan", found: "Searched", lengths: tuple[Length, Length], kind: Literal["rolling", "anchored"]
) -> "list[Window]":
    """The windows of a search's run.

    Raises:
        BadInput: the lengths do not fit each other, or the run.
    """
    from autofutures.backtest.objective import SLICE_MINUTES, days_of_periods, profits_of
    from autofutures.backtest.walk_forward import windows, windows_of_days

    (train, unit), (test, other) = lengths
    if unit != other:
        raise BadInput("--train and --test must both be days, or both be time within a day")
    profits = profits_of(found.results)
    if unit == "d":
        return windows_of_days(days_of_periods(plan.run, profits.periods), train, test, kind)
    if profits.by_day:
        raise BadInput("this run is kept by trading days: give --train and --test in days, as in 20d")
    for option, minutes in (("--train", train), ("--test", test)):
        if minutes % SLICE_MINUTES:
            raise BadInput(
                f"{option} of {minutes} minutes: profit is kept by {SLICE_MINUTES} minutes; give a multiple"
            )
    return windows(len(profits.periods), train // SLICE_MINUTES, test // SLICE_MINUTES, kind)


def _tell(
    plan: "Plan",
    found: "Searched",
    lengths: tuple[Length, Length],
    kind: Literal["rolling", "anchored"],
    *,
    as_json: bool,
) -> None:
    from autofutures.backtest.walk_forward import walk_forward as walk

    walked = walk(found.results, windows_of(plan, found, lengths, kind), plan.objective, kind)
    if as_json:
        facts = {"search": found.number, "tried": len(found.results), "refused": found.refused}
        print_json({**facts, "walk_forward": msgspec.to_builtins(walked)})
        return
    searching.print_wide(_steps_table(walked))
    efficiency = "cannot be said (nothing was made in sample)"
    if walked.efficiency is not None:
        efficiency = f"{walked.efficiency:.0%}"
    sharpe = "–" if walked.sharpe is None else f"{walked.sharpe:.3f}"
    sys.stdout.write(
        f"{len(walked.steps):,} {kind} windows over {len(found.results):,} sets (search {found.number}), chosen by "
        f"{plan.objective}.\n"
        f"Out of sample: net {walked.net:,}, deepest drawdown {walked.max_drawdown:,}, Sharpe ratio of one "
        f"{'day' if walked.by_day else 'slice of 5 minutes'} {sharpe}, {walked.share_won:.0%} of the windows won.\n"
        f"Efficiency, what was made out of sample for each unit in sample: {efficiency}.\n"
    )
    if walked.unpicked:
        sys.stdout.write(f"In {walked.unpicked:,} windows the objective could say nothing of any set.\n")


def _steps_table(walked: "WalkForward") -> Table:
    from autofutures.backtest.wording import clock, date

    said = date if walked.by_day else clock
    table = Table(box=None, pad_edge=False)
    for head in ("train from", "to", "test from", "to", "chosen", "in sample net", "out of sample net"):
        table.add_column(head, justify="left" if head == "chosen" else "right")
    for step in walked.steps:
        chosen = ", ".join(f"{name}={value}" for name, value in (step.picked or {}).items()) or "–"
        times = [said(period) for period in (*step.train, *step.test)]
        table.add_row(*times, chosen, f"{step.in_sample_net:,}", f"{step.out_of_sample_net:,}")
    return table
