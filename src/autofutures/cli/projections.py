"""`autofutures projections`: tables for queries, made of a run's journal, and the proof that they are right."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from autofutures.cli import options
from autofutures.cli.output import bar, print_json
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.ops.folder import Folder
    from autofutures.storage.projections.rows import Row
    from autofutures.storage.projections.store import Projections

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Orders, fills, positions, pnl_by_day, exits and conditions as tables for queries.\n\n"
        "They are folded from a run's journal, beside the trading and never on an order's way, into SQLite or "
        "PostgreSQL. A running machine keeps them up to date with autofutures up --projections URL; update does "
        "it once. The journal is the truth: verify proves the tables equal to it, rebuild makes them anew.\n\n"
        "Prices are ticks, money is minor units, times are UTC nanoseconds.\n\n"
        "Examples:\n\n"
        "autofutures projections update\n\n"
        "autofutures projections show fills --limit 5\n\n"
        "autofutures projections verify --url postgresql+psycopg://me@db/trading --json\n\n"
        'sqlite3 RUN/projections.sqlite "SELECT day, sum(net) FROM pnl_by_day GROUP BY day"\n\n'
        'psql trading -c "SELECT strategy, symbol, position FROM autofutures.positions"'
    ),
)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]
UrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        help="sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE (pip install 'autofutures\\[postgres]'; "
        "passwords go into ~/.pgpass). Default: the run's own, else projections.sqlite in its folder.",
    ),
]


_WIDE = 1_000


class _Open:
    """A run's journal and the tables that are made of it."""

    def __init__(self, folder: "Folder", url: str, projections: "Projections") -> None:
        from autofutures.assemble.nodes import calendar_of
        from autofutures.storage.journal_reader import JournalReader
        from autofutures.storage.projections.engine import shown_url
        from autofutures.storage.projections.follow import Follower

        reader = JournalReader(folder.journal)
        self.head = reader.head()
        self.projections = projections
        self.follower = Follower(reader, projections, calendar_of(folder.run()))
        self.names = {"journal": str(folder.journal), "url": shown_url(url)}


@contextmanager
def _opened(run: Path | None, url: str) -> Iterator[_Open]:
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.storage.projections.store import Projections

    folder = Folder(run.resolve()) if run is not None else latest_folder()
    place = url or folder.database()
    if not folder.journal.exists():
        raise BadInput(f"{folder.root} has no journal yet: start the machine there first")
    with Projections.open(place) as projections:
        yield _Open(folder, place, projections)


@app.command("update")
def update(run: RunOption = None, url: UrlOption = "", as_json: options.JsonOption = False) -> None:
    """Fold what the journal holds and the tables do not, and make them where there are none."""
    with _opened(run, url) as opened:
        with bar("batches", opened.head.batch - opened.projections.position().batch) as progress:
            folded = opened.follower.update(progress)
        _done(opened, folded, as_json=as_json)


@app.command("rebuild")
def rebuild(run: RunOption = None, url: UrlOption = "", as_json: options.JsonOption = False) -> None:
    """Empty the tables and make them anew from the journal; interrupted, update goes on with it."""
    with _opened(run, url) as opened:
        with bar("batches", opened.head.batch) as progress:
            folded = opened.follower.rebuild(progress)
        _done(opened, folded, as_json=as_json)


def _done(opened: _Open, folded: int, *, as_json: bool) -> None:
    position = opened.projections.position()
    if as_json:
        print_json({**opened.names, "folded": folded, "position": msgspec.to_builtins(position)})
    else:
        sys.stdout.write(
            f"folded {folded:,} batches up to batch {position.batch:,} into {opened.names['url']}\n"
        )


@app.command("verify")
def verify(run: RunOption = None, url: UrlOption = "", as_json: options.JsonOption = False) -> None:
    """Prove every row equal to what the journal makes; else name the first that differs and exit with 1."""
    with _opened(run, url) as opened:
        with bar("batches", opened.projections.position().batch) as progress:
            difference = opened.follower.difference(progress)
        position = opened.projections.position()
    if as_json:
        found = {"equal": not difference, "difference": difference, "position": msgspec.to_builtins(position)}
        print_json({**opened.names, **found})
    elif not difference:
        sys.stdout.write(f"every row up to batch {position.batch:,} is what the journal makes it\n")
    if difference:
        sys.stderr.write(f"autofutures: {difference}. Make them anew: autofutures projections rebuild\n")
        raise typer.Exit(1)


@app.command("show")
def show(
    table: Annotated[
        str,
        typer.Argument(
            help="orders, fills, positions, pnl_by_day, exits or conditions; none: how far they are."
        ),
    ] = "",
    limit: Annotated[int, typer.Option("--limit", help="How many rows, the newest first.", min=1)] = 20,
    run: RunOption = None,
    url: UrlOption = "",
    as_json: options.JsonOption = False,
) -> None:
    """Show how far the tables are behind the journal, or a table's newest rows."""
    from autofutures.storage.projections.rows import TABLES

    if table and table not in TABLES:
        raise BadInput(f"there is no table {table!r}; there are: {', '.join(TABLES)}")
    with _opened(run, url) as opened:
        lag = opened.follower.lag()
        with opened.projections.seen() as seen:
            position = seen.position
            counts = {name: seen.count(name) for name in TABLES}
            rows = list(seen.rows(table, newest=limit)) if table else []
    facts = {
        **opened.names,
        "position": msgspec.to_builtins(position),
        "lag": msgspec.to_builtins(lag),
        "tables": counts,
    }
    if as_json:
        print_json({**facts, "rows": msgspec.to_builtins(rows)} if table else facts)
        return
    if table:
        _print_rows(rows)
    else:
        for name, count in counts.items():
            sys.stdout.write(f"{name:12} {count:,}\n")
    sys.stdout.write(
        f"up to batch {position.batch:,}, {lag.batches:,} batches ({lag.seconds:.1f} s) behind the journal\n"
    )


def _print_rows(rows: "list[Row]") -> None:
    if not rows:
        sys.stdout.write("no rows\n")
        return
    columns = rows[0].__struct_fields__
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(getattr(row, column)) for column in columns))
    # As wide as its rows are: a terminal breaks lines better than a table breaks words.
    Console(file=sys.stdout, width=_WIDE, highlight=False).print(table, soft_wrap=True)
