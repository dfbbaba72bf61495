"""Which unit tests come by a line: all others run the same program with the line changed, so they cannot know it.

One run of the unit tests on a copy of the package, which notes beside each of the lines what test it is in. Processes
that a test starts inherit the test's name, and note it too.
"""

import ast
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from autofutures.config import environment_of_children

UNIT = "tests/unit"

_PROBE = "reached_lines"
_NOTES = "notes.txt"
_MODULE = f"""
from os import O_APPEND, O_CREAT, O_WRONLY, close, environ, open, write
from pathlib import Path

_NOTES = Path(__file__).with_name("{_NOTES}")
_noted = set()

def note(name, in_function):
    test = environ.get("PYTEST_CURRENT_TEST", "") if in_function else ""
    line = name + " " + test.partition("::")[0] + chr(10)
    if line not in _noted:
        _noted.add(line)
        file = open(_NOTES, O_WRONLY | O_APPEND | O_CREAT)
        write(file, line.encode())
        close(file)
"""


def probe(path: Path, lines: Sequence[tuple[str, int]]) -> None:
    """Changes a module so that it notes a name when it comes by the statement of a line, just before."""
    tree = ast.parse(path.read_text("utf-8"))
    for name, number in lines:
        block, place, in_function = _innermost(tree, number)
        call = f"__import__({_PROBE!r}).note({name!r}, {in_function})"
        block[place:place] = ast.parse(call).body
    path.write_text(ast.unparse(ast.fix_missing_locations(tree)), "utf-8")


def _innermost(node: ast.AST, number: int, *, in_function: bool = False) -> tuple[list[ast.stmt], int, bool]:
    """The smallest statement that has the line: the block that it is in, its place there, whether in a function.

    Raises:
        ValueError: the line is in no statement.
    """
    in_function = in_function or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    for block in _blocks(node):
        for place, statement in enumerate(block):
            if statement.lineno <= number <= (statement.end_lineno or 0):
                try:
                    return _innermost(statement, number, in_function=in_function)
                except ValueError:
                    return block, place, in_function
    raise ValueError(f"line {number} is in no statement")


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, [])
        if isinstance(block, list) and block:
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield from _blocks(part)


def reaching(source: Path, names: Sequence[str], root: Path) -> dict[str, list[str]]:
    """Runs the unit tests on a probed copy; by name, the files of the tests that came by its line.

    A line that runs while modules are loaded, or in a process that knows no test, is every test's.

    Raises:
        RuntimeError: a unit test failed: nothing can be said of mutants then.
    """
    (source / f"{_PROBE}.py").write_text(_MODULE)
    environment = environment_of_children({"PYTHONPATH": str(source), "PYTEST_CURRENT_TEST": ""})
    program = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", UNIT]
    with tempfile.TemporaryDirectory() as folder:
        program.append(f"--basetemp={folder}/unit")
        ran = subprocess.run(program, capture_output=True, text=True, check=False, cwd=root, env=environment)
    if ran.returncode:
        raise RuntimeError(f"the unit tests fail on the unchanged code: {ran.stdout[-2_000:]}")
    notes = source / _NOTES
    noted = [line.partition(" ") for line in notes.read_text().splitlines()] if notes.exists() else []
    found: dict[str, set[str]] = {name: set() for name in names}
    for name, _, file in noted:
        found[name].add(file or UNIT)
    return {name: [UNIT] if UNIT in files else sorted(files) for name, files in found.items()}
