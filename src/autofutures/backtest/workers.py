"""Where a search's sets are run: in this process, or in others of this machine.

Each takes chunks of sets and gives back the results of a chunk as soon as it is done, in any order. A chunk is only
a question to the data: asked twice, it is answered alike, so one whose worker died is simply asked again.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from types import TracebackType
from typing import Protocol

import msgspec

from autofutures.backtest import runner
from autofutures.backtest.objective import SetResult, measured
from autofutures.backtest.space import ParameterSet, Settings
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput, Refusal

Evaluate = Callable[[RunSettings, Sequence[ParameterSet]], list[SetResult]]
"""Runs sets over a run's market; each result equals that of a run of its own.

`objective` makes a result of a tally (`measured`), of columns (`measured_columns`), or of the net profit at the end of
each slice of the market (`measured_nets`, which is quick enough for thousands of sets a second).
"""

Chunk = Sequence[ParameterSet]


class Engine(msgspec.Struct, frozen=True):
    """A way to run sets."""

    evaluate: str
    """`module:function`, an `Evaluate`."""
    chunk: int
    """How many sets are best run at once."""
    threads: bool
    """Whether it uses every core by itself; else sets are run in as many processes."""


ENGINES: dict[str, Engine] = {
    "nodes": Engine("autofutures.backtest.workers:run_one_by_one", chunk=1, threads=False),
    "kernel": Engine("autofutures.backtest.kernel_sets:run_on_kernel", chunk=50, threads=True),
}
"""The engines that a search can use; all of them give the same orders and fills."""


def engine_of(name: str) -> Engine:
    """An engine by name.

    Raises:
        BadInput: there is none.
    """
    if name not in ENGINES:
        raise BadInput(f"there is no engine {name!r} for a search; there are {', '.join(ENGINES)}")
    return ENGINES[name]


class _Told:
    """Says with any error which set it was; nothing is caught."""

    def __init__(self, parameters: ParameterSet) -> None:
        self._parameters = parameters

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            said = ", ".join(f"{name}={value}" for name, value in self._parameters.items())
            error.add_note(f"in the set {said}")


def run_one_by_one(run: RunSettings, sets: Sequence[ParameterSet]) -> list[SetResult]:
    """Runs each set as `autofutures backtest` would."""
    results: list[SetResult] = []
    into = Settings(run)
    for parameters in sets:
        with _Told(parameters):
            settings = into.applied(parameters)
            done = runner.run(settings)
            results.append(measured(settings, parameters, done.summary, done.tally, done.seconds))
    return results


def evaluate(engine: str, run: RunSettings, sets: Sequence[ParameterSet]) -> list[SetResult]:
    """Runs sets with an engine by name: what other processes are asked for."""
    module, _, function = engine_of(engine).evaluate.partition(":")
    chosen: Evaluate = getattr(import_module(module), function)
    return chosen(run, sets)


class Workers(Protocol):
    """Runs chunks of sets; `close` ends it."""

    def results(self, run: RunSettings, chunks: Sequence[Chunk]) -> Iterator[list[SetResult]]:
        """Results of whole chunks, as they are done."""
        ...

    def close(self) -> None:
        """Ends whatever is still at work; nobody waits for its answer."""
        ...


class Here:
    """Runs chunks in this process, one after the other: engines with threads of their own, and single sets."""

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def results(self, run: RunSettings, chunks: Sequence[Chunk]) -> Iterator[list[SetResult]]:
        """See `Workers`."""
        for chunk in chunks:
            yield evaluate(self._engine, run, chunk)

    def close(self) -> None:
        """See `Workers`."""


class Processes:
    """Runs chunks in processes of this machine; they are started once, and stopped at `close`."""

    def __init__(self, engine: str, jobs: int) -> None:
        self._engine = engine
        self._before = set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(jobs, mp_context=context)

    def results(self, run: RunSettings, chunks: Sequence[Chunk]) -> Iterator[list[SetResult]]:
        """See `Workers`.

        Raises:
            Refusal: a process died; what was done is not lost.
        """
        with _interrupts_held_back():
            futures: list[Future[list[SetResult]]] = [
                self._pool.submit(evaluate, self._engine, run, list(chunk)) for chunk in chunks
            ]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise Refusal(
                "a process of the search was killed, perhaps because memory ran out: give the same command again, "
                "with a lower --jobs, and it goes on"
            ) from error

    def close(self) -> None:
        """See `Workers`."""
        for process in set(multiprocessing.active_children()) - self._before:
            process.kill()  # A chunk is only a question to the data: there is nothing that it should put away.
        # The pool's own thread sees them end, and is waited for: it reaps them too.
        self._pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes that are started meanwhile never hear of Ctrl-C, which a terminal tells to all: they inherit the mask.

    The one that stores results answers it, as soon as the block ends.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
