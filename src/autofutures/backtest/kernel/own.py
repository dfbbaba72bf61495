"""A strategy's own `loop.glide`: its hooks are compiled into the loop that calls them, its fields stay in registers.

Elsewhere the kernel calls hooks by their addresses. While a strategy only listens, which is nearly always, such a call
and the way of each field through memory would cost more than what the strategy does.
"""

# ruff: noqa: ANN001, ANN202, ARG001, ARG005 - Numba hands types and LLVM values in, and looks at parameter names

from collections.abc import Callable, Collection
from typing import cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel.models import PrimitiveModel, RecordModel
from numba.core.datamodel.registry import register_default
from numba.extending import intrinsic, lower_builtin, type_callable

from autofutures.backtest.kernel import loop, memory
from autofutures.backtest.kernel.types import CONTEXT, EVENTS, FlatRecord


class OwnHook(types.Type):
    """A hook of one strategy, which is known when its caller is compiled.

    Args:
        hook: its name.
        own: the record of the strategy's fields.
        heeds: whether the strategy has it.
    """

    def __init__(self, hook: str, own: FlatRecord, *, heeds: bool) -> None:
        super().__init__(f"{hook} of {own.name}")
        self.called = _called(hook) if heeds else _unheard


@register_default(OwnHook)
class _OwnHookModel(PrimitiveModel):
    """As a value, the address that everybody else calls."""

    def __init__(self, manager: object, kind: types.Type) -> None:
        super().__init__(manager, kind, ir.IntType(64))


class OwnHooks(FlatRecord):
    """As `types.HOOKS`, of one strategy; each has a class of its own, for Numba names what it compiles by classes.

    Args:
        own: the record of the strategy's fields.
        heeds: the hooks that it has.
    """

    def __init__(self, own: FlatRecord, heeds: Collection[str]) -> None:
        super().__init__(f"hooks of {own.name}", np.dtype([(name, "i8") for name in loop.Hooks._fields]))
        self.own = own
        self._hooks = {hook: OwnHook(hook, own, heeds=hook in heeds) for hook in EVENTS}

    def typeof(self, key: str) -> types.Type:
        """The type of a field: a hook's is the hook."""
        return self._hooks.get(key) or super().typeof(key)


def own_hooks(own: FlatRecord, heeds: Collection[str]) -> OwnHooks:
    """The hooks of the strategy whose fields' record this is."""
    kind = type(f"{type(own).__name__}Hooks", (OwnHooks,), {})
    register_default(kind)(RecordModel)
    return cast("OwnHooks", kind(own, heeds))


# --- calls


def _seen_as(kind: types.Type) -> Callable[..., object]:
    """An intrinsic that takes a record for another that lies in the same place."""

    @intrinsic
    def seen(typing_context, record):
        def generate(context, builder, signature, args):
            return builder.bitcast(args[0], context.get_value_type(kind))

        return kind(record), generate

    return cast("Callable[..., object]", seen)


_as_context = _seen_as(CONTEXT)


def _called(hook: str) -> Callable[..., object]:
    as_event = _seen_as(EVENTS[hook])
    space: dict[str, object] = {"as_event": as_event, "as_context": _as_context}
    exec(  # noqa: S102 - a method's name is no value to Numba
        f"def call(hook, strategy, event, state):\n    strategy.{hook}(as_event(event), as_context(state))\n",
        space,
    )
    return cast("Callable[..., object]", space["call"])


def _unheard(hook, strategy, event, state):
    """The strategy does not have the hook."""


# --- what lies in the caller's own memory, and its compiler may put into registers


def _here_or_in_state(function: Callable[..., object], field: str) -> None:
    """An event's record: in a strategy's `glide` the caller's own, so that what no hook reads is not written."""

    @type_callable(function)
    def typed(context):
        return lambda hooks, state: state.typeof(field).dtype

    @lower_builtin(function, FlatRecord, FlatRecord)
    def lowered(context, builder, signature, args):
        kind = context.get_data_type(signature.return_type)
        if isinstance(signature.args[0], OwnHooks):
            return cgutils.alloca_once(builder, kind)
        return cgutils.get_record_member(builder, args[1], signature.args[1].offset(field), kind)


_here_or_in_state(memory.tick_event, "tick")
_here_or_in_state(memory.bar_event, "bar")


@type_callable(memory.borrow)
def _type_borrow(context):
    return lambda hooks: hooks.own


@lower_builtin(memory.borrow, OwnHooks)
def _borrow(context, builder, signature, args):
    own = signature.return_type
    copy = cgutils.alloca_once(builder, context.get_data_type(own))
    _copy(context, builder, own, copy, _fields(context, builder, signature.args[0], args[0]))
    return copy


@type_callable(memory.give_back)
def _type_give_back(context):
    return lambda hooks, own: types.none


@lower_builtin(memory.give_back, OwnHooks, FlatRecord)
def _give_back(context, builder, signature, args):
    kind, own = signature.args
    _copy(context, builder, own, _fields(context, builder, kind, args[0]), args[1])
    return context.get_dummy_value()


def _fields(context, builder, kind, hooks):
    """Where everybody finds the strategy's fields."""
    address = cgutils.get_record_member(builder, hooks, kind.offset("strategy"), ir.IntType(64))
    return builder.inttoptr(builder.load(address), context.get_value_type(kind.own))


def _copy(context, builder, kind, to, source):
    cgutils.raw_memcpy(builder, to, source, context.get_constant(types.intp, kind.size), 1)
