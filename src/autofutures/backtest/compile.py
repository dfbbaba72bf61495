"""Compiles a strategy for the kernel, by Numba, and keeps what was compiled.

The strategy's annotated fields become a flat record, and its methods are compiled for it. The kernel calls them through
pointers, so it is compiled once for all strategies. What is compiled lies in a folder named by a hash of every source
that it can reach, and of the versions of Numba and Python: an edit anywhere is another folder, and nothing is stale.
"""

import ast
import hashlib
import importlib.util
import inspect
import linecache
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple, Protocol, cast

import numba
import numpy as np
from numba.core import errors, types
from numba.core.datamodel.models import RecordModel
from numba.core.datamodel.registry import register_default
from numba.core.typing import templates
from numba.core.typing.context import BaseContext
from numba.extending import overload_method

from autofutures.backtest.kernel import own
from autofutures.backtest.kernel import types as kernel_types
from autofutures.config import default_cache
from autofutures.domain.errors import BadInput
from autofutures.strategies.base import Strategy

HOOKS = ("on_tick", "on_quote", "on_bar", "on_order", "on_fill", "on_exit", "on_timer", "on_session_close")
"""The methods that the kernel calls, in the sequence of `kernel.loop.Hooks`."""

_FIELDS: dict[type, str] = {int: "i8", float: "f8", bool: "?"}


class _Stats(Protocol):
    cache_hits: Mapping[object, int]
    cache_misses: Mapping[object, int]


class Function(Protocol):
    """A compiled function over numbers, addresses and arrays."""

    stats: _Stats

    def __call__(self, *args: object) -> int:
        """Runs it."""
        ...


class Kernel(NamedTuple):
    """The compiled kernel: what every strategy shares."""

    run: Function
    """`loop.run` for several jobs over the same events."""
    trips: Function
    """`sums.trips`."""
    lines: Function
    """`sums.lines`."""


class _Function(Protocol):
    llvm_func_name: str


class _Library(Protocol):
    def get_pointer_to_function(self, name: str) -> int: ...


class _Compiled(Protocol):
    library: _Library
    fndesc: _Function


class _Hook(Protocol):
    """A compiled function, as far as it is needed to find its place."""

    stats: _Stats
    overloads: Mapping[object, _Compiled]


class NotCompilable(BadInput):
    """The strategy runs interpreted all the same; the text says where, what and what to write instead."""


class Linked(NamedTuple):
    """A compiled strategy."""

    dtype: np.dtype[np.void]
    hooks: tuple[int, ...]
    """Addresses, 0 where the strategy has no such method, and at the end that of its `glide`."""
    kernel: Kernel
    hits: int
    """Functions that came out of the cache."""
    misses: int
    """Functions that were compiled."""


class SelfRecord(kernel_types.SeenRecord):
    """A strategy's own fields, with its methods."""


register_default(SelfRecord)(RecordModel)


class _OverloadMethod(Protocol):
    """Numba's annotations do not know all of its parameters."""

    def __call__(
        self, kind: type[types.Type], method: str, *, jit_options: Mapping[str, bool]
    ) -> Callable[[FunctionType], object]: ...


_overload = cast("_OverloadMethod", overload_method)

linking: dict[str, type[Strategy]] = {}
"""The strategies that generated modules ask for, by the modules' names."""

_types: dict[type[Strategy], SelfRecord] = {}


def fields_of(strategy: type[Strategy]) -> np.dtype[np.void]:
    """The record of a strategy's fields; text has no place in it."""
    kinds = {name: _FIELDS[kind] for name, kind in strategy.fields().items() if kind in _FIELDS}
    return np.dtype(list(kinds.items()) or [("_nothing", "i8")], align=True)


def pack(strategy: Strategy, row: np.ndarray[tuple[int], np.dtype[np.void]]) -> None:
    """Puts a strategy's fields into their record."""
    for name in row.dtype.names or ():
        if hasattr(strategy, name):
            row[name] = getattr(strategy, name)


def unpack(strategy: Strategy, row: np.ndarray[tuple[int], np.dtype[np.void]]) -> None:
    """Puts a record's fields back into a strategy."""
    for name in row.dtype.names or ():
        if hasattr(strategy, name):
            setattr(strategy, name, row[name][0].item())


def self_type(name: str) -> SelfRecord:
    """The type of `self` in the generated module of that name."""
    strategy = linking[name]
    found = _types.get(strategy)
    if found is None:
        kind = type(f"{strategy.__name__}Self", (SelfRecord,), {})
        register_default(kind)(RecordModel)
        found = _types[strategy] = kind(f"strategy.{strategy.__name__}.{name}", fields_of(strategy))
        for method, function in _methods(strategy):
            _overload(kind, method, jit_options={"forceinline": method in HOOKS})(_as_overload(function))
    return found


def _methods(strategy: type[Strategy]) -> Iterator[tuple[str, FunctionType]]:
    for owner in reversed(strategy.__mro__):
        if issubclass(owner, Strategy) and owner is not Strategy:
            for name, found in vars(owner).items():
                if inspect.isfunction(found):
                    yield name, found


def _as_overload(function: FunctionType) -> FunctionType:
    """A function with the parameters of another, which returns that: what Numba asks of an overload."""
    names = list(inspect.signature(function).parameters.values())
    words = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in names)
    plain = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    return cast("FunctionType", eval(f"lambda {words}: plain", {"plain": plain}))  # noqa: S307


# --- what Numba would let pass, and Python would not

_resolve_setattr = BaseContext.resolve_setattr


def _strict_setattr(
    self: BaseContext, target: types.Type, attr: str, value: types.Type
) -> templates.Signature | None:
    if isinstance(target, (SelfRecord, kernel_types.ContextRecord)):
        if attr not in target.fields:
            raise errors.NumbaTypeError(f"<<undeclared {attr}>>")
        if isinstance(target.typeof(attr), types.Integer) and isinstance(value, types.Float):
            raise errors.NumbaTypeError(f"<<float {attr}>>")
    found = _resolve_setattr(self, target, attr, value)  # type: ignore[no-untyped-call]
    return cast("templates.Signature | None", found)


BaseContext.resolve_setattr = _strict_setattr  # type: ignore[method-assign]

# --- linking

_STRATEGY = '''"""Generated: one strategy's hooks."""

from numba import njit, types

from autofutures.backtest import compile as linker
from autofutures.backtest.kernel import loop
from autofutures.backtest.kernel.own import own_hooks
from autofutures.backtest.kernel.types import CONTEXT, EVENTS, STATE, TABLES, record_at

_own = linker.self_type({name!r})
_self = record_at(_own)
_context = record_at(CONTEXT)
_SIGNATURE = types.int64(types.intp, types.intp, types.intp)
_hooks, _state, _tables = record_at(own_hooks(_own, {heeds!r})), record_at(STATE), record_at(TABLES)


@njit(types.int64(*(types.intp,) * 11), cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def glide(hooks, state, tables, at, kind, leg, a, b, c, number, count):
    return loop.glide(_hooks(hooks), _state(state), _tables(tables), at, kind, leg, a, b, c, number, count)
'''

_HOOK = """
_{hook}_event = record_at(EVENTS[{hook!r}])


@njit(_SIGNATURE, cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def {hook}(strategy, event, state):
    _self(strategy).{hook}(_{hook}_event(event), _context(state))
    return 0
"""

_KERNEL = '''"""Generated: the kernel."""

from numba import njit, types

from autofutures.backtest.kernel import loop, sums
from autofutures.backtest.kernel.types import HOOKS, JOB, JOB_SIZE, STATE, TABLES, record_at

_job, _hooks, _state, _tables = record_at(JOB), record_at(HOOKS), record_at(STATE), record_at(TABLES)


@njit(types.int64(*(types.intp,) * 2, *(types.intp,) * 7, *(types.int64,) * 4), cache=True, nogil=True)
def run(jobs, n, at, kind, leg, a, b, c, d, first, count, rows, moment):
    for number in range(n):
        job = _job(jobs + number * JOB_SIZE)
        F, S, X = _hooks(job.hooks), _state(job.state), _tables(job.tables)
        job.taken = loop.run(F, S, X, at, kind, leg, a, b, c, d, first, count, rows, moment)
        job.waits = not loop.has_room(S, rows)
    return 0


_TABLE, _LIST, _BYTES = types.int64[:, ::1], types.int64[::1], types.uint8[::1]


@njit(types.int64(_TABLE, _LIST, _LIST, _LIST, _TABLE), cache=True, nogil=True)
def trips(fills, values, inverse, left, nets):
    return sums.trips(fills, values, inverse, left, nets)


@njit(types.int64(_TABLE, _TABLE, _TABLE, _BYTES), cache=True, nogil=True)
def lines(rows, fields, words, out):
    return sums.lines(rows, fields, words, out)
'''


_linked: dict[tuple[type[Strategy], Path], Linked] = {}


def link(strategy: type[Strategy], cache: Path | None = None) -> Linked:
    """Compiles a strategy, or takes it from the cache; the same class is looked for once.

    Args:
        strategy: the class.
        cache: the folder of what is compiled; by default the user's own.

    Raises:
        NotCompilable: with a sentence that says where, what, and what to write instead.
    """
    folder = cache or default_cache()
    if (strategy, folder) not in _linked:
        _linked[strategy, folder] = _link(strategy, folder)
    return _linked[strategy, folder]


def _link(strategy: type[Strategy], folder: Path) -> Linked:
    _refuse_by_reading(strategy)
    kernel = the_kernel(folder)
    name = name_of(strategy)
    linking[name] = strategy
    heeds = [hook for hook in HOOKS if getattr(strategy, hook) is not getattr(Strategy, hook)]
    text = _STRATEGY.format(name=name, heeds=heeds) + "".join(_HOOK.format(hook=hook) for hook in heeds)
    try:
        module = _generated(name, text, folder)
    except errors.NumbaError as error:
        raise NotCompilable(_sentence(strategy, str(error))) from error
    hooks: dict[str, _Hook] = {name: getattr(module, name) for name in (*heeds, "glide")}
    compiled: tuple[_Hook | Function, ...] = (*hooks.values(), *kernel)
    hits = sum(sum(found.stats.cache_hits.values()) for found in compiled)
    misses = sum(sum(found.stats.cache_misses.values()) for found in compiled)
    addresses = tuple(_address(hooks[name]) if name in hooks else 0 for name in (*HOOKS, "glide"))
    return Linked(fields_of(strategy), addresses, kernel, hits, misses)


def the_kernel(folder: Path) -> Kernel:
    """Compiles the kernel, or takes it from the cache."""
    module = _generated(_kernel_name(), _KERNEL, folder)
    return Kernel(*(getattr(module, name) for name in Kernel._fields))


def _address(hook: _Hook) -> int:
    """Where a compiled hook begins; its module, which is never unloaded, keeps it there."""
    (compiled,) = hook.overloads.values()
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


def name_of(strategy: type[Strategy]) -> str:
    """What the compiled strategy is called: another name for every other source that it can reach."""
    hooks = [_STRATEGY, _HOOK, _kernel_name(), strategy.__qualname__]
    return f"strategy_{_hash([*_sources_of(strategy), *hooks])}"


def _kernel_name() -> str:
    sources = [inspect.getsource(module) for module in (own, *kernel_types.sources())]
    return f"kernel_{_hash([*sources, _KERNEL])}"


def _hash(texts: list[str]) -> str:
    whole = "\0".join([*texts, numba.__version__, np.__version__, sys.version])
    return hashlib.sha256(whole.encode()).hexdigest()[:20]


def _sources_of(strategy: type[Strategy]) -> list[str]:
    """The text of every file of the strategy's own that its methods can reach: its module, and what that imports."""
    seen: dict[str, str] = {}
    waiting = [sys.modules.get(owner.__module__) for owner in strategy.__mro__ if issubclass(owner, Strategy)]
    while waiting:
        module = waiting.pop()
        path = getattr(module, "__file__", None)
        if module is None or not path or path in seen or not _is_own(path):
            continue
        seen[path] = Path(path).read_text("utf-8")
        for found in vars(module).values():
            name = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", None)
            waiting.append(sys.modules.get(name or ""))
    return [f"{path}\n{text}" for path, text in sorted(seen.items())]


def _is_own(path: str) -> bool:
    """Whether a file is neither Python's own nor an installed library's."""
    place = Path(path)
    return (
        place.suffix == ".py" and "site-packages" not in place.parts and not path.startswith(sys.base_prefix)
    )


def _generated(name: str, text: str, folder: Path) -> ModuleType:
    """The module of that name, written where it is not there yet; Numba's own cache lies beside it."""
    module_name = f"autofutures_compiled.{name}"
    known = sys.modules.get(module_name)
    if known is not None:
        return known
    path = folder / name / f"{name}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as part:
            part.write(text)
        Path(part.name).replace(path)
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} cannot be loaded: delete the folder {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # Numba looks for it there.
    with ExitStack() as undo:
        undo.callback(sys.modules.pop, module_name)
        spec.loader.exec_module(module)
        undo.pop_all()
    return module


# --- sentences

_NO_WORDS: dict[type[ast.AST], str] = {
    ast.Try: "`try` is not compiled: test for what may go wrong with `if` before it does",
    ast.With: "`with` is not compiled: a strategy opens nothing",
    ast.Global: "`global` is not compiled: make it a field of the strategy",
    ast.Lambda: "a `lambda` is not compiled: write a method",
    ast.ListComp: "a list is not compiled here: keep numbers in fields, or a running sum",
    ast.DictComp: "a dictionary is not compiled: keep numbers in fields",
    ast.SetComp: "a set is not compiled: keep numbers in fields",
    ast.Dict: "a dictionary is not compiled: keep numbers in fields",
    ast.Set: "a set is not compiled: keep numbers in fields",
    ast.List: "a list is not compiled: keep numbers in fields",
    ast.JoinedStr: "an f-string is not compiled: say why with `why=`, an index of `reasons`",
    ast.Yield: "`yield` is not compiled: return instead",
    ast.Import: "an import inside a method is not compiled: import at the top of the file",
    ast.ImportFrom: "an import inside a method is not compiled: import at the top of the file",
}

_TEXT_EVENTS = {
    "symbol": "compare `ctx.leg`, the number of the symbol, instead",
    "reason": "read `event.refused` or `event.status` instead",
    "session": "read the times of the event instead",
    "client_id": "an order is named by its handle",
}


_ONLY_NODES = ("on_session_open", "on_last_trading_day")


def _refuse_by_reading(strategy: type[Strategy]) -> None:
    """Finds what Numba would refuse in words that no author of a strategy understands."""
    for _, function in _methods(strategy):
        if function.__name__ in _ONLY_NODES:
            line = inspect.getsourcelines(function)[1]
            raise NotCompilable(
                f"{_place(function, line)}: only the nodes tell of openings: ask for them with `ctx.wake_at`, or take "
                "the times of trades. The strategy runs interpreted all the same."
            )
        if function.__name__ in {"check", "on_start", "on_command", "conditions", "command_values", "on_gap"}:
            continue
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(inspect.cleandoc("\n" + "".join(lines)) if lines[0][:1] == " " else "".join(lines))
        for node in ast.walk(tree):
            words = _NO_WORDS.get(type(node))
            if words is not None:
                line = first + getattr(node, "lineno", 1) - 1
                raise NotCompilable(
                    f"{_place(function, line)}: {words}. The strategy runs interpreted all the same."
                )


def _place(function: FunctionType, line: int) -> str:
    path = inspect.getsourcefile(function) or "the strategy"
    return f"{path}, line {line}: `{linecache.getline(path, line).strip()}`"


_UNTYPED = r"[Nn]ame '(\w+)' is not defined|Untyped global name '(\w+)'"


def _first_use(strategy: type[Strategy], name: str) -> str:
    """Where a method of the strategy names something first; empty where none does."""
    for _, function in _methods(strategy):
        lines, first = inspect.getsourcelines(function)
        for number, line in enumerate(lines):
            if re.search(rf"\b{name}\b", line):
                return f"{_place(function, first + number)}: "
    return ""


def _sentence(strategy: type[Strategy], said: str) -> str:
    """What Numba said, as an author of a strategy can use it."""
    own = {path for path in (inspect.getsourcefile(owner) for owner in strategy.__mro__[:-1]) if path}
    names = {Path(path).name: path for path in own}
    found = re.findall(r'(?:File "|at )([^"\n(]+?)"?(?:, line | \()(\d+)', said)
    places = [(names[Path(path).name], int(line)) for path, line in found if Path(path).name in names]
    where = ""
    if places:
        path, line = places[0]
        where = f"{path}, line {line}: `{linecache.getline(path, line).strip()}`: "
    unknown = re.search(_UNTYPED, said)
    if not where and unknown:
        where = _first_use(strategy, unknown[1] or unknown[2])
    return f"{where}{_what(strategy, said)}. The strategy runs interpreted all the same."


def _what(strategy: type[Strategy], said: str) -> str:
    undeclared = re.search(r"<<undeclared (\w+)>>", said)
    if undeclared:
        name = undeclared[1]
        return f"{strategy.__name__} declares no field {name!r}: add `{name}: int = 0` (or float, bool) to the class"
    fraction = re.search(r"<<float (\w+)>>", said)
    if fraction:
        name = fraction[1]
        return f"{name!r} is declared int and is given a fraction: write int(...), or declare it float"
    unknown = re.search(r"<<unknown (\w+) of ([\w.]+)>>", said)
    if unknown:
        return _unknown(strategy, unknown[1], unknown[2])
    whole = re.search(r"ctx\.\w+: \w+ must be a whole number[^\n]*", said)
    if whole:
        return whole[0]
    name = re.search(_UNTYPED, said)
    if name:
        return (
            f"{name[1] or name[2]!r} is nothing that can be compiled: use numbers, `math`, NumPy's functions, "
            "and constants of the file"
        )
    first = next((line.strip() for line in said.splitlines() if line.strip()), "unknown trouble")
    return f"this cannot be compiled ({first[:200]}): keep to numbers, `if`, `for`, `while` and calls of own methods"


def _unknown(strategy: type[Strategy], name: str, owner: str) -> str:
    if owner.startswith("strategy."):
        kind = strategy.fields().get(name)
        if kind is str:
            return f"the field {name!r} is text, which is not compiled: make it a number"
        there = ", ".join(fields_of(strategy).names or ())
        return f"{strategy.__name__} has no field or method {name!r}; its fields are {there}"
    if owner == "kernel.Context":
        return f"ctx has no {name!r} that is compiled: `declare_exit` belongs in `on_start`"
    advice = _TEXT_EVENTS.get(name)
    return f"this event has no {name!r} when compiled" + (f": {advice}" if advice else "")
