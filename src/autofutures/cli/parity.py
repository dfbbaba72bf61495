"""`autofutures parity`: proves of a day that was traded by the clock that a replay of it decides the same."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from autofutures.cli import options
from autofutures.cli.output import print_json

if TYPE_CHECKING:
    from autofutures.config import RunSettings
    from autofutures.ops.folder import Folder

_HELP = (
    "Prove that a day which was traded by the clock is what a replay of it decides.\n\n"
    "Everything that the trader heard that day (the market, the broker's reports, people, time) is heard again by the "
    "same nodes, in the same order and at the same times, and every decision, order, refusal and exit must be equal. "
    "Else the first event of each class is named, with both sides:\n\n"
    "data: a market event or a part of the record is missing, added or altered.\n\n"
    "latency: the same decisions, later or earlier than the model has them.\n\n"
    "code: a strategy or the package was changed, and decides otherwise.\n\n"
    "configuration: settings were changed, and the day's own decide as the day did.\n\n"
    "person: somebody gave a command, or an order that is not the machine's.\n\n"
    "Fills are compared apart, with what the model makes of the same orders: slippage and latency are printed, and "
    "--adopt writes them as settings for the next backtest. Exit code 1 where something was found.\n\n"
    "Examples:\n\n"
    "autofutures parity\n\n"
    "autofutures parity 2026-08-03 --report parity.html\n\n"
    "autofutures parity RUN_FOLDER --settings other/run.json --json\n\n"
    "autofutures parity RUN_FOLDER --adopt measured.toml, then autofutures backtest ... --config measured.toml"
)

MOST_BYTES = 10_000_000
"""A record of up to this size is certified at the end of a paper run: it takes some ten seconds."""

DayArgument = Annotated[
    str,
    typer.Argument(metavar="[DAY|RUN_FOLDER]", help="A trading day, or a run's folder. Default: the newest."),
]
SettingsOption = Annotated[
    Path | None,
    typer.Option("--settings", help="A run.json: what the day ought to have been. Default: the day's own."),
]
ToleranceOption = Annotated[
    str, typer.Option("--tolerance", help="So far times may be from the model's: 25ms, 2s.")
]
AdoptOption = Annotated[
    Path | None, typer.Option("--adopt", help="Write the measured latency and slippage here, for --config.")
]


def mount(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("parity", help=_HELP)(parity)


def parity(
    day: DayArgument = "",
    settings: SettingsOption = None,
    tolerance: ToleranceOption = "25ms",
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the self-contained HTML page here.")
    ] = None,
    adopt: AdoptOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    from autofutures.config import parse_latency, read_run
    from autofutures.processes.parity.certificate import adopted, lines_of
    from autofutures.processes.parity.check import certify
    from autofutures.processes.parity.page import page_of

    folder = folder_of(day)
    wanted: RunSettings | None = read_run(settings) if settings is not None else None
    certificate = certify(folder, wanted, parse_latency(tolerance))
    if report is not None:
        report.write_text(page_of(certificate), "utf-8")
    if adopt is not None:
        adopt.write_text(adopted(certificate), "utf-8")
    if as_json:
        print_json(msgspec.to_builtins(certificate, str_keys=True))
    else:
        sys.stdout.write("\n".join(lines_of(certificate)) + "\n")
    if not certificate.identical:
        raise typer.Exit(1)


def folder_of(day: str) -> "Folder":
    """The folder that is meant: itself, the newest run of a trading day, or the newest run.

    Raises:
        BadInput: there is none.
    """
    from autofutures.config import default_runs, read_run
    from autofutures.domain.errors import BadInput
    from autofutures.market.dates import parse_day
    from autofutures.ops.folder import Folder, latest_folder

    if not day:
        return latest_folder()
    if Path(day).is_dir():
        return Folder(Path(day).resolve())
    try:
        wanted = parse_day(day)
    except BadInput:
        raise BadInput(
            f"{day!r} is neither a folder nor a date: name a run's folder, or a trading day as in 2026-08-03"
        ) from None
    found = sorted(default_runs().glob("*/run.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in found:
        folder = Folder(path.parent)
        if read_run(path).day == wanted and folder.machine().live:
            return folder
    raise BadInput(f"no run of {day} by the clock is in {default_runs()}: name its folder")


def write_certificate(folder: "Folder", *, certify: bool) -> None:
    """At the end of a run by the clock: the certificate goes into its folder, or the command that makes it is said."""
    from autofutures.domain.errors import AutofuturesError
    from autofutures.processes.parity.certificate import lines_of
    from autofutures.processes.parity.check import certify as make

    if not folder.machine().live:
        return
    command = f"autofutures parity {shlex.quote(str(folder.root))}"
    if not certify or folder.stream.stat().st_size > MOST_BYTES:
        sys.stderr.write(f"whether a replay decides the same: {command}\n")
        return
    try:
        certificate = make(folder)
    except (
        AutofuturesError
    ) as error:  # The day is over and kept: what a proof lacks must not spoil its figures.
        sys.stderr.write(f"no certificate: {error}\n")
        return
    (folder.root / "parity.json").write_bytes(msgspec.json.format(msgspec.json.encode(certificate), indent=2))
    sys.stderr.write(f"{next(lines_of(certificate))}; see {command}\n")
