"""Hashes of the sources that decide, which a machine says at its start: so a changed line can be named later."""

import hashlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import autofutures
from autofutures.domain.errors import BadInput
from autofutures.strategies import STRATEGIES

PACKAGE = Path(autofutures.__file__).parent


@cache
def package_hash() -> str:
    """The SHA-256 of every Python file of this package by name and content, as it is when first asked for."""
    return _hash_of(PACKAGE, sorted(PACKAGE.rglob("*.py")))


def strategy_hash(use: str) -> str:
    """The SHA-256 of the file that a strategy is in: what it imports from elsewhere does not count.

    Raises:
        BadInput: there is no such file.
    """
    path = strategy_file(use)
    return _hash_of(path.parent, [path])


def strategy_file(use: str) -> Path:
    """The file behind `ema_cross`, `package.module:Class` or `path/to/file.py:Class`.

    Raises:
        BadInput: there is none.
    """
    place = STRATEGIES.get(use, use).rpartition(":")[0]
    if place.endswith(".py"):
        path = Path(place)
    else:
        try:
            spec = importlib.util.find_spec(place) if place else None
        except ModuleNotFoundError:
            spec = None
        path = Path(spec.origin) if spec is not None and spec.origin else Path(place or use)
    if not path.is_file():
        raise BadInput(
            f"strategy {use!r}: there is no file {path}; put it back, or name the strategy's new place"
        )
    return path


def _hash_of(root: Path, paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        found.update(f"{path.relative_to(root)}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()
