"""`autofutures sweep`: tries many sets of parameters, and says how much of the best one is luck."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from autofutures.cli import options, searching
from autofutures.cli.of_a_run import of_a_run
from autofutures.cli.output import print_json

if TYPE_CHECKING:
    from autofutures.backtest.sweep import Plan, Searched
    from autofutures.config import RunSettings

_HELP = (
    "Try many sets of a strategy's parameters on one market, and say how much of the best one is luck.\n\n"
    "Every set gives the orders and fills that `autofutures backtest` would give with it. What is done is stored at "
    "once under a hash of data, code and settings: after Ctrl-C, or a power cut, the same command goes on where it "
    "was, and no set is ever run twice. Sets that the strategy refuses are counted, not run. "
    "`autofutures results` looks at what there is.\n\n"
    "The more sets are tried, the better the best one looks by chance: the deflated Sharpe ratio and the probability "
    "of backtest overfitting say by how much. Judge with `autofutures walk-forward`, and with data that no search has "
    "seen.\n\n"
    "Examples:\n\n"
    "autofutures sweep ema_cross --generate --grid fast=5:50:5 --grid slow=20,60,120\n\n"
    "autofutures sweep ema_cross --symbol TXF202108 --date 2021-07-26 --grid fast=2:40 --grid slow=50:300:10 "
    "--random 200 --objective profit_factor\n\n"
    "autofutures sweep my/momentum.py:Momentum --generate --grid width=0.5:2.5 --optuna tpe --trials 100\n\n"
    "autofutures sweep ema_cross --generate --grid fast=5:50:5 --cluster tcp://10.0.0.5:8786 --json"
)


def mount(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("sweep", help=_HELP)(sweep)


@of_a_run
def sweep(
    run: "RunSettings",
    grid: searching.GridOption = None,
    random: searching.RandomOption = 0,
    optuna: searching.OptunaOption = "",
    trials: searching.TrialsOption = 100,
    search_seed: searching.SearchSeedOption = 1,
    objective: searching.ObjectiveOption = "net_pnl",
    engine: searching.EngineOption = "nodes",
    jobs: searching.JobsOption = 0,
    cluster: searching.ClusterOption = "",
    results: searching.ResultsOption = "",
    top: searching.TopOption = 10,
    csv: searching.CsvOption = None,
    parquet: searching.ParquetOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    from autofutures.backtest.sweep import Plan

    method = searching.method_of(random, optuna, trials, search_seed)
    command = searching.command_line()
    plan = Plan(run=run, grid=grid or [], method=method, objective=objective, engine=engine, command=command)
    with searching.opened(results) as database:
        found = searching.searched(plan, database, jobs, cluster)
    _tell(plan, found, top, csv, parquet, as_json=as_json)


def _tell(
    plan: "Plan", found: "Searched", top: int, csv: Path | None, parquet: Path | None, *, as_json: bool
) -> None:
    from autofutures.backtest.objective import ranked
    from autofutures.backtest.verdict import verdict

    best_first = ranked(found.results, plan.objective)
    searching.write_sets(best_first, csv, parquet)
    judged = verdict(found.results, plan.objective, found.tried_on_data)
    ran = len(found.results) - found.known
    if as_json:
        facts = {
            "search": found.number,
            "objective": plan.objective,
            "tried": len(found.results),
            "ran": ran,
            "known": found.known,
            "refused": found.refused,
            "refused_reasons": found.reasons,
            "seconds": round(found.seconds, 3),
            "sets_per_s": round(ran / found.seconds, 1) if ran else None,
            "fingerprint": msgspec.to_builtins(found.fingerprint),
            "best": searching.set_table(best_first[0]),
            "verdict": msgspec.to_builtins(judged),
            "sets": [searching.set_table(result) for result in best_first],
        }
        print_json(facts)
        return
    searching.print_wide(searching.table_of(best_first, plan.objective, top))
    told = f"{ran:,} run in {found.seconds:.1f} s" + (
        f", {found.known:,} known before" if found.known else ""
    )
    refused = (
        f"; {found.refused:,} more refused by the strategy, as in: {found.reasons[0]}"
        if found.refused
        else ""
    )
    sys.stdout.write(f"Search {found.number}: {len(found.results):,} sets tried ({told}){refused}.\n")
    sys.stdout.write(searching.unsaid_line(best_first, plan.objective))
    sys.stdout.write("".join(f"  - {line}\n" for line in searching.verdict_lines(judged)))
    sys.stdout.write(
        f"The best again: autofutures backtest … {searching.set_options(best_first[0].parameters)}\n"
    )
