"""A trading day's risk on one page: the use of each limit over time, what was refused and halted, what could be lost.

Times are Taipei's, money is in minor units of the account's currency.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape

from autofutures.backtest.page import Page, listed, page_html
from autofutures.backtest.panels import place
from autofutures.backtest.risk_data import Exposed, RiskDayData
from autofutures.backtest.risk_panels import control_panels, margin_panels, panel_id, shares_panels
from autofutures.backtest.tables import short, table
from autofutures.backtest.wording import clock, date, money, price
from autofutures.domain.instrument import instrument

MOST_REFUSALS = 500
"""Rows of the table of refusals; of more, the counts and the first rows are shown, and the page says so."""

PRINTED_REFUSALS = 200
"""Rows that go on paper; `report.css` hides the rest."""


def risk_html(data: RiskDayData) -> str:
    """The page as text; the same data gives the same bytes.

    Raises:
        BadInput: a symbol is none.
    """
    panels = [*shares_panels(data), *control_panels(data), *margin_panels(data)]
    page = Page(
        title=data.title,
        subtitle=_subtitle(data),
        body="\n".join(_sections(data, {panel.id for panel in panels})),
        panels=panels,
        footer="<p>Times are Asia/Taipei (UTC+8).</p>",
    )
    return page_html(page)


def _subtitle(data: RiskDayData) -> str:
    state = "the day is over" if data.over else "the day is under way"
    return f"Trading day {date(data.day)}, 15:00 of the evening before to 15:00 · to {clock(data.until)} · {state}"


def _sections(data: RiskDayData, panels: set[str]) -> list[str]:
    uses = place("panel-shares", "The use of each limit in percent of it, over the day")
    controls = "".join(
        place(panel_id(number), f"{line.name}: its use and its limit over the day", "small")
        for number, line in enumerate(data.lines)
    )
    margin = "".join(
        place(panel, label, "small")
        for panel, label in (
            ("panel-indicator", "Risk indicator over the day"),
            ("panel-limit-move", "Loss at tomorrow's price limits over the day"),
        )
        if panel in panels
    )
    return [
        f'<section class="cards" aria-label="Key figures">{_cards(data)}</section>',
        _NO_SCRIPT,
        _section(
            "Use of each limit",
            (
                uses + _HINT
                if "panel-shares" in panels
                else '<p class="quiet">No limit with a running use is set.</p>'
            )
            + _limits_table(data),
        ),
        _section("Each control by itself", f'<div class="pair">{controls}</div>') if controls else "",
        _section("Margin and the worst scenario", _pair(margin) + _margin_note(data) + _exposed_table(data)),
        _section("Value at risk, one trading day", _tails_table(data) + listed(data.tails.notes)),
        _section("Halts, resets and changed limits", _happened_table(data)),
        _section("Refusals", _refusals_table(data)),
        _section("How it is measured", listed([*_MEASURED, *data.notes]) + _off(data)),
    ]


_HINT = (
    '<p class="hint">At 100 % a control refuses or halts, or before that where it keeps a reserve. '
    '<span class="screen">A click on a name in the legend hides its line.</span></p>'
)
_NO_SCRIPT = (
    '<noscript><p class="warning">The charts need JavaScript; every figure below can be read without it.</p>'
    "</noscript>"
)
_MEASURED = (
    "All from the journal; between its facts prices are the recorder's, looked at every ten seconds of the market.",
    "Controls that measure order by order have no line of their own; what they refused is in the table.",
    "Tomorrow's price limits count from each contract's last price, as if it were settled there.",
    "At the price limits all positions go against us at once: nothing is netted.",
)


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{body}\n</section>"


def _pair(places: str) -> str:
    return f'<div class="pair">{places}</div>' if places else ""


# --- cards


def _cards(data: RiskDayData) -> str:
    currency = escape(data.currency)
    halts = sum(one.what == "halted" for one in data.happened)
    resets = sum(one.what == "reset" for one in data.happened)
    top = max(((max(line.shares()), line.name) for line in data.lines if line.use), default=None)
    indicators = [one for one in data.indicator if one is not None]
    worst = max(zip(data.limit_move, data.sampled_at, strict=True), default=(0, 0))
    var = next((one for one in data.tails.figures if one.value_at_risk is not None), None)
    cards = [
        (
            "Net of the day, " + currency,
            money(data.net, sign=True),
            "realised and open, after costs",
            data.net,
        ),
        (
            "Closest limit",
            "none" if top is None else f"{top[0]:,.0f} %",
            "no running limit is set" if top is None else escape(top[1]),
            0,
        ),
        ("Refused", f"{len(data.refusals):,}", "orders by the gate", 0),
        ("Halts", f"{halts:,}", f"{resets:,} reset by a person", 0),
        ("Messages", f"{data.messages:,}", "orders and cancels", 0),
        (
            "Lowest risk indicator",
            f"{min(indicators):,} %" if indicators else "n/a",
            "equity ÷ initial margin" if indicators else "no margin was asked",
            0,
        ),
        (
            "Worst at price limits, " + currency,
            money(-worst[0]) if worst[0] else "0",
            f"at {clock(worst[1])[11:]}" if worst[0] else "nothing was held",
            0,
        ),
        (
            "Value at risk, " + currency,
            "n/a" if var is None else money(round(var.value_at_risk or 0)),
            "sample too small" if var is None else f"{var.level:.0%}, one day, {var.method}",
            0,
        ),
        (
            "Expected shortfall, " + currency,
            "n/a" if var is None else money(round(var.expected_shortfall or 0)),
            "sample too small" if var is None else f"beyond it, {var.method}",
            0,
        ),
        ("Held at the end", _held(data), "contracts", 0),
    ]
    return "".join(_card(*card) for card in cards)


def _held(data: RiskDayData) -> str:
    return f"{sum(abs(one.position) for one in data.exposed):,}"


def _card(label: str, value: str, under: str, tone: int) -> str:
    colour = "up" if tone > 0 else "down" if tone < 0 else ""
    return f'<dl class="card"><dt>{label}</dt><dd class="{colour}">{value}</dd><dd class="under">{under}</dd></dl>'


# --- tables


def _limits_table(data: RiskDayData) -> str:
    """Each limit with a running use: the highest use of the day, and what came of it."""
    refused = Counter(one.control for one in data.refusals)
    halted = Counter(one.key for one in data.happened if one.what == "halted")
    rows = [
        (
            escape(line.control),
            escape(line.scope or "account"),
            f"{line.of[-1]:,}",
            f"{max(line.use):,}",
            f"{max(line.shares()):,.0f} %",
            clock(line.at[line.use.index(max(line.use))]),
            f"{halted[line.name]:,}",
        )
        for line in data.lines
        if line.use
    ]
    heads = ("Control", "For", "Limit", "Highest use", "Share", "When", "Halts")
    counted = ", ".join(f"{escape(control)} {count:,}" for control, count in refused.most_common())
    said = f'<p class="hint">Refused orders by control: {counted}.</p>' if counted else ""
    return (_wide(table(rows, heads)) if rows else "") + said


def _margin_note(data: RiskDayData) -> str:
    if any(one is not None for one in data.indicator):
        return ""
    return (
        '<p class="quiet">No risk indicator: nothing was held, or nobody has said the initial margin of a lot '
        "(risk.margin.instrument.ROOT initial) and the capital.</p>"
    )


def _exposed_table(data: RiskDayData) -> str:
    """What is held, and what it loses at the price limit against it."""
    if not data.exposed:
        return '<p class="quiet">Nothing is held at the end.</p>'
    rows = [_exposed_row(one) for one in data.exposed]
    known = [one.loss for one in data.exposed if one.loss is not None]
    if len(known) > 1:
        rows.append(("All together", "", "", "", money(-sum(known))))
    heads = (
        "Held at the end",
        "Contracts",
        "Last",
        "Limit against it",
        f"Loss there, {escape(data.currency)}",
    )
    return _wide(table(rows, heads, total=len(data.exposed) if len(known) > 1 else -1))


def _exposed_row(one: Exposed) -> tuple[str, ...]:
    item = instrument(one.symbol)
    known = one.loss is not None
    return (
        short(one.symbol),
        f"{one.position:+,}",
        price(item, one.last_ticks) if one.last_ticks else "–",
        price(item, one.adverse_ticks) if known else "n/a — its price limits are not known",
        money(-(one.loss or 0)) if known else "–",
    )


def _tails_table(data: RiskDayData) -> str:
    if not data.tails.figures:
        return ""
    rows = [
        (
            escape(one.method),
            f"{one.level:.4g}",
            f"{one.window:,}",
            f"{one.days:,}",
            f"{one.gaps:,}",
            "n/a" if one.value_at_risk is None else money(round(one.value_at_risk)),
            "n/a" if one.expected_shortfall is None else money(round(one.expected_shortfall)),
        )
        for one in data.tails.figures
    ]
    currency = escape(data.currency)
    heads = ("Method", "Level", "Window, days", "Days with prices", "Gaps")
    return _wide(table(rows, (*heads, f"Value at risk, {currency}", f"Expected shortfall, {currency}")))


def _happened_table(data: RiskDayData) -> str:
    if not data.happened:
        return '<p class="quiet">None.</p>'
    cells = [(clock(one.at), one.what, one.key, one.text, one.who) for one in data.happened]
    return _rows(cells, ("When", "What", "Control", "Why", "Who"))


def _refusals_table(data: RiskDayData) -> str:
    if not data.refusals:
        return '<p class="quiet">None.</p>'
    count = len(data.refusals)
    cells = [
        (clock(one.at), one.control, one.strategy, one.what, f"{one.limit:,}", f"{one.value:,}", one.reason)
        for one in data.refusals[:MOST_REFUSALS]
    ]
    said = f"<b>The first {MOST_REFUSALS:,} of {count:,} are shown.</b>" if count > MOST_REFUSALS else ""
    if count > PRINTED_REFUSALS:
        said += f' <span class="print">The first {PRINTED_REFUSALS:,} of {count:,} are printed.</span>'
    heads = ("When", "Control", "Strategy", "What", "Limit", "Value", "Why")
    return (f'<p class="quiet">{said}</p>' if said else "") + _rows(cells, heads, numbers=(4, 5))


def _rows(cells: Sequence[Sequence[str]], heads: Sequence[str], numbers: Sequence[int] = ()) -> str:
    """A table of texts that may be long, which is scrolled."""
    kinds = ["number" if place in numbers else "" for place in range(len(heads))]
    kinds[heads.index("Why")] = "text"
    head = "".join(
        f'<th scope="col" class="{kind}">{name}</th>' for name, kind in zip(heads, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{kind}">{escape(cell)}</td>' for cell, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in cells
    )
    inner = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scroll"><table class="trades wrapped">{inner}</table></div>'


def _wide(text: str) -> str:
    return f'<div class="wide">{text}</div>'


def _off(data: RiskDayData) -> str:
    if not data.off:
        return ""
    return f'<p class="quiet">Without a limit: {escape(", ".join(data.off))}.</p>'
