"""What a strategy's own file may not import: the trader's side of the house.

A running strategy is a process of its own that hears its messages and says its decisions; whatever it imports there is
a copy without any state. In a backtest both sides share one process, so that a file which reaches for the trader's
state would trade otherwise there than live. It is refused when it is loaded, wherever that is.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from autofutures.domain.errors import BadInput

ROOMS = frozenset(
    {
        *("risk", "orders", "portfolio", "trader", "gateway", "engine", "seats", "assemble"),
        *("bus", "storage", "ops", "processes", "venues", "simulation"),
    }
)
"""Rooms of this package that hold, or make, what only the trader may touch."""

WALKERS = frozenset({"gc", "ctypes"})
"""Modules that find any object of a process."""


def check_reach(path: Path) -> None:
    """Refuses a strategy's file that imports what is the trader's; one that is no Python is left to the loader.

    Raises:
        BadInput: it does; the text names file, line and module.
    """
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError, FileNotFoundError):
        return
    for line, module in _imports(tree):
        package, _, rest = module.partition(".")
        if module in WALKERS or (package == "autofutures" and rest.partition(".")[0] in ROOMS):
            raise BadInput(
                f"{path}:{line}: a strategy may not import {module}: it decides by what it hears, and risk, orders and "
                "positions are the trader's; read your own from ctx"
            )


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
