"""`autofutures chaos`: real processes, killed at random instants, and the exchange's ledger as the judge."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from autofutures.cli import options
from autofutures.cli.output import print_json

if TYPE_CHECKING:
    from autofutures.processes.chaos.driver import Progress
    from autofutures.processes.chaos.figures import Figures

_HELP = (
    "Kill the machine's processes at random instants, and prove that nothing was lost or sent twice.\n\n"
    "A live machine trades a generated session, dense and open now, at a broker that answers late, twice, wrongly "
    "or never. Gateway, trader, strategies, recorder and supervisor are killed (SIGKILL), as many times as asked; "
    "for every five kills one process is stopped for a while besides (SIGSTOP), and the broker cuts links. Half of "
    "the strikes come just after an order has left, one in seven falls into the recovery from the one before. The "
    "exchange is never killed: its ledger is the judge.\n\n"
    "At the end the session is closed, book and venue must agree, the machine is stopped in order, and a fresh "
    "trader folds the journal. Every order of the ledger must be in the journal, once for each decision; every fill "
    "in the book, once; positions and what is left of each order equal; no open contract without its exit plan; the "
    "journal whole. Recovery is from the signal until the trader says that all is ready, detection and interpreter "
    "start included (where a stopped process went on by itself: from then). Exit code 1 when a promise is broken; "
    "the run's folder is kept then.\n\n"
    "Two hundred kills take about a quarter of an hour.\n\n"
    "With --every and --minutes it is a bad hour: one process is killed each time so many seconds have gone, and "
    "`availability_parts` says in which share of the time the machine was ready and every lot covered, and what took "
    "the rest.\n\n"
    "Examples:\n\n"
    "autofutures chaos --kills 200 --json\n\n"
    "autofutures chaos --every 30 --minutes 60 --json\n\n"
    "autofutures chaos --kills 20 --no-write-ahead   (must find violations)"
)

_LAST_S = 15
"""How long it takes to end the session, to compare and to stop, about."""


def mount(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("chaos", help=_HELP)(chaos)


def chaos(
    kills: Annotated[int, typer.Option("--kills", help="How many kills.", min=0)] = 200,
    seed: Annotated[
        int, typer.Option("--seed", help="Decides the market, the broker's faults and the strikes.")
    ] = 1,
    minutes: Annotated[
        float, typer.Option("--minutes", help="No strike after so long; 0: no bound.", min=0)
    ] = 0,
    every: Annotated[
        float, typer.Option("--every", help="One kill after so many seconds each, and nothing else.", min=0)
    ] = 0,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", help="The run's folder. Default: a temporary one, kept where something broke."
        ),
    ] = None,
    no_write_ahead: Annotated[
        bool,
        typer.Option(
            "--no-write-ahead", help="Orders leave before they are written down: the drill must notice."
        ),
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    from autofutures.processes.chaos.driver import Drill
    from autofutures.processes.chaos.driver import chaos as run_drill

    drill = Drill(seed=seed, kills=kills, minutes=minutes, every_s=every, write_ahead=not no_write_ahead)
    figures = run_drill(drill, _tell, state)
    if as_json:
        print_json(msgspec.to_builtins(figures))
    else:
        _print(figures)
    for sentence in figures.broken:
        sys.stderr.write(f"broken: {sentence}\n")
    if figures.violations:
        sys.stderr.write(
            f"the run is kept in {figures.folder}\nto look at its alerts: {look_at(figures.folder)}\n"
        )
        raise typer.Exit(1)


def look_at(folder: str) -> str:
    """A command that shows what a person had to be told of, by all processes of a run."""
    return f'grep -h \'"level":"error"\' {shlex.quote(str(Path(folder) / "logs"))}/*.jsonl'


def _tell(progress: "Progress") -> None:
    left = ""
    if progress.done > 1:
        seconds = progress.seconds / (progress.done - 1) * (progress.of - progress.done + 1) + _LAST_S
        left = f"  about {seconds / 60:.0f} min left" if seconds >= 90 else f"  about {seconds:.0f} s left"
    sys.stderr.write(f"{progress.seconds:6.0f} s  {progress.done}/{progress.of}  {progress.what}{left}\n")


def _print(figures: "Figures") -> None:
    for name, value in msgspec.to_builtins(figures).items():
        shown = value
        if isinstance(value, dict):
            shown = ", ".join(f"{key} {part}" for key, part in value.items() if not isinstance(part, dict))
        elif name == "broken":
            continue
        sys.stdout.write(f"{name.replace('_', ' '):26} {shown}\n")
