"""Many parameter sets over one market on the kernel: every chunk is read once, and all sets hear it before the next.

A chunk is cut into tiles that stay in the processor's cache while the sets pass over them; threads share the sets, for
compiled code holds no lock of Python's. What a set came to is counted by compiled code too, from the run's rows.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from autofutures import clock
from autofutures.backtest.kernel import state
from autofutures.backtest.kernel.layout import ROWS, Layout
from autofutures.backtest.kernel.machine import Machine, zeros
from autofutures.backtest.kernel_counts import Counted, Counter
from autofutures.backtest.objective import SetResult, measured_columns
from autofutures.backtest.space import ParameterSet, Settings
from autofutures.backtest.takes import Compiled, columns
from autofutures.config import RunSettings
from autofutures.data.stream import Chunk, chunks
from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND
from autofutures.strategies.load import make

TILE = 65_536
"""Events that all sets hear before the next ones: 4 MB of columns, so that Python is asked seldom."""


def run_on_kernel(run: RunSettings, sets: Sequence[ParameterSet]) -> list[SetResult]:
    """Runs each set as `autofutures backtest --engine kernel` would.

    Raises:
        BadInput: the kernel cannot run this; the text says why.
    """
    if run.limit:
        raise BadInput("--limit ends a single run: a search on the kernel takes whole days")
    started = clock.stopwatch_ns()
    into = Settings(run)
    layout = Layout(run)
    count = min(os.cpu_count() or 1, len(sets))
    ranks = [_Rank([into.applied(one) for one in sets[start::count]], layout) for start in range(count)]
    last = 0
    with ThreadPoolExecutor(count, "sets") as threads:
        for chunk in chunks(run):
            list(threads.map(lambda rank, chunk=chunk: rank.take(chunk), ranks))
            last = int(chunk.at[-1])
        counted = list(threads.map(lambda rank: rank.finish(last), ranks))
    seconds = (clock.stopwatch_ns() - started) / SECOND / max(1, len(sets))
    in_order = [counted[number % count][number // count] for number in range(len(sets))]
    return [
        measured_columns(run, parameters, one.summary, one.equity, one.trades, seconds)
        for parameters, one in zip(sets, in_order, strict=True)
    ]


class _Rank:
    """The sets of one thread, one after the other over each tile."""

    def __init__(self, runs: Sequence[RunSettings], layout: Layout) -> None:
        memory = zeros(len(runs), state.STATE)
        self._jobs = np.zeros(len(runs), state.JOB)
        self._takes: list[Compiled] = []
        self._machines: list[Machine] = []
        for number, run in enumerate(runs):
            settings = run.strategies[0]
            strategy = make(settings.use, settings.settings)
            own = slice(number, number + 1)
            take = Compiled(strategy, self._jobs[own])
            self._takes.append(take)
            self._machines.append(Machine(run, strategy, take, layout, memory[own]))
        self._kernel = self._takes[0].kernel
        self._counter = Counter(runs[0], self._kernel)

    def take(self, chunk: Chunk) -> None:
        """Takes a chunk."""
        for machine, take in zip(self._machines, self._takes, strict=True):
            machine.begin(int(chunk.at[0]))
            take.pack()
        for start in range(0, len(chunk), TILE):
            self._take_tile(chunk.part(start, start + TILE))
        for take in self._takes:
            take.unpack()

    def _take_tile(self, tile: Chunk) -> None:
        for machine, take in zip(self._machines, self._takes, strict=True):
            take.aim(machine.tables, machine.memory)
        held = columns(tile)  # Until the kernel is done with them.
        places = [column.ctypes.data for column in held]
        self._kernel.run(self._jobs.ctypes.data, len(self._jobs), *places, 0, len(tile), ROWS, 0)
        for number in np.flatnonzero((self._jobs["taken"] < len(tile)) | (self._jobs["waits"] != 0)):
            machine, take = self._machines[number], self._takes[number]
            taken = int(self._jobs["taken"][number])
            take.unpack()
            machine.empty()
            machine.take(tile, first=taken)
            take.pack()

    def finish(self, at: int) -> list[Counted]:
        """The feed has ended; what each set came to."""
        for machine in self._machines:
            machine.finish(at)
        return [self._counter.count(machine) for machine in self._machines]
