"""`autofutures alerts`: what a person was told of, that he has seen it, and whether he can be reached at all."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autofutures.cli import options
from autofutures.cli.output import print_json

if TYPE_CHECKING:
    from autofutures.ops.folder import Folder
    from autofutures.telemetry.alerts import Cause

_HELP = (
    "What the machine tells people when something is wrong.\n\n"
    "Who is told stands in the settings file, which only its owner may read (chmod 600):\n\n"
    "\\[alerts]\n\n"
    "escalate_minutes = 10\n\n"
    "\\[\\[alerts.target]]\n\n"
    'name = "desk"\n\n'
    'urls = ["mailto://user:password@example.com?to=desk@example.com"]\n\n'
    "\\[\\[alerts.target]]\n\n"
    'name = "duty"\n\n'
    'urls_file = "~/.config/autofutures/duty.urls"\n\n'
    'command = ["/usr/local/bin/ring"]\n\n'
    "Addresses are apprise's: mailto, line, tgram, twilio and many more. A command reads the alert as JSON. The next "
    "target is told while nobody has acknowledged it. Each alert has a runbook, docs/runbooks/NAME.md."
)

app = typer.Typer(no_args_is_help=True, help=_HELP)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]
ConfigOption = Annotated[Path, typer.Option("--config", help="The settings file.")]


def _folder(run: Path | None) -> "Folder":
    from autofutures.ops.folder import Folder, latest_folder

    return Folder(run) if run is not None else latest_folder()


@app.command("list", help="What was raised in a run, how often, and who was told.")
def list_alerts(run: RunOption = None, as_json: options.JsonOption = False) -> None:
    """Reads the run's alerts."""
    from datetime import UTC, datetime

    from autofutures.domain.units import SECOND

    causes = causes_of(_folder(run))
    if as_json:
        print_json({"alerts": [_told(cause) for cause in causes]})
        return
    if not causes:
        sys.stdout.write("nothing was raised\n")
    for cause in causes:
        told = ", ".join(cause.told) or "nobody"
        seen = f"; acknowledged by {cause.acknowledged_by}" if cause.acknowledged_by else ""
        at = datetime.fromtimestamp(cause.last_at // SECOND, UTC)
        what = f"{cause.name} {cause.subject}".rstrip()
        sys.stdout.write(
            f"{at:%Y-%m-%d %H:%M:%SZ}  {what} x{cause.count}: {cause.text} (told: {told}{seen})\n"
        )


def causes_of(folder: "Folder") -> "list[Cause]":
    """Every cause of a run's alerts, oldest first."""
    from autofutures.telemetry.alerts import AlertBook, decode_line

    book = AlertBook(())
    for data in folder.alerts.read_bytes().splitlines() if folder.alerts.exists() else []:
        book.fold(decode_line(data))
    return book.causes


def _told(cause: "Cause") -> dict[str, object]:
    return {
        "name": cause.name,
        "subject": cause.subject,
        "text": cause.text,
        "count": cause.count,
        "first_at": cause.first_at,
        "last_at": cause.last_at,
        "told": {target: count for target, (count, _) in cause.told.items()},
        "acknowledged_by": cause.acknowledged_by,
    }


@app.command(
    "ack", help="Acknowledge an alert by its name, or all: nobody else is told of what happened so far."
)
def acknowledge(
    name: Annotated[str, typer.Argument(help="As in `autofutures alerts list`; all for everything.")],
    run: RunOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Adds a line to the run's alerts."""
    import os

    import msgspec

    from autofutures import clock
    from autofutures.config import login_name
    from autofutures.domain.errors import BadInput
    from autofutures.telemetry.alerts import Acknowledged

    folder = _folder(run)
    open_names = sorted({cause.name for cause in causes_of(folder) if not cause.acknowledged_by})
    if name not in (*open_names, "all"):
        known = f"what waits for it is {', '.join(open_names)}" if open_names else "nothing waits for it"
        raise BadInput(f"there is no alert {name} to acknowledge: {known}")
    line = Acknowledged("" if name == "all" else name, login_name(), clock.now_ns())
    file = os.open(folder.alerts, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    os.write(file, msgspec.json.encode(line) + b"\n")
    os.close(file)
    names = open_names if name == "all" else [name]
    if as_json:
        print_json({"acknowledged": names})
    else:
        sys.stdout.write(f"acknowledged: {', '.join(names) or 'nothing'}\n")


@app.command("test")
def try_targets(config: ConfigOption, as_json: options.JsonOption = False) -> None:
    """Tell every target of a settings file that this is a test. Exit code 1 where one failed."""
    _tell_all(config, "test", "This is a test: nothing is wrong.", as_json=as_json)


@app.command("tell")
def tell(
    name: Annotated[str, typer.Argument(help="An alert's name, as in `autofutures alerts kinds`.")],
    text: Annotated[str, typer.Argument(help="What happened.")],
    config: ConfigOption,
    as_json: options.JsonOption = False,
) -> None:
    """Tell every target of a settings file something, as systemd does when the machine has failed."""
    from autofutures.domain.errors import BadInput
    from autofutures.telemetry.alerts import ALERTS

    if name not in ALERTS:
        raise BadInput(f"there is no alert {name}: there are {', '.join(ALERTS)}")
    _tell_all(config, name, text, as_json=as_json)


def _tell_all(config: Path, name: str, text: str, *, as_json: bool) -> None:
    from autofutures import clock
    from autofutures.domain.errors import BadInput, Refusal
    from autofutures.telemetry.alerts import Notice
    from autofutures.telemetry.notify import load_alert_settings, send

    settings, now = load_alert_settings(config), clock.now_ns()
    if not settings.target:
        raise BadInput(f"{config} names nobody: give it an [[alerts.target]], see autofutures alerts --help")
    results: dict[str, str] = {}
    for target in settings.target:
        try:
            send(target, Notice(target.name, name, "", text, 1, now, now), "none")
        except Refusal as error:
            results[target.name] = str(error)
        else:
            results[target.name] = "told"
    if as_json:
        print_json({"targets": results})
    else:
        sys.stdout.writelines(f"{target}: {result}\n" for target, result in results.items())
    if any(result != "told" for result in results.values()):
        raise typer.Exit(1)


@app.command("kinds", help="Every alert that there is, and what it means.")
def kinds(as_json: options.JsonOption = False) -> None:
    """Prints the table."""
    from autofutures.telemetry.alerts import ALERTS

    if as_json:
        print_json({"alerts": {name: kind.meaning for name, kind in ALERTS.items()}})
        return
    sys.stdout.writelines(f"{name:18} {kind.meaning}\n" for name, kind in ALERTS.items())
