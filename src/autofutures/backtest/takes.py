"""Two ways to run the kernel: compiled by Numba, or as the Python that it is, with the strategy as it is."""

from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.kernel import loop, mouth
from autofutures.backtest.kernel.machine import ROWS, Take
from autofutures.backtest.kernel.state import Tables
from autofutures.data.stream import COLUMNS, Chunk
from autofutures.strategies.base import Strategy

_NOTHING = Chunk(*(np.zeros(0, "u1" if name in {"kind", "leg"} else "i8") for name in COLUMNS))


def _columns(chunk: Chunk | None) -> list[NDArray[np.int64] | NDArray[np.uint8]]:
    """A chunk's columns, each in one piece."""
    return [np.ascontiguousarray(getattr(chunk or _NOTHING, name)) for name in COLUMNS]


def compiled(strategy: Strategy) -> Take:
    """Runs the kernel and the strategy compiled; the strategy's fields are up to date after each call.

    Raises:
        NotCompilable: with a sentence for the strategy's author.
    """
    from autofutures.backtest import compile as linker  # noqa: PLC0415 - Numba takes its time to import

    linked = linker.link(type(strategy))
    row = np.zeros(1, linked.dtype)
    hooks = np.array([row.ctypes.data, *linked.hooks], np.int64)

    def take(
        tables: Tables, memory: NDArray[np.void], chunk: Chunk | None, first: int, count: int, moment: int
    ) -> int:
        linker.pack(strategy, row)
        columns = _columns(chunk)  # Held until the kernel is done with them.
        outside = np.array([table.ctypes.data for table in tables], np.int64)
        places = [part.ctypes.data for part in (hooks, outside, memory, *columns)]
        taken = linked.run(*places, first, count, ROWS, moment)
        linker.unpack(strategy, row)
        return taken

    return take


def interpreted(strategy: Strategy) -> Take:
    """Runs the kernel's own Python over the same memory, with the strategy as the object that it is: for debugging."""

    def take(
        tables: Tables, memory: NDArray[np.void], chunk: Chunk | None, first: int, count: int, moment: int
    ) -> int:
        state = memory.view(np.recarray)[0]
        context = InterpretedContext(state)
        hooks = loop.Hooks(strategy, *(_hook(strategy, name, context) for name in loop.Hooks._fields[1:]))
        rows = Tables(*(table.view(np.recarray) for table in tables))
        at, kind, leg, a, b, c, d = _columns(chunk)
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
