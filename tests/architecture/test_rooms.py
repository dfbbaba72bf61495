"""The tree: its rooms, and who may know whom where import-linter has no word for it."""

import ast
from pathlib import Path

from tests.architecture.source import (
    PACKAGE,
    ROOT,
    imported_names,
    is_inside,
    module_name,
    parse,
    python_files,
)

CORE = (
    "domain",
    "market",
    "risk",
    "portfolio",
    "orders",
    "matching",
    "strategies",
    "trader",
    "gateway",
    "engine",
)
SHELL = (
    "clock",
    "config",
    "bus",
    "storage",
    "telemetry",
    "data",
    "venues",
    "assemble",
    "backtest",
    "simulation",
    "seats",
    "ops",
    "api",
    "processes",
    "cli",
)
WORLD = ("zmq", "asyncio", "threading", "os", "fastapi", "sqlalchemy")


def is_core(path: Path) -> bool:
    """Whether the file belongs to the part that decides."""
    return module_name(path).split(".")[1:2] != [] and module_name(path).split(".")[1] in CORE


def defines_strategy(tree: ast.Module) -> bool:
    """Whether a file has a class that is a Strategy."""
    bases = [base for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
    return any(ast.unparse(base).split(".")[-1].split("[")[0] == "Strategy" for base in bases)


def importers_of(modules: set[str]) -> set[tuple[str, str]]:
    """(importer, imported) for each import of one of the modules from outside of it."""
    found: set[tuple[str, str]] = set()
    for path in python_files(PACKAGE):
        importer = module_name(path)
        names = set(imported_names(parse(path)))
        found |= {
            (importer, module)
            for module in modules
            if not is_inside(importer, module) and any(is_inside(name, module) for name in names)
        }
    return found


def test_every_top_level_name_is_a_room_of_the_map() -> None:
    rooms = {
        path.relative_to("src/autofutures").parts[0].removesuffix(".py") for path in python_files(PACKAGE)
    }
    assert rooms - {*CORE, *SHELL, "__init__"} == set()


def test_the_core_imports_nothing_of_the_world() -> None:
    found = {
        (str(path), name)
        for path in filter(is_core, python_files(PACKAGE))
        for name in imported_names(parse(path))
        if any(is_inside(name, outside) for outside in WORLD)
    }
    assert found == set()


def test_nobody_imports_a_strategy_by_name() -> None:
    files = [path for path in python_files(PACKAGE / "strategies") if path.stem not in {"base", "host"}]
    assert importers_of({module_name(path) for path in files if defines_strategy(parse(path))}) == set()


def test_nobody_imports_a_venue_by_name() -> None:
    # The vault keeps keys for all venues and is none itself.
    names = {path.relative_to("src/autofutures/venues").parts[0] for path in python_files(PACKAGE / "venues")}
    venues = {
        f"autofutures.venues.{name.removesuffix('.py')}"
        for name in names - {"__init__.py", "vault.py", "vault"}
    }
    assert importers_of(venues) == set()


def test_the_readers_of_the_tree_see_what_they_look_for() -> None:
    tree = ast.parse("import os.path\nfrom zmq import Context\nclass Mine(base.Strategy):\n    import time")
    assert set(imported_names(tree)) == {"os.path", "zmq", "zmq.Context", "time"}
    assert is_inside("os.path", "os")
    assert not is_inside("osmosis", "os")
    assert defines_strategy(tree)
    assert not defines_strategy(ast.parse("class Strategy: ..."))
    assert is_core(Path("src/autofutures/trader.py"))
    assert is_core(Path("src/autofutures/risk/gate.py"))
    assert not is_core(Path("src/autofutures/cli/machine.py"))
    assert not is_core(Path("src/autofutures/__init__.py"))
    assert Path("src/autofutures/domain/messages.py") in python_files(PACKAGE)
    assert Path("tests/conftest.py") in python_files(ROOT)
