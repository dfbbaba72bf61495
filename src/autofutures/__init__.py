"""A machine that trades futures by itself: start at domain/messages.py, then trader.py, then engine.py."""

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """`autofutures.backtest` after a bare `import autofutures`, which stays quick."""
    if name == "backtest":
        return import_module("autofutures.backtest")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
