"""`autofutures report`: pages of runs that were saved."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from autofutures.cli import options
from autofutures.cli.output import print_json
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.backtest.page import UpColour


class _Folders(TyperGroup):
    """`report DIR` is `report run DIR`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """A first word that is no command is a folder."""
        known = {*self.commands, "--help"}
        return super().parse_args(ctx, ["run", *args] if args and args[0] not in known else args)


app = typer.Typer(
    cls=_Folders,
    no_args_is_help=True,
    help=(
        "Pages of saved runs, each one file that asks the network for nothing.\n\n"
        "Examples:\n\n"
        "autofutures backtest ema_cross --generate --save runs/slow --set slow=90\n\n"
        "autofutures report runs/slow --up green"
    ),
)

FolderArgument = Annotated[Path, typer.Argument(help="A folder that `backtest --save` has written.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Where the page goes. Default: report.html in the folder.")
]
UpOption = Annotated[
    str, typer.Option("--up", help="The colour of a rise and a gain: red, as in Taiwan, or green.")
]


@app.command("run")
def run(
    folder: FolderArgument,
    out: OutOption = None,
    up: UpOption = "red",
    as_json: options.JsonOption = False,
) -> None:
    """Write the page of one saved run again; nothing is traded, and no data is needed."""
    from autofutures.backtest.finished import REPORT_FILE, load_run

    place = out or folder / REPORT_FILE
    finished = load_run(folder)
    finished.report(place, up=colour_of(up))
    if as_json:
        print_json({"report": str(place), "summary": finished.summary, "statistics": finished.statistics})
    else:
        sys.stdout.write(f"Report: {place}\n")


def colour_of(text: str) -> "UpColour":
    """What `--up` says.

    Raises:
        BadInput: another colour.
    """
    known: dict[str, UpColour] = {"red": "red", "green": "green"}
    if text not in known:
        raise BadInput(f"--up {text!r}: write red or green")
    return known[text]
