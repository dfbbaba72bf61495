"""A run as a person asks for it, on the command line or in Python, and the settings that this makes."""

from pathlib import Path
from typing import Literal

import msgspec

from autofutures.assemble.market import with_bands, with_market
from autofutures.assemble.nodes import with_covers
from autofutures.assemble.series import with_series
from autofutures.config import (
    RunSettings,
    SettingsFile,
    StrategySettings,
    Value,
    book_stop_of,
    currency_of,
    default_catalog,
    load_settings,
    load_toml,
    parse_latency,
    parse_limits,
    parse_settings,
    whole_symbol,
)
from autofutures.data.continuous import Rule
from autofutures.domain.errors import BadInput
from autofutures.market.continuous import Adjust, By
from autofutures.market.dates import parse_day

ORDER_LATENCY = "0"
"""Unless the options, or the `[model]` of a settings file, say otherwise."""


class Rolling(msgspec.Struct, forbid_unknown_fields=True):
    """How the contracts of a series follow each other in a run."""

    by: By = "volume"
    days: int = 1
    """By calendar: so many trading days before its last a contract leaves the front."""
    adjust: Adjust = "back"
    position: Literal["carry", "close"] = "carry"
    """What becomes of a position when the next contract comes in front."""


class RunOptions(msgspec.Struct, kw_only=True):
    """What a person says of a run, before it is made sense of.

    The fields are the options of the command line: `settings` are NAME=VALUE, `symbol` may be several with commas,
    `order_latency` is as in `5ms`, and without `catalog` the default place is meant.
    """

    strategies: list[str]
    settings: list[str]
    symbol: str
    date: str
    generate: bool
    to: str = ""
    """The last trading day; empty: `date` is the only one."""
    catalog: Path | None = None
    seed: int = 1
    trades: int = 6_000
    order_latency: str = ORDER_LATENCY
    fee: int = 20
    slippage: int | None = None
    """`None` for the file's, or else what goes with the market, see `with_market`."""
    queue: int = 20
    market: str = "auto"
    risk: Path | None = None
    config: Path | None = None
    limit: int = 0
    roll: list[str] = []
    """How contracts follow each other in a series, as `TXF.front`: NAME=VALUE, as in `Rolling`."""

    def run(self) -> RunSettings:
        """The run's settings.

        Raises:
            BadInput: an option makes no sense; the text says which and what to write.
        """
        settings_file = load_settings(self.config) if self.config is not None else SettingsFile()
        symbols = tuple(dict.fromkeys(whole_symbol(symbol) for symbol in self.symbol.split(",")))
        strategies = (*settings_file.strategies(symbols), *self._strategies(symbols))
        if not strategies:
            raise BadInput(
                "no strategy was named: add --strategy ema_cross, or a [[strategy]] table in --config FILE"
            )
        names = [strategy.name for strategy in strategies]
        if len(set(names)) < len(names):
            raise BadInput(
                f"two strategies have one name: {', '.join(names)}; give each a name of its own in --config"
            )
        limits = parse_limits(settings_file.risk, "risk limits")
        if self.risk is not None:
            limits.update(parse_limits(load_toml(self.risk), str(self.risk)))
        slippage, latency = self._model(settings_file)
        for word, number in (("--fee", self.fee), ("--slippage", slippage), ("--queue", self.queue)):
            if number is not None and number < 0:
                raise BadInput(f"{word} must not be below zero, and is {number}")
        day, until = self._days()
        named = _all_symbols(symbols, strategies)
        settings = RunSettings(
            symbols=named,
            currency=currency_of(named),
            day=day,
            until=until,
            source="generated" if self.generate else "recorded",
            catalog=str((self.catalog or default_catalog()).absolute()),
            seed=self.seed,
            trades=self.trades,
            strategies=strategies,
            limits=limits,
            fee=self.fee,
            queue_contracts=self.queue,
            order_latency_ns=parse_latency(latency),
            limit=self.limit,
            closed_days=settings_file.closed_days(),
            policy=settings_file.book_policy(),
            faults=settings_file.faults(),
            settlements=settings_file.settlements(),
        )
        settings = _with_series(with_covers(settings), self.roll)
        return with_bands(with_market(settings, self.market, slippage))

    def _model(self, settings_file: SettingsFile) -> tuple[int | None, str]:
        """Slippage and latency: the file's, where the options say nothing else than they do unasked."""
        model = settings_file.model
        slippage = self.slippage if self.slippage is not None else model.slippage_ticks
        return slippage, self.order_latency if self.order_latency != ORDER_LATENCY else model.order_latency

    def _days(self) -> tuple[int, int]:
        """The first trading day and the last; the last is 0 where it is the first."""
        day = parse_day(self.date)
        last = parse_day(self.to) if self.to else day
        if last < day:
            raise BadInput(f"--to {self.to} is before --from {self.date}: exchange the two")
        if last > day and self.generate:
            raise BadInput(
                "a generated session is one day: leave --from and --to out, or replay recorded data"
            )
        return day, last if last > day else 0

    def _strategies(self, symbols: tuple[str, ...]) -> list[StrategySettings]:
        common = parse_settings(self.settings)
        return [
            StrategySettings(
                name=_name_of(use),
                use=_whole_path(use),
                symbols=symbols,
                settings=_own(common, use),
                book_stop=book_stop_of(symbols),
            )
            for use in self.strategies
        ]


def _with_series(settings: RunSettings, pairs: list[str]) -> RunSettings:
    try:
        rolling = msgspec.convert(parse_settings(pairs), Rolling)
    except msgspec.ValidationError as error:
        raise BadInput(
            f"--roll: {error}; write by=volume or calendar, days=1, adjust=back, ratio or none, position=carry or close"
        ) from error
    rule = Rule(rolling.by, rolling.adjust, rolling.days, "oldest")
    return with_series(settings, rule, carries=rolling.position == "carry")


def _own(common: dict[str, Value], use: str) -> dict[str, Value]:
    """Settings for one strategy: plain names are for all, `name.setting` for one."""
    name = _name_of(use)
    own: dict[str, Value] = {}
    for key, value in common.items():
        owner, dot, setting = key.partition(".")
        if not dot:
            own[key] = value
        elif owner == name:
            own[setting] = value
    return own


def _name_of(use: str) -> str:
    """`path/to/file.py:Class` is called `Class`."""
    return use.rpartition(":")[2] or use


def _whole_path(use: str) -> str:
    """A user's own file, from wherever a process of the run looks for it."""
    place, colon, attribute = use.rpartition(":")
    return f"{Path(place).absolute()}{colon}{attribute}" if place.endswith(".py") else use


def _all_symbols(symbols: tuple[str, ...], strategies: tuple[StrategySettings, ...]) -> tuple[str, ...]:
    named = [*symbols, *(symbol for strategy in strategies for symbol in strategy.symbols)]
    return tuple(dict.fromkeys(named))
