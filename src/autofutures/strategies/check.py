"""Reads a strategy's source once, when it is loaded, and says in a sentence what a beginner would trip over.

What is found: a field that is not declared, or of a type that is no field's; a float where an int belongs; a name, a
hook, or something of `self`, `ctx` or the event that is misspelt; a call of `ctx` with other arguments than it takes.
Each sentence begins with file and line and says what to write instead. Only what is surely wrong is said: where the
source cannot be read, or a value's type cannot be told from it, nothing is.
"""

import ast
import builtins
import difflib
import dis
import inspect
import linecache
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    Bar,
    Command,
    ExitMoved,
    Gap,
    OrderChanged,
    Quote,
    Refused,
    Restored,
    SessionEnded,
    SessionOpened,
    Tick,
    Traded,
    Woke,
)
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.kinds import KINDS, Kinds

HOOKS: dict[str, tuple[type, ...]] = {
    "on_start": (Restored,),
    "on_tick": (Tick,),
    "on_quote": (Quote,),
    "on_bar": (Bar,),
    "on_order": (OrderChanged, Refused),
    "on_fill": (Traded,),
    "on_exit": (ExitMoved,),
    "on_timer": (Woke,),
    "on_gap": (Gap,),
    "on_session_open": (SessionOpened,),
    "on_session_close": (SessionEnded,),
    "on_last_trading_day": (SessionOpened,),
    "on_command": (Command,),
}
"""What a strategy can hear, and the messages that each hook is given."""

MOST_SAID = 8
_NEAR = 0.6

Finding = tuple[int, str]
"""Line and sentence."""


def check_source(strategy: type[Strategy]) -> None:
    """Refuses a strategy whose source has a mistake that would only show while it trades.

    Raises:
        BadInput: it has; each line of the text begins with file and line.
    """
    found = [sentence for each in reversed(_own_classes(strategy)) for sentence in _findings(each)]
    if not found:
        return
    shown = found[:MOST_SAID]
    if len(found) > MOST_SAID:
        shown.append(f"and {len(found) - MOST_SAID} more")
    raise BadInput("\n  ".join([f"{strategy.__name__} cannot run:", *shown]) if len(shown) > 1 else shown[0])


def _own_classes(strategy: type[Strategy]) -> list[type[Strategy]]:
    """The class and those that it derives from, up to Strategy itself."""
    return [each for each in strategy.__mro__ if issubclass(each, Strategy) and each is not Strategy]


_known_findings: WeakKeyDictionary[type[Strategy], tuple[str, ...]] = WeakKeyDictionary()


def _findings(strategy: type[Strategy]) -> tuple[str, ...]:
    found = _known_findings.get(strategy)
    if found is None:
        read = _read_class(strategy)
        found = () if read is None else _sentences(strategy, *read)
        _known_findings[strategy] = found
    return found


def _sentences(strategy: type[Strategy], path: str, tree: ast.ClassDef) -> tuple[str, ...]:
    return tuple(f"{path}:{line}: {text}" for line, text in sorted(set(_Reader(strategy, tree).findings())))


def _read_class(strategy: type[Strategy]) -> tuple[str, ast.ClassDef] | None:
    """Where the class is written, and its syntax tree with the file's own line numbers."""
    module = sys.modules.get(strategy.__module__)
    try:
        file = inspect.getsourcefile(strategy)
    except (TypeError, OSError):
        return None
    if module is None or file is None:
        return None
    linecache.checkcache(file)
    try:
        tree = ast.parse("".join(linecache.getlines(file, vars(module))))
    except SyntaxError:
        return None
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    named = [node for node in nodes if node.name == strategy.__name__]
    return (_shown(file), named[-1]) if named else None


def _shown(file: str) -> str:
    """The path as a person would write it from where they are."""
    path = Path(file)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


class _Reader:
    """One class of a strategy: its tree beside the class itself, which knows what it has inherited."""

    def __init__(self, strategy: type[Strategy], tree: ast.ClassDef) -> None:
        self._class = strategy
        self._tree = tree
        self._functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        # A class that packs its own state declares it as it likes.
        self._packs = strategy.pack is not Strategy.pack
        self._fields = {} if self._packs else _fields_of(strategy)
        own = [read[1] for each in _own_classes(strategy) if (read := _read_class(each)) is not None]
        declared = {name for each in own for name in _declared_when_made(each)}
        self._known = {*dir(strategy), *self._fields, *declared, "__dict__"}

    def findings(self) -> Iterator[Finding]:
        """All that is wrong, in no order."""
        if not self._packs:
            yield from self._declarations()
        yield from self._hooks()
        for function in self._functions:
            if any(
                isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list
            ):
                continue
            yield from self._about_self(function)
            yield from self._about_hook(function)
            yield from _unknown_names(vars(self._class).get(function.name))

    def _declarations(self) -> Iterator[Finding]:
        """Fields whose type, or whose value, is none that a field can have."""
        for node in self._tree.body:
            if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
                continue
            name, kind = node.target.id, self._fields.get(node.target.id)
            written = ast.unparse(node.annotation)
            if kind is None:
                if name in _annotations(self._class) and "ClassVar" not in written:
                    yield (
                        node.lineno,
                        (
                            f"field {name!r} is declared {written}, and a field is int, float, bool or str: write "
                            f"`{name}: int = 0`, and keep a series as numbers (a sum, a mean, the last value)"
                        ),
                    )
            elif node.value is not None:
                given = Kinds(self._fields).of(node.value)
                yield from self._fits(node.lineno, name, kind, given, ast.unparse(node.value))

    def _fits(self, line: int, name: str, kind: str, given: str | None, value: str) -> Iterator[Finding]:
        if given is None or given == kind or (kind, given) in _GOES_INTO:
            return
        advice = {
            (
                "int",
                "float",
            ): f"write `round({value})` or `//` for a whole number, or declare `{name}: float`",
            ("bool", "float"): f"write a comparison, as in `{value} > 0`, or declare `{name}: float`",
            ("bool", "int"): f"write True or False, or declare `{name}: int`",
        }.get((kind, given), f"declare `{name}: {given}`, or give it a value of type {kind}")
        yield (
            line,
            f"`{value}` is {_A[given]} and field {name!r} is declared {kind}: {advice}",
        )

    def _hooks(self) -> Iterator[Finding]:
        """Methods whose name is nearly a hook's, and hooks that do not take (self, event, ctx)."""
        for function in self._functions:
            name = function.name
            if name in HOOKS:
                count = len(function.args.posonlyargs) + len(function.args.args)
                if count != 3 and function.args.vararg is None:
                    event = _EVENT_NAMES.get(name, "event")
                    yield (
                        function.lineno,
                        f"{name} is given the event and ctx: write `def {name}(self, {event}, ctx):`",
                    )
            elif not hasattr(Strategy, name) and not name.startswith("_"):
                near = difflib.get_close_matches(name, HOOKS, 1, 0.5 if name.startswith("on_") else 0.8)
                if near or name.startswith("on_"):
                    advice = f"did you mean {near[0]}?" if near else f"a strategy hears {', '.join(HOOKS)}"
                    yield function.lineno, f"nobody calls {name!r}: {advice}"

    def _about_self(self, function: ast.FunctionDef) -> Iterator[Finding]:
        """What is stored into fields, and what is read of `self`."""
        parameters = [*function.args.posonlyargs, *function.args.args]
        if not parameters:
            return
        me = parameters[0].arg
        kinds = Kinds(self._fields, me)
        kinds.learn(function, HOOKS.get(function.name, ()))
        for node in ast.walk(function):
            for line, target, value in _stores(node):
                if not (isinstance(target, ast.Attribute) and _is_name(target.value, me)):
                    continue
                kind = self._fields.get(target.attr)
                if kind is not None:
                    yield from self._fits(line, target.attr, kind, kinds.of(value), ast.unparse(value))
                elif not self._packs and not self._has(target.attr):
                    yield line, self._undeclared(target.attr, kinds.of(value))
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and _is_name(node.value, me)
                and not self._packs
                and not self._has(node.attr)
            ):
                yield (
                    node.lineno,
                    f"{self._class.__name__} has no {node.attr!r}{_near(node.attr, self._known)}",
                )

    def _has(self, name: str) -> bool:
        return name in self._known

    def _undeclared(self, name: str, kind: str | None) -> str:
        near = difflib.get_close_matches(name, self._fields, 1, 0.75)
        if near:
            return f"field {name!r} is not declared: did you mean {near[0]!r}?"
        of = kind or "int"
        return (
            f"field {name!r} is not declared: write `{name}: {of} = {_ZERO[of]}` below "
            f"`class {self._class.__name__}` (a name that begins with an underscore is state, any other a setting)"
        )

    def _about_hook(self, function: ast.FunctionDef) -> Iterator[Finding]:
        """What a hook, or a method that is handed a `ctx`, asks of its event and its context."""
        parameters = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and _is_store(node)}
        seen: dict[str, frozenset[str]] = {}
        if function.name in HOOKS and len(parameters) == 3:
            seen[parameters[1]] = frozenset().union(*(_attributes(kind) for kind in HOOKS[function.name]))
            seen[parameters[2]] = _of_context()
        elif "ctx" in parameters:
            seen["ctx"] = _of_context()
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                has = seen.get(node.value.id)
                if has is not None and node.value.id not in stored and node.attr not in has:
                    public = [name for name in has if not name.startswith("_")]
                    yield (
                        node.lineno,
                        f"{node.value.id} has no {node.attr!r}{_near(node.attr, public)}",
                    )
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of = node.func.value
                if isinstance(of, ast.Name) and seen.get(of.id) is _of_context() and of.id not in stored:
                    yield from _call_of_context(node, node.func.attr, of.id)


def _declared_when_made(tree: ast.ClassDef) -> Iterator[str]:
    """What `__init__` declares with a type of its own, as in `self._handles: list[int] = []`: no field, not kept."""
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            for node in ast.walk(function):
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
                    yield node.target.attr


def _call_of_context(node: ast.Call, name: str, ctx: str) -> Iterator[Finding]:
    """Whether a method of `ctx` takes what it is given here."""
    method = getattr(Context, name, None)
    if not callable(method) or any(isinstance(each, ast.Starred) for each in node.args):
        return
    if any(keyword.arg is None for keyword in node.keywords):
        return
    signature = inspect.signature(method)
    words = {keyword.arg: 0 for keyword in node.keywords if keyword.arg is not None}
    try:
        signature.bind(None, *(0 for _ in node.args), **words)
    except TypeError as error:
        unknown = next((word for word in words if word not in signature.parameters), None)
        taken = ", ".join(str(each) for each in _plain(signature))
        hint = _near(unknown, signature.parameters) if unknown is not None else ""
        yield node.lineno, f"{ctx}.{name} does not take this ({error}){hint}: write {ctx}.{name}({taken})"


def _plain(signature: inspect.Signature) -> list[str]:
    """Parameters as a person writes them: those that must be given, then those that may, as `name=`."""
    given = [each for each in signature.parameters.values() if each.name != "self"]
    must = [each.name for each in given if each.default is each.empty]
    return must + [f"{each.name}=…" for each in given if each.default is not each.empty]


def _unknown_names(function: object) -> Iterator[Finding]:
    """Names that neither the function, nor its module, nor Python knows."""
    function = inspect.unwrap(getattr(function, "__func__", function)) if callable(function) else function
    if not isinstance(function, types.FunctionType):
        return
    known = {*function.__globals__, *vars(builtins)}
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [each for each in code.co_consts if isinstance(each, types.CodeType)]
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval not in known:
                line = step.positions.lineno if step.positions is not None else None
                names = {*known, *function.__code__.co_varnames}
                yield (
                    line or code.co_firstlineno,
                    f"nobody knows the name {step.argval!r}{_near(step.argval, names)}",
                )


def _stores(node: ast.AST) -> Iterable[tuple[int, ast.expr, ast.expr]]:
    """What a statement stores where: (line, target, value); of `a += b` the value is `a + b`."""
    if isinstance(node, ast.Assign):
        return [(node.lineno, *pair) for target in node.targets for pair in _pairs(target, node.value)]
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return [(node.lineno, node.target, node.value)]
    if isinstance(node, ast.AugAssign):
        left = ast.parse(ast.unparse(node.target), mode="eval").body
        return [(node.lineno, node.target, ast.BinOp(left, node.op, node.value))]
    return []


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """`a, b = c, d` as two pairs."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return [
            pair for one, other in zip(target.elts, value.elts, strict=True) for pair in _pairs(one, other)
        ]
    return [(target, value)]


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _near(name: str, known: Iterable[str] | Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, [each for each in known if each != name], 1, _NEAR)
    return f": did you mean {near[0]!r}?" if near else ""


def _annotations(strategy: type[Strategy]) -> set[str]:
    return {name for each in strategy.__mro__ for name in vars(each).get("__annotations__", {})}


def _fields_of(strategy: type[Strategy]) -> dict[str, str]:
    """The fields whose type a field may have, by name."""
    return {name: KINDS[kind] for name, kind in strategy.fields().items() if kind in KINDS}


@cache
def _attributes(kind: type) -> frozenset[str]:
    return frozenset(dir(kind))


@cache
def _of_context() -> frozenset[str]:
    return frozenset({*dir(Context), *vars(Context("", ("",)))})


_EVENT_NAMES = {"on_tick": "tick", "on_quote": "quote", "on_bar": "bar", "on_fill": "fill", "on_gap": "gap"}
_GOES_INTO = {("float", "int"), ("int", "bool"), ("float", "bool")}
_A = {"int": "a whole number", "float": "a float", "bool": "true or false", "str": "text"}
_ZERO = {"int": "0", "float": "0.0", "bool": "False", "str": '""'}
