"""The measurement behind `autofutures bench journal`: what a commit costs under each durability, beside a bare file.

The bare file is given the same bytes in turn with the journal: an append, and for `power-loss` a wait for the disk.
"""

import os
import tempfile
from pathlib import Path
from typing import get_args

import msgspec

from autofutures import clock
from autofutures.domain.messages import Intent, Placed, Submit, encode
from autofutures.domain.order_life import Status
from autofutures.domain.units import OpenClose, OrderType, Side, TimeInForce
from autofutures.orders.ids import ClientIds
from autofutures.storage.file import Durability
from autofutures.storage.journal import Journal
from autofutures.telemetry.latency import LatencySummary, LatencyTally

SYMBOL = "TAIFEX:TXF202608"
START = 1_785_718_800_000_000_000


class JournalCost(msgspec.Struct, frozen=True):
    """What one durability costs; microseconds, and `open_ms` for opening what was written."""

    commits: int
    commit_us: LatencySummary
    bare_file_us: LatencySummary
    open_ms: float


def measure(commits: int, at: Path) -> dict[Durability, JournalCost]:
    """Commits so many batches under each durability, in a new folder at a place, which goes afterwards."""
    at.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-journal-", dir=at) as place:
        return {name: _measure(commits, Path(place) / name, name) for name in get_args(Durability)}


def _measure(commits: int, folder: Path, durability: Durability) -> JournalCost:
    folder.mkdir()
    path = folder / "journal.sqlite"
    ids = ClientIds(1)
    ours, bare = LatencyTally(), LatencyTally()
    number = os.open(folder / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with Journal.open(path, durability=durability) as journal:
        for k in range(1, commits + 1):
            inputs, outputs = _batch(ids, k)
            began = clock.stopwatch_ns()
            journal.commit(inputs, outputs, START + k)
            ours.add(clock.stopwatch_ns() - began)
            data = encode([inputs, outputs])
            began = clock.stopwatch_ns()
            os.write(number, data)
            if durability == "power-loss":
                os.fsync(number)
            bare.add(clock.stopwatch_ns() - began)
    os.close(number)
    began = clock.stopwatch_ns()
    Journal.open(path, durability=durability).close()
    opened = clock.stopwatch_ns() - began
    return JournalCost(commits, ours.summary(), bare.summary(), round(opened / 1e6, 1))


def _batch(ids: ClientIds, k: int) -> tuple[list[Intent], list[Placed | Submit]]:
    """An order on its way: the batch that everything waits for."""
    intent = Intent("bench", k, 1, START + k, SYMBOL, Side.BUY, 1, OrderType.LIMIT, 23_000)
    client_id = ids.next(START)
    submit = Submit(
        client_id=client_id,
        at=START + k,
        symbol=SYMBOL,
        side=Side.BUY,
        qty=1,
        type=OrderType.LIMIT,
        price_ticks=23_000,
        tif=TimeInForce.ROD,
        open_close=OpenClose.AUTO,
        day_trade=False,
    )
    return [intent], [Placed(client_id, Status.SENT, intent), submit]
