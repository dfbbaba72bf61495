"""The tables of the report, as HTML whose every text is escaped."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from html import escape

from autofutures.backtest.statistics import (
    OpenLot,
    RoundTrip,
    Statistics,
    TradeFigures,
    move_value,
    reasons,
    said,
    trade_figures,
)
from autofutures.backtest.wording import clock, money, percent, price, ratio, span, unsaid
from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import Placed, Refused, Traded
from autofutures.domain.units import OrderType
from autofutures.market.dates import TAIPEI_OFFSET_NS
from autofutures.portfolio.tally import Summary

MOST_ROWS = 2_000
"""Rows of the trades table; a browser is slow with more, and the page says how many there are."""

PRINTED_ROWS = 200
"""Rows that go on paper; `report.css` hides the rest."""

TAKERS = (OrderType.MARKET, OrderType.MWP, OrderType.STOP)
"""Orders that take at the next trade, and so pay the assumed slippage."""


def toned(amount: int) -> str:
    """A signed amount with the colour of gain or loss."""
    colour = "up" if amount > 0 else "down" if amount < 0 else ""
    return f'<span class="{colour}">{money(amount, sign=True)}</span>' if colour else money(amount)


def short(symbol: str) -> str:
    """A symbol without its exchange, escaped."""
    return escape(symbol.partition(":")[2] or symbol)


def trips_table(
    trips: Sequence[RoundTrip],
    instruments: Mapping[str, Instrument],
    chart_ids: Mapping[str, str],
    currency: str,
) -> str:
    """The round trips in order of their exits; a click on a row shows it in its chart."""
    if not trips:
        return '<p class="quiet">No trade was closed.</p>'
    rows = "".join(
        _trip_row(number, trip, instruments[trip.symbol], chart_ids.get(trip.symbol, ""))
        for number, trip in enumerate(trips[:MOST_ROWS], 1)
    )
    heads = (
        ("#", True), ("Strategy", False), ("Symbol", False), ("Side", False), ("Qty", True),
        ("Entered", False), ("Entry", True), ("Left", False), ("Exit", True), ("Held", True),
        ("Gross", True), ("Costs", True), ("Net", True), ("Worst open", True), ("Best open", True),
    )  # fmt: skip
    head = "".join(
        f'<th scope="col"{" class=number" if number else ""}><button>{name}</button></th>'
        for name, number in heads
    )
    return (
        f'<p class="quiet">{_trips_note(len(trips), currency)}</p>\n<div class="scroll">'
        f'<table class="trades goes"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _trips_note(count: int, currency: str) -> str:
    note = (
        "A trade is what one fill opened and one fill closed, first in, first out. "
        f"Money in {escape(currency)}; net is after fees and tax."
    )
    if count > MOST_ROWS:
        note += f" <b>The table shows the first {MOST_ROWS:,} of {count:,} trades;</b> a saved run has all as CSV."
    if count > PRINTED_ROWS:
        note += f' <span class="print">The first {PRINTED_ROWS:,} of {count:,} are printed.</span>'
    return note


def _trip_row(number: int, trip: RoundTrip, instrument: Instrument, chart_id: str) -> str:
    begins, ends = ((at + TAIPEI_OFFSET_NS) // 1_000_000 for at in (trip.entered_at, trip.left_at))
    numeric = '<td class="number">'
    return (
        f'<tr tabindex="0" data-chart="{chart_id}" data-in="{begins}" data-out="{ends}">'
        f'{numeric}{number:,}</td><td class="text">{escape(trip.strategy)}</td><td>{short(trip.symbol)}</td>'
        f"<td>{'long' if trip.side > 0 else 'short'}</td>{numeric}{trip.qty:,}</td>"
        f"<td>{clock(trip.entered_at)}</td>{numeric}{price(instrument, trip.entry_ticks)}</td>"
        f"<td>{clock(trip.left_at)}</td>{numeric}{price(instrument, trip.exit_ticks)}</td>"
        f'<td class="number" data-value="{trip.held_ns}">{span(trip.held_ns)}</td>'
        f"{numeric}{money(trip.gross, sign=True)}</td>{numeric}{money(trip.costs)}</td>"
        f"{numeric}{toned(trip.net)}</td>{numeric}{_open_profit(trip.mae)}</td>"
        f"{numeric}{_open_profit(trip.mfe)}</td></tr>\n"
    )


def _open_profit(amount: int | None) -> str:
    return "–" if amount is None else money(amount)


def lots_table(
    lots: Sequence[OpenLot],
    instruments: Mapping[str, Instrument],
    lasts: Mapping[str, int],
    currency: str,
) -> str:
    """What was still open, valued at the last trade seen; nothing when all was closed."""
    if not lots:
        return ""
    rows: list[Sequence[str]] = []
    for lot in lots:
        item, last = instruments[lot.symbol], lasts.get(lot.symbol)
        gain = None if last is None else move_value(item, lot.side * lot.qty, lot.entry_ticks, last)
        rows.append(
            (
                f"{escape(lot.strategy)} · {short(lot.symbol)} · {'long' if lot.side > 0 else 'short'}",
                f"{lot.qty:,}",
                clock(lot.entered_at),
                price(item, lot.entry_ticks),
                "–" if last is None else price(item, last),
                "–" if gain is None else toned(gain),
            )
        )
    heads = ("", "Qty", "Entered", "Entry", "Last trade", f"Open profit, {escape(currency)}")
    return f"<h2>Still open at the end</h2>{table(rows, heads)}"


def costs_table(
    summary: Summary,
    fills: Sequence[Traded],
    orders: Sequence[Placed],
    instruments: Mapping[str, Instrument],
    slippage_ticks: int | None,
    currency: str,
) -> str:
    """From gross to net, and what the assumed slippage took before that."""
    costs, contracts = summary.fees + summary.tax, summary.contracts
    rows: list[Sequence[str]] = [
        ("Gross profit", money(summary.gross_pnl, sign=True)),
        ("Fees", money(-summary.fees)),
        ("Transaction tax", money(-summary.tax)),
        ("Net profit", toned(summary.net_pnl)),
        ("Fees and tax for a contract and side", f"{costs / contracts:,.2f}" if contracts else "–"),
    ]
    if summary.gross_pnl > 0:
        rows.append(("Fees and tax, share of gross profit", percent(costs / summary.gross_pnl)))
    note = "Slippage: none is assumed; orders met the book's own prices."
    if slippage_ticks is not None:
        taken, lost = _slippage(fills, orders, instruments, slippage_ticks)
        rows.append(("Slippage assumed, in the gross profit already", money(-lost)))
        note = (
            f"Slippage: {slippage_ticks} tick(s) against us on the {taken:,} contracts that took at market; "
            "at the day's price limit it is less."
        )
    return table(rows, ("", escape(currency)), total=3) + f'<p class="hint">{note}</p>'


def _slippage(
    fills: Sequence[Traded],
    orders: Sequence[Placed],
    instruments: Mapping[str, Instrument],
    slippage_ticks: int,
) -> tuple[int, int]:
    """Contracts that took at market, and what so many ticks on each of them are worth."""
    takers = {order.client_id for order in orders if order.intent.type in TAKERS}
    taken = [fill for fill in fills if fill.client_id in takers]
    return sum(fill.qty for fill in taken), sum(
        abs(
            move_value(
                instruments[fill.symbol], fill.qty, fill.price_ticks, fill.price_ticks + slippage_ticks
            )
        )
        for fill in taken
    )


def statistics_table(figures: Statistics, currency: str) -> str:
    """The statistics of all trades, longs and shorts, then those of the whole run."""
    sets = (figures.every, figures.longs, figures.shorts)
    rows = [(label, *(column[row] for column in map(_figures, sets))) for row, label in enumerate(_LABELS)]
    heads = (f"After costs, {escape(currency)}", "All", "Long", "Short")
    return table(rows, heads) + table(_run_rows(figures), ("The run", ""))


_LABELS = (
    "Trades", "Won · lost", "Win rate", "Net profit", "Profit factor", "Average win", "Average loss",
    "Largest win", "Largest loss", "Expectancy of a trade", "Average time held", "Longest losing run",
)  # fmt: skip


def _figures(figures: TradeFigures) -> tuple[str, ...]:
    why = defaultdict(str, reasons(figures))
    return (
        f"{figures.trades:,}",
        f"{figures.winners:,} · {figures.losers:,}",
        percent(figures.win_rate, why["win_rate"]),
        toned(figures.net),
        ratio(figures.profit_factor, why["profit_factor"]),
        money(figures.average_win, why["average_win"]),
        money(figures.average_loss, why["average_loss"]),
        money(figures.largest_win, why["largest_win"]),
        money(figures.largest_loss, why["largest_loss"]),
        unsaid(why["expectancy"]) if figures.expectancy is None else toned(figures.expectancy),
        span(figures.average_held_ns, why["average_held_ns"]),
        f"{figures.longest_losing_run:,}",
    )


def _run_rows(figures: Statistics) -> list[tuple[str, str]]:
    why = figures.why_none
    length = "none"
    if figures.drawdown_ns is not None:
        length = span(figures.drawdown_ns) + ("" if figures.drawdown_recovered else ", not made good")
    return [
        ("Trading days", f"{figures.days:,}"),
        ("Exposure: share of trading time with a position", percent(figures.exposure, "no trading time")),
        ("Maximum drawdown", money(-figures.max_drawdown)),
        ("Its length by the clock", length),
        ("Sharpe ratio, daily, by the year", ratio(figures.sharpe, why.get("sharpe", ""))),
        ("Sortino ratio, daily, by the year", ratio(figures.sortino, why.get("sortino", ""))),
        ("Calmar ratio", ratio(figures.calmar, why.get("calmar", ""))),
    ]


def breakdown_table(trips: Sequence[RoundTrip], currency: str) -> str:
    """The trades of each strategy and symbol, when there is more than one pair of them."""
    groups: defaultdict[tuple[str, str], list[RoundTrip]] = defaultdict(list)
    for trip in trips:
        groups[trip.strategy, trip.symbol].append(trip)
    if len(groups) < 2:
        return ""
    rows: list[Sequence[str]] = []
    for (strategy, symbol), members in sorted(groups.items()):
        figures = said(trade_figures(members))
        rows.append(
            (
                f"{escape(strategy)} · {short(symbol)}",
                f"{figures.trades:,}",
                percent(figures.win_rate, reasons(figures).get("win_rate", "")),
                toned(figures.net),
            )
        )
    heads = ("Strategy and symbol", "Trades", "Win rate", f"Net, {escape(currency)}")
    return f"<section><h2>By strategy and symbol</h2>{table(rows, heads)}</section>"


def settings_table(settings: Mapping[str, str]) -> str:
    """The run's settings, in the order given."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="text">{escape(value)}</td></tr>'
        for name, value in settings.items()
    )
    return f"<table><tbody>{rows}</tbody></table>" if rows else '<p class="quiet">None.</p>'


def refusals_table(refusals: Sequence[Refused]) -> str:
    """How often each risk rule refused an intent; nothing when none did."""
    if not refusals:
        return ""
    counts = Counter(refusal.rule for refusal in refusals)
    examples = {refusal.rule: refusal.reason for refusal in reversed(refusals)}
    rows = [
        (f'{escape(rule)}<br><span class="quiet">{escape(examples[rule])}</span>', f"{count:,}")
        for rule, count in counts.most_common()
    ]
    return f"<h2>Refused by the risk gate</h2>{table(rows, ('Rule and its first refusal', 'Times'))}"


def table(rows: Sequence[Sequence[str]], heads: Sequence[str], total: int = -1) -> str:
    """A table whose first column is its row's name and whose others are numbers; row `total` stands out."""
    head = "".join(
        f'<th scope="col"{" class=number" if place else ""}>{name}</th>' for place, name in enumerate(heads)
    )
    body = "".join(
        f"<tr{' class=total' if index == total else ''}>"
        f'<th scope="row">{row[0]}</th>'
        + "".join(
            f'<td class="number{" why" if cell.startswith("n/a") else ""}">{cell}</td>' for cell in row[1:]
        )
        + "</tr>"
        for index, row in enumerate(rows)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
