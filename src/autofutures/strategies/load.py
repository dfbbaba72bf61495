"""Finds a strategy by name, or in a user's own file, and makes one with its settings."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

from autofutures.domain.errors import BadInput
from autofutures.strategies import STRATEGIES
from autofutures.strategies.base import Setting, Strategy


def load(name: str) -> type[Strategy]:
    """The class behind `ema_cross`, `package.module:Class` or `path/to/file.py:Class`.

    Raises:
        BadInput: there is no such strategy.
    """
    place, _, attribute = STRATEGIES.get(name, name).rpartition(":")
    if not place:
        known = ", ".join(sorted(STRATEGIES))
        raise BadInput(
            f"there is no strategy {name!r}: use one of {known}, or your own as path/to/file.py:Class"
        )
    try:
        module = _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        found = getattr(module, attribute)
    except (ImportError, AttributeError, FileNotFoundError, SyntaxError) as error:
        raise BadInput(f"strategy {name!r} could not be loaded: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise BadInput(
            f"{name!r} is not a strategy: derive the class from autofutures.strategies.base.Strategy"
        )
    return found


def make(name: str, settings: Mapping[str, Setting]) -> Strategy:
    """A strategy with its settings; see `load`."""
    return load(name)(**settings)


def _from_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"autofutures_user:{path.resolve()}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Annotations written as text are read in the module of that name.
    spec.loader.exec_module(module)
    return module
