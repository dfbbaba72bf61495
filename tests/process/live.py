"""A machine that trades by the clock, as a test looks on: who lives, is it ready, what do the broker's books say."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from autofutures import clock
from autofutures.assemble.paper import by_the_clock, offset_ns
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.errors import Refusal
from autofutures.domain.messages import Submit, Traded
from autofutures.domain.units import SECOND
from autofutures.matching.ledger import Statement
from autofutures.ops.folder import Folder, make_folder
from autofutures.ops.operator import Operator
from autofutures.orders.ids import is_kill_id
from autofutures.seats.readiness import Readiness
from autofutures.storage.journal import Journal
from tests.process.machine import Json, alive, children_of
from tests.runs import DAY, TXF

SOON_S = 30.0


def pinging(every: int = 5, ticks_per_s: int = 20) -> RunSettings:
    """Steady trades, and an order at one in so many."""
    pinger = StrategySettings(
        name="pinger", use="pinger", symbols=(TXF,), settings={"every": every}, exits="own", book_stop=10**9
    )
    run = RunSettings(
        symbols=(TXF,),
        day=DAY,
        source="steady",
        strategies=(pinger,),
        trades=100_000,
        interval_ns=SECOND // ticks_per_s,
        limits={"message_rate": {"max_per_second": 1_000}, "position": {"max_contracts": 50}},
    )
    return by_the_clock(run)


class LiveMachine:
    """One machine. Use it in a `with` block: whatever happens, it is gone afterwards."""

    def __init__(self, place: Path, run: RunSettings, **options: str | float) -> None:
        offset = offset_ns(run, clock.now_ns())
        self.folder = make_folder(place, run, live=True, clock_offset_ns=offset, **options)
        self.folder.leave()
        self._supervisors = [self._supervise()]

    def _supervise(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "autofutures.processes.supervisor", "--run", str(self.folder.root)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for supervisor in self._supervisors:
            if supervisor.poll() is None:
                supervisor.terminate()
                try:
                    supervisor.wait(20)
                except subprocess.TimeoutExpired:
                    supervisor.kill()
                    supervisor.wait()
        for pid in alive(list(self.children().values())):
            os.kill(pid, signal.SIGKILL)

    @property
    def supervisor(self) -> "subprocess.Popen[bytes]":
        return self._supervisors[-1]

    def start_again(self) -> None:
        """A new supervisor takes over."""
        self._supervisors.append(self._supervise())

    def adopt(self, supervisor: "subprocess.Popen[bytes]") -> None:
        """Somebody else has started one."""
        self._supervisors.append(supervisor)

    def children(self) -> dict[str, int]:
        return children_of(self.folder) if self.folder.log("supervisor").exists() else {}

    def verdict(self) -> Readiness | None:
        """The newest verdict; none before the first."""
        path = self.folder.log("trader")
        lines = (
            [line for line in path.read_bytes().splitlines() if b'"readiness"' in line]
            if path.exists()
            else []
        )
        return msgspec.json.decode(lines[-1], type=Readiness) if lines else None

    def until_ready(self, **lives: int) -> Readiness:
        """Waits until the machine may trade, with these processes in a later life than that."""

        def ready() -> bool:
            found = self.verdict()
            return found is not None and found.ready and all(found.lives[k] > n for k, n in lives.items())

        until(ready, lambda: str(self.verdict()))
        found = self.verdict()
        assert found is not None
        return found

    def until_stopped_by_kill(self, former: int) -> None:
        """Waits until a trader after that life has compared its book, and opens nothing for the kill switch alone."""

        def stopped() -> bool:
            found = self.verdict()
            later = found is not None and found.lives["trader"] > former
            return later and found is not None and [why[:15] for why in found.reasons] == ["the kill switch"]

        until(stopped, lambda: str(self.verdict()))

    def kill(self, role: str, number: int = signal.SIGKILL) -> Readiness:
        """Kills a process; the first verdict with which the machine may trade again."""
        before = self.verdict()
        assert before is not None
        os.kill(self.children()[role], number)
        return self.until_ready(**{role: before.lives[role]})

    def status(self) -> Json:
        with Operator(self.folder) as operator:
            return operator.ask("status")

    def ledger(self) -> Statement:
        """The broker's books."""
        with Operator(self.folder, "exchange") as operator:
            return msgspec.convert(operator.ask("ledger"), Statement)

    def until_books_are_equal(self) -> None:
        """The book and the broker's agree on every position, and nothing is in doubt; the market goes on meanwhile."""
        seen: list[object] = []

        def equal() -> bool:
            try:
                status, ledger = self.status(), self.ledger()
            except Refusal:
                return False
            seen[:] = [status["positions"], ledger.positions, status["unknown_orders"], status["reasons"]]
            assert ledger.orders_per_client_id_max <= 1
            return bool(status["ready"]) and seen[0] == seen[1] and seen[2] == 0

        until(equal, lambda: str(seen))

    def stop(self) -> Statement:
        """Ends it in order; the broker's last word."""
        with Operator(self.folder) as operator:
            operator.ask("stop")
        assert self.supervisor.wait(30) == 0
        return msgspec.json.decode(self.folder.ledger.read_bytes(), type=Statement)


def until(true: Callable[[], bool], seen: Callable[[], str]) -> None:
    ends = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < ends, f"not within {SOON_S} s; {seen()}"
        time.sleep(0.05)


def books_of(folder: Folder) -> tuple[set[str], set[str]]:
    """Every order that was written down, and every fill."""
    submits: set[str] = set()
    fills: set[str] = set()
    with Journal.open(folder.journal) as journal:
        for batch in journal.batches():
            submits |= {message.client_id for message in batch.outputs if isinstance(message, Submit)}
            fills |= {message.fill_id for message in batch.outputs if isinstance(message, Traded)}
    return submits, fills


def assert_equal(folder: Folder, ledger: Statement) -> None:
    """Each order at the broker was written down once, and each fill there is a fill here."""
    submits, fills = books_of(folder)
    assert ledger.orders_per_client_id_max == 1
    ours = {line.client_id for line in ledger.orders if not is_kill_id(line.client_id)}
    assert ours <= submits
    assert {line.fill_id for line in ledger.fills} == fills
