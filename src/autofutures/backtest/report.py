"""Writes a run's report: one HTML page that holds all it needs and asks the network for nothing.

The same data gives the same bytes. Times are Taipei's; red is up unless asked otherwise, as Taiwan has it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Literal

import msgspec
from plotly.offline import get_plotlyjs

from autofutures.backtest.charts import Charts, charts_of
from autofutures.backtest.statistics import (
    OpenLot,
    RoundTrip,
    Statistics,
    Ticks,
    match_fills,
    statistics,
    with_excursions,
)
from autofutures.backtest.tables import (
    breakdown_table,
    costs_table,
    lots_table,
    refusals_table,
    settings_table,
    statistics_table,
    trips_table,
)
from autofutures.backtest.wording import clock, money, percent, ratio, span
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import Placed, Refused, Traded
from autofutures.market.sessions import ALWAYS, Calendar
from autofutures.portfolio.tally import EquityPoint, Summary

UpColour = Literal["red", "green"]
"""The colour of a rise and a gain: red in Taiwan."""


class ReportData(msgspec.Struct, frozen=True):
    """All that a report says.

    `instruments` has every symbol of `fills` and `ticks`. `slippage_ticks` is what the simulated exchange put
    on the price of orders that take; None: nothing, the market had a book. Money is in minor units of
    `currency`. `trips` are the round trips with their excursions where they are known; None: they are found from
    `fills` and `ticks`. `decided` is the last trade at each order's decision, ticks by client id.
    """

    title: str
    settings: Mapping[str, str]
    summary: Summary
    assumptions: Sequence[str]
    notes: Sequence[str]
    ticks: Mapping[str, Ticks]
    fills: Sequence[Traded]
    orders: Sequence[Placed]
    equity: Sequence[EquityPoint]
    instruments: Mapping[str, Instrument]
    currency: str = "TWD"
    refusals: Sequence[Refused] = ()
    slippage_ticks: int | None = None
    trips: Sequence[RoundTrip] | None = None
    decided: Mapping[str, int] = {}


def write_report(data: ReportData, path: Path, *, up_colour: UpColour = "red") -> None:
    """Writes the page.

    Raises:
        BadInput: an instrument is missing, or the file cannot be written.
    """
    page = report_html(data, up_colour)
    try:
        path.write_text(page, "utf-8", newline="\n")
    except OSError as error:
        raise BadInput(
            f"cannot write the report to {path}: {error.strerror}; name a file in a folder that exists"
        ) from error


def report_statistics(data: ReportData) -> tuple[list[RoundTrip], list[OpenLot], Statistics]:
    """Round trips, open lots and the statistics that the page shows, for whoever wants them as data.

    Raises:
        BadInput: an instrument is missing.
    """
    missing = sorted({*data.ticks} - {*data.instruments})
    if missing:
        raise BadInput(f"there are ticks of {', '.join(missing)}, but no instrument: give its instrument too")
    found, lots = match_fills(data.fills, data.instruments)
    trips = with_excursions(found, data.ticks, data.instruments) if data.trips is None else list(data.trips)
    figures = statistics(data.equity, trips, _days(data), lots, data.summary.max_drawdown)
    return trips, lots, figures


def report_html(data: ReportData, up_colour: UpColour = "red") -> str:
    """The page as text.

    Raises:
        BadInput: an instrument is missing.
    """
    trips, lots, figures = report_statistics(data)
    charts = charts_of(data.equity, data.ticks, trips, lots, data.instruments, data.currency)
    chart_ids = {symbol: f"price-{index}" for index, symbol in enumerate(data.ticks)}
    lasts = {symbol: int(tape.price_ticks[-1]) for symbol, tape in data.ticks.items() if len(tape.at)}
    lots_html = lots_table(lots, data.instruments, lasts, data.currency)
    return Template(_packaged("report.html")).substitute(
        title=escape(data.title),
        subtitle=escape(_subtitle(data)),
        up_colour=up_colour,
        warning=_warning(data.summary),
        cards=_cards(data, figures, lots),
        prices="".join(_price_section(charts, index) for index in range(len(charts.prices))),
        trades=trips_table(trips, data.instruments, chart_ids, data.currency) + lots_html,
        costs=costs_table(
            data.summary, data.fills, data.orders, data.instruments, data.slippage_ticks, data.currency
        ),
        statistics=statistics_table(figures, data.currency),
        breakdown=breakdown_table(trips, data.currency),
        settings=settings_table(data.settings),
        assumptions=_list(data.assumptions),
        notes=_list(data.notes) + refusals_table(data.refusals),
        footer=_footer(data.summary),
        charts=_script_safe(msgspec.json.encode(charts).decode()),
        css=_packaged("report.css"),
        plotly=_plotly(),
        script=_packaged("report.js"),
    )


def _days(data: ReportData) -> list[int]:
    """The trading day of each equity point, by the first instrument's sessions."""
    sessions = next((item.product.sessions for item in data.instruments.values()), ALWAYS)
    calendar = Calendar()
    return [calendar.trading_day_of(point.at, sessions) for point in data.equity]


@cache
def _packaged(name: str) -> str:
    return resources.files("autofutures.backtest").joinpath(name).read_text("utf-8")


@cache
def _plotly() -> str:
    return str(get_plotlyjs())


def _script_safe(text: str) -> str:
    """JSON in which no text can end the script element that it stands in."""
    return text.replace("<", "\\u003c")


def _subtitle(data: ReportData) -> str:
    strategies = sorted({fill.strategy for fill in data.fills})
    symbols = list(data.ticks) or list(data.instruments)
    parts = [", ".join(symbols), ", ".join(strategies)]
    if data.equity:
        parts.append(f"{clock(data.equity[0].at)} to {clock(data.equity[-1].at)}, Taipei time")
    parts.append(f"{data.summary.ticks_seen:,} ticks")
    return " · ".join(part for part in parts if part)


def _warning(summary: Summary) -> str:
    if not summary.ticks_lost:
        return ""
    return (
        f'<p class="warning"><b>{summary.ticks_lost:,} ticks were lost on the way.</b> '
        "What follows is what the machine did with those it saw.</p>"
    )


def _cards(data: ReportData, figures: Statistics, lots: Sequence[OpenLot]) -> str:
    summary, every = data.summary, figures.every
    currency = f", {escape(data.currency)}"
    held = ", ".join(
        f"{qty:+,} {symbol.partition(':')[2] or symbol}" for symbol, qty in summary.positions.items()
    )
    drawdown = "no drawdown" if figures.drawdown_ns is None else f"lasted {span(figures.drawdown_ns)}"
    factor = ratio(every.profit_factor) if every.profit_factor is not None else "n/a"
    return "".join(
        [
            _card("Net profit" + currency, money(summary.net_pnl, sign=True), "after costs", summary.net_pnl),
            _card("Gross profit" + currency, money(summary.gross_pnl, sign=True), "before costs", 0),
            _card("Costs" + currency, money(summary.fees + summary.tax), "fees and tax", 0),
            _card("Max drawdown" + currency, money(-summary.max_drawdown), drawdown, 0),
            _card("Trades", f"{every.trades:,}", f"{every.winners:,} won, {every.losers:,} lost", 0),
            _card("Win rate", percent(every.win_rate) if every.trades else "n/a", "of closed trades", 0),
            _card("Profit factor", factor, "won ÷ lost", 0),
            _card("Orders", f"{summary.orders:,}", f"{summary.refused:,} refused", 0),
            _card("Contracts", f"{summary.contracts:,}", f"in {summary.fills:,} fills", 0),
            _card("Open at the end", f"{sum(lot.qty for lot in lots):,}", escape(held) or "flat", 0),
        ]
    )


def _card(label: str, value: str, under: str, tone: int) -> str:
    colour = "up" if tone > 0 else "down" if tone < 0 else ""
    return (
        f'<dl class="card"><dt>{label}</dt><dd class="{colour}">{value}</dd>'
        f'<dd class="under">{under}</dd></dl>'
    )


def _price_section(charts: Charts, index: int) -> str:
    chart = charts.prices[index]
    return (
        f"<section>\n<h2>Price and trades · {chart.symbol}</h2>\n"
        f'<div class="chart price" id="price-{index}"></div>\n'
        f'<p class="hint">{chart.caption} Closed hours are left out, at the dotted vertical lines. '
        '<span class="screen">Drag to zoom, Ctrl + wheel to zoom at the pointer, Shift + drag to move, '
        "double-click to see all; a click on a trade in the table goes to it.</span></p>\n</section>"
    )


def _list(lines: Sequence[str]) -> str:
    if not lines:
        return '<p class="quiet">None.</p>'
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _footer(summary: Summary) -> str:
    return (
        f"<p>Order hash <code>{escape(summary.order_hash)}</code><br>"
        f"Fill hash <code>{escape(summary.fill_hash)}</code></p>"
        "<p>Two runs with the same hashes made the same orders and got the same fills. "
        "Times are Asia/Taipei (UTC+8).</p>"
    )
