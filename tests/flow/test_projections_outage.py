"""PostgreSQL is killed in the middle of trading: the way of an order does not notice, and the tables catch up."""

import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import msgspec

from autofutures.assemble.nodes import calendar_of
from autofutures.config import RunSettings, environment_of_children, write_run
from autofutures.domain.messages import AnyMessage
from autofutures.ops.folder import Folder, Machine
from autofutures.storage.journal import Journal
from autofutures.storage.journal_reader import JournalReader
from autofutures.storage.projections.follow import Follower
from autofutures.storage.projections.rows import FillRow, PositionRow
from autofutures.storage.projections.store import Projections
from autofutures.trader import Trader
from tests.journals import a_day, a_run, trade
from tests.postgres import Server

PATIENCE_S = 60
TRADES = 3_000
PACE_S = 0.001
"""Between two batches, so that trading goes on while a server dies, is started again and recovers."""


def a_folder(root: Path, run: RunSettings, url: str) -> Folder:
    """What the projector reads of a run."""
    (root / "logs").mkdir(parents=True)
    write_run(run, root / "run.json")
    machine = Machine(sockets="", keys="", state=str(root), projections=url)
    (root / "machine.json").write_bytes(msgspec.json.encode(machine))
    return Folder(root)


@contextmanager
def projecting(folder: Folder) -> Iterator["subprocess.Popen[bytes]"]:
    """The projector's process, which is gone afterwards."""
    command = [sys.executable, "-m", "autofutures.processes.projector", "--run", str(folder.root)]
    with subprocess.Popen(command, env=environment_of_children({})) as child:
        try:
            yield child
        finally:
            child.kill()


def said(folder: Folder, event: str) -> bool:
    """Whether the projector has logged it."""
    log = folder.log("projector")
    lines = log.read_bytes().splitlines() if log.exists() else []
    return any(msgspec.json.decode(line, type=dict[str, object])["event"] == event for line in lines)


def wait_for(folder: Folder, event: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not said(folder, event):
        assert time.monotonic() < deadline, f"the projector did not say {event!r}"
        time.sleep(0.01)


class Outage:
    """Kills the server once trading is under way, and starts it again once the projector has noticed."""

    def __init__(self, server: Server, folder: Folder) -> None:
        self._server = server
        self._folder = folder
        self._thread = threading.Thread(target=self._happen)
        self.killed_at = 0.0
        self.back_at = 0.0

    def begin(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        self._thread.join(PATIENCE_S)
        assert self.back_at

    def _happen(self) -> None:
        self.killed_at = time.perf_counter()
        self._server.kill(signal.SIGKILL)
        wait_for(self._folder, "waiting")
        self._server.start()
        self.back_at = time.perf_counter()


class Clocked:
    """A journal whose every commit is measured; the outage begins at one of them."""

    def __init__(self, journal: Journal, outage: Outage, begins: int) -> None:
        self._journal = journal
        self._outage = outage
        self._begins = begins
        self.commits: list[tuple[float, float]] = []
        """When each commit began, and how many microseconds it took."""

    def keep(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], at: int) -> None:
        begun = time.perf_counter()
        self._journal.commit(inputs, outputs, at)
        self.commits.append((begun, (time.perf_counter() - begun) * 1e6))
        if len(self.commits) == self._begins:
            self._outage.begin()
        if outputs:
            time.sleep(PACE_S)

    def median_us(self, begins: float, ends: float) -> float:
        return statistics.median(took for begun, took in self.commits if begins <= begun < ends)


def equal_the_trader(folder: Folder, url: str, trader: Trader) -> None:
    """The tables have every fill once, the trader's positions, and are what a rebuild makes."""
    with Projections.open(url) as projections:
        reader = JournalReader(folder.journal)
        assert projections.position() == reader.head()
        assert Follower(reader, projections, calendar_of(folder.run())).difference() == ""
        with projections.seen() as seen:
            rows = [row for row in seen.rows("positions") if isinstance(row, PositionRow)]
            fills = [row for row in seen.rows("fills") if isinstance(row, FillRow)]
    ledgers = {(strategy, symbol): ledger for strategy, symbol, ledger in trader.portfolio.ledgers()}
    assert {(row.strategy, row.symbol): row.position for row in rows} == {
        key: ledger.position for key, ledger in ledgers.items()
    }
    assert sum(fill.qty for fill in fills) == sum(ledger.contracts for ledger in ledgers.values()) > 0


def test_trading_does_not_notice_that_the_database_was_killed_and_the_tables_catch_up(
    postgres: Server, tmp_path: Path
) -> None:
    url = postgres.empty_database()
    folder = a_folder(tmp_path / "run", a_run(TRADES), url)
    outage = Outage(postgres, folder)
    with projecting(folder) as child:
        with Journal.open(folder.journal) as journal:
            clocked = Clocked(journal, outage, begins=700)
            wait_for(folder, "following")
            trader = trade(folder.run(), clocked.keep, journal.next_epoch())
        ended_at = time.perf_counter()
        outage.wait()
        folder.result.write_bytes(b"{}")
        assert child.wait(PATIENCE_S) == 0
    assert said(folder, "going on")
    assert outage.back_at < ended_at
    equal_the_trader(folder, url, trader)
    # To the byte what a trader writes who has no database at all, and as fast while it was away.
    a_day(tmp_path / "alone.sqlite", TRADES)
    assert JournalReader(tmp_path / "alone.sqlite").head() == JournalReader(folder.journal).head()
    away = clocked.median_us(outage.killed_at, outage.back_at)
    before = clocked.median_us(0, outage.killed_at)
    assert away < 2 * before + 100


def test_a_projector_that_is_killed_again_and_again_folds_every_batch_once(tmp_path: Path) -> None:
    place = tmp_path / "projections.sqlite"
    folder = a_folder(tmp_path / "run", a_run(TRADES), f"sqlite:///{place}")
    with Journal.open(folder.journal) as journal, ExitStack() as children:
        child = children.enter_context(projecting(folder))
        reached, commits = 0, 0

        def keep(inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], at: int) -> None:
            nonlocal child, reached, commits
            journal.commit(inputs, outputs, at)
            commits += 1
            if outputs and commits % 900 == 0:
                reached = wait_for_more(place, reached)
                child.kill()
                child = children.enter_context(projecting(folder))

        trader = trade(folder.run(), keep, journal.next_epoch())
        folder.result.write_bytes(b"{}")
        assert child.wait(PATIENCE_S) == 0
    assert reached
    equal_the_trader(folder, f"sqlite:///{place}", trader)


def wait_for_more(place: Path, reached: int) -> int:
    """Until the tables are further than that; returns how far."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with (
            suppress(sqlite3.OperationalError),
            closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as seen,
        ):
            batch: int = seen.execute("SELECT batch FROM progress").fetchone()[0]
            if batch > reached:
                return batch
        assert time.monotonic() < deadline, f"the tables stay at batch {reached}"
        time.sleep(0.001)


def test_a_run_that_ends_while_the_database_is_away_ends_all_the_same(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "run", a_run(200), f"postgresql+psycopg://me@/d?host={tmp_path}")
    a_day(folder.journal, 200)
    folder.result.write_bytes(b"{}")
    with projecting(folder) as child:
        assert child.wait(PATIENCE_S) == 0
    assert said(folder, "left behind")
