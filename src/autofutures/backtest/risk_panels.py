"""The charts of a trading day's risk; `panels.js` draws them in the page's colours."""

from collections.abc import Sequence
from html import escape

import numpy as np

from autofutures.backtest.charts import closed_stretches, decimate, taipei_ms
from autofutures.backtest.panels import Json, Panel, packed
from autofutures.backtest.risk_data import Line, RiskDayData
from autofutures.backtest.statistics import Integers
from autofutures.backtest.wording import clock
from autofutures.market.dates import TAIPEI_OFFSET_NS
from autofutures.risk.figures import PERCENT

MOST_POINTS = 4_000
"""Points of one line: first, last, and the lowest and highest of each stretch."""

LIQUIDATED_BELOW = 25
"""Percent of the risk indicator below which the broker liquidates (TAIFEX, as brokers publish it)."""

_WHEN = "<br>%{x|%Y-%m-%d %H:%M:%S}<extra></extra>"


def panel_id(number: int) -> str:
    """The place of the chart of the limit with this number."""
    return f"panel-control-{number}"


def shares_panels(data: RiskDayData) -> list[Panel]:
    """All limits in one chart, each in percent of itself."""
    traces: list[Json] = []
    for line in data.lines:
        if line.use:
            trace = _trace(line.at, line.shares(), line.name)
            trace["hovertemplate"] = f"<b>{escape(line.name)}</b> %{{y:,.1f}} %" + _WHEN
            traces.append(trace)
    if not traces:
        return []
    top = max(max(line.shares()) for line in data.lines if line.use)
    layout: Json = {
        "xaxis": _hours(data),
        "yaxis": {"ticksuffix": " %", "range": [0, max(110.0, top * 1.05)], "tickformat": ",.0f"},
        "shapes": [_level(PERCENT, "@up", "dash")],
        "showlegend": True,
    }
    return [Panel("panel-shares", traces, layout)]


def control_panels(data: RiskDayData) -> list[Panel]:
    """Each limit in its own unit, with the limit as a line and the orders that it refused as marks."""
    return [_control_panel(data, line, number) for number, line in enumerate(data.lines)]


def _control_panel(data: RiskDayData, line: Line, number: int) -> Panel:
    use = _trace(line.at, line.use, "use", colour="@accent", fill=True)
    use["hovertemplate"] = f"<b>%{{y:,.0f}}</b> {escape(line.unit)}" + _WHEN
    limit = _trace(line.at, line.of, "limit", colour="@up", dash="dash")
    limit["hovertemplate"] = f"limit <b>%{{y:,.0f}}</b> {escape(line.unit)}" + _WHEN
    traces = [use, limit]
    refused = [] if line.scope else [one for one in data.refusals if one.control == line.control]
    if refused:
        shown = refused[:: max(1, -(-len(refused) // MOST_POINTS))]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "refused",
                "x": packed(taipei_ms([one.at for one in shown])),
                "y": packed([one.value for one in shown]),
                "marker": {"color": "@text", "symbol": "x-thin-open", "size": 7},
                "hovertemplate": "refused at <b>%{y:,.0f}</b>" + _WHEN,
            }
        )
    halts = [one.at for one in data.happened if one.what == "halted" and one.key == line.name]
    top = max([*line.use, *line.of, *(one.value for one in refused)])
    layout: Json = {
        "title": {
            "text": f"{escape(line.name)}, {escape(line.unit)}",
            "font": {"size": 13},
            "x": 0,
            "xanchor": "left",
        },
        "margin": {"l": 56, "r": 16, "t": 56, "b": 44},
        "xaxis": _hours(data),
        "yaxis": {"tickformat": ",.0f", "range": [0, top * 1.08]},
        "shapes": [_moment(at) for at in halts[:20]],
    }
    return Panel(panel_id(number), traces, layout)


def margin_panels(data: RiskDayData) -> list[Panel]:
    """The risk indicator, and the loss at tomorrow's price limits, where there is any."""
    found: list[Panel] = []
    known = [(at, one) for at, one in zip(data.sampled_at, data.indicator, strict=True) if one is not None]
    if known:
        trace = _trace([at for at, _ in known], [one for _, one in known], "risk indicator", colour="@accent")
        trace["hovertemplate"] = "<b>%{y:,.0f} %</b>" + _WHEN
        layout: Json = {
            "title": {
                "text": "Risk indicator: equity ÷ initial margin",
                "font": {"size": 13},
                "x": 0,
                "xanchor": "left",
            },
            "margin": {"l": 56, "r": 16, "t": 56, "b": 44},
            "xaxis": _hours(data),
            "yaxis": {"ticksuffix": " %", "tickformat": ",.0f", "rangemode": "tozero"},
            "shapes": [_level(PERCENT, "@quiet", "dash"), _level(LIQUIDATED_BELOW, "@up", "dash")],
            "showlegend": False,
        }
        found.append(Panel("panel-indicator", [trace], layout))
    if any(data.limit_move):
        trace = _trace(data.sampled_at, data.limit_move, "loss", colour="@down", fill=True)
        trace["hovertemplate"] = f"<b>%{{y:,.0f}} {escape(data.currency)}</b>" + _WHEN
        title = f"Loss at tomorrow's price limits, {escape(data.currency)}"
        layout = {
            "title": {"text": title, "font": {"size": 13}, "x": 0, "xanchor": "left"},
            "margin": {"l": 56, "r": 16, "t": 56, "b": 44},
            "xaxis": _hours(data),
            "yaxis": {"tickformat": ",.0f", "rangemode": "tozero"},
            "showlegend": False,
        }
        found.append(Panel("panel-limit-move", [trace], layout))
    return found


def _trace(
    at: Sequence[int],
    values: Sequence[float],
    name: str,
    *,
    colour: str = "",
    dash: str = "solid",
    fill: bool = False,
) -> Json:
    """A line that stays at each value until the next."""
    column = np.array(values, dtype=np.float64)
    shown = decimate(np.rint(column * 10).astype(np.int64), MOST_POINTS)
    line: Json = {"width": 1.6, "shape": "hv", "dash": dash}
    if colour:
        line["color"] = colour
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(name, quote=False),
        "x": packed(taipei_ms(np.array(at, dtype=np.int64)[shown])),
        "y": packed(column[shown]),
        "line": line,
        **({"fill": "tozeroy", "fillcolor": "@fill"} if fill else {}),
    }


def _hours(data: RiskDayData) -> Json:
    """The axis of the day, without the hours in which nothing was heard."""
    times: list[Integers] = [np.array(data.sampled_at, dtype=np.int64)]
    times += [np.array(line.at, dtype=np.int64) for line in data.lines]
    times.append(np.array([one.at for one in data.refusals], dtype=np.int64))
    breaks = [{"bounds": [_stamp(since), _stamp(until)]} for since, until in closed_stretches(times)]
    return {"type": "date", "rangebreaks": breaks, "tickangle": 0, "tickformat": "%H:%M\n%m-%d"}


def _stamp(ns: int) -> str:
    return clock(ns - ns % 10**6)


def _level(percent: int, colour: str, dash: str) -> Json:
    line: Json = {"color": colour, "width": 1.2, "dash": dash}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": percent, "y1": percent, "line": line}


def _moment(at: int) -> Json:
    """A vertical line where a control halted."""
    x = (at + TAIPEI_OFFSET_NS) / 10**6
    line: Json = {"color": "@up", "width": 1.2, "dash": "dot"}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x, "line": line}
