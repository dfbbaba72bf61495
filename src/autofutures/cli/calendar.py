"""`autofutures calendar`: trading days that a person closes or opens while the machine runs, and what is expected."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autofutures.cli import options
from autofutures.cli.output import print_json

if TYPE_CHECKING:
    from autofutures.ops.folder import Folder

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Trading days of a running machine: a typhoon closes one at breakfast.\n\n"
        "What is entered is kept before the answer comes, told to every strategy at once, and known again after a "
        "restart: the sessions of a closed day are not expected any more, and a last trading day that falls on it "
        "moves to the next. A replay has the days that were recorded: write [calendar] in its settings file.\n\n"
        "Examples:\n\n"
        "autofutures calendar close 2026-07-24 --reason typhoon\n\n"
        "autofutures calendar open 2026-07-24 --reason 'the typhoon has turned away'\n\n"
        "autofutures calendar show"
    ),
)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]
DayArgument = Annotated[str, typer.Argument(help="The trading day: 2026-07-24.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept with the change.")]


def _change(verb: str, day: str, reason: str, run: Path | None, *, as_json: bool) -> None:
    from autofutures.market.dates import parse_day
    from autofutures.market.day_changes import KINDS, NAME
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.ops.operator import Operator

    asked = parse_day(day)
    folder = Folder(run) if run is not None else latest_folder()
    with Operator(folder) as operator:
        operator.command("", verb, NAME, {"day": asked, "reason": reason})
    if as_json:
        print_json({"day": asked, "kind": KINDS[verb], "reason": reason})
    else:
        sys.stdout.write(f"{day} is {KINDS[verb]}: {reason}\n")


@app.command("close")
def close(
    day: DayArgument, reason: ReasonOption, run: RunOption = None, as_json: options.JsonOption = False
) -> None:
    """No session is held on this trading day: a typhoon, an election."""
    _change("close", day, reason, run, as_json=as_json)


@app.command("open")
def open_day(
    day: DayArgument, reason: ReasonOption, run: RunOption = None, as_json: options.JsonOption = False
) -> None:
    """Sessions are held on this day after all, or though it is a Saturday."""
    _change("open", day, reason, run, as_json=as_json)


@app.command("show")
def show(
    run: RunOption = None,
    days: Annotated[int, typer.Option("--days", help="So many calendar days ahead.", min=1, max=366)] = 14,
    as_json: options.JsonOption = False,
) -> None:
    """The coming trading days with their sessions in Taipei's time, and what people have changed."""
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.storage.day_changes import changes_in

    folder = Folder(run) if run is not None else latest_folder()
    changes = changes_in(folder.journal)
    ahead = _days_ahead(folder, days)
    if as_json:
        changed = [{"at": fact.at, "verb": fact.verb, **fact.values} for fact in changes]
        print_json({"changed": changed, "days": ahead})
        return
    for row in ahead:
        sys.stdout.write(f"{row['day']}  {row['symbol']:<20} {row['sessions']}\n")
    for fact in changes:
        values = fact.values
        sys.stdout.write(f"{fact.verb} {values['day']}: {values['reason']} ({values['who']})\n")


def _days_ahead(folder: "Folder", count: int) -> list[dict[str, str]]:
    """Of each contract, the sessions of the days to come by the run's own clock."""
    from datetime import datetime, timedelta, timezone

    import msgspec

    from autofutures import clock
    from autofutures.assemble.nodes import calendar_of, instruments_of
    from autofutures.domain.units import SECOND
    from autofutures.market.contract_days import sessions_of
    from autofutures.market.dates import add_days, taipei_day
    from autofutures.storage.day_changes import closed_days

    run, taipei = folder.run(), timezone(timedelta(hours=8))
    known = {**run.closed_days, **closed_days(folder.journal)}
    calendar = calendar_of(msgspec.structs.replace(run, closed_days=known))
    today = taipei_day(clock.now_ns() + folder.machine().clock_offset_ns)

    def hour(ns: int) -> str:
        return datetime.fromtimestamp(ns // SECOND, taipei).strftime("%m-%d %H:%M")

    rows = []
    for day in (add_days(today, ahead) for ahead in range(count)):
        for symbol in instruments_of(run):
            sessions = sessions_of(symbol, day, calendar)
            words = ", ".join(f"{one.name} {hour(one.opens_at)} to {hour(one.closes_at)}" for one in sessions)
            rows.append({"day": str(day), "symbol": symbol, "sessions": words or "closed"})
    return rows
