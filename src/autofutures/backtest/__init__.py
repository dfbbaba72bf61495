"""The machine's own nodes over a recorded or generated market, and what the run was worth.

    from autofutures import backtest

    result = backtest.run("ema_cross", symbol="TXF202108", date="2021-07-26", fast=20, slow=60)

Nothing is loaded before it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autofutures.backtest.asked import run
    from autofutures.backtest.finished import FinishedRun
    from autofutures.backtest.finished import load_run as load

__all__ = ["FinishedRun", "load", "run"]

_PLACES = {
    "FinishedRun": "autofutures.backtest.finished:FinishedRun",
    "load": "autofutures.backtest.finished:load_run",
    "run": "autofutures.backtest.asked:run",
}


def __getattr__(name: str) -> object:
    """What notebooks use, when it is first named."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    found: object = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
