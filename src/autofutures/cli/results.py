"""`autofutures results`: what searches have tried, and what can be said of it."""

import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from autofutures.cli import options, searching
from autofutures.cli.output import print_json
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.backtest.cross_validation import Validation
    from autofutures.backtest.monte_carlo import Outcomes
    from autofutures.backtest.objective import SetResult
    from autofutures.backtest.results import Results, Search
    from autofutures.backtest.stability import StabilityMap

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "What `autofutures sweep` and `walk-forward` have tried: nothing is run here.\n\n"
        "Examples:\n\n"
        "autofutures results list\n\n"
        "autofutures results show 3 --top 20 --csv sets.csv\n\n"
        "autofutures results best 3 --json\n\n"
        "autofutures results map 3 fast slow\n\n"
        "autofutures results cross-validate 3 --groups 6 --tests 2 --embargo 2\n\n"
        "autofutures results monte-carlo 3 --rank 1 --way shuffle"
    ),
)

NumberArgument = Annotated[int, typer.Argument(help="The search's number: see list.", min=1)]
OwnObjective = Annotated[
    str, typer.Option("--objective", help="What to rank by. Default: what the search was for.")
]
RankOption = Annotated[int, typer.Option("--rank", help="Which set, by its rank.", min=1)]


class _Read:
    """A search with its sets, the best first."""

    def __init__(self, results: "Results", number: int, objective: str) -> None:
        from autofutures.backtest.objective import checked_objective, ranked

        self.search: Search = results.search(number)
        self.objective = checked_objective(objective or self.search.objective)
        self.results: list[SetResult] = results.sets(number)
        if not self.results:
            raise BadInput(f"search {number} has no finished set yet; to go on: {self.search.command}")
        self.ranked = ranked(self.results, self.objective)
        self.tried_on_data = results.tried_on(self.search.data_hash, self.search.strategy)

    def by_rank(self, rank: int) -> "SetResult":
        """A set by its rank, from 1."""
        if rank > len(self.ranked):
            raise BadInput(f"there is no rank {rank}: search {self.search.id} has {len(self.ranked)} sets")
        return self.ranked[rank - 1]


@app.command("list")
def list_(results: searching.ResultsOption = "", as_json: options.JsonOption = False) -> None:
    """List the searches, the first one first."""
    from autofutures.backtest.wording import clock

    with searching.opened(results) as database:
        found = database.searches()
    if as_json:
        print_json({"searches": msgspec.to_builtins(found)})
        return
    if not found:
        sys.stdout.write("no search yet: run autofutures sweep\n")
        return
    table = Table(
        "", "begun", "strategy", "space", "method", "objective", "tried", "refused", "state", box=None
    )
    for search in found:
        about = (clock(search.started_at), search.strategy, " ".join(search.space), search.method)
        counts = (f"{search.tried:,}", f"{search.refused:,}")
        table.add_row(str(search.id), *about, search.objective, *counts, search.state)
    searching.print_wide(table)


@app.command("show")
def show(
    number: NumberArgument,
    objective: OwnObjective = "",
    top: searching.TopOption = 10,
    csv: searching.CsvOption = None,
    parquet: searching.ParquetOption = None,
    results: searching.ResultsOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Show a search: its best sets, and how much of the best one is luck."""
    from autofutures.backtest.verdict import verdict

    with searching.opened(results) as database:
        read = _Read(database, number, objective)
    searching.write_sets(read.ranked, csv, parquet)
    judged = verdict(read.results, read.objective, read.tried_on_data)
    if as_json:
        sets = [searching.set_table(result) for result in read.ranked]
        facts = {"search": msgspec.to_builtins(read.search), "objective": read.objective}
        print_json({**facts, "verdict": msgspec.to_builtins(judged), "sets": sets})
        return
    searching.print_wide(searching.table_of(read.ranked, read.objective, top))
    search = read.search
    sys.stdout.write(
        f"Search {search.id} ({search.state}): {search.strategy}, {' '.join(search.space)}, {search.method}; "
        f"{search.tried:,} sets tried, {search.refused:,} refused.\n"
    )
    sys.stdout.write(searching.unsaid_line(read.ranked, read.objective))
    sys.stdout.write("".join(f"  - {line}\n" for line in searching.verdict_lines(judged)))
    sys.stdout.write(
        f"data {search.data_hash[:16]}  code {search.code_hash[:16]}  version {search.version}\n"
    )
    if search.state != "done":
        sys.stdout.write(f"To go on: {search.command}\n")


@app.command("best")
def best(
    number: NumberArgument,
    objective: OwnObjective = "",
    rank: RankOption = 1,
    results: searching.ResultsOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Show one set of a search whole, the best unless told otherwise."""
    with searching.opened(results) as database:
        read = _Read(database, number, objective)
    result = read.by_rank(rank)
    if as_json:
        print_json({"search": number, "rank": rank, **searching.set_table(result)})
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in result.parameters.items():
        table.add_row(name, str(value))
    for name, figure in result.figures.items():
        why = result.why_none.get(name)
        table.add_row(
            name.replace("_", " "), searching.figure_text(name, figure) + (f"  {why}" if why else "")
        )
    table.add_row("order hash", result.summary.order_hash[:16])
    table.add_row("fill hash", result.summary.fill_hash[:16])
    searching.print_wide(table)
    sys.stdout.write(f"To run it: autofutures backtest … {searching.set_options(result.parameters)}\n")


@app.command("map")
def map_(
    number: NumberArgument,
    x: Annotated[str, typer.Argument(help="The parameter of the columns.")],
    y: Annotated[str, typer.Argument(help="The parameter of the rows.")],
    objective: OwnObjective = "",
    results: searching.ResultsOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Map the objective over two parameters: does the best set stand on a plateau or on a lonely peak?

    Other parameters are held where the best set has them.
    """
    from autofutures.backtest.objective import LOWER_IS_BETTER
    from autofutures.backtest.stability import stability_map

    with searching.opened(results) as database:
        read = _Read(database, number, objective)
    sign = -1.0 if read.objective in LOWER_IS_BETTER else 1.0
    figures = [(result.parameters, result.figures[read.objective]) for result in read.results]
    signed = [(parameters, None if figure is None else sign * figure) for parameters, figure in figures]
    found = stability_map(signed, x, y, read.ranked[0].parameters)
    if as_json:
        print_json({"search": number, "objective": read.objective, "map": msgspec.to_builtins(found)})
        return
    _print_map(found, read.objective)
    if sign < 0:
        sys.stdout.write("Figures are shown below zero: the higher, the better.\n")


def _print_map(found: "StabilityMap", objective: str) -> None:
    table = Table(
        f"{found.y} / {found.x}", *(str(value) for value in found.x_values), box=None, pad_edge=False
    )
    for value, row in zip(found.y_values, found.values, strict=True):
        table.add_row(str(value), *(searching.figure_text(objective, cell) for cell in row))
    searching.print_wide(table)
    held = "".join(f", {name}={value}" for name, value in found.fixed.items())
    for word, cell in (("highest", found.best), ("safest", found.safest)):
        column, row_ = found.x_values.index(cell[found.x]), found.y_values.index(cell[found.y])
        worst, share = found.neighbours_worst[row_][column], found.plateau[row_][column]
        shared = "" if share is None else f"; they share {share:.0%} of its height above the median"
        sys.stdout.write(
            f"{word}: {found.x}={cell[found.x]}, {found.y}={cell[found.y]}{held}: "
            f"{searching.figure_text(objective, found.values[row_][column])}, its worst neighbour "
            f"{searching.figure_text(objective, worst)}{shared}\n"
        )


@app.command("cross-validate")
def cross_validate(
    number: NumberArgument,
    groups: Annotated[int, typer.Option("--groups", help="Parts to cut the run into.", min=2)] = 6,
    tests: Annotated[
        int, typer.Option("--tests", help="Parts that judge at once; 1: plain folds.", min=1)
    ] = 1,
    purge: Annotated[
        int, typer.Option("--purge", help="Periods beside a test that are not trained on.", min=0)
    ] = 1,
    embargo: Annotated[int, typer.Option("--embargo", help="More periods after a test.", min=0)] = 0,
    objective: OwnObjective = "",
    results: searching.ResultsOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Choose on all parts of the run but some, judge on those, and so for every choice of parts.

    Purged and embargoed, and combinatorial with --tests 2 or more (López de Prado 2018, chapters 7 and 12). Periods are
    trading days, or slices of 5 minutes of a short run. The sets ran over the whole run, so a test's profit is what the
    chosen set's equity gained in it.
    """
    from autofutures.backtest.cross_validation import (
        as_combinatorial,
        combinatorial_folds,
        horizon,
        purged_folds,
        validate,
    )
    from autofutures.backtest.objective import profits_of

    with searching.opened(results) as database:
        read = _Read(database, number, objective)
    profits = profits_of(read.results)
    ends = horizon(len(profits.periods), purge)
    if tests == 1:
        folds = as_combinatorial(purged_folds(ends, groups, embargo))
    else:
        folds = combinatorial_folds(ends, groups, tests, embargo)
    found = validate(profits, read.objective, folds)
    if as_json:
        picks = [None if pick is None else read.results[pick].parameters for pick in found.picked]
        print_json({"search": number, **msgspec.to_builtins(found), "picked": picks})
        return
    _print_validation(found)


def _print_validation(found: "Validation") -> None:
    efficiency = "cannot be said" if found.efficiency is None else f"{found.efficiency:.0%}"
    different = len({pick for pick in found.picked if pick is not None})
    paths = sorted(found.paths)
    sys.stdout.write(
        f"{found.splits:,} splits chose {different:,} different sets by {found.objective}; {found.share_won:.0%} of "
        f"the tests won.\nOut of sample for each unit in sample: {efficiency}.\n"
        f"{len(paths):,} whole out-of-sample path(s): net from {paths[0]:,} to {paths[-1]:,}, median "
        f"{paths[len(paths) // 2]:,}.\n"
    )


@app.command("monte-carlo")
def monte_carlo(
    number: NumberArgument,
    rank: RankOption = 1,
    samples: Annotated[int, typer.Option("--samples", help="How many deals.", min=1)] = 10_000,
    way: Annotated[
        str, typer.Option("--way", help="bootstrap draws trades with return, shuffle changes their order.")
    ] = "bootstrap",
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same answer.", min=0)] = 1,
    objective: OwnObjective = "",
    results: searching.ResultsOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Deal a set's closed trades anew, many times over: what they could as well have made."""
    import numpy as np

    from autofutures.backtest.monte_carlo import MIN_TRADES, deal, way_of

    with searching.opened(results) as database:
        read = _Read(database, number, objective)
    result = read.by_rank(rank)
    found = deal(np.array(result.trades, dtype=np.int64), samples, seed, way_of(way))
    if as_json:
        outcome = None if found is None else msgspec.to_builtins(found, str_keys=True)
        print_json({"search": number, "rank": rank, "parameters": result.parameters, "outcomes": outcome})
        return
    if found is None:
        sys.stdout.write(f"too few to say: {len(result.trades)} closed trades, {MIN_TRADES} needed\n")
        return
    _print_outcomes(found)


def _print_outcomes(found: "Outcomes") -> None:
    table = Table("percentile", *(str(percentile) for percentile in found.net), box=None, pad_edge=False)
    table.add_row("net", *(f"{value:,}" for value in found.net.values()))
    table.add_row("deepest drawdown", *(f"{value:,}" for value in found.max_drawdown.values()))
    searching.print_wide(table)
    sys.stdout.write(
        f"{found.samples:,} deals of {found.trades:,} trades ({found.way}): {found.loss:.1%} lost money; in "
        f"{found.as_deep:.1%} the drawdown was at least that of the trades in their own order. Trades are taken as "
        "independent of each other.\n"
    )
