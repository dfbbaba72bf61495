"""Many parameter sets over one market on the kernel: every chunk is read once, and all sets hear it before the next.

A chunk is cut into tiles that stay in the processor's cache while the sets pass over them; threads share the sets, for
compiled code holds no lock of Python's.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from autofutures import clock
from autofutures.backtest import takes
from autofutures.backtest.kernel.machine import Machine
from autofutures.backtest.kernel.results import tally_of
from autofutures.backtest.objective import SetResult, measured
from autofutures.backtest.space import ParameterSet, Settings
from autofutures.config import RunSettings
from autofutures.data.stream import Chunk, chunks
from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND
from autofutures.strategies.load import make

TILE = 32_768
"""Events that all sets hear before the next ones: 1.8 MB of columns."""


def run_on_kernel(run: RunSettings, sets: Sequence[ParameterSet]) -> list[SetResult]:
    """Runs each set as `autofutures backtest --engine kernel` would.

    Raises:
        BadInput: the kernel cannot run this; the text says why.
    """
    if run.limit:
        raise BadInput("--limit ends a single run: a search on the kernel takes whole days")
    started = clock.stopwatch_ns()
    into = Settings(run)
    machines = [_machine(into.applied(parameters)) for parameters in sets]
    at = 0
    with ThreadPoolExecutor(os.cpu_count() or 1, "sets") as threads:
        for chunk in chunks(run):
            for start in range(0, len(chunk), TILE):
                tile = chunk.part(start, start + TILE)
                list(threads.map(lambda machine, tile=tile: _take(machine, tile), machines))
            at = int(chunk.at[-1])
    for machine in machines:
        machine.finish(at)
    seconds = (clock.stopwatch_ns() - started) / SECOND / max(1, len(sets))
    return [_result(machine, parameters, seconds) for machine, parameters in zip(machines, sets, strict=True)]


def _take(machine: Machine, tile: Chunk) -> None:
    machine.take(tile)


def _machine(run: RunSettings) -> Machine:
    settings = run.strategies[0]
    strategy = make(settings.use, settings.settings)
    return Machine(run, strategy, takes.compiled(strategy))


def _result(machine: Machine, parameters: ParameterSet, seconds: float) -> SetResult:
    tally = tally_of(machine)
    return measured(machine.run, parameters, tally.summary(), tally, seconds)
