"""Runs a backtest that is written in Python: the options of the command line as keywords, and a finished run back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from autofutures.assemble.request import RunOptions
from autofutures.backtest import runner
from autofutures.backtest.finished import FinishedRun
from autofutures.config import GENERATED_DATE, GENERATED_SYMBOL, Value
from autofutures.domain.errors import BadInput
from autofutures.strategies.base import Strategy
from autofutures.strategies.load import place_of

StrategyLike = str | type[Strategy]
"""A name of the table, `path/to/file.py:Class`, or the class itself."""


def run(  # noqa: PLR0913 - each option of the command line is a keyword
    strategy: StrategyLike | Sequence[StrategyLike] = (),
    *,
    symbol: str = "",
    date: str = "",
    to: str = "",
    generate: bool = False,
    settings: Mapping[str, Value] | None = None,
    catalog: str | Path | None = None,
    seed: int = 1,
    trades: int = 6_000,
    order_latency: str = "0",
    fee: int = 20,
    slippage: int | None = None,
    queue: int = 20,
    market: str = "auto",
    risk: str | Path | None = None,
    config: str | Path | None = None,
    limit: int = 0,
    roll: Mapping[str, Value] | None = None,
    engine: str = "nodes",
    progress: runner.Progress | None = None,
    **own: Value,
) -> FinishedRun:
    """Trades recorded days, or a generated session, and returns what came of it.

    Args:
        strategy: a name, `path/to/file.py:Class`, a class, or several of these.
        symbol: a contract, or several with commas.
        date: the trading day, as in 2021-07-26.
        to: the last trading day, where there are several.
        generate: trade a generated session: no data needed.
        settings: the strategy's settings; needed only for one that has the name of a keyword here.
        catalog: where imported data is; the default place unless told otherwise.
        seed: what a generated session is made from.
        trades: about how many trades a generated session has.
        order_latency: from a decision to its order's reaching the market: 0, 5ms, 2s.
        fee: the broker's, for a contract and side.
        slippage: ticks by which the fill of an order that takes is worse than the trade or quote that it meets; `None`
            for 1 with prints, else none.
        queue: contracts that trade at a resting order's price before it is filled there.
        market: what fills come from: prints, quotes, depth; auto is quotes where they are recorded, else prints.
        risk: a TOML file of risk limits.
        config: a settings file: strategies with conditions, risk, calendar.
        limit: stop after so many ticks; 0 for none.
        roll: how a series such as TXF.front goes from contract to contract, as in {"by": "volume", "adjust": "back"}.
        engine: what trades: see `runner.run`.
        progress: hears how many events have been taken.
        own: the strategy's settings, as in fast=20.

    Raises:
        BadInput: something makes no sense; the text says what, and what to write.
    """
    if not (generate or symbol or date):
        raise BadInput("say what to trade: generate=True, or symbol= and date= of recorded data")
    given = [strategy] if isinstance(strategy, (str, type)) else list(strategy)
    table = {**(settings or {}), **own}
    asked = RunOptions(
        strategies=[each if isinstance(each, str) else place_of(each) for each in given],
        settings=_pairs(table),
        symbol=symbol or GENERATED_SYMBOL,
        date=date or GENERATED_DATE,
        to=to,
        generate=generate,
        catalog=_path(catalog),
        seed=seed,
        trades=trades,
        order_latency=order_latency,
        fee=fee,
        slippage=slippage,
        queue=queue,
        market=market,
        risk=_path(risk),
        config=_path(config),
        limit=limit,
        roll=_pairs(roll or {}),
    ).run()
    return FinishedRun.of(asked, runner.run(asked, progress, runner.engine_of(engine)), engine)


def _pairs(table: Mapping[str, Value]) -> list[str]:
    return [f"{name}={value}" for name, value in table.items()]


def _path(place: str | Path | None) -> Path | None:
    return None if place is None else Path(place)
