"""Finds a strategy by name, or in a user's own file, and makes one with its settings."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from autofutures.domain.errors import BadInput
from autofutures.strategies import STRATEGIES
from autofutures.strategies.base import Setting, Strategy
from autofutures.strategies.check import check_source
from autofutures.strategies.reach import check_reach

GIVEN = "given:"
"""The place of a class that was handed over in Python and stands in no file that could be named."""

_USER = "autofutures_user:"
_given: dict[str, type[Strategy]] = {}


def place_of(strategy: type[Strategy]) -> str:
    """What `load` finds the class by again: its module or its file; else, in this process only, its own name."""
    module, name = strategy.__module__, strategy.__qualname__
    path = module.removeprefix(_USER)
    if path != module:
        return f"{path}:{name}"
    if module != "__main__" and getattr(sys.modules.get(module), name, None) is strategy:
        return f"{module}:{name}"
    _given[f"{GIVEN}{strategy.__name__}"] = strategy
    return f"{GIVEN}{strategy.__name__}"


def load(name: str) -> type[Strategy]:
    """The class behind `ema_cross`, `package.module:Class` or `path/to/file.py:Class`.

    Raises:
        BadInput: there is no such strategy, or its source has a mistake: the text names file and line.
    """
    found = _given.get(name) if name.startswith(GIVEN) else _found(name)
    if found is None:
        raise BadInput(
            f"{name.removeprefix(GIVEN)} was given in another process: put the class into a file and name it "
            "as path/to/file.py:Class"
        )
    check_source(found)
    return found


def _found(name: str) -> type[Strategy]:
    place, _, attribute = STRATEGIES.get(name, name).rpartition(":")
    if not place:
        known = ", ".join(sorted(STRATEGIES))
        raise BadInput(
            f"there is no strategy {name!r}: use one of {known}, or your own as path/to/file.py:Class"
        )
    try:
        module = _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        found = getattr(module, attribute)
    except (
        *(ImportError, AttributeError, FileNotFoundError, SyntaxError),
        *(NameError, TypeError, ValueError, LookupError, ArithmeticError),
    ) as error:
        raise BadInput(f"strategy {name!r} could not be loaded: {_where(error, place)}{error}") from error
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise BadInput(
            f"{name!r} is not a strategy: derive the class from autofutures.strategies.base.Strategy"
        )
    return found


def make(name: str, settings: Mapping[str, Setting]) -> Strategy:
    """A strategy with its settings; see `load`."""
    return load(name)(**settings)


def _from_file(path: Path) -> object:
    check_reach(path)
    spec = importlib.util.spec_from_file_location(f"{_USER}{path.resolve()}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Annotations written as text are read in the module of that name.
    spec.loader.exec_module(module)
    return module


def _where(error: Exception, place: str) -> str:
    """`line 3: ` where a line of the user's own file went wrong; a syntax error says so itself."""
    lines = [
        line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == place
    ]
    return f"line {lines[-1]}: " if lines else ""
