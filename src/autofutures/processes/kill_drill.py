"""The drill of the kill switch: paper machines that are broken on purpose and killed; the exchange's ledger judges.

Each drill takes a position, breaks one thing, uses the kill switch, and measures until the ledger shows no position and
no order that may still trade. Then the machine is resumed and the next drill begins. A few drills share a machine.
"""

import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import msgspec

from autofutures import clock
from autofutures.assemble.paper import by_the_clock, offset_ns
from autofutures.config import RunSettings, StrategySettings, environment_of_children
from autofutures.domain.errors import BrokenInvariant, Refusal
from autofutures.domain.messages import AnyMessage, Killed, Reconciled, Started, Submit, Traded
from autofutures.domain.units import SECOND, KillLevel
from autofutures.matching.ledger import Held, Statement
from autofutures.ops.children import is_of
from autofutures.ops.folder import Folder, make_folder
from autofutures.ops.kill import KillSwitchOf
from autofutures.ops.operator import Operator
from autofutures.orders.ids import is_kill_id
from autofutures.storage.journal import Journal

CAUSES = ("trader stopped", "database locked", "gateway deaf", "strategy at full rate")
"""What is broken, by turns. In all of them the strategy goes on asking for an order at each trade."""

PROMISE_S = 3.0
"""Flat within so long of the command, on a computer that is not busy with something else."""

PER_MACHINE = 8
HOLD = 12
"""Contracts: more than one order of the kill switch may close."""

TICKS_PER_S = 40
LOOK_NS = SECOND // 200
READY_NS = 60 * SECOND
FLAT_NS = 20 * SECOND
LEFT_OVER_NS = SECOND
"""So long the ledger is watched for anything left over, once it is flat."""


class Shot(msgspec.Struct, frozen=True):
    """One drill."""

    cause: str
    held: int
    """Contracts when the command was given."""
    seconds: float
    """From the command until the ledger was flat."""
    left_over: str
    """What the ledger showed afterwards and should not; empty in health."""


class Times(msgspec.Struct, frozen=True):
    """Seconds over several drills."""

    drills: int
    median_s: float
    max_s: float


class Figures(msgspec.Struct, frozen=True):
    """What a drill found."""

    drills: int
    median_s: float
    max_s: float
    promise_s: float
    late: int
    """Drills that took longer than was promised."""
    causes: dict[str, Times]
    kill_orders: int
    orders_per_client_id_max: int
    admitted_early: int
    """Orders of a trader that reached the exchange before it had compared its book with the venue's."""
    books_equal: bool
    broken: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all that is promised was kept."""
        return not self.broken and not self.late


Progress = Callable[[int, int, Shot], None]


def run_of_drills() -> RunSettings:
    """A steady market that is open now, and a strategy that asks for an order at each trade."""
    filler = StrategySettings(
        name="filler",
        use="filler",
        symbols=("TAIFEX:TXF202108",),
        settings={"hold": HOLD},
        exits="own",
        book_stop=10**9,
    )
    run = RunSettings(
        symbols=filler.symbols,
        day=20210726,
        source="steady",
        strategies=(filler,),
        trades=10_000_000,
        interval_ns=SECOND // TICKS_PER_S,
        limits={"message_rate": {"max_per_second": 1_000}, "position": {"max_contracts": 2 * HOLD}},
    )
    return by_the_clock(run)


class DrillMachine:
    """One paper machine. Use it in a `with` block: it is gone afterwards.

    Args:
        root: its folder.
    """

    def __init__(self, root: Path) -> None:
        run = run_of_drills()
        offset = offset_ns(run, clock.now_ns())
        self.folder = make_folder(
            root, run, live=True, clock_offset_ns=offset, begun_at=clock.now_ns() + offset
        )
        self.folder.leave()
        command = [sys.executable, "-m", "autofutures.processes.supervisor", "--run", str(self.folder.root)]
        self._supervisor = subprocess.Popen(
            [*command, "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            env=environment_of_children({}),
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Waits until its processes answer."""
        self.until("the machine starts", lambda: self.held() is not None, READY_NS)
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it, in whatever state."""
        if self._supervisor.poll() is None:
            self._supervisor.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._supervisor.wait(20)
        if self._supervisor.poll() is None:
            self._supervisor.kill()
            self._supervisor.wait()

    def until(self, what: str, true: Callable[[], bool], patience_ns: int) -> None:
        """Waits for something.

        Raises:
            BrokenInvariant: it did not come.
        """
        ends = clock.stopwatch_ns() + patience_ns
        while not true():
            if clock.stopwatch_ns() > ends or self._supervisor.poll() is not None:
                patience = f"not within {patience_ns // SECOND} s"
                raise BrokenInvariant(
                    f"{what}: {patience}; see {self.folder.logs}; the ledger: {self.held()}"
                )
            clock.sleep_ns(LOOK_NS)

    def held(self) -> Held | None:
        """What of the exchange's ledger is open; none where it does not answer."""
        try:
            with Operator(self.folder, "exchange") as operator:
                return msgspec.convert(operator.ask("held", 400), Held)
        except Refusal:
            return None

    def pid(self, name: str) -> int:
        """A process's id, as the supervisor wrote it down."""
        pid = msgspec.json.decode(self.folder.children.read_bytes(), type=dict[str, int]).get(name, 0)
        if not pid or not is_of(pid, self.folder):
            raise BrokenInvariant(f"the drill found no {name} process: see {self.folder.logs}")
        return pid

    def stop(self) -> Statement:
        """Ends it in order; the exchange's last word."""
        self.until("the machine stops", self._asked_to_stop, READY_NS)
        try:
            code = self._supervisor.wait(READY_NS // SECOND)
        except subprocess.TimeoutExpired:
            code = -1
        if code != 0:
            raise BrokenInvariant(f"the machine did not end in order ({code}): see {self.folder.logs}")
        return msgspec.json.decode(self.folder.ledger.read_bytes(), type=Statement)

    def _asked_to_stop(self) -> bool:
        try:
            with Operator(self.folder) as operator:
                operator.ask("stop", 400)
        except Refusal:
            return False
        return True


@contextmanager
def broken(machine: DrillMachine, cause: str) -> Iterator[None]:
    """Something is broken while this lasts."""
    if cause == "database locked":
        with closing(sqlite3.connect(machine.folder.journal, timeout=10, isolation_level=None)) as journal:
            journal.execute("BEGIN EXCLUSIVE")
            yield
        return
    names = {"trader stopped": "trader", "gateway deaf": "gateway"}
    if cause not in names:
        yield
        return
    handle = os.pidfd_open(machine.pid(names[cause]))
    try:
        signal.pidfd_send_signal(handle, signal.SIGSTOP)
        yield
        with suppress(ProcessLookupError):  # It was ended meanwhile.
            signal.pidfd_send_signal(handle, signal.SIGCONT)
    finally:
        os.close(handle)


def shoot(machine: DrillMachine, cause: str) -> Shot:
    """One drill, from a position to its end.

    Raises:
        BrokenInvariant: a step of it never came.
    """
    with KillSwitchOf(machine.folder) as switch, Operator(machine.folder, "exchange") as exchange:

        def held() -> Held:
            return msgspec.convert(exchange.ask("held"), Held)

        def qty() -> int:
            return abs(sum(held().positions.values()))

        machine.until("a position is taken", lambda: qty() >= HOLD - 1, READY_NS)
        machine.until("the kill switch is ready", lambda: _is_ready(switch), READY_NS)
        with broken(machine, cause):
            before = qty()
            began = clock.stopwatch_ns()
            switch.kill("flatten", f"drill: {cause}")
            machine.until("flat", lambda: _is_flat(held()), FLAT_NS)
            seconds = (clock.stopwatch_ns() - began) / SECOND
        left_over = _left_over(held)
        machine.until("the kill switch is done", lambda: switch.standing().done, READY_NS)
        switch.resume(machine.folder.root.name)
        machine.until("the trader is admitted", lambda: _is_ready(switch), READY_NS)
    return Shot(cause, before, round(seconds, 3), left_over)


def _is_ready(switch: KillSwitchOf) -> bool:
    try:
        standing = switch.standing()
    except Refusal:
        return False
    return standing.agrees and standing.level == KillLevel.NONE.word and standing.admits


def _is_flat(held: Held) -> bool:
    return not held.positions and not held.working


def _left_over(held: Callable[[], Held]) -> str:
    """Watches for a while: once flat, nothing may come any more."""
    ends = clock.stopwatch_ns() + LEFT_OVER_NS
    while clock.stopwatch_ns() < ends:
        now = held()
        if not _is_flat(now):
            return f"after it was flat: {now.positions}, {now.working} orders at work"
        clock.sleep_ns(LOOK_NS)
    return ""


class Verdict(msgspec.Struct):
    """What the books of one machine say."""

    kill_orders: int = 0
    most: int = 0
    early: int = 0
    equal: bool = True


class Admission(msgspec.Struct):
    """Whether the trader whose words are read may send orders: its life has compared its book since the last kill."""

    life: int = 0
    fence: int = 0
    compared: bool = True

    def hear(self, message: AnyMessage) -> None:
        """One message of the journal, in its order. What the gateway says of admission is not believed here."""
        if isinstance(message, Started):
            self.life = message.epoch
        elif isinstance(message, Killed) and message.epoch > self.fence:
            self.fence, self.compared = message.epoch, False
        elif isinstance(message, Reconciled) and not message.unexplained and self.life >= self.fence:
            self.compared = True


def judge(folder: Folder, ledger: Statement) -> Verdict:
    """Compares the journal with the exchange's ledger, once all has ended."""
    arrived = {line.client_id for line in ledger.orders}
    admission, early = Admission(), 0
    booked: set[str] = set()
    positions: dict[str, int] = {}
    with Journal.open(folder.journal) as journal:
        for batch in journal.batches():
            for message in (*batch.inputs, *batch.outputs):
                admission.hear(message)
                if isinstance(message, Submit):
                    early += not admission.compared and message.client_id in arrived
                elif isinstance(message, Traded):
                    booked.add(message.fill_id)
                    qty = positions.get(message.symbol, 0) + message.side * message.qty
                    positions[message.symbol] = qty
    held = {symbol: qty for symbol, qty in positions.items() if qty}
    return Verdict(
        kill_orders=sum(1 for client_id in arrived if is_kill_id(client_id)),
        most=ledger.orders_per_client_id_max,
        early=early,
        equal=held == ledger.positions and booked == {line.fill_id for line in ledger.fills},
    )


def drill(count: int, progress: Progress, state: Path | None = None, promise_s: float = PROMISE_S) -> Figures:
    """Runs so many drills, the causes by turns.

    Args:
        count: at least 1.
        progress: hears of each.
        state: where the machines' folders are made; without it they are taken away when all went well.
        promise_s: a drill that takes longer is late.
    """
    root = state if state is not None else Path(tempfile.mkdtemp(prefix="autofutures-kill-"))
    root.mkdir(parents=True, exist_ok=True)
    shots: list[Shot] = []
    verdicts: list[Verdict] = []
    words: list[str] = []
    for first in range(0, count, PER_MACHINE):
        place = root / f"machine-{first // PER_MACHINE + 1}"
        try:
            with DrillMachine(place) as machine:
                for number in range(first, min(first + PER_MACHINE, count)):
                    shots.append(shoot(machine, CAUSES[number % len(CAUSES)]))
                    progress(number + 1, count, shots[-1])
                ledger = machine.stop()
            verdicts.append(judge(Folder(place.resolve()), ledger))
        except (BrokenInvariant, Refusal) as error:
            words.append(str(error))
    figures = figures_of(shots, verdicts, words, promise_s)
    if state is None and figures.passed:
        shutil.rmtree(root)
    return figures


def figures_of(
    shots: list[Shot], verdicts: list[Verdict], words: list[str], promise_s: float = PROMISE_S
) -> Figures:
    """Sums up."""
    said = [*words, *(f"{shot.cause}: {shot.left_over}" for shot in shots if shot.left_over)]
    most = max((verdict.most for verdict in verdicts), default=0)
    early = sum(verdict.early for verdict in verdicts)
    equal = bool(verdicts) and all(verdict.equal for verdict in verdicts)
    if most > 1:
        said.append(f"{most} orders came to the exchange under one id")
    if early:
        said.append(f"{early} orders came to the exchange before their trader had compared its book")
    if not equal:
        said.append("the book and the exchange's ledger differ at the end")
    times = _times(shots)
    causes = {cause: [shot for shot in shots if shot.cause == cause] for cause in CAUSES}
    return Figures(
        drills=len(shots),
        median_s=times.median_s,
        max_s=times.max_s,
        promise_s=promise_s,
        late=sum(shot.seconds > promise_s for shot in shots),
        causes={cause: _times(found) for cause, found in causes.items() if found},
        kill_orders=sum(verdict.kill_orders for verdict in verdicts),
        orders_per_client_id_max=most,
        admitted_early=early,
        books_equal=equal,
        broken=tuple(said),
    )


def _times(shots: list[Shot]) -> Times:
    seconds = [shot.seconds for shot in shots]
    median = round(statistics.median(seconds), 3) if seconds else 0.0
    return Times(len(seconds), median, max(seconds, default=0.0))
