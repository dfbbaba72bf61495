"""A finished run as a Plotly figure, for notebooks; the page draws its own."""

import polars as pl
from plotly.graph_objects import Figure, Scattergl
from plotly.subplots import make_subplots

RISE, FALL = "#c62828", "#12805c"
"""Red is up, as Taiwan has it."""


def figure_of(title: str, equity: pl.DataFrame, prices: pl.DataFrame, fills: pl.DataFrame) -> Figure:
    """Equity above one symbol's price with its fills, on one axis of time; the frames are those of a finished run."""
    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.4, 0.6], vertical_spacing=0.04)
    line = Scattergl(x=equity["at"], y=equity["net"], name="net profit", line={"shape": "hv"})
    figure.add_trace(line, row=1, col=1)
    tape = Scattergl(x=prices["at"], y=prices["price"], name="price", line={"color": "#8390a3", "width": 1})
    figure.add_trace(tape, row=2, col=1)
    for side, marker, colour in (("buy", "triangle-up", RISE), ("sell", "triangle-down", FALL)):
        marked = fills.filter(side=side)
        text = [f"{side} {qty} @ {price:g}" for qty, price in marked.select("qty", "price").rows()]
        marks = Scattergl(
            x=marked["at"],
            y=marked["price"],
            text=text,
            name=side,
            mode="markers",
            marker={"symbol": marker, "color": colour, "size": 9},
        )
        figure.add_trace(marks, row=2, col=1)
    figure.update_layout(title=title, hovermode="closest", legend={"orientation": "h"})
    return figure
