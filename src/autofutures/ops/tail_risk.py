"""Value at risk and expected shortfall of what is held, from the closing prices that the catalogue has.

Each past trading day's relative move of a contract is laid on its price of now. On days when the contract was not
traded yet, the contract of the same product that traded most stands in; how often is said, as are days without either.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import cast

import msgspec

from autofutures.assemble.nodes import calendar_of
from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog
from autofutures.data.continuous import closing_ticks, contracts_of, days_of_contract
from autofutures.data.rules import BAR_KINDS
from autofutures.domain.instrument import Instrument, instrument
from autofutures.market.dates import iso_day
from autofutures.market.sessions import Calendar
from autofutures.portfolio.pnl import worth
from autofutures.risk.figures import LEAST_SAMPLE, TailRisk, profits_of, tail_risk

WINDOW = 250
"""Trading days that are looked back on: about a year."""

LEVEL = 0.99


class Tails(msgspec.Struct, frozen=True):
    """Value at risk and expected shortfall of one trading day, by both methods, and what they rest on."""

    positions: dict[str, int]
    first: int
    """The window's first trading day, YYYYMMDD; 0 where nothing is held."""
    last: int
    stood_in: dict[str, int]
    """By held contract, days on which another of its product stood in."""
    missing: dict[str, int]
    """By held contract, days without a price of either: the window's gaps."""
    figures: tuple[TailRisk, ...]
    words: tuple[str, ...]
    """Why a figure is not said; empty where both are."""

    def notes(self) -> list[str]:
        """What the figures rest on, in sentences."""
        said = [f"Not said: {word}." for word in self.words]
        if self.figures:
            said.insert(
                0,
                f"Closing prices of {self.figures[0].window:,} trading days, {iso_day(self.first)} to "
                f"{iso_day(self.last)}; each day's relative move is laid on the price of now.",
            )
        for symbol, days in self.stood_in.items():
            if days:
                said.append(f"{symbol}: on {days:,} days another contract of its product stood in.")
        for symbol, days in self.missing.items():
            if days:
                said.append(
                    f"{symbol}: on {days:,} days the catalogue has no price of it, nor of a stand-in."
                )
        return said


def tails_of(
    root: Path,
    positions: Mapping[str, int],
    lasts: Mapping[str, int],
    day: int,
    calendar: Calendar,
    *,
    window: int = WINDOW,
    level: float = LEVEL,
) -> Tails:
    """The figures of positions as they are on a trading day, from the days before it.

    Args:
        root: of the catalogue; it may be missing.
        positions: signed lots by symbol.
        lasts: the prices of now, in ticks.
        day: the trading day, YYYYMMDD.
        calendar: of the market.
        window: so many trading days before it.
        level: as 0.99.

    Raises:
        BadInput: a symbol is none, or the catalogue is damaged.
    """
    held = {symbol: qty for symbol, qty in sorted(positions.items()) if qty}
    if not held:
        return Tails({}, 0, 0, {}, {}, (), ("nothing is held",))
    product = instrument(next(iter(held))).product
    days = [day]
    for _ in range(window + 1):
        days.append(calendar.previous_trading_day(days[-1], product.sessions))
    days = days[:0:-1]
    closes = _Closes(root, calendar)
    moves: list[dict[str, int]] = [{} for _ in days[1:]]
    stood_in, missing = dict.fromkeys(held, 0), dict.fromkeys(held, 0)
    for symbol in held:
        item, last = instrument(symbol), lasts.get(symbol, 0)
        for number, (before, after) in enumerate(pairwise(days)):
            found = closes.pair(item, before, after)
            if found is None or (last <= 0 and not item.is_spread):
                missing[symbol] += 1
                continue
            source, old, new = found
            stood_in[symbol] += source != symbol
            moves[number][symbol] = _move(item, last, old, new)
    tick_values = {symbol: instrument(symbol).product.tick_value for symbol in held}
    profits = profits_of(held, moves, tick_values)
    figures = (tail_risk(profits, level, "historical"), tail_risk(profits, level, "parametric"))
    return Tails(held, days[1], days[-1], stood_in, missing, figures, tuple(_words(figures)))


def _move(item: Instrument, last: int, old: int, new: int) -> int:
    """What the move of a day is for a lot at today's price, in ticks, or in minor units where it is inverse."""
    if item.is_spread:
        return new - old
    inverse = item.product.inverse_value
    there = (2 * last * new + old) // (2 * old)
    return worth(there, inverse) - worth(last, inverse)


def _words(figures: Sequence[TailRisk]) -> list[str]:
    said: list[str] = []
    for one in figures:
        if one.value_at_risk is None:
            least = round(1 / (1 - one.level)) if one.method == "historical" else LEAST_SAMPLE
            said.append(
                f"{one.method}: {one.days} of {one.window} days have a price of all that is held, "
                f"and {least} are needed at {one.level:.4g}"
            )
    return said


class _Closes:
    """Closing prices out of the catalogue, each read once."""

    def __init__(self, root: Path, calendar: Calendar) -> None:
        catalog = Catalog(root)
        self._days = cache(lambda symbol: _days(catalog, symbol))
        self._close = cache(lambda symbol, day: _close(catalog, symbol, day, calendar))
        self._contracts = cache(lambda product: contracts_of(catalog, product))
        self._volume = cache(catalog.volume)

    def pair(self, item: Instrument, before: int, after: int) -> tuple[str, int, int] | None:
        """Two days' closing prices of one contract, with its symbol: the contract itself, else its stand-in."""
        product = f"{item.product.exchange}:{item.product.root}"
        others = [] if item.is_spread or not item.expiry else self._contracts(product)
        both = [one for one in others if one != item.symbol and {before, after} <= self._days(one)]
        both.sort(key=lambda one: self._volume(one, before), reverse=True)
        own = [item.symbol] if {before, after} <= self._days(item.symbol) else []
        for symbol in (*own, *both):
            old, new = self._close(symbol, before), self._close(symbol, after)
            if old is not None and new is not None and (old > 0 or item.is_spread):
                return symbol, old, new
        return None


def _days(catalog: Catalog, symbol: str) -> frozenset[int]:
    return frozenset((*days_of_contract(catalog, symbol), *catalog.days(symbol, BAR_KINDS["1d"])))


def _close(catalog: Catalog, symbol: str, day: int, calendar: Calendar) -> int | None:
    """The settlement price, else the last trade, else the close of the day's last bar."""
    found = closing_ticks(catalog, symbol, day, calendar)
    if found is None and day in catalog.days(symbol, BAR_KINDS["1d"]):
        return int(catalog.bars(symbol, day, "1d").close_ticks[-1])
    return found


class Margin(msgspec.Struct, frozen=True):
    """Equity and initial margin in minor units, and the risk indicator of the two; none where nothing is asked."""

    equity: int
    initial: int
    indicator_percent: int | None


class Figures(msgspec.Struct, frozen=True):
    """What could be lost, as `risk figures` says it."""

    at: int
    day: int
    margin: Margin
    limit_move: dict[str, int]
    tails: Tails
    notes: list[str]


class _Now(msgspec.Struct):
    """Of the risk of now, as `risk_shown` says it, what these figures need."""

    at: int
    day: int
    margin: Margin
    limit_move: dict[str, int]
    positions: dict[str, int]
    prices: dict[str, int]


def figures_of(
    run: RunSettings, shown: Mapping[str, object], catalog: Path | None, *, window: int, level: float
) -> dict[str, object]:
    """What could be lost of what is held now, as a table.

    Args:
        run: whose catalogue and calendar are asked.
        shown: the risk of now, as `risk_shown` says it.
        catalog: another catalogue than the run's.
        window: trading days to look back on.
        level: of value at risk, as 0.99.

    Raises:
        BadInput: a symbol is none, or the catalogue is damaged.
    """
    now, calendar = msgspec.convert(shown, _Now), calendar_of(run)
    root = catalog or Path(run.catalog)
    tails = tails_of(root, now.positions, now.prices, now.day, calendar, window=window, level=level)
    figures = Figures(now.at, now.day, now.margin, now.limit_move, tails, tails.notes())
    return cast("dict[str, object]", msgspec.to_builtins(figures))
