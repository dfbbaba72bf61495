"""What a search judges a set of parameters by: figures of its run, and its profit over time."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.assemble.nodes import instruments_of
from autofutures.backtest.samples import MIN_TRADES, too_few
from autofutures.backtest.space import ParameterSet
from autofutures.backtest.statistics import DAYS_PER_YEAR, MIN_DAYS, average, daily_ratios, match_fills
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput
from autofutures.domain.units import MINUTE
from autofutures.market.sessions import Calendar
from autofutures.portfolio.tally import Summary, Tally

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Figure = float | None

SLICE_MINUTES = 5
SLICE_NS = SLICE_MINUTES * MINUTE
"""Profit is kept by slices of so long where a run is too short for days."""

OBJECTIVES: dict[str, str] = {
    "net_pnl": "net profit after costs, in money",
    "gross_pnl": "profit before costs, in money",
    "sharpe": f"yearly Sharpe ratio of daily profit; needs {MIN_DAYS} trading days",
    "sortino": f"yearly Sortino ratio of daily profit; needs {MIN_DAYS} trading days",
    "calmar": f"yearly profit over the deepest drawdown; needs {MIN_DAYS} trading days",
    "profit_factor": "what winning trades made for each unit that losing ones lost",
    "expectancy": "the average closed trade, in money",
    "win_rate": "the share of closed trades that won",
    "max_drawdown": "the deepest drawdown, in money: the lower, the better",
}
"""What a search can be asked for, and what it means."""

LOWER_IS_BETTER = frozenset({"max_drawdown"})

PERIOD_OBJECTIVES = ("net_pnl", "sharpe", "sortino", "calmar")
"""Those that a part of a run has too: they are made of profit over time alone."""


class SetResult(msgspec.Struct, frozen=True):
    """What one set of parameters did."""

    parameters: ParameterSet
    summary: Summary
    figures: dict[str, Figure]
    """Every objective; None where the sample is too small to say."""
    why_none: dict[str, str]
    periods: list[int]
    """The trading days (YYYYMMDD) of the run, or the starts of its slices (UTC nanoseconds), in order."""
    profits: list[int]
    """Net profit of each, open positions at their price; the bounds are right to a minute, the sum exactly."""
    trades: list[int]
    """Net profit of each closed trade, by exit."""
    seconds: float


def checked_objective(name: str) -> str:
    """Lets the name of an objective pass.

    Raises:
        BadInput: there is none of that name; the text says which there are.
    """
    if name not in OBJECTIVES:
        raise BadInput(f"there is no objective {name!r}; there are {', '.join(OBJECTIVES)}")
    return name


def measured(
    run: RunSettings, parameters: ParameterSet, summary: Summary, tally: Tally, seconds: float
) -> SetResult:
    """The result of a set from what its run has kept."""
    trips, _ = match_fills(tally.fills, instruments_of(run))
    return measured_columns(
        run,
        parameters,
        summary,
        np.array([(point.at, point.net) for point in tally.equity], dtype=np.int64).reshape(-1, 2),
        np.array([trip.net for trip in trips], dtype=np.int64),
        seconds,
    )


def measured_columns(
    run: RunSettings,
    parameters: ParameterSet,
    summary: Summary,
    equity: Integers,
    trades: Integers,
    seconds: float,
) -> SetResult:
    """The result of a set from columns, for engines that make no messages.

    Args:
        run: with the set's values, or without: only its market is asked.
        parameters: the set.
        summary: of its run.
        equity: (at, net) of each point that `Tally.equity` would have, in order.
        trades: net profit of each round trip that `match_fills` would find, in order.
        seconds: that it took.
    """
    slices, nets = _lasts(equity[:, 0] // SLICE_NS * SLICE_NS, equity[:, 1])
    return measured_nets(run, parameters, summary, slices, nets, trades, seconds)


def measured_nets(
    run: RunSettings,
    parameters: ParameterSet,
    summary: Summary,
    slices: Integers,
    nets: Integers,
    trades: Integers,
    seconds: float,
) -> SetResult:
    """The result of a set from its net profit at the end of each slice: what a search needs of the equity.

    Args:
        run: as in `measured_columns`.
        parameters: the set.
        summary: of its run.
        slices: starts of the slices of `SLICE_NS` in which equity has a point, UTC nanoseconds, ascending.
        nets: net profit at the last point in each.
        trades: as in `measured_columns`.
        seconds: that it took.
    """
    days, closing = _lasts(days_of(run, slices), nets)
    figures, why_none = _figures(summary, np.diff(closing, prepend=0), trades)
    if len(days) >= MIN_DAYS:
        slices, nets = days, closing
    profits = np.diff(nets, prepend=0)
    if len(profits):
        # Equity has a point a minute, so what the last minute made after its point is still missing.
        profits[-1] += summary.net_pnl - nets[-1]
    return SetResult(
        parameters=parameters,
        summary=summary,
        figures=figures,
        why_none=why_none,
        periods=slices.tolist(),
        profits=profits.tolist(),
        trades=trades.tolist(),
        seconds=seconds,
    )


def days_of_periods(run: RunSettings, periods: Sequence[int]) -> list[int]:
    """The trading day of each period: itself, or the day that a slice is of."""
    return list(periods) if are_days(periods) else days_of(run, np.array(periods)).tolist()


def days_of(run: RunSettings, at: Integers) -> Integers:
    """The trading day of each instant, by the sessions of the run's first symbol; instants do not fall."""
    if not len(at):
        return np.empty(0, dtype=np.int64)
    sessions = instruments_of(run)[run.symbols[0]].product.sessions
    overrides = tuple(sorted(run.closed_days.items()))
    begins, days = _day_begins(sessions, overrides, int(at[0]) // MINUTE, int(at[-1]) // MINUTE)
    found: Integers = days[np.searchsorted(begins, at // MINUTE, side="right") - 1]
    return found


@lru_cache(maxsize=32)
def _day_begins(
    sessions: str, overrides: tuple[tuple[int, str], ...], first: int, last: int
) -> tuple[Integers, Integers]:
    """The first minute of each trading day from minute `first` to `last`, and the day; days begin with a minute.

    Every set of a search asks the same, and the calendar is dear: so its answer is kept, and asked for by halves.
    """
    calendar = Calendar(dict(overrides))
    begins, days = [first], [calendar.trading_day_of(first * MINUTE, sessions)]
    final = calendar.trading_day_of(last * MINUTE, sessions)
    while days[-1] != final:
        low, high = begins[-1], last
        while high - low > 1:
            middle = (low + high) // 2
            same = calendar.trading_day_of(middle * MINUTE, sessions) == days[-1]
            low, high = (middle, high) if same else (low, middle)
        begins.append(high)
        days.append(calendar.trading_day_of(high * MINUTE, sessions))
    return np.array(begins), np.array(days)


def _lasts(labels: Integers, nets: Integers) -> tuple[Integers, Integers]:
    """Each label once, with the last net under it."""
    last = np.flatnonzero(np.append(labels[1:] != labels[:-1], [True] * (len(labels) > 0)))
    return labels[last], nets[last]


def _figures(summary: Summary, daily: Integers, trades: Integers) -> tuple[dict[str, Figure], dict[str, str]]:
    """What `statistics.statistics` says of the same run, for many sets a second."""
    ratios, why_none = daily_ratios(daily.tolist(), summary.max_drawdown)
    made, lost = int(trades[trades > 0].sum()), -int(trades[trades < 0].sum())
    figures: dict[str, Figure] = {
        "net_pnl": float(summary.net_pnl),
        "gross_pnl": float(summary.gross_pnl),
        "sharpe": ratios.get("sharpe"),
        "sortino": ratios.get("sortino"),
        "calmar": ratios.get("calmar"),
        "profit_factor": made / lost if lost else None,
        "expectancy": average(int(trades.sum()), len(trades)),
        "win_rate": float((trades > 0).sum()) / len(trades) if len(trades) else None,
        "max_drawdown": float(summary.max_drawdown),
    }
    few = too_few(len(trades), MIN_TRADES, "closed trades") if len(trades) else "no trade"
    unsaid = dict.fromkeys(("win_rate", "expectancy", "profit_factor"), few) if few else {}
    if len(trades) and not lost:
        unsaid["profit_factor"] = "no losing trade"
    figures |= dict.fromkeys(unsaid)
    why_none |= unsaid
    return figures, why_none


def are_days(periods: Sequence[int]) -> bool:
    """Whether periods are trading days; else they are slices."""
    return not periods or periods[0] < 100_000_000


class Profits(msgspec.Struct, frozen=True):
    """The profits of several sets over the same periods: a row for each period, a column for each set."""

    periods: list[int]
    table: Floats

    @property
    def by_day(self) -> bool:
        """Whether the rows are trading days; else they are slices of some minutes."""
        return are_days(self.periods)


def profits_of(results: Sequence[SetResult]) -> Profits:
    """Profits side by side; a period that a set has no point in made nothing."""
    periods = sorted({period for result in results for period in result.periods})
    place = {period: row for row, period in enumerate(periods)}
    table = np.zeros((len(periods), len(results)))
    for column, result in enumerate(results):
        table[[place[period] for period in result.periods], column] = result.profits
    return Profits(periods, table)


def period_figures(table: Floats, objective: str, *, by_day: bool) -> list[Figure]:
    """An objective of each column over the rows given: yearly where they are days, else of one slice.

    Raises:
        BadInput: the objective needs more than profit over time.
    """
    if objective not in PERIOD_OBJECTIVES:
        raise BadInput(
            f"{objective} cannot be told of a part of a run; choose one of {', '.join(PERIOD_OBJECTIVES)}"
        )
    if objective == "net_pnl":
        return [float(value) for value in table.sum(axis=0)]
    if len(table) < MIN_DAYS:
        return [None] * table.shape[1]
    mean, yearly = table.mean(axis=0), DAYS_PER_YEAR if by_day else 1
    if objective == "calmar":
        equity = table.cumsum(axis=0)
        below = (np.maximum(np.maximum.accumulate(equity, axis=0), 0.0) - equity).max(axis=0)
        above = mean * yearly
    else:
        spread = table.std(axis=0, ddof=1)
        fall = np.sqrt(np.mean(np.minimum(table, 0.0) ** 2, axis=0))
        below, above = (spread if objective == "sharpe" else fall), mean * math.sqrt(yearly)
    return [float(a / b) if b > 0.0 else None for a, b in zip(above, below, strict=True)]


def ranked(results: Sequence[SetResult], objective: str) -> list[SetResult]:
    """The best first; sets of which the objective says nothing come last, and of equals the one tried first."""

    def order(result: SetResult) -> tuple[bool, float]:
        figure = result.figures.get(objective)
        if figure is None:
            return True, 0.0
        return False, figure if objective in LOWER_IS_BETTER else -figure

    return sorted(results, key=order)


def best_column(figures: Sequence[Figure]) -> int | None:
    """The column with the highest figure, of equals the first; None where no figure says anything."""
    known = [(figure, -column) for column, figure in enumerate(figures) if figure is not None]
    return -max(known)[1] if known else None


def higher_is_better(figure: Figure, objective: str) -> Figure:
    """The figure, turned round where low is good."""
    return -figure if figure is not None and objective in LOWER_IS_BETTER else figure


def figures_as_said(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """Figures with as many digits as they are worth."""
    return {name: None if figure is None else round(figure, 6) for name, figure in figures.items()}
