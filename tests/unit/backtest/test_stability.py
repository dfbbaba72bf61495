import pytest

from autofutures.backtest.stability import stability_map
from autofutures.config import Value
from autofutures.domain.errors import BadInput

Sets = list[tuple[dict[str, Value], float | None]]


def grid(rows: list[list[float | None]]) -> Sets:
    return [
        ({"fast": column, "slow": 10 * row}, value)
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
    ]


PEAK_AND_PLATEAU = grid(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 9.0, 0.0, 7.0, 7.0],
        [0.0, 0.0, 0.0, 7.0, 7.0],
    ]
)


def test_a_lonely_peak_is_the_highest_and_a_plateau_the_safest() -> None:
    found = stability_map(PEAK_AND_PLATEAU, "fast", "slow", {})
    assert found.best == {"fast": 1, "slow": 10}
    assert found.safest in ({"fast": 4, "slow": 20}, {"fast": 4, "slow": 10}, {"fast": 3, "slow": 20})
    assert found.plateau[1][1] == 0.0
    corner = found.plateau[2][4]
    assert corner == 1.0
    assert found.neighbours_mean[2][4] == 7.0
    assert found.neighbours_worst[1][1] == 0.0


def test_only_what_stands_above_the_median_can_be_a_plateau() -> None:
    found = stability_map(PEAK_AND_PLATEAU, "fast", "slow", {})
    assert found.plateau[0] == [None] * 5


def test_rows_and_columns_are_in_order_of_their_values() -> None:
    sets: Sets = [({"a": a, "b": b}, float(a)) for a in (10, 9, 2) for b in ("y", "x")]
    found = stability_map(sets, "a", "b", {})
    assert (found.x_values, found.y_values) == ([2, 9, 10], ["x", "y"])
    assert found.values == [[2.0, 9.0, 10.0]] * 2


def test_other_parameters_are_held_where_they_are_wanted() -> None:
    sets: Sets = [
        ({"a": a, "b": b, "c": c}, float(a + b + c)) for a in (0, 1) for b in (0, 1) for c in (0, 5)
    ]
    found = stability_map(sets, "a", "b", {"a": 1, "b": 1, "c": 0})
    assert found.fixed == {"c": 0}
    assert found.values == [[0.0, 1.0], [1.0, 2.0]]


def test_what_was_not_tried_or_says_nothing_is_left_open() -> None:
    found = stability_map([*grid([[1.0, None], [2.0, 3.0]])[:3]], "fast", "slow", {})
    assert found.values == [[1.0, None], [2.0, None]]
    assert found.neighbours_mean[0][0] == 2.0


@pytest.mark.parametrize(
    ("sets", "x", "y", "said"),
    [
        (PEAK_AND_PLATEAU, "fast", "slwo", "'slwo' is no parameter of this search; there are: fast, slow"),
        (PEAK_AND_PLATEAU, "fast", "fast", "two different parameters"),
        (grid([[None, None]]), "fast", "slow", "no set of this map has a figure"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_refused(sets: Sets, x: str, y: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        stability_map(sets, x, y, {})
