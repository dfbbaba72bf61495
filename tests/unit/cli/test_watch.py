import io
import os
import pty
import select
import subprocess
import sys
import time

import msgspec
from rich.console import Console

from autofutures.cli.watch import Keys, screen

STATUS: dict[str, object] = {
    "run": "my-book",
    "at": 1_785_720_000_000_000_000,
    "mode": "NORMAL",
    "ready": True,
    "reasons": [],
    "uncovered_lots": 0,
    "unknown_orders": 0,
    "ticks_seen": 12_345,
    "ticks_lost": 0,
    "orders": 4,
    "refused": 1,
    "fills": 4,
    "net_pnl": -1_234,
    "gross_pnl": 566,
    "max_drawdown": 2_000,
    "lives": {"trader": 1, "gateway": 2},
    "restarts": {"gateway": 1},
    "processes": {
        "trader": {
            "pid": 7, "rss_mb": 94.2, "cpu_percent": 12.3, "descriptors": 26, "threads": 3, "age_s": 61.0
        }
    },
    "holdings": [
        {
            "strategy": "ema_cross", "symbol": "TAIFEX:TXF202608", "position": 2, "average": "17400", "last": "17410",
            "unrealised": 4_000, "covered": 1, "exits": ["1 with stop 17370"],
        }
    ],
    "markets": {
        "TAIFEX:TXF202608": {
            "session": "day", "closes_at": 1_785_720_000_000_000_000 + 3_723 * 10**9,
            "heard_at": 1_785_719_998_000_000_000, "position": 17, "limit": 20,
        }
    },
    "refusals": ["ema_cross: position: would reach 21"],
    "link": {"up": True, "reconciled": True},
    "queues": {"lag_ms": 11.0, "recorder_frames": 0},
    "latency_us": {"count": 400, "p50": 210.0, "p99": 900.0, "p999": None},
    "alerts": ["limit_near TXF x1: position +17 of at most 20"],
    "a_key_of_a_later_version": 1,
}  # fmt: skip


def text_of(status: dict[str, object], words: str = "") -> str:
    console = Console(width=160, color_system=None, file=io.StringIO())
    with console.capture() as shown:
        console.print(screen(status, words))
    return shown.get()


def test_the_screen_shows_session_positions_cover_limits_processes_refusals_latency_and_alerts() -> None:
    shown = text_of(STATUS)
    for part in (
        "my-book", "READY", "NORMAL", "2026-08-03 09:20:00 Taipei", "venue link up, compared", "day", "1:02:03",
        "2.0 s ago", "85 % of 20", "+2", "17400", "1 UNCOVERED; 1 with stop 17370", "net -1,234 TWD", "94 MB", "12 %",
        "26", "not there", "position: would reach 21", "p50 210 us", "up to 11.0 ms", "limit_near", "k: the kill",
    ):  # fmt: skip
        assert part in shown, part


def test_a_machine_that_is_not_ready_says_why() -> None:
    reasons = ["gateway is away", "no link to the venue"]
    shown = text_of(
        {**STATUS, "ready": False, "reasons": reasons, "mode": "REDUCING", "link": {}, "holdings": []}
    )
    for part in ("NOT READY: gateway is away; no link to the venue", "REDUCING", "venue link DOWN", "flat"):
        assert part in shown, part


def test_the_kill_switch_takes_two_keys_in_turn() -> None:
    used: list[int] = []

    def kill() -> str:
        used.append(1)
        return "done"

    keys = Keys(kill)
    for key in "y", "k", "n", "y", "k", "k", "q":
        keys.press(key)
    assert (used, keys.over) == ([], False)
    keys.press("k")
    assert "y: yes" in keys.words
    keys.press("y")
    assert (used, keys.words) == ([1], "done")
    keys.press("y")
    keys.press("q")
    assert (used, keys.over) == ([1], True)


SHOW = """
import json, sys
from autofutures.cli import watch
status = json.loads(sys.argv[1])
watch.watch(lambda: status, lambda: "never", every_s=60)
"""


def test_a_terminal_shows_the_machine_and_takes_a_key() -> None:
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-c", SHOW, msgspec.json.encode(STATUS).decode()]
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen, until, pressed = b"", time.monotonic() + 60, False
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 65_536)
            except OSError:  # The child has ended, and its terminal with it.
                break
        if not pressed and b"switch" in seen:
            pressed = True
            os.write(terminal, b"q")
    assert child.wait(10) == 0
    os.close(terminal)
    assert pressed
    assert b"NORMAL" in seen
