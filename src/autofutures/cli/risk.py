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
    """Shows each limit beside its use, what has halted, and margins: of the running machine or a run that is over."""
    shown = _shown(run)
    if as_json:
        print_json(shown)
    else:
        _print_limits(shown)


def _shown(run: Path | None) -> dict[str, object]:
    """The risk of now: as the running machine says it, or as the journal of one that is over."""
    from autofutures.ops.operator import Operator
    from autofutures.ops.risk_shown import risk_of

    folder = _folder(run)
    if folder.is_over():
        return risk_of(folder)
    with Operator(folder) as operator:
        return operator.ask("risk")


def _print_limits(shown: dict[str, object]) -> None:
    import msgspec

    from autofutures.orders.risk_use import LimitUse

    table = Table("control", "for", "limit", "use", "halted")
    for one in msgspec.convert(shown["limits"], list[LimitUse]):
        settings = ", ".join(f"{name} {value:,}" for name, value in one.settings.items())
        used = "" if one.use is None else f"{one.use:,} of {one.of:,}"
        table.add_row(one.control, one.scope or "account", settings if one.on else "off", used, one.halted)
    Console(file=sys.stdout).print(table)
    margins = msgspec.convert(shown["margins"], dict[str, dict[str, int]])
    if margins:
        told = Table("contract", "initial margin", "told by the venue", "set by a person")
        for symbol, of in margins.items():
            told.add_row(
                symbol, *(f"{of[name]:,}" if of[name] else "" for name in ("initial", "told", "set"))
            )
        Console(file=sys.stdout).print(told)


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


DateOption = Annotated[
    str, typer.Option("--date", help="The trading day, as 2026-05-20. Default: the newest.")
]
CatalogOption = Annotated[
    Path | None, typer.Option("--catalog", help="Where past days' prices are. Default: the run's catalogue.")
]
WindowOption = Annotated[int, typer.Option("--window", min=1, help="Trading days to look back on.")]
LevelOption = Annotated[float, typer.Option("--level", help="Of value at risk, between 0.5 and 1.")]


@app.command("figures")
def figures(
    run: RunOption = None,
    catalog: CatalogOption = None,
    window: WindowOption = 250,
    level: LevelOption = 0.99,
    as_json: options.JsonOption = False,
) -> None:
    """What could be lost: margin, tomorrow's price limits, value at risk and expected shortfall.

    Value at risk is of one trading day, from the closing prices of the days before it in the catalogue: historical,
    and parametric with normal losses. Where the sample is too small it is null, with the reason.

    Examples: autofutures risk figures

    autofutures risk figures --window 500 --level 0.975 --json
    """
    from autofutures.ops.tail_risk import figures_of

    folder, now = _folder(run), _shown(run)
    found = figures_of(folder.run(), now, catalog, window=window, level=_level(level))
    if as_json:
        print_json(found)
        return
    _print_figures(found, folder.run().currency)


@app.command("report")
def report(
    run: RunOption = None,
    day: DateOption = "",
    out: Annotated[Path, typer.Option("--out", help="Where the page goes.")] = Path("risk.html"),
    catalog: CatalogOption = None,
    window: WindowOption = 250,
    level: LevelOption = 0.99,
    as_json: options.JsonOption = False,
) -> None:
    """Writes a trading day's risk as one page: use of each limit, refusals, halts, margin, worst scenario, VaR.

    From the journal of a run, whether it lives or is over; the page asks the network for nothing.

    Examples: autofutures risk report --out today.html

    autofutures risk report --run runs/may --date 2026-05-20 --out 2026-05-20.html
    """
    from autofutures.backtest.page import write_page
    from autofutures.backtest.risk_page import risk_html
    from autofutures.market.dates import parse_day
    from autofutures.processes.risk_day import risk_day, summary_of

    data = risk_day(
        _folder(run), parse_day(day) if day else 0, catalog=catalog, window=window, level=_level(level)
    )
    write_page(risk_html(data), out)
    if as_json:
        print_json({"report": str(out), **summary_of(data)})
    else:
        sys.stdout.write(f"Report: {out}\n")


def _level(level: float) -> float:
    if not 0.5 <= level < 1:
        raise BadInput(f"--level {level} is none: write a share between 0.5 and 1, as 0.99")
    return level


def _print_figures(found: dict[str, object], currency: str) -> None:
    import msgspec

    from autofutures.domain.instrument import money_text
    from autofutures.ops.tail_risk import Figures

    shown = msgspec.convert(found, Figures)
    table = Table("figure", "", "of", box=None, pad_edge=False)
    margin, percent = shown.margin, shown.margin.indicator_percent
    said = "n/a" if percent is None else f"{percent} %"
    money = f"{money_text(currency, margin.equity)} of {money_text(currency, margin.initial)} {currency}"
    table.add_row("risk indicator", said, f"equity of initial margin: {money}")
    for symbol, loss in shown.limit_move.items():
        table.add_row("loss at tomorrow's limit", f"{money_text(currency, loss)} {currency}", symbol)
    for one in shown.tails.figures:
        for name, value in (
            ("value at risk", one.value_at_risk),
            ("expected shortfall", one.expected_shortfall),
        ):
            text = "n/a" if value is None else f"{money_text(currency, round(value))} {currency}"
            table.add_row(name, text, f"{one.method}, {one.level:.4g}, {one.days} days, {one.gaps} gaps")
    Console(file=sys.stdout, highlight=False).print(table)
    for note in shown.notes:
        sys.stdout.write(f"{note}\n")


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
