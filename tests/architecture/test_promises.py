"""Promises about money that a type or a linter cannot keep alone."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import PACKAGE, parse, python_files

# Only the gate may say that an order is permitted.
MAKERS_OF_APPROVED = {"src/autofutures/risk/gate.py"}

# path -> why it may catch everything.
CATCHERS = {
    "src/autofutures/ops/process.py": "the top of every process: it logs, says so and dies",
}


def calls_of(tree: ast.Module, name: str) -> Iterator[int]:
    """The line of each call of the name, plain or as an attribute; a pattern of match is none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).split(".")[-1]
            if called == name:
                yield node.lineno


def catches_of_everything(tree: ast.Module) -> Iterator[int]:
    """The line of each handler that catches Exception, BaseException or whatever there is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in caught):
                yield node.lineno


def test_only_the_gate_makes_an_approval() -> None:
    files = [path for path in python_files(PACKAGE) if str(path) not in MAKERS_OF_APPROVED]
    assert [f"{path}:{line}" for path in files for line in calls_of(parse(path), "Approved")] == []


def test_nobody_swallows_every_error() -> None:
    files = [path for path in python_files(PACKAGE) if str(path) not in CATCHERS]
    assert [f"{path}:{line}" for path in files for line in catches_of_everything(parse(path))] == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Approved(1)", [1]),
        ("x = base.Approved(1)", [1]),
        ("match x:\n    case Approved(): ...", []),
        ("isinstance(x, Approved)", []),
    ],
)
def test_an_approval_is_found_where_one_is_made(text: str, lines: list[int]) -> None:
    assert list(calls_of(ast.parse(text), "Approved")) == lines


@pytest.mark.parametrize(
    ("caught", "lines"),
    [
        ("Exception", [3]),
        ("(OSError, Exception)", [3]),
        ("BaseException as error", [3]),
        ("", [3]),
        ("OSError", []),
    ],
)
def test_a_handler_of_everything_is_found(caught: str, lines: list[int]) -> None:
    text = f"try:\n    ...\nexcept {caught}:\n    ...".replace("except :", "except:")
    assert list(catches_of_everything(ast.parse(text))) == lines
