"""The kernel's memory as Numba sees it: records at addresses, and the same functions compiled for them."""

# ruff: noqa: ANN001, ANN201, ANN202, ARG001, N803, PLR0913, PLR0917 - Numba hands types and LLVM values in, and looks
# at parameter names

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, ModuleType
from typing import cast

import numpy as np
from numba import types
from numba.core import cgutils, errors
from numba.core.datamodel.models import RecordModel
from numba.core.datamodel.registry import register_default
from numba.extending import intrinsic, overload, overload_method, register_jitable

from autofutures.backtest.kernel import (
    book,
    equity,
    exits,
    gate,
    hearing,
    hours,
    loop,
    lots,
    market,
    memory,
    mouth,
    quotes,
    reach,
    state,
    sums,
    words,
)
from autofutures.market import bars
from autofutures.market import quotes as market_quotes
from autofutures.matching import book_rules, quote_rules, rules
from autofutures.orders import exit_rules
from autofutures.portfolio import costs, pnl
from autofutures.risk import collar, order_size, position, price_limit, stale_tick

INTEGER = types.int64


def hot(function: Callable[..., object]) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """As `overload`, for what LLVM is to put where it is called: not Numba's `inline="always"`, which drops writes."""
    return overload(function, jit_options={"forceinline": True})


SHARED = (
    bars.time_bucket,
    rules.slipped,
    rules.within,
    rules.passed_through,
    rules.behind_queue,
    market_quotes.is_sound,
    market_quotes.middle,
    book_rules.mwp_limit,
    *(found for found in vars(quote_rules).values() if inspect.isfunction(found)),
    pnl.worth,
    pnl.price_of_worth,
    pnl.opening_part,
    pnl.closed_cost,
    costs.tax_half_up,
    collar.distance_bp,
    order_size.oversized,
    position.reach,
    price_limit.outside,
    stale_tick.age_ms,
    *(found for found in vars(exit_rules).values() if inspect.isfunction(found)),
)
"""The functions that the nodes call and the kernel compiles."""

KERNEL = (hours, equity, lots, gate, book, exits, market, quotes, hearing, reach, mouth, loop, sums)
"""Modules of the kernel, all of whose functions are compiled."""


class FlatRecord(types.Record):
    """A record with a short name of its own: Numba writes a type's name into every symbol.

    Args:
        name: unique.
        dtype: NumPy's description.
        only: the fields that are there for whoever has this type; all unless told.
    """

    def __init__(self, name: str, dtype: np.dtype[np.void], only: Iterable[str] | None = None) -> None:
        fields = []
        for field in dtype.names or () if only is None else only:
            kind, offset = cast("Mapping[str, tuple[np.dtype[np.void], int]]", dtype.fields)[field][:2]
            fields.append((field, {"type": _type_of(f"{name}.{field}", kind), "offset": offset}))
        super().__init__(fields, dtype.itemsize, aligned=True)
        self.name = name

    def __repr__(self) -> str:
        """As short as the name: Numba writes this more often than anything else."""
        return self.name


class SeenRecord(FlatRecord):
    """A record that a strategy names: what it does not have is said as an error with a place."""

    def typeof(self, key: str) -> types.Type:
        """The type of a field.

        Raises:
            NumbaAttributeError: it has none of that name; `compile` makes a sentence of it.
        """
        if key not in self.fields:
            raise errors.NumbaAttributeError(f"<<unknown {key} of {self.name}>>")
        return super().typeof(key)


class ContextRecord(SeenRecord):
    """The state as a strategy sees it: a few fields, and methods."""


class EventRecord(SeenRecord):
    """What a strategy hears."""


for _kind in (FlatRecord, SeenRecord, ContextRecord, EventRecord):
    register_default(_kind)(RecordModel)

_made: dict[np.dtype[np.void], FlatRecord] = {}


def _type_of(name: str, kind: np.dtype[np.void]) -> types.Type:
    if kind.subdtype is not None:
        inner, shape = kind.subdtype
        return types.NestedArray(dtype=_type_of(name, inner), shape=shape)
    if kind.names is not None:
        if kind not in _made:
            _made[kind] = FlatRecord(name, kind)
        return _made[kind]
    return {"i8": types.int64, "f8": types.float64, "b1": types.boolean}[kind.str[1:]]


STATE = FlatRecord("kernel.State", state.STATE)

HOOKS = FlatRecord("kernel.Hooks", np.dtype([(name, "i8") for name in loop.Hooks._fields]))
TABLES = FlatRecord("kernel.Tables", np.dtype([(name, "i8") for name in state.Tables._fields]))
"""Of what lies outside the state, the addresses."""

JOB = FlatRecord("kernel.Job", state.JOB)
JOB_SIZE = state.JOB.itemsize

CONTEXT = ContextRecord(
    "kernel.Context",
    state.STATE,
    (
        "now",
        "position",
        "working",
        "last_ticks",
        "cause_seq",
        "open_close",
        "day_trade",
        "leg",
        "bid_ticks",
        "bid_qty",
        "ask_ticks",
        "ask_qty",
    ),
)

EVENTS = {
    "on_tick": EventRecord("kernel.Tick", state.TICK),
    "on_quote": EventRecord("kernel.Quote", state.QUOTE),
    "on_bar": EventRecord(
        "kernel.Bar",
        state.BAR_EVENT,
        ("at", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "qty", "trades", "day"),
    ),
    "on_order": EventRecord(
        "kernel.Order", state.EVENT, ("at", "handle", "status", "filled", "left", "refused")
    ),
    "on_fill": EventRecord(
        "kernel.Fill",
        state.EVENT,
        ("at", "order_seq", "order_k", "handle", "n", "side", "qty", "price_ticks", "fee", "tax", "position"),
    ),
    "on_exit": EventRecord(
        "kernel.Exit",
        state.EVENT,
        (
            "at",
            "order_seq",
            "order_k",
            "handle",
            "side",
            "open_qty",
            "take_profit_ticks",
            "stop_ticks",
            "entered_qty",
            "origin_ticks",
            "levels_reached",
            "attempts",
        ),
    ),
    "on_timer": EventRecord("kernel.Timer", state.EVENT, ("at", "timer")),
    "on_session_close": EventRecord("kernel.SessionEnd", state.EVENT, ("at", "day")),
}
"""What each hook is given: what its message has as numbers."""

# --- addresses


def record_at(kind: types.Type) -> Callable[..., object]:
    """An intrinsic that takes an address for a record."""

    @intrinsic
    def at(typing_context, address):
        def generate(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(kind))

        return kind(types.intp), generate

    return cast("Callable[..., object]", at)


@intrinsic
def address_of(typing_context, record):
    """The address of a record."""

    def generate(context, builder, signature, args):
        return builder.ptrtoint(args[0], context.get_value_type(types.intp))

    return types.intp(record), generate


@intrinsic
def as_state(typing_context, record):
    """The context's record as the whole state that it is."""

    def generate(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(STATE))

    return STATE(record), generate


@intrinsic
def read_integer(typing_context, address):
    """The 64-bit integer at an address."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], context.get_data_type(types.int64).as_pointer())
        return builder.load(pointer)

    return types.int64(types.intp), generate


@intrinsic
def read_byte(typing_context, address):
    """The byte at an address, as a number."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], context.get_data_type(types.uint8).as_pointer())
        return builder.zext(builder.load(pointer), context.get_value_type(types.int64))

    return types.int64(types.intp), generate


@hot(memory.column)
def _column(values, index):
    return lambda values, index: read_integer(values + index * 8)  # pyright: ignore[reportCallIssue]


@hot(memory.small)
def _small(values, index):
    return lambda values, index: read_byte(values + index)  # pyright: ignore[reportCallIssue]


def _register_row(function: FunctionType, dtype: np.dtype[np.void], name: str) -> None:
    at, size = record_at(_made.setdefault(dtype, FlatRecord(name, dtype))), dtype.itemsize

    # Never inlined by Numba itself: it then takes what is written through another record for dead, and drops it.
    @hot(function)
    def _row(table, index):
        return lambda table, index: at(table + index * size)


for _function, _dtype, _name in (
    (memory.session_row, state.SESSION, "kernel.Session"),
    (memory.band_row, state.BAND, "kernel.Band"),
    (memory.terms_row, state.TERMS, "kernel.Terms"),
    (memory.order_row, state.ORDER_ROW, "kernel.OrderRow"),
    (memory.fill_row, state.FILL_ROW, "kernel.FillRow"),
    (memory.refusal_row, state.REFUSAL_ROW, "kernel.RefusalRow"),
    (memory.point_row, state.POINT_ROW, "kernel.PointRow"),
    (memory.placed_row, state.PLACED, "kernel.Placed"),
):
    _register_row(_function, _dtype, _name)


@intrinsic
def call_at(typing_context, address, given):
    """Calls the compiled function at an address with numbers; what it raises goes on to whoever called the kernel."""

    def generate(context, builder, signature, args):
        kinds = tuple(given)
        kind = context.call_conv.get_function_type(types.int64, kinds)
        function = builder.inttoptr(args[0], kind.as_pointer())
        numbers = cgutils.unpack_tuple(builder, args[1])
        status, result = context.call_conv.call_function(builder, function, types.int64, kinds, numbers)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return result

    return types.int64(types.intp, given), generate


@hot(memory.call)
def _call(hook, strategy, event, state):
    called = getattr(hook, "called", None)
    if called is not None:
        return called

    def through(hook, strategy, event, state):
        if hook:
            call_at(hook, (strategy, address_of(event), address_of(state)))  # pyright: ignore[reportCallIssue]

    return through


@hot(memory.pass_over)
def _pass_over(F, S, X, at, kind, leg, a, b, c, number, count):
    def through(F, S, X, at, kind, leg, a, b, c, number, count):
        records = (address_of(F), address_of(S), address_of(X))  # pyright: ignore[reportCallIssue]
        return call_at(F.glide, (*records, at, kind, leg, a, b, c, number, count))  # pyright: ignore[reportCallIssue]

    return through


for _shared in SHARED:
    register_jitable(_shared)

HOT = {
    equity.mark,
    equity.measure,
    equity.move,
    equity.point,
    hearing.hear_bars,
    hearing.hear_own,
    hearing.hear_quote,
    hearing.hear_tick,
    hearing.known_index,
    hearing.set_working,
    hearing.tell_bar,
    quotes.hear_quote,
    quotes.meet_quote,
    quotes.say,
    loop.has_room,
    loop.is_bad,
    loop.quiet_until,
    market.report,
    market.within_day,
    mouth.next_said,
    lots.work,
    gate.gate,
    gate.gate_of_size,
    gate.remember,
    book.book_trade,
    book.enter,
    book.heard,
    book.hold,
    book.release,
    book.request,
    book.submit,
    sums.put_number,
    sums.put_word,
    sums.share,
}
"""On the way of every event or order: LLVM puts them where they are called.

A call costs some thirty instructions here: registers are saved, and what comes back is looked at for an error. What
loops over orders or messages is not among them: loops within loops of one function take LLVM minutes.
"""

for _module in KERNEL:
    for _found in vars(_module).values():
        if inspect.isfunction(_found) and _found.__module__ == _module.__name__:
            (register_jitable(forceinline=True) if _found in HOT else register_jitable)(_found)


# --- the context's methods


def _checked(name: str, function: FunctionType) -> Callable[..., object]:
    """The overload of a context's method: whole numbers only."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    words = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default}" for p in parameters)
    passed = ", ".join(p.name for p in parameters)
    space: dict[str, object] = {"function": function, "as_state": as_state, "refuse_floats": _refuse_floats}
    listed = "".join(f"({p.name!r}, {p.name}), " for p in parameters)
    exec(  # noqa: S102 - Numba wants an implementation with the very parameters of its overload
        f"def implementation(self, {words}):\n    return function(as_state(self), {passed})\n"
        f"def method(self, {words}):\n    refuse_floats({name!r}, ({listed}))\n    return implementation\n",
        space,
    )
    return cast("Callable[..., object]", space["method"])


def _refuse_floats(name: str, given: tuple[tuple[str, object], ...]) -> None:
    for parameter, kind in given:
        if isinstance(kind, types.Float):
            raise errors.NumbaTypeError(
                f"ctx.{name}: {parameter} must be a whole number and is a fraction here: write int(...) around it"
            )


for _method, _body in mouth.METHODS.items():
    overload_method(ContextRecord, _method)(_checked(_method, _body))


def sources() -> Iterable[ModuleType]:
    """The modules whose text decides what the kernel does: this one too, for it says how all of them are compiled."""
    yield from (*KERNEL, sys.modules[__name__], memory, state, words)
    yield from (sys.modules[name] for name in sorted({shared.__module__ for shared in SHARED}))
