"""The options that `backtest` and `up` share, as the command line writes them."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from autofutures.config import GENERATED_DATE
from autofutures.domain.errors import BadInput
from autofutures.storage.file import Durability

SymbolOption = Annotated[
    str, typer.Option("--symbol", help="A contract, several with commas, or a series: TXF.front.")
]
DateOption = Annotated[
    str,
    typer.Option(
        "--date", help="The trading day; its night came the day before.", show_default=GENERATED_DATE
    ),
]
FirstOption = Annotated[str, typer.Option("--from", help="The first of several trading days.")]
LastOption = Annotated[str, typer.Option("--to", help="The last of them.")]
RollOption = Annotated[
    list[str] | None,
    typer.Option(
        "--roll",
        metavar="NAME=VALUE",
        help="Of TXF.front, may be given again: by=volume or calendar, days=1 (by calendar, so many trading days "
        "before a contract's last), adjust=back, ratio or none, position=carry or close.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="A strategy's setting; may be given again. As in --set fast=20."
    ),
]
CatalogOption = Annotated[
    Path | None,
    typer.Option("--catalog", help="Where imported data is. Default: $XDG_DATA_HOME/autofutures/catalog."),
]
LatencyOption = Annotated[
    str,
    typer.Option("--order-latency", help="From a decision to its order's reaching the market: 0, 5ms, 2s."),
]
FeeOption = Annotated[int, typer.Option("--fee", help="Broker's fee for a contract and side: TWD, US cents.")]
SlippageOption = Annotated[
    int | None,
    typer.Option(
        "--slippage",
        help="Ticks by which the fill of an order that takes is worse than the trade or quote it meets. Default: 1 "
        "with prints and bars, else 0.",
    ),
]
MarketOption = Annotated[
    str,
    typer.Option(
        "--market",
        help="What fills come from: prints, quotes, depth; bars: each recorded 1-minute bar as four trades; auto: "
        "quotes where they are recorded, else prints.",
    ),
]
QueueOption = Annotated[
    int,
    typer.Option(
        "--queue", help="Contracts that trade at a resting order's price before it is filled there."
    ),
]
RiskOption = Annotated[
    Path | None,
    typer.Option("--risk", help="Risk limits as TOML, one table for each rule id, as in \\[order_size]."),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="A settings file: strategies with conditions, risk, calendar.")
]
LimitOption = Annotated[int, typer.Option("--limit", help="Stop after so many ticks; 0: no limit.", min=0)]
SeedOption = Annotated[int, typer.Option("--seed", help="What a generated session is made from.")]
TradesOption = Annotated[
    int, typer.Option("--trades", help="About how many trades a generated session has.", min=200)
]
GenerateOption = Annotated[
    bool, typer.Option("--generate", help="Trade a generated session: no data needed.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Write the self-contained HTML page here. Where autofutures up trades several days it may be a "
        "folder: then each day has a page of its own there too.",
    ),
]
OrdersOption = Annotated[Path | None, typer.Option("--orders", help="Write orders as CSV here, as hashed.")]
FillsOption = Annotated[Path | None, typer.Option("--fills", help="Write fills as CSV here, as hashed.")]
DurabilityOption = Annotated[
    str,
    typer.Option(
        "--durability",
        help="What a commit of the journal outlives: process-crash, or power-loss, which waits for the disk each "
        "time. `autofutures bench journal` shows what each costs.",
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="Who runs it: nodes; kernel, which compiles the strategy with the nodes' own rules; auto, the kernel "
        "where it can; processes, the whole machine. Orders and fills are the same, byte for byte.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON object on standard output, nothing else there.")
]


def durability_of(text: str) -> Durability:
    """What `--durability` says.

    Raises:
        BadInput: something else.
    """
    known: dict[str, Durability] = {name: name for name in get_args(Durability)}
    if text not in known:
        raise BadInput(f"--durability {text!r}: write {' or '.join(known)}")
    return known[text]


def range_of(date: str, first: str, last: str) -> tuple[str, str]:
    """The first and the last trading day of `--date`, or of `--from` and `--to`; no last day: one day.

    Raises:
        BadInput: both ways were used, or one end is missing.
    """
    if not first and not last:
        return date or GENERATED_DATE, ""
    if date:
        raise BadInput("--date is one trading day, --from and --to are several: give one or the other")
    if not first or not last:
        raise BadInput("--from and --to belong together: give the first trading day and the last")
    return first, last
