"""Two ways to run the kernel: compiled by Numba, or as the Python that it is, with the strategy as it is."""

from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.kernel import loop, mouth
from autofutures.backtest.kernel.layout import ROWS
from autofutures.backtest.kernel.machine import Take
from autofutures.backtest.kernel.state import JOB, Tables
from autofutures.data.stream import COLUMNS, Chunk
from autofutures.strategies.base import Strategy

_NOTHING = Chunk(*(np.zeros(0, "u1" if name in {"kind", "leg"} else "i8") for name in COLUMNS))


def columns(chunk: Chunk | None) -> list[NDArray[np.int64] | NDArray[np.uint8]]:
    """A chunk's columns, each in one piece."""
    return [np.ascontiguousarray(getattr(chunk or _NOTHING, name)) for name in COLUMNS]


class Compiled:
    """The kernel and a strategy compiled; the strategy's fields are up to date after each call.

    Args:
        strategy: whose class is compiled, or taken from the cache.
        job: one record of zeros, where whoever calls has it among others.

    Raises:
        NotCompilable: with a sentence for the strategy's author.
    """

    def __init__(self, strategy: Strategy, job: NDArray[np.void] | None = None) -> None:
        from autofutures.backtest import compile as linker  # noqa: PLC0415 - Numba takes its time to import

        self._linker = linker
        self._strategy = strategy
        linked = linker.link(type(strategy))
        self.kernel = linked.kernel
        self._row = np.zeros(1, linked.dtype)
        self._hooks = np.array([self._row.ctypes.data, *linked.hooks], np.int64)
        self._outside = np.zeros(len(Tables._fields), np.int64)
        self._aimed: Tables | None = None
        self.job = np.zeros(1, JOB) if job is None else job

    def __call__(
        self,
        tables: Tables,
        memory: NDArray[np.void],
        chunk: Chunk | None,
        first: int,
        count: int,
        moment: int,
    ) -> int:
        """See `Take`."""
        self.pack()
        self.aim(tables, memory)
        held = columns(chunk)  # Until the kernel is done with them.
        places = [column.ctypes.data for column in held]
        self.kernel.run(self.job.ctypes.data, 1, *places, first, count, ROWS, moment)
        self.unpack()
        return int(self.job["taken"][0])

    def aim(self, tables: Tables, memory: NDArray[np.void]) -> None:
        """Says in `job` where everything lies."""
        if tables is not self._aimed:
            self._aimed = tables
            self._outside[:] = [table.ctypes.data for table in tables]
            self.job[0] = (self._hooks.ctypes.data, self._outside.ctypes.data, memory.ctypes.data, 0, 0)

    def pack(self) -> None:
        """The strategy's fields go where compiled code has them."""
        self._linker.pack(self._strategy, self._row)

    def unpack(self) -> None:
        """They come back."""
        self._linker.unpack(self._strategy, self._row)


def compiled(strategy: Strategy) -> Take:
    """Runs the kernel and the strategy compiled: see `Compiled`."""
    return Compiled(strategy)


def interpreted(strategy: Strategy) -> Take:
    """Runs the kernel's own Python over the same memory, with the strategy as the object that it is: for debugging."""

    def take(
        tables: Tables, memory: NDArray[np.void], chunk: Chunk | None, first: int, count: int, moment: int
    ) -> int:
        state = memory.view(np.recarray)[0]
        context = InterpretedContext(state)
        heard = [_hook(strategy, name, context) for name in loop.Hooks._fields[1:-1]]
        hooks = loop.Hooks(*[strategy, *heard, loop.glide])
        rows = Tables(*(table.view(np.recarray) for table in tables))
        at, kind, leg, a, b, c, d = columns(chunk)
        return int(loop.run(hooks, state, rows, at, kind, leg, a, b, c, d, first, count, ROWS, moment))

    return take


def _hook(strategy: Strategy, name: str, context: "InterpretedContext") -> object:
    method = getattr(strategy, name)
    return lambda _strategy, event, _state: method(_InterpretedEvent(event), context)


def _plain(value: object) -> object:
    """A number of NumPy's as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


class _InterpretedEvent:
    """What a strategy hears, over the kernel's memory."""

    __slots__ = ("_record",)

    def __init__(self, record: np.record) -> None:
        self._record = record

    def __getattr__(self, name: str) -> object:
        return _plain(getattr(self._record, name))


class InterpretedContext(SimpleNamespace):
    """What a strategy knows and asks of, over the kernel's memory."""

    def __init__(self, state: np.record) -> None:
        object.__setattr__(self, "_state", state)

    def __getattr__(self, name: str) -> object:
        body = mouth.METHODS.get(name)
        if body is None:
            return int(getattr(self._state, name))
        return lambda *args, **named: _plain(body(self._state, *args, **named))

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._state, name, value)
