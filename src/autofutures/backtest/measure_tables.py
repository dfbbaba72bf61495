"""The tables of where a run's profit came from, as HTML; a cell's colour is its share of the table's largest."""

from collections.abc import Mapping, Sequence
from html import escape

from autofutures.backtest.measures import Benchmark, Measures, Month, TypeOfOrder, Weekday
from autofutures.backtest.samples import MIN_WEEKDAYS, too_few
from autofutures.backtest.statistics import Statistics
from autofutures.backtest.tables import short, table, toned
from autofutures.backtest.wording import money, ratio, unsaid

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Cells = Mapping[tuple[int, int], int]
"""Amounts by row and column."""


def months_table(months: Sequence[Month], currency: str) -> str:
    """Years by months, with each year's whole."""
    cells = {(month.year, month.month): month.net for month in months}
    years = sorted({month.year for month in months})
    columns = dict(enumerate(MONTHS, 1))
    return heat(cells, {year: str(year) for year in years}, columns, f"Net profit by month, {currency}")


def hours_table(weekdays: Sequence[Weekday], currency: str) -> str:
    """Weekdays by the clock's hours."""
    cells = {(day.weekday, hour): net for day in weekdays for hour, net in day.hours.items()}
    rows = {day.weekday: WEEKDAYS[day.weekday] for day in weekdays}
    # The night session comes before the day session of its trading day.
    hours = sorted({hour for _, hour in cells}, key=lambda hour: (hour - 15) % 24)
    columns = {hour: f"{hour:02}" for hour in hours}
    return heat(
        cells, rows, columns, f"Net profit by weekday of the trading day and Taipei's hour, {currency}"
    )


def heat(cells: Cells, rows: Mapping[int, str], columns: Mapping[int, str], caption: str) -> str:
    """A table of amounts with sums at the right and below; text and colour say the same."""
    if not cells:
        return '<p class="quiet">Nothing was traded.</p>'
    largest = max(abs(net) for net in cells.values()) or 1
    head = "".join(f'<th scope="col" class="number">{name}</th>' for name in columns.values())
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(_cell(cells.get((row, column)), largest) for column in columns)
        + f'<td class="number sum">{_sum(cells, row, None)}</td></tr>'
        for row, name in rows.items()
    )
    foot = "".join(f'<td class="number">{_sum(cells, None, column)}</td>' for column in columns)
    return (
        f'<div class="scroll"><table class="heat"><caption>{escape(caption)}</caption>'
        f'<thead><tr><td></td>{head}<th scope="col" class="number">All</th></tr></thead><tbody>{body}</tbody>'
        f'<tfoot><tr><th scope="row">All</th>{foot}<td class="number sum">{_sum(cells, None, None)}</td></tr></tfoot>'
        "</table></div>"
    )


def _cell(net: int | None, largest: int) -> str:
    if net is None:
        return "<td></td>"
    tone = "gain" if net > 0 else "loss" if net < 0 else ""
    share = round(abs(net) / largest * 100)
    return f'<td class="number {tone}" style="--share:{share}%">{money(net, sign=True)}</td>'


def _sum(cells: Cells, row: int | None, column: int | None) -> str:
    found = [net for (of, at), net in cells.items() if row in (None, of) and column in (None, at)]
    return toned(sum(found)) if found else ""


def weekdays_table(weekdays: Sequence[Weekday], currency: str) -> str:
    """How many days of each weekday there were, and what the average one made."""
    rows = [
        (
            WEEKDAYS[day.weekday],
            f"{day.days:,}",
            toned(day.net),
            toned(day.average)
            if day.average is not None
            else unsaid(too_few(day.days, MIN_WEEKDAYS, "days")),
        )
        for day in weekdays
    ]
    return table(rows, ("Weekday", "Days", f"Net, {escape(currency)}", "Average day")) if rows else ""


def types_table(types: Sequence[TypeOfOrder], currency: str) -> str:
    """What became of the orders, by type."""
    if not types:
        return '<p class="quiet">There was no order.</p>'
    rows = [
        (
            escape(each.type.replace("_", " ")),
            f"{each.orders:,}",
            f"{each.filled_orders:,}",
            f"{each.filled:,} of {each.contracts:,}",
            ratio(each.slippage_ticks, each.why_none),
            money(each.slippage),
        )
        for each in types
    ]
    heads = ("Type", "Orders", "With a fill", "Contracts", "Ticks worse", f"Slippage, {escape(currency)}")
    return (
        f'<div class="scroll">{table(rows, heads)}</div>'
        '<p class="hint">Slippage: the fill against the last trade when the order was decided, of a stop against its '
        "own price; below zero the fill was better.</p>"
    )


def benchmark_table(benchmark: Benchmark | None, figures: Statistics, net: int, currency: str) -> str:
    """The run beside one contract that is bought and held."""
    if benchmark is None:
        return '<p class="quiet">No trade of the first symbol was seen, so there is nothing to hold.</p>'
    why = figures.why_none.get("sharpe", "")
    rows = [
        (f"Net profit, {escape(currency)}", toned(net), toned(benchmark.net)),
        (
            f"Maximum drawdown, {escape(currency)}",
            money(-figures.max_drawdown),
            money(-benchmark.max_drawdown),
        ),
        (
            "Sharpe ratio, daily, by the year",
            ratio(figures.sharpe, why),
            ratio(benchmark.sharpe, benchmark.why_none),
        ),
        (
            "Correlation of daily profits",
            "",
            ratio(benchmark.correlation, benchmark.why_none or "one of them never changes"),
        ),
    ]
    note = f"One contract of {short(benchmark.symbol)}, bought at the first trade and held to the last, without costs."
    return table(rows, ("", "The run", "Buy and hold")) + f'<p class="hint">{note}</p>'


def rolling_note(measures: Measures) -> str:
    """Why a rolling chart is not drawn, where it is not."""
    reasons = [reason for reason in (measures.rolling.why_no_days, measures.rolling.why_no_trades) if reason]
    return "".join(f'<p class="quiet">Not drawn: {reason}.</p>' for reason in reasons)
