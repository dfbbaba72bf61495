"""Tells from an expression alone whether its value is int, float, bool or str, where that is sure."""

import ast
import typing
from collections.abc import Mapping, Sequence

KINDS: dict[object, str] = {int: "int", float: "float", bool: "bool", str: "str"}
"""The types that a strategy's field may have, and how they are written."""

_CALLS = {
    "int": "int", "round": "int", "len": "int", "ord": "int", "float": "float", "bool": "bool", "str": "str",
}  # fmt: skip
_SAME = {"abs", "max", "min", "sum"}
_FLOATS = {"sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "tanh", "atan", "hypot", "fabs", "pow"}
_WHOLE = {"floor", "ceil", "trunc", "isqrt", "gcd"}


class Kinds:
    """What is known in one function.

    Args:
        fields: the kind of each field of the strategy.
        me: what the function calls its strategy.
    """

    def __init__(self, fields: Mapping[str, str], me: str = "self") -> None:
        self._fields = fields
        self._me = me
        self._locals: dict[str, str | None] = {}
        self._events: dict[str, tuple[type, ...]] = {}

    def learn(self, function: ast.FunctionDef, events: Sequence[type]) -> None:
        """Takes in the function's local names; one that has values of two kinds has none."""
        parameters = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        if events and len(parameters) > 1:
            self._events[parameters[1]] = tuple(events)
        simple: list[tuple[str, ast.expr]] = []
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
            ):
                simple.append((node.targets[0].id, node.value))
            elif (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and node.value is not None
            ):
                simple.append((node.target.id, node.value))
        counted = [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and _stored(node)]
        # A name that is also a loop's, or is added to, is not followed.
        sure = {name for name, _ in simple if counted.count(name) == sum(each == name for each, _ in simple)}
        for name, value in sorted(simple, key=lambda each: each[1].lineno):
            if name in sure and name not in parameters:
                kind = self.of(value)
                self._locals[name] = kind if self._locals.get(name, kind) == kind else None

    def of(self, node: ast.expr) -> str | None:
        """The kind of an expression's value; None where it is not sure."""
        match node:
            case ast.Constant(value=value):
                return KINDS.get(type(value))
            case ast.JoinedStr():
                return "str"
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return "bool"
            case ast.UnaryOp(operand=operand):
                return _number(self.of(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return _binary(self.of(left), op, self.of(right))
            case ast.IfExp(body=body, orelse=other):
                return _either([self.of(body), self.of(other)])
            case ast.BoolOp(values=values):
                return _either([self.of(each) for each in values])
            case ast.Name(id=name):
                return self._locals.get(name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return self._fields.get(name) if owner == self._me else self._of_event(owner, name)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._of_call(name, args, len(node.keywords))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math"), attr=name)):
                return "float" if name in _FLOATS else "int" if name in _WHOLE else None
            case _:
                return None

    def _of_call(self, name: str, args: Sequence[ast.expr], keywords: int) -> str | None:
        if name in _SAME and args and not keywords:
            return _either([self.of(each) for each in args]) if name != "sum" else None
        if name == "round" and len(args) > 1:
            return None
        return _CALLS.get(name)

    def _of_event(self, owner: str, name: str) -> str | None:
        """A field of the event that a hook is given; `ctx` is not followed."""
        found = [typing.get_type_hints(event).get(name) for event in self._events.get(owner, ())]
        return _either([KINDS.get(kind) for kind in found]) if found else None


def _stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _number(kind: str | None) -> str | None:
    return "int" if kind == "bool" else kind


def _either(kinds: Sequence[str | None]) -> str | None:
    """The one kind of all; of numbers of which one is a float, float: that is what may be stored."""
    found = set(kinds)
    if None in found:
        return None
    if found == {"int", "float"}:
        return "float"
    return found.pop() if len(found) == 1 else None


def _binary(left: str | None, op: ast.operator, right: str | None) -> str | None:
    one, other = _number(left), _number(right)
    if isinstance(op, ast.Div):
        # Of numbers a quotient is a float; of what is not known it nearly always is, and texts have none.
        return "float" if "str" not in (one, other) else None
    if "float" in (one, other) and "str" not in (one, other):
        return (
            "float"
            if isinstance(op, (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod))
            or (isinstance(op, ast.Pow) and None not in (one, other))
            else None
        )
    if one == other == "int":
        return None if isinstance(op, ast.Pow) else "int"
    if one == other == "str" and isinstance(op, ast.Add):
        return "str"
    return None
