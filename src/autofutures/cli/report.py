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
        "autofutures report runs/slow --up green\n\n"
        "autofutures report compare runs/slow runs/fast --out compared.html\n\n"
        "autofutures report sweep tried.csv --objective sharpe --out search.html"
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


@app.command("compare")
def compare(
    folders: Annotated[list[Path], typer.Argument(help="Folders of saved runs; the first is the measure.")],
    out: Annotated[Path, typer.Option("--out", help="Where the page goes.")] = Path("compared.html"),
    up: UpOption = "red",
    as_json: options.JsonOption = False,
) -> None:
    """Compare saved runs on one page: curves, figures, what was set otherwise, the first order that differs."""
    from autofutures.backtest.comparison import compare as compare_runs
    from autofutures.backtest.comparison import write_comparison
    from autofutures.backtest.finished import load_run

    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    runs = {name: load_run(folder) for name, folder in zip(names, folders, strict=True)}
    write_comparison(runs, out, up=colour_of(up))
    found = compare_runs(runs)
    if as_json:
        print_json({"report": str(out), "comparison": found})
        return
    first = names[0]
    for name, apart in found.orders.items():
        what = (
            f"the same orders as {first}"
            if apart is None
            else f"differs from {first} at order {apart.number:,}"
        )
        sys.stdout.write(f"{name}: {what}\n")
    sys.stdout.write(f"Report: {out}\n")


@app.command("sweep")
def sweep(
    table: Annotated[
        Path, typer.Argument(help="A search as CSV, Parquet or JSON: `sweep --csv FILE` writes it.")
    ],
    objective: Annotated[str, typer.Option(help="The column to look at; the higher the better.")] = "net_pnl",
    parameters: Annotated[
        str,
        typer.Option(
            help="Columns that are parameters, with commas; default: all that vary and are no figure."
        ),
    ] = "",
    out: Annotated[Path, typer.Option("--out", help="Where the page goes.")] = Path("sweep.html"),
    up: UpOption = "red",
) -> None:
    """Show a search on one page: heat maps, how stable the best set is, parallel coordinates."""
    from autofutures.backtest.page import write_page
    from autofutures.backtest.sweep_page import read_sets, sweep_html

    named = [name.strip() for name in parameters.split(",") if name.strip()]
    text = sweep_html(read_sets(table), objective, named, f"Search {table.stem}", colour_of(up))
    write_page(text, out)
    sys.stdout.write(f"Report: {out}\n")


def colour_of(text: str) -> "UpColour":
    """What `--up` says.

    Raises:
        BadInput: another colour.
    """
    known: dict[str, UpColour] = {"red": "red", "green": "green"}
    if text not in known:
        raise BadInput(f"--up {text!r}: write red or green")
    return known[text]
