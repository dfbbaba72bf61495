"""`autofutures backtest`: one process, virtual time, the machine's own nodes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autofutures.cli import options
from autofutures.cli.of_a_run import of_a_run
from autofutures.cli.output import print_summary, spinner, write_json
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.backtest.runner import Result
    from autofutures.config import RunSettings

_HELP = (
    "Test a strategy on recorded trading days, or on a generated one.\n\n"
    "The same strategy, gate, book and matching code trade here as in `autofutures up`, and make the same "
    "orders: compare order_hash and fill_hash. What the fills assume stands in every report.\n\n"
    "Examples:\n\n"
    "autofutures backtest ema_cross --symbol TXF202108 --date 2021-07-26 --set fast=20 --set slow=60\n\n"
    "autofutures backtest ema_cross --symbol TXF202606 --from 2026-05-21 --to 2026-06-05\n\n"
    "autofutures backtest ema_cross --symbol TXF202108 --date 2021-07-26 --engine kernel\n\n"
    "autofutures backtest ema_cross --generate --seed 7 --report report.html\n\n"
    "autofutures backtest my/momentum.py:Momentum --symbol MXF202108 --date 2021-07-26 --json"
)

SaveOption = Annotated[
    Path | None,
    typer.Option(help="Keep the run in this folder: run.json, tables as CSV and Parquet, report.html."),
]


def mount(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("backtest", help=_HELP)(backtest)


@of_a_run
def backtest(
    run: "RunSettings",
    report: options.ReportOption = None,
    orders: options.OrdersOption = None,
    fills: options.FillsOption = None,
    save: SaveOption = None,
    engine: options.EngineOption = "nodes",
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    if engine == "processes":
        _in_processes(run, (report, orders, fills), save, as_json=as_json)
    else:
        _in_one_process(run, engine, (report, orders, fills), save, as_json=as_json)


def _in_one_process(
    run: "RunSettings", engine: str, wanted: Sequence[Path | None], save: Path | None, *, as_json: bool
) -> None:
    """The nodes, or the kernel, trade the run here."""
    from autofutures.backtest.runner import engine_of, write_rows
    from autofutures.backtest.runner import run as run_backtest

    report, orders, fills = wanted
    with spinner("events") as progress:
        result = run_backtest(run, progress, engine_of(engine))
    write_rows(result.tally, orders, fills)
    _write(run, result, report, save)
    _print(run, result, (report, save), as_json=as_json)


def _in_processes(
    run: "RunSettings", wanted: Sequence[Path | None], save: Path | None, *, as_json: bool
) -> None:
    """The machine itself trades the run, as `autofutures up --replay` does."""
    from autofutures.cli.machine import replay_run

    if save is not None:
        raise BadInput(
            "--save keeps runs of one process: with --engine processes the run's folder is kept anyway"
        )
    replay_run(run, wanted, as_json=as_json)


def _write(run: "RunSettings", result: "Result", report: Path | None, save: Path | None) -> None:
    if report is None and save is None:
        return
    from autofutures.backtest.finished import FinishedRun

    finished = FinishedRun.of(run, result)
    if report is not None:
        finished.report(report)
    if save is not None:
        finished.save(save)


def _print(
    run: "RunSettings", result: "Result", written: tuple[Path | None, Path | None], *, as_json: bool
) -> None:
    """Says what the run did, and where its page and its folder are."""
    from autofutures.backtest.runner import assumptions_of, notes_of

    report, save = written
    figures = {
        "strategy": ",".join(strategy.name for strategy in run.strategies),
        "symbols": list(run.symbols),
        "date": run.day,
        "to": run.last_day,
        "engine": result.engine,
        "events": result.events,
        "seconds": round(result.seconds, 3),
        "events_per_s": result.events_per_s,
        "report": str(report) if report is not None else None,
        "saved": str(save) if save is not None else None,
        "assumptions": list(assumptions_of(run)),
        "notes": list(notes_of(run)),
    }
    if as_json:
        write_json(result.summary, figures)
        return
    print_summary(result.summary, run.currency)
    sys.stdout.write(
        f"{result.events:,} events in {result.seconds:.2f} s ({result.events_per_s:,} a second, {result.engine})\n"
    )
    if result.why_not_kernel:
        sys.stdout.write(f"{result.why_not_kernel}\n")
    for line in (*assumptions_of(run), *notes_of(run)):
        sys.stdout.write(f"  - {line}\n")
    if report is not None:
        sys.stdout.write(f"Report: {report}\n")
    if save is not None:
        sys.stdout.write(f"Saved: {save}\n")
