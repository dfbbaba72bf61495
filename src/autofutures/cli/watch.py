"""The screen of `autofutures status --watch`: a running machine at a glance, and one key for the kill switch."""

import os
import select
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from autofutures.domain.instrument import money_text
from autofutures.domain.units import SECOND
from autofutures.ops.vitals import Usage
from autofutures.seats.glance import Holding, Market
from autofutures.telemetry.latency import LatencySummary

_GOOD, _BAD, _DIM = "bold green", "bold white on red", "dim"
_TAIPEI_S = 8 * 3_600

Ask = Callable[[], dict[str, object] | None]
"""The machine's word now; `None` once its run has ended."""


class Link(msgspec.Struct):
    """The way to the venue."""

    up: bool = False
    reconciled: bool = False


class Seen(msgspec.Struct):
    """What a live run's status says."""

    run: str
    at: int
    mode: str
    ready: bool
    reasons: tuple[str, ...]
    uncovered_lots: int
    unknown_orders: int
    ticks_seen: int
    ticks_lost: int
    orders: int
    refused: int
    fills: int
    net_pnl: int
    gross_pnl: int
    max_drawdown: int
    lives: dict[str, int]
    restarts: dict[str, int] = {}
    processes: dict[str, Usage] = {}
    holdings: tuple[Holding, ...] = ()
    markets: dict[str, Market] = {}
    refusals: tuple[str, ...] = ()
    link: Link = msgspec.field(default_factory=Link)
    queues: dict[str, float] = {}
    latency_us: LatencySummary | None = None
    alerts: tuple[str, ...] = ()
    currency: str = "TWD"


def screen(status: Mapping[str, object], words: str = "") -> RenderableType:
    """The whole screen.

    Args:
        status: what the machine answered, with what its folder says besides.
        words: what became of the last key.
    """
    seen = msgspec.convert(status, Seen, strict=False)
    return Group(
        _head(seen),
        _markets(seen),
        _holdings(seen),
        _processes(seen),
        _rest(seen),
        Text(words or "k: the kill switch    q: leave", style=_BAD if words else _DIM),
    )


def _head(seen: Seen) -> RenderableType:
    verdict = (
        Text("READY", style=_GOOD)
        if seen.ready
        else Text(f"NOT READY: {'; '.join(seen.reasons)}", style=_BAD)
    )
    clock = datetime.fromtimestamp(seen.at // SECOND + _TAIPEI_S, UTC)
    line = Text.assemble(
        f"{clock:%Y-%m-%d %H:%M:%S} Taipei   ", (seen.mode, _GOOD if seen.mode == "NORMAL" else _BAD), "   "
    )
    line.append_text(verdict)
    link = "up" if seen.link.up else "DOWN"
    compared = "compared" if seen.link.reconciled else "not compared yet"
    doubts = f"uncovered lots {seen.uncovered_lots}   unknown orders {seen.unknown_orders}   "
    doubts += f"venue link {link}, {compared}"
    bad = seen.uncovered_lots or seen.unknown_orders or not (seen.link.up and seen.link.reconciled)
    return Panel(Group(line, Text(doubts, style=_BAD if bad else "")), title=seen.run, title_align="left")


def _markets(seen: Seen) -> RenderableType:
    table = _table("market", "session", "ends in", "last heard", "position", "of its limit")
    for symbol, market in seen.markets.items():
        left = max(0, market.closes_at - seen.at) // SECOND
        ends = f"{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}" if market.session else "-"
        heard = f"{max(0, seen.at - market.heard_at) / SECOND:.1f} s ago" if market.heard_at else "never"
        used = 100 * abs(market.position) // max(1, market.limit)
        share = Text(f"{used} % of {market.limit}", style=_BAD if used >= 80 else "")
        table.add_row(symbol, market.session or "closed", ends, heard, f"{market.position:+d}", share)
    return table


def _holdings(seen: Seen) -> RenderableType:
    net, gross, fall = (
        money_text(seen.currency, amount) for amount in (seen.net_pnl, seen.gross_pnl, seen.max_drawdown)
    )
    table = _table("holding", "strategy", "contracts", "at", "last", f"open {seen.currency}", "exits")
    for holding in seen.holdings:
        open_lots = abs(holding.position) - holding.covered
        exits = "; ".join(holding.exits) or "none"
        table.add_row(
            holding.symbol,
            holding.strategy,
            f"{holding.position:+d}",
            holding.average,
            holding.last,
            money_text(seen.currency, holding.unrealised),
            Text(
                exits if not open_lots else f"{open_lots} UNCOVERED; {exits}", style=_BAD if open_lots else ""
            ),
        )
    figures = (
        f"net {net} {seen.currency}, gross {gross}, deepest fall {fall}   orders {seen.orders}   "
        f"fills {seen.fills}   refused {seen.refused}   trades {seen.ticks_seen:,} ({seen.ticks_lost} lost)"
    )
    return Group(Text(figures), table if seen.holdings else Text("flat", style=_DIM))


def _processes(seen: Seen) -> RenderableType:
    table = _table("process", "life", "restarts", "memory", "processor", "files", "age")
    for name in sorted({*seen.lives, *seen.processes}):
        used = seen.processes.get(name)
        life = seen.lives.get(name)
        again = seen.restarts.get(name, 0)
        row = (
            (
                f"{used.rss_mb:.0f} MB",
                f"{used.cpu_percent:.0f} %",
                str(used.descriptors),
                f"{used.age_s:.0f} s",
            )
            if used
            else ("-", "-", "-", Text("not there", style=_BAD))
        )
        table.add_row(
            name, "-" if life is None else str(life), Text(str(again), style="yellow" if again else ""), *row
        )
    return table


def _rest(seen: Seen) -> RenderableType:
    latency = seen.latency_us
    measured = (
        f"tick to order: p50 {latency.p50:.0f} us, p99 {latency.p99:.0f} us, over {latency.count:,} orders"
        if latency is not None and latency.p50 is not None and latency.p99 is not None
        else "tick to order: nothing measured yet"
    )
    lag_ms, frames = (seen.queues.get(name, 0.0) for name in ("lag_ms", "recorder_frames"))
    queues = f"trades waited up to {lag_ms:.1f} ms, {frames:.0f} frames wait for the recorder"
    lines = [Text(f"{measured}   {queues}")]
    lines += [Text(f"refused: {refusal}", style=_DIM) for refusal in seen.refusals[:3]]
    lines += [Text(f"alert: {alert}", style=_BAD) for alert in seen.alerts[-3:]]
    return Group(*lines)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style=_DIM)
    for column in columns:
        table.add_column(column)
    return table


class Keys:
    """What one key after the other means: `k` asks, `y` after it acts.

    Args:
        kill: uses the kill switch; returns its words.
    """

    def __init__(self, kill: Callable[[], str]) -> None:
        self._kill = kill
        self._asked = False
        self.words = ""
        self.over = False

    def press(self, key: str) -> None:
        """One key."""
        asked, self._asked = self._asked, False
        if asked and key == "y":
            self.words = self._kill()
        elif key == "k":
            self._asked = True
            self.words = (
                "KILL SWITCH: all orders back, all positions closed. y: yes, do it    any other key: no"
            )
        elif asked:
            self.words = ""
        elif key == "q":
            self.over = True
        else:
            self.words = ""


def kill_by_command(run: str) -> str:
    """Uses the kill switch of a run as its command does; returns what it says."""
    command = [sys.executable, "-m", "autofutures.cli", "kill", "--run", run, "--reason", "by status --watch"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout or done.stderr).strip().splitlines()
    return (
        f"kill switch ({'done' if done.returncode == 0 else 'NOT DONE'}): {said[-1] if said else 'no word'}"
    )


def watch(ask: Ask, kill: Callable[[], str], every_s: float = 1.0) -> None:
    """Shows the machine until its run ends or a person leaves; needs a terminal."""
    keys = Keys(kill)
    with one_key_at_a_time() as read, Live(console=Console(), screen=True, auto_refresh=False) as live:
        while True:
            status = ask()
            if status is None:
                return
            live.update(screen(status, keys.words), refresh=True)
            until = time.monotonic() + every_s
            while (left := until - time.monotonic()) > 0:
                if key := read(left):
                    keys.press(key)
                    if keys.over:
                        return
                    live.update(screen(status, keys.words), refresh=True)


@contextmanager
def one_key_at_a_time() -> Iterator[Callable[[float], str]]:
    """Takes keys as they are pressed, without Enter; the reader waits so many seconds for one, and returns it or ''."""
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)

    def read(seconds: float) -> str:
        ready, _, _ = select.select([number], [], [], seconds)
        return os.read(number, 1).decode(errors="replace") if ready else ""

    try:
        yield read
    finally:
        with suppress(termios.error):  # The terminal may have been closed.
            termios.tcsetattr(number, termios.TCSADRAIN, before)
