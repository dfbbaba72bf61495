"""One page of a search: heat maps over pairs of parameters, parallel coordinates, and how stable the best set is.

A search is a table: one row for each set, its parameters and its figures as columns, as `autofutures sweep --csv`
writes it. A figure that a set was too small a sample for is empty, and is drawn as a hole.
"""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import combinations
from pathlib import Path

import msgspec
import polars as pl

from autofutures.backtest.objective import LOWER_IS_BETTER, OBJECTIVES
from autofutures.backtest.page import Page, UpColour, page_html, write_page
from autofutures.backtest.panels import Json, Panel, place
from autofutures.backtest.stability import StabilityMap, stability_map
from autofutures.backtest.tables import table
from autofutures.domain.errors import BadInput
from autofutures.portfolio.tally import Summary

Value = int | float | bool | str
Sets = Sequence[tuple[Mapping[str, Value], float | None]]
"""Parameters, and the figure that is looked at."""

MOST_MAPS = 3
"""Pairs of parameters that are drawn, those that move the figure most first."""

MOST_LINES = 2_000
"""Sets in the parallel coordinates: the best and, of the rest, an even share."""

MOST_ROWS = 20

FIGURES = (
    "net_pnl", "max_drawdown", "sharpe", "sortino", "calmar", "profit_factor", "expectancy", "win_rate", "trades",
)  # fmt: skip
"""Figures of the table of the best sets, those that there are."""

NO_PARAMETERS = frozenset(
    {*Summary.__struct_fields__, *OBJECTIVES, *FIGURES, "seconds", "rank", "exposure", "days", "why_none"}
)
"""Columns that are no parameters where nobody says which are."""


def read_sets(path: Path) -> pl.DataFrame:
    """A search's table from CSV, Parquet or JSON: a list of objects, or what `sweep --json` says.

    Raises:
        BadInput: the file is missing, of another kind, or damaged.
    """
    try:
        match path.suffix:
            case ".csv":
                return pl.read_csv(path, infer_schema_length=None)
            case ".parquet":
                return pl.read_parquet(path)
            case ".json":
                return pl.DataFrame(_rows(path), infer_schema_length=None)
            case _:
                raise BadInput(
                    f"{path} is no table of a search: give .csv, .parquet or .json, as `sweep --csv FILE` writes it"
                )
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except (pl.exceptions.PolarsError, msgspec.MsgspecError, OSError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


class _Set(msgspec.Struct):
    parameters: dict[str, Value]
    figures: dict[str, float | None]


class _Told(msgspec.Struct):
    """What `sweep --json` says, as far as it is drawn."""

    sets: list[_Set]


def _rows(path: Path) -> list[dict[str, Value | None]]:
    told = msgspec.json.decode(path.read_bytes(), type=_Told | list[dict[str, Value | None]])
    return told if isinstance(told, list) else [{**each.parameters, **each.figures} for each in told.sets]


def parameters_of(frame: pl.DataFrame, named: Sequence[str] = ()) -> list[str]:
    """The columns that are parameters: those that are named, else all that are no figure we know and that vary.

    Raises:
        BadInput: a named one is not there, or there is none.
    """
    missing = [name for name in named if name not in frame.columns]
    if missing:
        raise BadInput(f"{', '.join(missing)}: no such column; there are {', '.join(frame.columns)}")
    found = list(named) or [
        name for name in frame.columns if name not in NO_PARAMETERS and frame[name].n_unique() > 1
    ]
    if not found:
        raise BadInput("no column of the table is a parameter that varies: name them with --parameters")
    return found


def sweep_html(
    frame: pl.DataFrame,
    objective: str = "net_pnl",
    parameters: Sequence[str] = (),
    title: str = "Search",
    up_colour: UpColour = "red",
) -> str:
    """The page as text.

    Args:
        frame: a row for each set.
        objective: the column that is looked at; the higher the better, unless it is one of `LOWER_IS_BETTER`.
        parameters: the columns of parameters; see `parameters_of`.
        title: of the page.
        up_colour: of a rise and a gain.

    Raises:
        BadInput: a column is not there, or no set has the objective.
    """
    if objective not in frame.columns:
        raise BadInput(f"no column {objective!r}: there are {', '.join(frame.columns)}")
    names = parameters_of(frame, parameters)
    if objective in LOWER_IS_BETTER:
        # Turned round, so that on every page up is better.
        frame, objective = frame.with_columns((-pl.col(objective)).alias(f"-{objective}")), f"-{objective}"
    sets = _sets(frame, names, objective)
    ranked = sorted((each for each in sets if each[1] is not None), key=lambda each: -(each[1] or 0.0))
    if not ranked:
        raise BadInput(f"no set of the search has {objective}: its samples are too small to say")
    maps = [stability_map(sets, x, y, ranked[0][0]) for x, y in _pairs(sets, names)]
    panels = [panel for number, each in enumerate(maps) for panel in _map_panels(number, each, objective)]
    panels.append(_parallel(sets, names, objective))
    body = "".join(_map_section(number, each, objective) for number, each in enumerate(maps))
    body += _section("All sets", place("panel-parallel", "Each set as a line through its parameters"))
    body += _section("The best sets", _best_table(frame, names, objective))
    held = len(sets) - len(ranked)
    subtitle = f"{len(sets):,} sets of {', '.join(names)}, by {objective}"
    if held:
        subtitle += f"; {held:,} say nothing, their samples are too small"
    return page_html(Page(title=title, subtitle=subtitle, body=body, panels=panels, footer=_NOTE), up_colour)


_NOTE = (
    "<p>The best of many sets looks better than it is: the more are tried, the better by chance alone. A set whose "
    "neighbours do as well is worth more than a lonely peak.</p>"
)


def write_sweep(
    frame: pl.DataFrame, path: str | Path, *, objective: str = "net_pnl", up: UpColour = "red"
) -> Path:
    """Writes the page of a search.

    Raises:
        BadInput: the table has no such column, or the file cannot be written.
    """
    write_page(sweep_html(frame, objective, up_colour=up), Path(path))
    return Path(path)


def _sets(
    frame: pl.DataFrame, names: Sequence[str], objective: str
) -> list[tuple[dict[str, Value], float | None]]:
    rows = frame.select(*names, pl.col(objective).cast(pl.Float64).alias("value of the objective")).rows()
    return [(dict(zip(names, row, strict=False)), row[-1]) for row in rows]


def _pairs(sets: Sets, names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of parameters; of many, those of the parameters whose values move the figure's mean most."""
    vary = [name for name in names if len({each[name] for each, _ in sets}) > 1]
    ordered = sorted(vary, key=lambda name: -_spread(sets, name))
    return list(combinations(ordered, 2))[:MOST_MAPS]


def _spread(sets: Sets, name: str) -> float:
    groups: dict[Value, list[float]] = {}
    for parameters, value in sets:
        if value is not None:
            groups.setdefault(parameters[name], []).append(value)
    means = [sum(each) / len(each) for each in groups.values()]
    return max(means, default=0.0) - min(means, default=0.0)


def _map_panels(number: int, found: StabilityMap, objective: str) -> list[Panel]:
    return [
        _heat(f"panel-map-{number}", found, found.values, objective),
        _heat(f"panel-worst-{number}", found, found.neighbours_worst, f"worst neighbour's {objective}"),
    ]


def _heat(panel_id: str, found: StabilityMap, values: Sequence[Sequence[float | None]], name: str) -> Panel:
    trace: Json = {
        "type": "heatmap",
        "x": [str(value) for value in found.x_values],
        "y": [str(value) for value in found.y_values],
        "z": [list(row) for row in values],
        "colorscale": [[0, "@down"], [0.5, "@panel"], [1, "@up"]],
        "zmid": 0,
        "hoverongaps": False,
        "hovertemplate": f"{escape(found.x)} %{{x}}, {escape(found.y)} %{{y}}: %{{z:,.4~f}}<extra></extra>",
        "colorbar": {"tickfont": {"color": "@quiet"}, "outlinewidth": 0, "thickness": 12},
    }
    layout: Json = {
        "title": {"text": escape(name), "font": {"size": 13}},
        "xaxis": {"type": "category", "title": {"text": escape(found.x)}},
        "yaxis": {"type": "category", "title": {"text": escape(found.y)}},
    }
    return Panel(panel_id, [trace], layout)


def _map_section(number: int, found: StabilityMap, objective: str) -> str:
    held = ", ".join(f"{name}={value}" for name, value in found.fixed.items())
    label = f"{objective} over {found.x} and {found.y}"
    places = place(f"panel-map-{number}", label) + place(
        f"panel-worst-{number}", f"{label}: the worst neighbour"
    )
    said = [f"Highest at {_words(found.best)}", f"highest worst neighbour at {_words(found.safest)}"]
    note = "; ".join(said) + (f"; held at {held}" if held else "")
    return _section(
        f"{escape(found.x)} and {escape(found.y)}",
        f'<div class="pair">{places}</div><p class="hint">{escape(note)}. Left: each set. Right: the worst of '
        "the up to eight around it; a plateau stays, a lonely peak goes.</p>",
    )


def _words(parameters: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())


def _parallel(sets: Sets, names: Sequence[str], objective: str) -> Panel:
    said = sorted(((each, value) for each, value in sets if value is not None), key=lambda each: each[1])
    best, rest = said[-MOST_LINES // 4 :], said[: -MOST_LINES // 4]
    shown = [*rest[:: max(1, -(-len(rest) // MOST_LINES))], *best]
    values = [value for _, value in shown]
    dimensions: list[Json] = [_dimension(name, [each[name] for each, _ in shown]) for name in names]
    dimensions.append({"label": escape(objective), "values": values})
    trace: Json = {
        "type": "parcoords",
        "dimensions": dimensions,
        "line": {"color": values, "colorscale": [[0, "@down"], [0.5, "@quiet"], [1, "@up"]], "cmid": 0},
        "labelfont": {"color": "@text"},
        "tickfont": {"color": "@quiet"},
        "rangefont": {"color": "@quiet"},
    }
    return Panel("panel-parallel", [trace], {"margin": {"l": 70, "r": 70, "t": 50, "b": 30}})


def _dimension(name: str, values: Sequence[Value]) -> Json:
    """An axis of numbers, or of words in places of their own."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return {"label": escape(name), "values": list(values)}
    words = sorted({str(value) for value in values})
    at = {word: number for number, word in enumerate(words)}
    return {
        "label": escape(name),
        "values": [at[str(value)] for value in values],
        "tickvals": list(at.values()),
        "ticktext": words,
    }


def _best_table(frame: pl.DataFrame, names: Sequence[str], objective: str) -> str:
    figures = [name for name in FIGURES if name in frame.columns and name != objective]
    columns = [*names, objective, *figures[:6]]
    best = frame.filter(pl.col(objective).is_not_null()).sort(objective, descending=True).head(MOST_ROWS)
    rows = [
        (f"{number}", *(_cell(value) for value in row))
        for number, row in enumerate(best.select(columns).rows(), 1)
    ]
    return f'<div class="wide">{table(rows, ("", *(escape(name) for name in columns)))}</div>'


def _cell(value: Value | None) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return escape(str(value))
    if isinstance(value, int) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:,.4g}"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>\n"
