"""Maps a search over two of its parameters: whether its best set stands on a plateau or on a lonely peak."""

from collections.abc import Mapping, Sequence
from statistics import fmean, median

import msgspec

from autofutures.domain.errors import BadInput

Value = int | float | bool | str
Cell = float | None

LEAST_NEIGHBOURS = 3
"""What a corner has: a cell with fewer says nothing of a plateau."""


class StabilityMap(msgspec.Struct, frozen=True):
    """A table for each figure: `[row of y][column of x]`; None where no set was tried, or it cannot say."""

    x: str
    y: str
    fixed: dict[str, Value]
    """The other parameters, and where they were held."""
    x_values: list[Value]
    y_values: list[Value]
    values: list[list[Cell]]
    neighbours_mean: list[list[Cell]]
    """The mean of the up to eight cells around one."""
    neighbours_worst: list[list[Cell]]
    plateau: list[list[Cell]]
    """How much of a cell's height above the map's median its neighbours share: 1 and more on a plateau, 0 on a
    lonely peak, below 0 beside a pit. None of a cell that does not stand above the median."""
    best: dict[str, Value]
    """The highest cell."""
    safest: dict[str, Value]
    """The cell whose worst neighbour, itself included, is the highest; it has three neighbours where the map allows."""


def stability_map(
    sets: Sequence[tuple[Mapping[str, Value], float | None]], x: str, y: str, fixed: Mapping[str, Value]
) -> StabilityMap:
    """The map of an objective that is the better the higher, over parameters `x` and `y`.

    Args:
        sets: parameters and what the objective says of them.
        x: the parameter of the columns.
        y: the parameter of the rows.
        fixed: values of the other parameters; sets with other ones are left out.

    Raises:
        BadInput: a parameter is not one of the search, or no set says anything.
    """
    for name in (x, y):
        if not all(name in parameters for parameters, _ in sets):
            known = ", ".join(sets[0][0]) if sets else "none"
            raise BadInput(f"{name!r} is no parameter of this search; there are: {known}")
    if x == y:
        raise BadInput(f"{x!r} twice: a map is over two different parameters")
    held = {name: value for name, value in fixed.items() if name not in {x, y}}
    cells = {
        (parameters[x], parameters[y]): value
        for parameters, value in sets
        if all(parameters.get(name) == wanted for name, wanted in held.items())
    }
    if not any(value is not None for value in cells.values()):
        raise BadInput("no set of this map has a figure: choose another objective, or more data")
    return _mapped(cells, x, y, held)


def _mapped(
    cells: Mapping[tuple[Value, Value], Cell], x: str, y: str, held: dict[str, Value]
) -> StabilityMap:
    x_values = sorted({column for column, _ in cells}, key=_order)
    y_values = sorted({row for _, row in cells}, key=_order)
    values = [[cells.get((column, row)) for column in x_values] for row in y_values]
    places = [(row, column) for row in range(len(y_values)) for column in range(len(x_values))]
    around = {place: _around(values, *place) for place in places}
    known = {(row, column): value for row, column in places if (value := values[row][column]) is not None}
    middle = median(known.values())

    def table(figure: Mapping[tuple[int, int], Cell]) -> list[list[Cell]]:
        return [
            [figure.get((row, column)) for column in range(len(x_values))] for row in range(len(y_values))
        ]

    best = max(known, key=lambda place: known[place])
    enough = min(LEAST_NEIGHBOURS, max(len(around[place]) for place in known))
    judged = [place for place in known if len(around[place]) >= enough]
    safest = max(judged, key=lambda place: min([known[place], *around[place]]))
    return StabilityMap(
        x=x,
        y=y,
        fixed=held,
        x_values=x_values,
        y_values=y_values,
        values=values,
        neighbours_mean=table({place: fmean(near) for place, near in around.items() if near}),
        neighbours_worst=table({place: min(near) for place, near in around.items() if near}),
        plateau=table({place: _plateau(value, around[place], middle) for place, value in known.items()}),
        best={x: x_values[best[1]], y: y_values[best[0]]},
        safest={x: x_values[safest[1]], y: y_values[safest[0]]},
    )


def _around(values: Sequence[Sequence[Cell]], row: int, column: int) -> list[float]:
    rows = range(max(0, row - 1), min(len(values), row + 2))
    columns = range(max(0, column - 1), min(len(values[0]), column + 2))
    found = [values[r][c] for r in rows for c in columns if (r, c) != (row, column)]
    return [value for value in found if value is not None]


def _plateau(value: float, near: Sequence[float], middle: float) -> Cell:
    return (fmean(near) - middle) / (value - middle) if near and value > middle else None


def _order(value: Value) -> tuple[int, float, str]:
    """Numbers by size, before texts by letter."""
    return (1, 0.0, value) if isinstance(value, str) else (0, float(value), "")
