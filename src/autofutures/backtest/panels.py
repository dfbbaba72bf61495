"""Charts that stand by themselves, as the drawing library's own traces; `panels.js` draws them in the page's colours.

A text that begins with @ is a colour of the page: @up, @down, @accent, @quiet, @text, @line or @panel.
"""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.charts import column
from autofutures.backtest.measures import Rolling, edges_of
from autofutures.backtest.samples import MIN_TRADES, WINDOW, too_few
from autofutures.backtest.statistics import Integers, RoundTrip
from autofutures.backtest.wording import date

Json = dict[str, object]

MOST_DOTS = 4_000
"""Trades of a scatter; of more, an even share is drawn."""


class Panel(msgspec.Struct, frozen=True):
    """One chart: the id of its place, what is drawn, and what its layout has beyond the page's own."""

    id: str
    traces: list[Json]
    layout: Json


def packed(values: Sequence[float] | NDArray[np.float64] | Integers) -> Json:
    """A column of numbers as the drawing library reads it."""
    return {"dtype": "f8", "bdata": column(values)}


def place(panel_id: str, label: str, kind: str = "") -> str:
    """Where a chart is drawn; the label is for those who do not see it."""
    return f'<div class="chart {kind}" id="{panel_id}" role="img" aria-label="{escape(label)}"></div>'


def excursion_panels(trips: Sequence[RoundTrip], currency: str) -> list[Panel]:
    """The worst and the best open profit of each trade against what it came to."""
    measured = [trip for trip in trips if trip.mae is not None and trip.mfe is not None]
    shown = measured[:: max(1, -(-len(measured) // MOST_DOTS))]
    if not shown:
        return []
    return [
        _scatter(
            "mae", shown, [-(trip.mae or 0) for trip in shown], f"Furthest behind while open, {currency}"
        ),
        _scatter("mfe", shown, [trip.mfe or 0 for trip in shown], f"Furthest ahead while open, {currency}"),
    ]


def _scatter(name: str, trips: Sequence[RoundTrip], across: Sequence[int], title: str) -> Panel:
    traces: list[Json] = []
    for colour, label, won in (("@up", "Won", True), ("@down", "Lost", False)):
        rows = [row for row, trip in enumerate(trips) if (trip.net > 0) is won]
        traces.append(
            {
                "type": "scattergl" if len(trips) > 1_000 else "scatter",
                "mode": "markers",
                "name": label,
                "x": packed([across[row] for row in rows]),
                "y": packed([trips[row].net for row in rows]),
                "marker": {"color": colour, "size": 6, "opacity": 0.7},
                "hovertemplate": "%{x:,.0f} → net %{y:+,.0f}<extra></extra>",
            }
        )
    layout: Json = {
        "xaxis": {"title": {"text": title}, "tickformat": ",.0f", "zeroline": True},
        "yaxis": {"title": {"text": "Net"}, "tickformat": ",.0f", "zeroline": True},
    }
    return Panel(f"panel-{name}", traces, layout)


def distribution_panel(trips: Sequence[RoundTrip], currency: str) -> tuple[list[Panel], str]:
    """How many trades came to how much; the reason where there are too few."""
    few = too_few(len(trips), MIN_TRADES, "closed trades")
    if few:
        return [], few
    nets = np.array([trip.net for trip in trips], dtype=np.int64)
    edges = edges_of(nets.tolist())
    counts = np.histogram(nets, edges)[0]
    middle = (edges[:-1] + edges[1:]) / 2
    bars: Json = {
        "type": "bar",
        "x": packed(middle),
        "y": packed(counts),
        "width": float(edges[1] - edges[0]),
        "marker": {"color": ["@up" if at > 0 else "@down" for at in middle]},
        "customdata": [f"{low:,} to {high:,}" for low, high in pairwise(edges.tolist())],
        "hovertemplate": "%{customdata}: %{y} trade(s)<extra></extra>",
    }
    layout: Json = {
        "bargap": 0.04,
        "showlegend": False,
        "xaxis": {"title": {"text": f"Net of a trade, {currency}"}, "tickformat": ",.0f"},
        "yaxis": {"title": {"text": "Trades"}, "rangemode": "tozero"},
    }
    return [Panel("panel-distribution", [bars], layout)], ""


def rolling_panels(rolling: Rolling, currency: str) -> list[Panel]:
    """Lines of the rolling figures, where there are any."""
    panels: list[Panel] = []
    if rolling.days:
        days = [date(day) for day in rolling.days]
        net = _line(days, list(rolling.net), f"Net, {currency}", "@accent")
        sharpe = _line(days, list(rolling.sharpe), "Sharpe", "@up")
        panels.append(_two_axes("panel-rolling-days", net, sharpe, {"type": "date"}))
    if rolling.trades_at:
        at = packed(np.arange(WINDOW, WINDOW + len(rolling.trades_at), dtype=np.int64))
        mean = _line(at, packed(rolling.expectancy), f"Average trade, {currency}", "@accent")
        share = _line(at, packed(rolling.win_rate), "Win rate", "@up")
        panels.append(_two_axes("panel-rolling-trades", mean, share, {"title": {"text": "Trade"}}))
    return panels


def _line(x: object, y: object, name: str, colour: str) -> Json:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "line": {"color": colour, "width": 1.4},
    }


def _two_axes(panel_id: str, above: Json, below: Json, across: Json) -> Panel:
    layout: Json = {
        "xaxis": {**across, "anchor": "y2"},
        "yaxis": {"domain": [0.55, 1], "zeroline": True},
        "yaxis2": {"domain": [0, 0.45], "zeroline": True},
    }
    return Panel(panel_id, [above, {**below, "yaxis": "y2"}], layout)


def lines_panel(
    panel_id: str, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], y_title: str
) -> Panel:
    """Several curves over time in colours of their own; x in milliseconds of Taipei's clock."""
    traces: list[Json] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": escape(name, quote=False),
            "x": packed(x),
            "y": packed(y),
            "line": {"width": 1.6, "shape": "hv"},
            "hovertemplate": "%{y:+,.0f}<br>%{x|%Y-%m-%d %H:%M:%S}",
        }
        for name, (x, y) in lines.items()
    ]
    layout: Json = {
        "xaxis": {"type": "date"},
        "yaxis": {"title": {"text": y_title}, "tickformat": ",.0f", "zeroline": True},
    }
    return Panel(panel_id, traces, layout)
