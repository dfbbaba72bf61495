"""Searches parameters in Python: the run that is varied, a grid, and a table of every set back."""

from collections.abc import Iterable, Mapping

import polars as pl

from autofutures.backtest.cluster import workers_of
from autofutures.backtest.finished import FinishedRun
from autofutures.backtest.objective import ranked
from autofutures.backtest.results import Results
from autofutures.backtest.search import Method
from autofutures.backtest.sweep import Plan
from autofutures.backtest.sweep import sweep as search
from autofutures.config import Value, default_results

Grid = Mapping[str, Iterable[Value]]
"""The values to try of each parameter."""


def sweep(  # noqa: PLR0913 - as of `run`, each option is a keyword
    run: FinishedRun,
    grid: Grid,
    *,
    objective: str = "net_pnl",
    random: int = 0,
    seed: int = 1,
    engine: str = "nodes",
    jobs: int = 1,
    results: str = "",
) -> pl.DataFrame:
    """Tries sets of parameters on the market of a run, and returns one row for each, the best first.

    Sets that were tried before are not run again; what is done is stored at once.

    Args:
        run: whose market, strategy and other settings are taken.
        grid: the values to try, as in {"fast": range(5, 50, 5), "slow": [20, 60]}.
        objective: what is best: a name of `objective.OBJECTIVES`.
        random: so many sets of the grid by chance; 0 for all of them.
        seed: of the chance.
        engine: what trades each set.
        jobs: processes that work.
        results: the database's URL; the default place unless told otherwise.

    Raises:
        BadInput: a parameter is none of the strategy's, or it refuses every set.
    """
    plan = Plan(
        run=run.settings,
        grid=[f"{name}={','.join(str(value) for value in values)}" for name, values in grid.items()],
        method=Method("random", random, seed) if random else Method(),
        objective=objective,
        engine=engine,
        command="backtest.sweep",
    )
    workers = workers_of(engine, jobs, "")
    try:
        with Results.open(results or default_results()) as database:
            found = search(plan, database, workers)
    finally:
        workers.close()
    rows = [
        {**each.parameters, **each.figures, "trades": len(each.trades), "order_hash": each.summary.order_hash}
        for each in ranked(found.results, objective)
    ]
    return pl.DataFrame(rows, infer_schema_length=None, strict=False)
