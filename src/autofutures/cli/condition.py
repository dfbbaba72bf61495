"""`autofutures condition`: what a running strategy shall do, added, looked at, paused and removed by hand."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from autofutures.cli import options
from autofutures.cli.output import print_json
from autofutures.domain.errors import BadInput

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Conditions of a running strategy, as of support_resistance.\n\n"
        "Prices are in the contract's own unit (index points). What is accepted is kept before the answer "
        "comes, and is there again after a restart.\n\n"
        "Examples:\n\n"
        "autofutures condition add --name s1 --set side=buy --set trigger=17300 --set turning_point=30 "
        "--set take_profit=120 --set stop_loss=30 --set quantity=1 --set following=true\n\n"
        "autofutures condition list\n\n"
        "autofutures condition pause s1"
    ),
)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]
StrategyOption = Annotated[str, typer.Option("--strategy", help="Which strategy, where the run has several.")]
NameArgument = Annotated[str, typer.Argument(help="The condition's name.")]


def _command(
    run: Path | None, strategy: str, verb: str, name: str, settings: list[str], *, as_json: bool
) -> None:
    from autofutures.config import parse_settings
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.ops.operator import Operator
    from autofutures.strategies.load import load

    folder = Folder(run) if run is not None else latest_folder()
    strategies = {entry.name: entry for entry in folder.run().strategies}
    chosen = strategy or (next(iter(strategies)) if len(strategies) == 1 else "")
    if chosen not in strategies:
        raise BadInput(f"say which strategy with --strategy: one of {', '.join(strategies)}")
    entry = strategies[chosen]
    table = parse_settings(settings)
    values = load(entry.use).command_values(table, entry.symbols) if table else {}
    with Operator(folder) as operator:
        operator.command(chosen, verb, name, values)
    if as_json:
        print_json({"strategy": chosen, "verb": verb, "name": name, "accepted": True})
    else:
        sys.stdout.write(f"{chosen}: {verb} {name}: done\n")


@app.command("add")
def add(
    name: Annotated[str, typer.Option("--name", help="A new condition's name.")],
    settings: options.SetOption = None,
    run: RunOption = None,
    strategy: StrategyOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Add a condition; a bad value is refused here, with the reason."""
    if not settings:
        raise BadInput(
            "say what the condition is: --set side=buy --set trigger=17300 ... (see condition --help)"
        )
    _command(run, strategy, "add", name, settings, as_json=as_json)


@app.command("change")
def change(
    name: NameArgument,
    settings: options.SetOption = None,
    run: RunOption = None,
    strategy: StrategyOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Give a condition that has not entered yet other terms."""
    if not settings:
        raise BadInput("say what shall change: --set trigger=17350")
    _command(run, strategy, "change", name, settings, as_json=as_json)


@app.command("pause")
def pause(
    name: NameArgument,
    run: RunOption = None,
    strategy: StrategyOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Let a condition rest: it keeps its terms and enters nothing."""
    _command(run, strategy, "pause", name, [], as_json=as_json)


@app.command("resume")
def resume(
    name: NameArgument,
    run: RunOption = None,
    strategy: StrategyOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Let a paused condition go on."""
    _command(run, strategy, "resume", name, [], as_json=as_json)


@app.command("remove")
def remove(
    name: NameArgument,
    run: RunOption = None,
    strategy: StrategyOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Take a condition away."""
    _command(run, strategy, "remove", name, [], as_json=as_json)


@app.command("list")
def list_conditions(run: RunOption = None, as_json: options.JsonOption = False) -> None:
    """Show every condition as it stands."""
    import msgspec

    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.ops.operator import Operator

    folder = Folder(run) if run is not None else latest_folder()
    with Operator(folder) as operator:
        answer = operator.ask("conditions")
    if as_json:
        print_json(answer)
        return
    found = msgspec.convert(answer["conditions"], dict[str, list[dict[str, int | str | bool]]])
    rows = [{"strategy": strategy, **row} for strategy, conditions in found.items() for row in conditions]
    if not rows:
        sys.stdout.write("no conditions\n")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in rows[0]))
    Console(file=sys.stdout).print(table)
