"""Writes a run's report: one HTML page that holds all it needs and asks the network for nothing.

The same data gives the same bytes. Times are Taipei's; red is up unless asked otherwise, as Taiwan has it.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

import msgspec

from autofutures.backtest.charts import Charts, charts_of
from autofutures.backtest.measure_tables import (
    benchmark_table,
    hours_table,
    months_table,
    rolling_note,
    types_table,
    weekdays_table,
)
from autofutures.backtest.measures import Measures, benchmark_of, held_curve, measures_of, types_of
from autofutures.backtest.page import Page, UpColour, listed, packaged, page_html, write_page
from autofutures.backtest.panels import Panel, distribution_panel, excursion_panels, place, rolling_panels
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
    write_page(report_html(data, up_colour), path)


def report_statistics(
    data: ReportData, days: Sequence[int] | None = None
) -> tuple[list[RoundTrip], list[OpenLot], Statistics]:
    """Round trips, open lots and the statistics that the page shows, for whoever wants them as data.

    `days` is what `trading_days_of` says, where that is known already.

    Raises:
        BadInput: an instrument is missing.
    """
    missing = sorted({*data.ticks} - {*data.instruments})
    if missing:
        raise BadInput(f"there are ticks of {', '.join(missing)}, but no instrument: give its instrument too")
    found, lots = match_fills(data.fills, data.instruments)
    trips = with_excursions(found, data.ticks, data.instruments) if data.trips is None else list(data.trips)
    figures = statistics(data.equity, trips, days or trading_days_of(data), lots, data.summary.max_drawdown)
    return trips, lots, figures


def report_html(data: ReportData, up_colour: UpColour = "red") -> str:
    """The page as text.

    Raises:
        BadInput: an instrument is missing.
    """
    days = trading_days_of(data)
    trips, lots, figures = report_statistics(data, days)
    measures, held = report_measures(data, trips, days)
    charts = charts_of(data.equity, data.ticks, trips, lots, data.instruments, data.currency, held)
    panels, places = _panels(trips, measures, data.currency)
    body = Template(packaged("report.html")).substitute(
        warning=_warning(data.summary),
        cards=_cards(data, figures, lots),
        prices="".join(_price_section(charts, index) for index in range(len(charts.prices))),
        trades=_trades(data, trips, lots),
        hours=hours_table(measures.weekdays, data.currency),
        months=months_table(measures.months, data.currency),
        weekdays=weekdays_table(measures.weekdays, data.currency),
        types=types_table(measures.types, data.currency),
        benchmark=benchmark_table(measures.benchmark, figures, data.summary.net_pnl, data.currency),
        costs=costs_table(
            data.summary, data.fills, data.orders, data.instruments, data.slippage_ticks, data.currency
        ),
        statistics=statistics_table(figures, data.currency),
        breakdown=breakdown_table(trips, data.currency),
        settings=settings_table(data.settings),
        assumptions=listed(data.assumptions),
        notes=listed(data.notes) + refusals_table(data.refusals),
        **places,
    )
    page = Page(
        title=data.title,
        subtitle=_subtitle(data),
        body=body,
        panels=panels,
        footer=_footer(data.summary),
        charts=msgspec.json.encode(charts),
        scripts=("report.js",),
    )
    return page_html(page, up_colour)


def report_measures(
    data: ReportData, trips: Sequence[RoundTrip], days: Sequence[int]
) -> tuple[Measures, list[int]]:
    """Where the profit came from, and the benchmark's curve; `trips` are those of `report_statistics`."""
    symbol = next(iter(data.ticks), "")
    held = held_curve(data.equity, data.instruments[symbol], data.ticks[symbol]) if symbol else []
    types = types_of(data.orders, data.fills, data.decided, data.instruments)
    rules = [each.rule for each in data.refusals]
    benchmark = benchmark_of(data.equity, days, symbol, held)
    return measures_of(data.equity, days, trips, types, rules, benchmark), held


def _trades(data: ReportData, trips: Sequence[RoundTrip], lots: Sequence[OpenLot]) -> str:
    """The closed trades, then what is still open."""
    chart_ids = {symbol: f"price-{index}" for index, symbol in enumerate(data.ticks)}
    lasts = {symbol: int(tape.price_ticks[-1]) for symbol, tape in data.ticks.items() if len(tape.at)}
    closed = trips_table(trips, data.instruments, chart_ids, data.currency)
    return closed + lots_table(lots, data.instruments, lasts, data.currency)


def _panels(
    trips: Sequence[RoundTrip], measures: Measures, currency: str
) -> tuple[list[Panel], dict[str, str]]:
    """The charts beside those of time, and the HTML of their places by their names in `report.html`."""
    far = excursion_panels(trips, currency)
    spread, few = distribution_panel(trips, currency)
    rolling = rolling_panels(measures.rolling, currency)
    places = {
        "excursions": _pair(far, "Each trade: how far it was behind, and ahead, against what it came to")
        or '<p class="quiet">No closed trade.</p>',
        "distribution": "".join(
            place(each.id, "How many trades came to how much", "small") for each in spread
        )
        or f'<p class="quiet">n/a — {few}.</p>',
        "rolling": _pair(rolling, "Figures over a moving window of time") + rolling_note(measures),
    }
    return [*far, *spread, *rolling], places


def _pair(panels: Sequence[Panel], label: str) -> str:
    places = "".join(place(each.id, label, "small") for each in panels)
    return f'<div class="pair">{places}</div>' if panels else ""


def trading_days_of(data: ReportData) -> list[int]:
    """The trading day of each equity point, by the first instrument's sessions."""
    sessions = next((item.product.sessions for item in data.instruments.values()), ALWAYS)
    calendar = Calendar()
    return [calendar.trading_day_of(point.at, sessions) for point in data.equity]


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
    won = percent(every.win_rate) if every.win_rate is not None else "n/a"
    return "".join(
        [
            _card("Net profit" + currency, money(summary.net_pnl, sign=True), "after costs", summary.net_pnl),
            _card("Gross profit" + currency, money(summary.gross_pnl, sign=True), "before costs", 0),
            _card("Costs" + currency, money(summary.fees + summary.tax), "fees and tax", 0),
            _card("Max drawdown" + currency, money(-summary.max_drawdown), drawdown, 0),
            _card("Trades", f"{every.trades:,}", f"{every.winners:,} won, {every.losers:,} lost", 0),
            _card("Win rate", won, figures.why_none.get("win_rate", "of closed trades"), 0),
            _card("Profit factor", factor, figures.why_none.get("profit_factor", "won ÷ lost"), 0),
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
        f'<div class="chart price" id="price-{index}" role="img" aria-label="Price with entries and exits"></div>\n'
        f'<p class="hint">{chart.caption} Closed hours are left out, at the dotted vertical lines. '
        '<span class="screen">Drag to zoom, Ctrl + wheel to zoom at the pointer, Shift + drag to move, '
        "double-click to see all; a click on a trade in the table goes to it.</span></p>\n</section>"
    )


def _footer(summary: Summary) -> str:
    return (
        f"<p>Order hash <code>{escape(summary.order_hash)}</code><br>"
        f"Fill hash <code>{escape(summary.fill_hash)}</code></p>"
        "<p>Two runs with the same hashes made the same orders and got the same fills. "
        "Times are Asia/Taipei (UTC+8).</p>"
    )
