"""The machine's own nodes over a recorded or generated market, and what the run was worth.

    from autofutures import backtest

    result = backtest.run("ema_cross", symbol="TXF202108", date="2021-07-26", fast=20, slow=60)
    table = backtest.sweep(result, {"fast": range(5, 50, 5), "slow": [20, 60]})

Nothing is loaded before it is asked for.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autofutures.backtest.asked import run
    from autofutures.backtest.asked_search import sweep
    from autofutures.backtest.comparison import write_comparison as compare
    from autofutures.backtest.finished import FinishedRun
    from autofutures.backtest.finished import load_run as load
    from autofutures.backtest.sweep_page import write_sweep as sweep_report

__all__ = ["FinishedRun", "compare", "load", "run", "sweep", "sweep_report"]

_PLACES = {
    "FinishedRun": "autofutures.backtest.finished:FinishedRun",
    "compare": "autofutures.backtest.comparison:write_comparison",
    "load": "autofutures.backtest.finished:load_run",
    "run": "autofutures.backtest.asked:run",
    "sweep": "autofutures.backtest.asked_search:sweep",
    "sweep_report": "autofutures.backtest.sweep_page:write_sweep",
}


class _Package(ModuleType):
    """Keeps its functions' names for them: an imported submodule, as `sweep`, does not take the name of one."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


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
