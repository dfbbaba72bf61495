"""`autofutures book-stop`: lets a strategy trade again whose position lost all that it may."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from autofutures.cli import options
from autofutures.cli.output import print_json

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "The stop that the trader holds for the whole position of a strategy with exits of its own.\n\n"
        "Its limit is `book_stop` of the strategy's table in the settings file, in minor units of money. When it has "
        "fired, the position is closed and the strategy's orders are refused until a person resets it.\n\n"
        "Example: autofutures book-stop reset ema_cross"
    ),
)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]


@app.callback()
def group() -> None:
    """A group, though it has one command: what it is about stands in its name."""


@app.command("reset")
def reset(
    strategy: Annotated[str, typer.Argument(help="The strategy's name in the run.")],
    run: RunOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Lets a strategy trade again whose book stop fired and whose position is closed."""
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.ops.operator import Operator

    folder = Folder(run) if run is not None else latest_folder()
    with Operator(folder) as operator:
        operator.command(strategy, "reset", "book_stop", {})
    if as_json:
        print_json({"strategy": strategy, "reset": True})
    else:
        sys.stdout.write(f"{strategy}: reset\n")
