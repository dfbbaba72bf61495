"""`autofutures data`: recorded markets into the catalogue, out of it, and what is there."""

import csv
import io
import sys
import time
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autofutures.domain.errors import AutofuturesError, BadInput
from autofutures.market.continuous import Adjust, By

if TYPE_CHECKING:
    from autofutures.data.catalog import Catalog
    from autofutures.data.day_bars import DayBars
    from autofutures.data.day_facts import DayFacts, Facts
    from autofutures.data.importers import Options
    from autofutures.data.importing import Imported
    from autofutures.data.summary import ImportSummary, RefusedFile, SeriesSummary

app = typer.Typer(no_args_is_help=True, help="Recorded markets: import, look at, and export them.")

CatalogOption = Annotated[
    Path | None,
    typer.Option(
        "--catalog", help="Where recorded data is kept, if not in $XDG_DATA_HOME/autofutures/catalog."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
SymbolArgument = Annotated[
    str, typer.Argument(help="A contract, as TXF202108, TAIFEX:MXF202108W2, TXF202108/202109.")
]
DateOption = Annotated[
    str, typer.Option("--date", help="The trading day: 2021-07-26. Its night came the day before.")
]

_IMPORT_HELP = (
    "Import files, or all files of folders, into the catalogue.\n\n"
    "Files are recognised by what is in them. TAIFEX: trades (zip, csv, rpt, of every year), spread trades (_C), and"
    " 1-minute bars in JSON. Lean: zips of futures and crypto futures, trades and quotes by tick, minute, hour and"
    " day. Databento: .dbn.zst of trades, mbp-1, mbp-10, tbbo, bbo and ohlcv. Binance: recorded futures streams in"
    " gzip. Tardis: book snapshots. Bars named 6EH4.XCME_1min_bars. Of plain CSV you say which column is what.\n\n"
    "Rows that break a rule are put aside, counted and written to a quarantine file; a file that is something else"
    " is refused, with a sentence that says what it looks like. Importing twice changes nothing.\n\n"
    "Examples:\n\n"
    "autofutures data import Daily_2021_07_26.zip\n\n"
    "autofutures data import downloads/ --catalog data --json\n\n"
    "autofutures data import my.csv --symbol TXF202108 --map at=Time,price=Last,qty=Size\n\n"
    "autofutures data import bars.csv --map at=t,symbol=s,open=o,high=h,low=l,close=c,qty=v"
)

_BARS_HELP = (
    "Print the bars of a contract's trading day.\n\n"
    "An interval is a time (1m, 5m, 1h), a number of trades (100t) or of contracts (1000v). A bar exists only"
    " where something traded, and is named by its start.\n\n"
    "Examples:\n\n"
    "autofutures data bars TXF202108 --date 2021-07-26\n\n"
    "autofutures data bars MXF202108 --date 2021-07-26 --interval 5m --format csv"
)

_SHOW_HELP = (
    "Show what the catalogue has of a contract's trading day, and what the contract is.\n\n"
    "Of each kind: rows, first and last time (UTC), prices, contracts; of quotes how many have one side only.\n\n"
    "Examples:\n\n"
    "autofutures data show TXF202108 --date 2021-07-26\n\n"
    "autofutures data show BINANCE:BTCUSDT --date 2024-08-08 --json"
)

_EXPORT_HELP = (
    "Write the trades, quotes, depth or imported bars of a contract's trading day to a file.\n\n"
    "Columns of trades: at (UTC), symbol, price, qty (contracts), auction; Parquet has price_ticks too. Such a CSV can"
    " be imported again with --map at=at,symbol=symbol,price=price,qty=qty,auction=auction\n\n"
    "Examples:\n\n"
    "autofutures data export TXF202108 --date 2021-07-26 --out ticks.csv\n\n"
    "autofutures data export TXF202108 --date 2021-07-26 --format parquet --out ticks.parquet\n\n"
    "autofutures data export CME:ES202409 --date 2024-07-02 --what quotes --out quotes.csv"
)


_CONTINUOUS_HELP = (
    "Join a root's monthly contracts to one series: which is in front on which day, and the rolls.\n\n"
    "By volume the contract that traded most on the day before is in front; by calendar the nearest one, until"
    " --roll-days trading days before its last. What happens later is never asked. The step of a roll is measured"
    " between the closing prices of the day before; --adjust back moves earlier prices by it, ratio multiplies them"
    " (the factor in parts per billion, the price rounded to a tick), none leaves them as they are.\n\n"
    "Examples:\n\n"
    "autofutures data continuous TXF --from 2026-05-12 --to 2026-06-05 --by calendar --roll-days 0 --adjust none\n\n"
    "autofutures data continuous TXF --from 2021-07-26 --to 2021-08-20 --out series.parquet"
)


@app.command("import", help=_IMPORT_HELP)
def import_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders of files.")],
    catalog: CatalogOption = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace days that another file provides, or import this one anew."),
    ] = False,
    columns: Annotated[
        str,
        typer.Option(
            "--map", help="Plain CSV: at=..,price=..,qty=..[,symbol=..,auction=..], or bars (see above)."
        ),
    ] = "",
    symbol: Annotated[
        str,
        typer.Option(
            "--symbol", help="Whose the file is, where it does not say; or in place of what it says."
        ),
    ] = "",
    tz: Annotated[
        str,
        typer.Option(
            "--tz",
            help="The zone of times without an offset, if not Asia/Taipei in plain CSV, or the vendor's own.",
        ),
    ] = "",
    time_format: Annotated[
        str,
        typer.Option(
            "--time-format",
            help="Plain CSV: as in strptime, where times are neither ISO 8601 nor a number since 1970.",
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Imports files one by one; a refused file does not stop the others, yet the exit code tells."""
    from autofutures.data.importers import Options
    from autofutures.data.importers.csv_columns import parse_map
    from autofutures.data.summary import import_summary

    started = time.perf_counter()
    mapping = parse_map(columns) if columns else {}
    options = Options(columns=mapping, time_zone=tz, time_format=time_format, symbol=symbol)
    done, refused, code = _import_all(paths, _catalog(catalog), options, replace=replace)
    summary = import_summary(done, refused, time.perf_counter() - started)
    _print_json(summary) if as_json else _print_import(summary)
    if code:
        raise typer.Exit(code)


@app.command("bars", help=_BARS_HELP)
def bars_command(
    symbol: SymbolArgument,
    date: DateOption,
    interval: Annotated[
        str, typer.Option("--interval", help="1m, 5m, 1h, 100t (trades), 1000v (contracts).")
    ] = "1m",
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prints bars."""
    from autofutures.data.day_bars import day_bars
    from autofutures.market.dates import parse_day
    from autofutures.market.sessions import Calendar

    printers = {"table": _print_bars_table, "csv": _print_bars_csv, "json": _print_json}
    if form not in printers:
        raise BadInput(f"--format {form!r} is unknown: choose {', '.join(printers)}")
    found = day_bars(_catalog(catalog), symbol, parse_day(date), interval, Calendar())
    printers["json" if as_json else form](found)


@app.command("list")
def list_command(catalog: CatalogOption = None, as_json: JsonOption = False) -> None:
    """List what the catalogue holds: contracts, days, trades, contracts traded."""
    from autofutures.data.summary import series_summaries

    place = _catalog(catalog)
    series = series_summaries(place.series())
    if as_json:
        _print_json({"catalog": str(place.root), "series": series})
    else:
        _print_series(f"{place.root}: {len(series)} series", series)


@app.command("continuous", help=_CONTINUOUS_HELP)
def continuous_command(
    root: Annotated[str, typer.Argument(help="A product, as TXF or TXF.front.")],
    first: Annotated[str, typer.Option("--from", help="The first trading day.")],
    last: Annotated[str, typer.Option("--to", help="The last trading day.")],
    by: Annotated[By, typer.Option("--by", help="What decides who is in front.")] = "volume",
    adjust: Annotated[Adjust, typer.Option("--adjust", help="How prices join at a roll.")] = "back",
    roll_days: Annotated[
        int, typer.Option("--roll-days", help="By calendar: trading days before the last one.")
    ] = 1,
    catalog: CatalogOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the trades of the series here, as Parquet.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """See `_CONTINUOUS_HELP`."""
    from autofutures.data.continuous import Rule, continuous, write_series
    from autofutures.market.dates import parse_day
    from autofutures.market.sessions import Calendar

    rule = Rule(by=by, adjust=adjust, roll_days=roll_days)
    place = _catalog(catalog)
    found = continuous(place, root, parse_day(first), parse_day(last), rule, Calendar())
    if out is not None:
        typer.echo(f"{write_series(place, found, out):,} trades written to {out}", err=True)
    if as_json:
        _print_json(found)
        return
    _print_table(
        f"{found.symbol} by {by}, prices: {adjust}",
        ("contract", "from", "to", "shift", "factor"),
        [
            (one.symbol, str(one.first), str(one.last), f"{one.shift_ticks:,}", f"{one.ratio_ppb / 1e9:.9f}")
            for one in found.segments
        ],
        left={"contract"},
    )
    _print_table(
        "Rolls, with the closing prices of the day before in ticks",
        ("day", "out of", "into", "old", "new"),
        [
            (str(one.day), one.old, one.new, _ticks(one.old_ticks), _ticks(one.new_ticks))
            for one in found.rolls
        ],
        left={"out of", "into"},
    )


def _ticks(ticks: int | None) -> str:
    return "not known" if ticks is None else f"{ticks:,}"


@app.command("export", help=_EXPORT_HELP)
def export_command(
    symbol: SymbolArgument,
    date: DateOption,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    what: Annotated[
        str, typer.Option("--what", help="trades, quotes, depth, or imported bars: 1m, 1h, 1d.")
    ] = "trades",
    form: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Writes one day of one contract."""
    from autofutures.data.export import export_day
    from autofutures.market.dates import parse_day

    rows = export_day(_catalog(catalog), symbol, parse_day(date), what, form, out)
    if as_json:
        _print_json({"out": str(out), "what": what, "format": form, "rows": rows})
    else:
        named = f"{what} bars" if what[0].isdigit() else what
        typer.echo(f"{rows} {named} of {symbol} on {date} written to {out}")


@app.command("show", help=_SHOW_HELP)
def show_command(
    symbol: SymbolArgument, date: DateOption, catalog: CatalogOption = None, as_json: JsonOption = False
) -> None:
    """Shows one day of one contract."""
    from autofutures.data.day_facts import day_facts
    from autofutures.market.dates import parse_day

    found = day_facts(_catalog(catalog), symbol, parse_day(date))
    _print_json(found) if as_json else _print_facts(found)


def _catalog(root: Path | None) -> "Catalog":
    from autofutures.config import default_catalog
    from autofutures.data.catalog import Catalog

    return Catalog(root or default_catalog())


def _import_all(
    paths: Sequence[Path], catalog: "Catalog", options: "Options", *, replace: bool
) -> tuple[list["Imported"], list["RefusedFile"], int]:
    """Imported files, refused files, and the exit code: 2 where a file is wrong, 1 where it may not go in."""
    from rich.console import Console
    from rich.progress import Progress

    from autofutures.data.importing import files_under, import_file
    from autofutures.data.summary import RefusedFile

    done: list[Imported] = []
    refused: list[RefusedFile] = []
    code = 0
    files = files_under(paths)
    if not files:
        raise BadInput(f"no file in {', '.join(map(str, paths))}")
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("importing")

        def tell(what: str, part: int, whole: int) -> None:
            bar.update(task, description=what, completed=part, total=whole)

        for path in files:
            try:
                one = import_file(path, catalog, options, replace=replace, progress=tell)
            except AutofuturesError as error:
                refused.append(RefusedFile(name=str(path), reason=str(error)))
                typer.echo(f"autofutures: {error}", err=True)
                code = max(code, 2 if isinstance(error, BadInput) else 1)
                continue
            done.append(one)
            _tell_what_is_odd(one)
    return done, refused, code


def _tell_what_is_odd(one: "Imported") -> None:
    record = one.record
    if one.already_imported:
        typer.echo(f"{record.name}: already imported, nothing changed", err=True)
    for note in record.notes:
        typer.echo(f"{record.name}: {note}", err=True)
    if record.quarantined:
        typer.echo(f"{record.name}: {record.quarantined} rows quarantined, see {one.quarantine}", err=True)
        for example in one.examples:
            typer.echo(f"  {example}", err=True)


def _print_json(value: object) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _print_import(summary: "ImportSummary") -> None:
    for file in summary.files:
        said = " (already imported, nothing changed)" if file.already_imported else ""
        typer.echo(
            f"{file.name}: {file.format}, {file.rows} rows = {file.imported} imported + "
            f"{file.spreads} spreads + {file.quarantined} quarantined{said}"
        )
        for reason, count in file.quarantined_by_reason.items():
            typer.echo(f"  quarantined: {count} {reason}")
    if not summary.series:
        return
    busiest = sorted(summary.series, key=lambda one: -one.contracts)[:20]
    _print_series(
        f"The {len(busiest)} busiest of {len(summary.series)} series; {summary.seconds:.1f} s", busiest
    )


def _print_series(title: str, series: Sequence["SeriesSummary"]) -> None:
    # Narrow enough for a terminal of 80 columns.
    names = ("symbol (* grid unchecked)", "what", "from", "days", "rows", "contracts", "with spreads")
    rows = (
        (
            one.symbol + ("" if one.grid == "checked" else " *"),
            one.kind,
            one.days[0],
            str(len(one.days)),
            f"{one.rows:,}",
            f"{one.contracts:,}" if one.contracts else "",
            f"{one.contracts_with_spreads:,}" if one.symbol.startswith("TAIFEX:") else "",
        )
        for one in series
    )
    _print_table(title, names, rows, left={*names[:3]})


def _print_table(
    title: str, names: Sequence[str], rows: Iterable[Sequence[str]], left: Container[str]
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in names:
        justify: Literal["left", "right"] = "left" if name in left else "right"
        # Where a terminal is narrow a number goes on in the next line: it never loses a digit.
        table.add_column(name, justify=justify, no_wrap=name == names[0], overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _print_facts(found: "DayFacts") -> None:
    worth = f"a tick is {found.tick}" + (f", lots of {found.lot}" if found.lot != "1" else "")
    typer.echo(f"{found.symbol} {found.date}: {found.name}, {found.currency}, {found.payoff}, {worth}")
    typer.echo(
        f"hours {found.sessions}; certainty {found.certainty}" + (f"; {found.source}" if found.source else "")
    )
    for one in found.kinds:
        first, last = (at[:19].replace("T", " ") for at in (one.first_utc, one.last_utc))
        typer.echo(f"{one.kind}: {one.rows:,} rows, {first} to {last} UTC")
        if one.open:
            typer.echo(
                f"  open {one.open} high {one.high} low {one.low} close {one.close}, {one.contracts:,} contracts"
            )
        if more := _more(one):
            typer.echo(f"  {more}")


def _more(one: "Facts") -> str:
    said = [
        "" if one.vwap is None else f"VWAP {one.vwap:.4f}",
        f"{one.one_sided:,} one-sided, {one.locked:,} locked" if one.kind == "quotes" else "",
        f"{one.snapshots:,} snapshots" if one.kind == "depth" else "",
    ]
    return "".join(said)


def _print_bars_csv(found: "DayBars") -> None:
    import msgspec

    from autofutures.data.day_bars import COLUMNS

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(msgspec.structs.astuple(bar) for bar in found.bars)
    sys.stdout.write(text.getvalue())


def _print_bars_table(found: "DayBars") -> None:
    vwap = "" if found.vwap is None else f", VWAP {found.vwap:.4f}"
    bars = f"{len(found.bars):,} bars, {found.contracts:,} contracts{vwap}"
    # A market abroad is shown in UTC: Taipei's clock would tell its reader nothing.
    abroad = not found.symbol.startswith("TAIFEX:")
    names = (
        "start (UTC)" if abroad else "start (Taipei)",
        "session",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "trades",
        "vwap",
    )
    rows = (
        (
            bar.start_utc.replace("T", " ").removesuffix(":00Z") if abroad else bar.start_taipei,
            bar.session,
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            str(bar.volume),
            str(bar.trades),
            "" if bar.vwap is None else f"{bar.vwap:.2f}",
        )
        for bar in found.bars
    )
    _print_table(
        f"{found.symbol} {found.date} {found.interval}: {bars}", names, rows, left={names[0], "session"}
    )
