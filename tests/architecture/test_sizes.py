"""The walls: a function has at most 60 lines, a module at most 500."""

import ast
from collections.abc import Iterator

from tests.architecture.source import ROOT, parse, python_files

LONGEST_FUNCTION = 60
LONGEST_MODULE = 500

# "path" or "path::function" -> why it may be longer.
EXCEPTIONS: dict[str, str] = {
    "src/autofutures/backtest/asked.py::run": "each option of the command line is a keyword, and each is described",
    "src/autofutures/cli/machine.py::up": "each option of the command line is a parameter, with its default",
    "src/autofutures/domain/messages.py": "every message stands on one page, which is read as a whole",
}


def long_functions(tree: ast.Module, limit: int = LONGEST_FUNCTION) -> Iterator[tuple[str, int]]:
    """Name and lines of each function over the limit, its decorators left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > limit:
                yield node.name, lines


def too_long() -> dict[str, int]:
    """Each of our functions and modules over its wall, with its lines."""
    found: dict[str, int] = {}
    for path in python_files():
        lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_MODULE:
            found[str(path)] = lines
        found |= {f"{path}::{name}": size for name, size in long_functions(parse(path))}
    return found


def test_no_function_and_no_module_passes_its_wall() -> None:
    assert {name: lines for name, lines in too_long().items() if name not in EXCEPTIONS} == {}


def test_every_exception_is_still_needed() -> None:
    assert set(EXCEPTIONS) - set(too_long()) == set()


def test_a_function_of_one_line_too_many_is_found() -> None:
    body = "\n".join("    pass" for _ in range(LONGEST_FUNCTION))
    assert list(long_functions(ast.parse(f"def long():\n{body}"))) == [("long", LONGEST_FUNCTION + 1)]
    assert list(long_functions(ast.parse(f"async def long():\n{body}"))) == [("long", LONGEST_FUNCTION + 1)]
    assert list(long_functions(ast.parse(f"def long():\n{body}"), limit=LONGEST_FUNCTION + 1)) == []
