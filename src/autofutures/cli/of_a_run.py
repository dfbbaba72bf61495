"""The options that say what is run, listed once: `backtest`, `sweep` and `walk-forward` ask for a run alike."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Concatenate, ParamSpec, Protocol, cast

import typer

from autofutures.cli import options
from autofutures.config import GENERATED_SYMBOL

if TYPE_CHECKING:
    from autofutures.config import RunSettings

StrategyArgument = Annotated[
    str, typer.Argument(help="ema_cross, market_maker, support_resistance, or path/to/file.py:Class.")
]

_More = ParamSpec("_More")


class Command(Protocol):
    """What Typer calls, with every option by its name."""

    def __call__(self, **given: object) -> None:
        """Runs it."""
        ...


class _Ask(Protocol):
    def __call__(self, **given: object) -> "RunSettings": ...


class _Body(Protocol):
    def __call__(self, run: "RunSettings", **given: object) -> None: ...


def of_a_run(body: "Callable[Concatenate[RunSettings, _More], None]") -> Command:
    """A command for a run: its options are those of every run, and what `body` takes besides the run."""
    asked = inspect.signature(_run).parameters
    own = list(inspect.signature(body).parameters.values())[1:]

    def command(**given: object) -> None:
        run = cast("_Ask", _run)(**{name: given.pop(name) for name in asked})
        cast("_Body", body)(run, **given)

    both = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*asked.values(), *own)]
    vars(command)["__signature__"] = inspect.Signature(both)
    command.__annotations__ = {one.name: one.annotation for one in both}
    command.__name__, command.__doc__ = body.__name__, body.__doc__
    return command


def _run(
    strategy: StrategyArgument,
    symbol: options.SymbolOption = GENERATED_SYMBOL,
    date: options.DateOption = "",
    first: options.FirstOption = "",
    last: options.LastOption = "",
    generate: options.GenerateOption = False,
    catalog: options.CatalogOption = None,
    settings: options.SetOption = None,
    seed: options.SeedOption = 1,
    trades: options.TradesOption = 6_000,
    order_latency: options.LatencyOption = "0",
    fee: options.FeeOption = 20,
    slippage: options.SlippageOption = None,
    queue: options.QueueOption = 20,
    market: options.MarketOption = "auto",
    risk: options.RiskOption = None,
    config: options.ConfigOption = None,
    limit: options.LimitOption = 0,
    roll: options.RollOption = None,
) -> "RunSettings":
    from autofutures.assemble.request import RunOptions

    begin, end = options.range_of(date, first, last)
    return RunOptions(
        strategies=[strategy],
        settings=settings or [],
        symbol=symbol,
        date=begin,
        to=end,
        generate=generate,
        catalog=catalog,
        seed=seed,
        trades=trades,
        order_latency=order_latency,
        fee=fee,
        slippage=slippage,
        queue=queue,
        market=market,
        risk=risk,
        config=config,
        limit=limit,
        roll=roll or [],
    ).run()
