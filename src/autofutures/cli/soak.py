"""`autofutures soak`: the machine under load for minutes, and whether anything of it grows."""

import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from autofutures.cli import options
from autofutures.cli.output import print_json, spinner

if TYPE_CHECKING:
    from autofutures.processes.soak import Soak

_HELP = (
    "Put the machine under load, and look at what each of its processes uses.\n\n"
    "Real processes by the clock, with journal, send log and recorder: trades at 11,810 a second (ten times the most "
    "that all TAIFEX futures had in a second of the recorded day), at ten times TXF's recorded peak, and at that peak, "
    "323 a second; each for a third of the time. Two strategies listen, and one orders every two seconds. The exchange "
    "makes the load and is not counted.\n\n"
    "Promised: no process grows (the 95 % interval of its memory's slope, after a warm-up, does not lie above 8 MB "
    "an hour), none holds 1 GB, none keeps files open, no trade is lost or waits, and at TXF's peak none uses half "
    "a core. Exit code 1 where one of these is broken. A slope needs some minutes before its interval says much.\n\n"
    "Example: autofutures soak --minutes 10 --json"
)


def mount(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("soak", help=_HELP)(soak)


def soak(
    minutes: Annotated[float, typer.Option("--minutes", help="How long, all loads together.", min=0.3)] = 10,
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    from autofutures.processes.soak import soak as run_soak
    from autofutures.processes.soak import stages_of

    with spinner("trades") as progress:
        result = run_soak(stages_of(minutes), lambda text: sys.stderr.write(f"{text}\n"), progress)
    if as_json:
        print_json(msgspec.to_builtins(result))
    else:
        _print(result)
    for sentence in result.broken:
        sys.stderr.write(f"broken: {sentence}\n")
    if result.broken:
        raise typer.Exit(1)


def _print(result: "Soak") -> None:
    for stage in result.stages:
        sys.stdout.write(
            f"{stage.name}: {stage.ticks_per_s:,.0f} of {stage.ticks_per_s_asked:,} trades a second, "
            f"{stage.lost} lost, {stage.orders} orders, lag {stage.queues.lag_ms_median} ms "
            f"(at most {stage.queues.lag_ms_max})\n"
        )
        for name, used in stage.processes.items():
            trend = used.memory_mb_per_hour
            slope = (
                f"{trend.slope:+.1f} ({trend.low:+.1f} to {trend.high:+.1f})" if trend else "too few samples"
            )
            sys.stdout.write(
                f"  {name:20} {used.cpu_percent:5.1f} % of a core  {used.memory_mb_max:6.1f} MB  {slope} MB/h  "
                f"{used.descriptors_last} files\n"
            )
