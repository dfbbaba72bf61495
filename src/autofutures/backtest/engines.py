"""Runs a backtest on the kernel: the same orders and fills as the nodes make, byte for byte, or a refusal."""

from collections.abc import Callable

from autofutures import clock
from autofutures.backtest import takes
from autofutures.backtest.kernel.machine import Machine, Take
from autofutures.backtest.kernel.results import tally_of
from autofutures.config import RunSettings
from autofutures.data.stream import TICK, Chunk, chunks
from autofutures.domain.units import SECOND
from autofutures.portfolio.tally import Tally
from autofutures.strategies.base import Strategy
from autofutures.strategies.load import make


def run_kernel(
    run: RunSettings,
    progress: Callable[[int], None] | None = None,
    way: Callable[[Strategy], Take] = takes.compiled,
) -> tuple[Tally, int, float]:
    """Runs on the kernel.

    Args:
        run: what to run.
        progress: hears how many events have been taken.
        way: compiled, or `takes.interpreted`.

    Returns:
        What the run did, how many events it took, and in how many seconds of wall time without compiling.

    Raises:
        BadInput: the kernel cannot run this; `NotCompilable` where the strategy is the reason.
    """
    settings = run.strategies[0]
    strategy = make(settings.use, settings.settings)
    machine = Machine(run, strategy, way(strategy))
    started = clock.stopwatch_ns()
    events, at, left = 0, 0, run.limit
    for chunk in chunks(run):
        count = _until(chunk, left) if run.limit else len(chunk)
        machine.take(chunk, count)
        events += count
        at = int(chunk.at[count - 1])
        if progress is not None:
            progress(events)
        if run.limit:
            left = run.limit - machine.given
            if left <= 0:
                break
    machine.finish(at)
    seconds = (clock.stopwatch_ns() - started) / SECOND
    return tally_of(machine), events, seconds


def _until(chunk: Chunk, ticks: int) -> int:
    """How many events of a chunk hold so many trades."""
    counted = (chunk.kind == TICK).cumsum()
    return len(chunk) if counted[-1] < ticks else int((counted >= ticks).argmax()) + 1
