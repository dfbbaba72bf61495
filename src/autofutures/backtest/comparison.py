"""Compares finished runs: their figures, their curves, what was set otherwise, and the first order that differs.

Differences are against the first run. Orders are compared in the words that their hash has, so equal hashes mean that
nothing differs; times, prices and quantities all count.
"""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import zip_longest
from pathlib import Path

import msgspec
import numpy as np

from autofutures.backtest.charts import decimate, taipei_ms
from autofutures.backtest.finished import FinishedRun
from autofutures.backtest.measures import correlation_of, daily
from autofutures.backtest.page import Page, UpColour, page_html, write_page
from autofutures.backtest.panels import Panel, lines_panel, place
from autofutures.backtest.report import trading_days_of
from autofutures.backtest.samples import too_few
from autofutures.backtest.statistics import MIN_DAYS
from autofutures.backtest.tables import table
from autofutures.backtest.wording import clock, money, percent, ratio, unsaid
from autofutures.domain.errors import BadInput
from autofutures.portfolio.tally import FILL_COLUMNS, ORDER_COLUMNS, fill_line, order_line

Runs = Mapping[str, FinishedRun]
"""Finished runs by the names that the page gives them; the first is what others are compared with."""

MOST_SHOWN = 4_000
"""Points of one curve."""


class Divergence(msgspec.Struct, frozen=True):
    """The first row in which two runs differ; a run that has no such row has None."""

    number: int
    """From 1."""
    first: str | None
    other: str | None


class Comparison(msgspec.Struct, frozen=True):
    """What differs between runs, by name; the first run is the measure."""

    figures: dict[str, dict[str, float | int | None]]
    settings: dict[str, dict[str, str]]
    """Settings that are not the same in all, as text."""
    orders: dict[str, Divergence | None]
    """Of each other run; None where all orders are the same."""
    fills: dict[str, Divergence | None]
    correlation: dict[str, dict[str, float | None]]
    why_no_correlation: str


def compare(runs: Runs) -> Comparison:
    """What differs.

    Raises:
        BadInput: there are fewer than two runs.
    """
    if len(runs) < 2:
        raise BadInput("name at least two saved runs to compare: report compare runs/a runs/b")
    lines = {name: [order_line(order) for order in run.rows.orders] for name, run in runs.items()}
    fills = {name: [fill_line(fill) for fill in run.rows.fills] for name, run in runs.items()}
    name, *names = runs
    correlation, why = _correlations(runs)
    return Comparison(
        figures={each: figures_of(run) for each, run in runs.items()},
        settings=_differing({each: _flat(run) for each, run in runs.items()}),
        orders={each: diverging(lines[name], lines[each]) for each in names},
        fills={each: diverging(fills[name], fills[each]) for each in names},
        correlation=correlation,
        why_no_correlation=why,
    )


def figures_of(run: FinishedRun) -> dict[str, float | int | None]:
    """The figures that are set side by side; money in minor units."""
    summary, figures = run.summary, run.statistics
    return {
        "net_pnl": summary.net_pnl,
        "gross_pnl": summary.gross_pnl,
        "costs": summary.fees + summary.tax,
        "max_drawdown": summary.max_drawdown,
        "orders": summary.orders,
        "refused": summary.refused,
        "contracts": summary.contracts,
        "trades": figures.every.trades,
        "win_rate": figures.every.win_rate,
        "profit_factor": figures.every.profit_factor,
        "expectancy": figures.every.expectancy,
        "exposure": figures.exposure,
        "days": figures.days,
        "sharpe": figures.sharpe,
        "sortino": figures.sortino,
        "calmar": figures.calmar,
    }


_LABELS = {
    "net_pnl": "Net profit", "gross_pnl": "Gross profit", "costs": "Fees and tax", "max_drawdown": "Maximum drawdown",
    "orders": "Orders", "refused": "Refused", "contracts": "Contracts", "trades": "Closed trades",
    "win_rate": "Win rate", "profit_factor": "Profit factor", "expectancy": "Expectancy of a trade",
    "exposure": "Exposure", "days": "Trading days", "sharpe": "Sharpe", "sortino": "Sortino", "calmar": "Calmar",
}  # fmt: skip
_SHARES = {"win_rate", "exposure"}


def diverging(first: Sequence[str], other: Sequence[str]) -> Divergence | None:
    """The first row in which the two differ."""
    for number, (one, two) in enumerate(zip_longest(first, other), 1):
        if one != two:
            return Divergence(number, one, two)
    return None


def _flat(run: FinishedRun) -> dict[str, str]:
    """Every setting by its dotted name, as text, with the hashes of data and code."""
    found: dict[str, str] = {}

    def walk(name: str, value: object) -> None:
        if isinstance(value, dict) and value:
            for key, each in value.items():
                walk(f"{name}.{key}" if name else str(key), each)
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
            for number, each in enumerate(value, 1):
                walk(f"{name}.{number}", each)
        elif value not in ({}, [], ()):
            found[name] = msgspec.json.encode(value).decode().strip('"')

    walk("", msgspec.to_builtins(run.settings, str_keys=True))
    return {
        **found,
        "engine": run.made.engine,
        "data hash": run.made.data_hash,
        "code hash": run.made.code_hash,
    }


def _differing(settings: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    names = dict.fromkeys(name for table in settings.values() for name in table)
    return {
        name: {run: table.get(name, "") for run, table in settings.items()}
        for name in names
        if len({table.get(name, "") for table in settings.values()}) > 1
    }


def _correlations(runs: Runs) -> tuple[dict[str, dict[str, float | None]], str]:
    """Of daily profits on the days that all runs have."""
    profits = {name: daily(run.data().equity, trading_days_of(run.data())) for name, run in runs.items()}
    days = sorted(set.intersection(*(set(each) for each in profits.values())))
    why = too_few(len(days), MIN_DAYS, "common trading days")
    if why:
        return {name: dict.fromkeys(runs) for name in runs}, why
    columns = {
        name: np.array([each[day] for day in days], dtype=np.float64) for name, each in profits.items()
    }
    return {one: {other: correlation_of(columns[one], columns[other]) for other in runs} for one in runs}, ""


def compare_html(runs: Runs, up_colour: UpColour = "red") -> str:
    """The page as text.

    Raises:
        BadInput: there are fewer than two runs.
    """
    found = compare(runs)
    currency = ", ".join(dict.fromkeys(run.settings.currency for run in runs.values()))
    panels = _panels(runs, currency)
    body = (
        _section("Equity", place("panel-equity", "Net profit of each run over time"))
        + _section("Drawdown", place("panel-drawdown", "Distance of each run below its peak", "small"))
        + _section(f"Figures, money in {escape(currency)}", _figures_table(found))
        + _section("First order and fill that differ", _divergence_tables(found))
        + _section("Set otherwise", _settings_table(found))
        + _section("Correlation of daily profits", _correlation_table(found))
    )
    titles = " · ".join(f"{name}: {run.title}" for name, run in runs.items())
    page = Page(title=" and ".join(runs), subtitle=titles, body=body, panels=panels, footer=_hashes(runs))
    return page_html(page, up_colour)


def write_comparison(runs: Runs, path: str | Path, *, up: UpColour = "red") -> Path:
    """Writes the page that compares finished runs.

    Raises:
        BadInput: there are fewer than two runs, or the file cannot be written.
    """
    write_page(compare_html(runs, up), Path(path))
    return Path(path)


def _panels(runs: Runs, currency: str) -> list[Panel]:
    nets: dict[str, tuple[list[float], list[float]]] = {}
    depths: dict[str, tuple[list[float], list[float]]] = {}
    for name, run in runs.items():
        points = np.array([(each.at, each.net, -each.drawdown) for each in run.data().equity], dtype=np.int64)
        points = points.reshape(-1, 3)
        for column, lines in ((1, nets), (2, depths)):
            shown = points[decimate(points[:, column], MOST_SHOWN)]
            lines[name] = (taipei_ms(shown[:, 0]).tolist(), shown[:, column].tolist())
    return [lines_panel("panel-equity", nets, currency), lines_panel("panel-drawdown", depths, currency)]


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>\n"


def _figures_table(found: Comparison) -> str:
    """Below each figure of another run, how far it is from the first's."""
    first, *others = found.figures
    rows = []
    for key, label in _LABELS.items():
        measure = found.figures[first][key]
        cells = [_figure(key, measure)]
        for name in others:
            value = found.figures[name][key]
            apart = "" if value is None or measure is None else _difference(key, value - measure)
            cells.append(f"{_figure(key, value)}{apart}")
        rows.append((label, *cells))
    return _wide(table(rows, ("", *(escape(name) for name in found.figures))))


def _figure(key: str, value: float | None) -> str:
    if value is None:
        return unsaid("too small a sample")
    if key in _SHARES:
        return percent(float(value))
    return money(value) if isinstance(value, int) else ratio(value)


def _difference(key: str, apart: float) -> str:
    if not apart:
        return '<br><span class="quiet">same</span>'
    if key in _SHARES:
        text = f"{apart * 100:+.1f} points"
    else:
        text = money(apart, sign=True) if isinstance(apart, int) else f"{apart:+,.2f}"
    return f'<br><span class="quiet">{text}</span>'


def _divergence_tables(found: Comparison) -> str:
    """What the first run and each other did where they part."""
    first = next(iter(found.figures))
    parts = []
    for name in found.orders:
        for what, columns, divergence in (
            ("order", ORDER_COLUMNS, found.orders[name]),
            ("fill", FILL_COLUMNS, found.fills[name]),
        ):
            if divergence is None:
                parts.append(f"<p>{escape(name)} has every {what} of {escape(first)}.</p>")
                continue
            rows = [
                (escape(run), *_words(line))
                for run, line in ((first, divergence.first), (name, divergence.other))
            ]
            parts.append(f"<p>{escape(name)}: {what} {divergence.number:,} is the first that differs.</p>")
            parts.append(_wide(table(rows, ("", "Taipei time", _spaced(columns.split(",", 1)[1])))))
    return "".join(parts)


def _words(line: str | None) -> tuple[str, str]:
    if line is None:
        return "–", "no more"
    at, rest = line.split(",", 1)
    return clock(int(at)), _spaced(rest)


def _spaced(words: str) -> str:
    return escape(words.replace(",", " · "))


def _settings_table(found: Comparison) -> str:
    if not found.settings:
        return '<p class="quiet">Nothing.</p>'
    rows = [
        (escape(name), *(escape(value) or "–" for value in values.values()))
        for name, values in found.settings.items()
    ]
    return _wide(table(rows, ("Setting", *(escape(name) for name in found.figures))))


def _correlation_table(found: Comparison) -> str:
    if found.why_no_correlation:
        return f'<p class="quiet">n/a — {found.why_no_correlation}.</p>'
    rows = [
        (escape(one), *(ratio(value, "it never changes") for value in others.values()))
        for one, others in found.correlation.items()
    ]
    return _wide(table(rows, ("", *(escape(name) for name in found.correlation))))


def _wide(content: str) -> str:
    return f'<div class="wide">{content}</div>'


def _hashes(runs: Runs) -> str:
    lines = "<br>".join(
        f"{escape(name)}: orders <code>{run.summary.order_hash[:16]}</code>, fills "
        f"<code>{run.summary.fill_hash[:16]}</code>"
        for name, run in runs.items()
    )
    return f"<p>{lines}</p><p>Times are Asia/Taipei (UTC+8).</p>"
