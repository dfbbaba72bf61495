"""How commands speak: one JSON object, or a table for people; progress goes to standard error."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from autofutures.domain.instrument import money_text
from autofutures.domain.units import SECOND
from autofutures.portfolio.tally import Summary


def write_json(summary: Summary, more: Mapping[str, object]) -> None:
    """Prints a run's summary and what goes with it as one JSON object."""
    print_json({**msgspec.to_builtins(summary), **more})


def print_json(table: Mapping[str, object]) -> None:
    """Prints one JSON object."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(table), indent=2).decode() + "\n")


def moment(ns: int) -> str:
    """An instant for a person: UTC, to the second."""
    return datetime.fromtimestamp(ns // SECOND, UTC).isoformat(sep=" ").removesuffix("+00:00")


def print_summary(summary: Summary, currency: str) -> None:
    """Prints a run's summary for a person."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    money = ("gross_pnl", "fees", "tax", "net_pnl", "max_drawdown")
    for name in ("ticks_seen", "ticks_lost", "bad_ticks", "orders", "refused", "fills", "contracts", *money):
        value = getattr(summary, name)
        text = f"{money_text(currency, value)} {currency}" if name in money else f"{value:,}"
        table.add_row(name.replace("_", " "), text)
    positions = ", ".join(f"{symbol} {qty:+d}" for symbol, qty in summary.positions.items()) or "flat"
    table.add_row("position", positions)
    table.add_row("order hash", summary.order_hash[:16])
    table.add_row("fill hash", summary.fill_hash[:16])
    Console(file=sys.stdout, highlight=False).print(table)


def print_days(days: Mapping[str, Summary], currency: str) -> None:
    """Prints what each trading day of a run came to, for a person."""
    table = Table(box=None, pad_edge=False)
    for name in (
        "day",
        "ticks",
        "orders",
        "refused",
        "fills",
        f"net {currency}",
        "drawdown",
        "held at its end",
    ):
        table.add_column(name, justify="left" if name == "day" else "right")
    for day, one in days.items():
        held = ", ".join(f"{symbol} {qty:+d}" for symbol, qty in one.positions.items()) or "flat"
        counts = (f"{count:,}" for count in (one.ticks_seen, one.orders, one.refused, one.fills))
        money = (money_text(currency, value) for value in (one.net_pnl, one.max_drawdown))
        table.add_row(day, *counts, *money, held)
    Console(file=sys.stdout, highlight=False).print(table)


@contextmanager
def spinner(what: str) -> Iterator[Callable[[int], None]]:
    """Shows on standard error how many of something are done; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} " + what), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows on standard error how many of a known number are done; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.completed:,} of {task.total:,} " + what), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def growing_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """As `bar`, where how many there will be is learned on the way; hears (done, wanted)."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} " + what),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=1)
        yield lambda done, wanted: progress.update(task, completed=done, total=wanted)
