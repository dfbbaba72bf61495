"""`autofutures risk`: limits beside their use, changed and reset by a person with a reason, and what became of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from autofutures.cli import options
from autofutures.cli.output import print_json
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.ops.folder import Folder

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Risk controls: what each allows, what is used of it, and what it has stopped.\n\n"
        "Limits are set in a settings file, for the account (\\[risk.daily_loss] max_loss = 50000), for one strategy "
        "(\\[risk.position.strategy.ema] max_contracts = 2) or one instrument (\\[risk.position.instrument.TXF]).\n\n"
        "A control that halts (daily_loss, drawdown, loss_streak, repeated_execution) refuses entries until a person "
        "resets it; exits go on. Changes and resets are recorded with who and why, and outlive a restart.\n\n"
        "Examples: autofutures risk show\n\n"
        'autofutures risk set daily_loss max_loss 80000 --reason "wider range today"\n\n'
        'autofutures risk reset daily_loss --reason "feed error, corrected"'
    ),
)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is recorded with your name.")]


def _folder(run: Path | None) -> "Folder":
    from autofutures.ops.folder import Folder, latest_folder

    return Folder(run) if run is not None else latest_folder()


@app.command("show")
def show(run: RunOption = None, as_json: options.JsonOption = False) -> None:
    """Shows each limit beside its use, and what has halted: of the running machine, or of a run that is over."""
    from autofutures.ops.operator import Operator
    from autofutures.ops.risk_shown import risk_of

    folder = _folder(run)
    if folder.is_over():
        shown = risk_of(folder)
    else:
        with Operator(folder) as operator:
            shown = operator.ask("risk")
    if as_json:
        print_json(shown)
    else:
        _print_limits(shown)


def _print_limits(shown: dict[str, object]) -> None:
    import msgspec

    from autofutures.orders.risk_use import LimitUse

    table = Table("control", "for", "limit", "use", "halted")
    for one in msgspec.convert(shown["limits"], list[LimitUse]):
        settings = ", ".join(f"{name} {value:,}" for name, value in one.settings.items())
        used = "" if one.use is None else f"{one.use:,} of {one.of:,}"
        table.add_row(one.control, one.scope or "account", settings if one.on else "off", used, one.halted)
    Console(file=sys.stdout).print(table)


@app.command("set")
def set_limit(
    control: Annotated[str, typer.Argument(help="A control, or with its scope: position.strategy.ema.")],
    setting: Annotated[str, typer.Argument(help="The setting's name, as max_contracts.")],
    value: Annotated[int, typer.Argument(help="The new limit; 0 turns a control off that may be off.")],
    reason: ReasonOption = "",
    run: RunOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Changes a limit of the running machine, between two orders; it holds after a restart too."""
    _command(
        run,
        "set",
        {"key": control, "setting": setting, "value": value, "reason": _reason(reason)},
        as_json=as_json,
    )


@app.command("reset")
def reset(
    control: Annotated[str, typer.Argument(help="The control that has halted.")],
    scope: Annotated[str, typer.Option("--scope", help="As strategy.ema. Default: the account.")] = "",
    reason: ReasonOption = "",
    run: RunOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Lets trade again what a control has halted."""
    _command(run, "reset", {"control": control, "scope": scope, "reason": _reason(reason)}, as_json=as_json)


def _reason(reason: str) -> str:
    if not reason.strip():
        raise BadInput('say why with --reason "...": it is recorded')
    return reason.strip()


def _command(run: Path | None, verb: str, values: dict[str, int | str | bool], *, as_json: bool) -> None:
    from autofutures.ops.operator import Operator
    from autofutures.orders.risk_desk import NAME

    with Operator(_folder(run)) as operator:
        operator.command("", verb, NAME, values)
    if as_json:
        print_json({"verb": verb, **values, "accepted": True})
    else:
        sys.stdout.write(f"risk {verb}: done, and recorded\n")


@app.command("history")
def show_history(run: RunOption = None, as_json: options.JsonOption = False) -> None:
    """Lists halts, resets, changed limits and refusals of a run, oldest first, from its journal."""
    import msgspec

    from autofutures.cli.output import moment
    from autofutures.ops.risk_shown import history

    events = history(_folder(run))
    if as_json:
        print_json({"events": msgspec.to_builtins(events)})
        return
    table = Table("when", "what", "control", "who", "why")
    for event in events:
        table.add_row(moment(event.at), event.what, event.key, event.who, event.text)
    Console(file=sys.stdout).print(table)


@app.command("docs")
def docs(
    write: Annotated[
        Path | None, typer.Option("--write", help="The file to write. Default: standard output.")
    ] = None,
) -> None:
    """Writes the page of all controls: what each guards, formula, source, default and test."""
    from autofutures.risk.docs import page

    if write is None:
        sys.stdout.write(page())
    else:
        write.write_text(page(), encoding="utf-8")
