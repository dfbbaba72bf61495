import sys
from collections.abc import Callable

import pytest

from autofutures.backtest.search import BATCH, SAMPLERS, Method, Takes, proposals
from autofutures.backtest.space import ParameterSet, parse_space
from autofutures.domain.errors import BadInput

SPACE = parse_space(["fast=1:20", "slow=1:20"])


def below(parameters: ParameterSet) -> bool:
    return int(parameters["fast"]) < int(parameters["slow"])


def hill(parameters: ParameterSet) -> float | None:
    """Highest at fast 7, slow 13; nothing is to be said of slow 20."""
    if parameters["slow"] == 20:
        return None
    return -abs(int(parameters["fast"]) - 7.0) - abs(int(parameters["slow"]) - 13.0)


def proposed(
    method: Method,
    takes: Takes = below,
    figure: Callable[[ParameterSet], float | None] = hill,
    grid: tuple[str, ...] = ("fast=1:20", "slow=1:20"),
    *,
    lower: bool = False,
) -> list[list[ParameterSet]]:
    asking = proposals(method, parse_space(grid), takes, lower_is_better=lower)
    batches = [next(asking)]
    while True:
        try:
            batches.append(asking.send([figure(parameters) for parameters in batches[-1]]))
        except StopIteration:
            return batches


def test_a_grid_proposes_every_set_that_is_taken_at_once() -> None:
    (batch,) = proposed(Method())
    assert len(batch) == 190
    assert all(below(parameters) for parameters in batch)


def test_a_random_search_draws_different_sets_and_the_same_ones_from_the_same_seed() -> None:
    (batch,) = proposed(Method("random", 50, 3))
    assert len({tuple(parameters.values()) for parameters in batch}) == 50
    assert all(below(parameters) for parameters in batch)
    assert proposed(Method("random", 50, 3)) == [batch]
    assert proposed(Method("random", 50, 4)) != [batch]


def test_a_random_search_of_a_small_space_ends_with_all_of_it() -> None:
    (batch,) = proposed(Method("random", 500, 1), grid=("fast=1:3", "slow=1:3"))
    assert sorted(tuple(parameters.values()) for parameters in batch) == [(1, 2), (1, 3), (2, 3)]


def test_a_random_search_of_a_stepless_range_stays_within_it() -> None:
    (batch,) = proposed(Method("random", 30, 1), lambda _: True, lambda _: None, ("width=0.5:2.5",))
    assert all(0.5 <= float(parameters["width"]) <= 2.5 for parameters in batch)
    assert len(batch) == 30


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_optuna_proposes_what_is_taken_in_batches_the_same_from_the_same_seed(sampler: str) -> None:
    batches = proposed(Method(f"optuna:{sampler}", 20, 5))
    assert [len(batch) for batch in batches] == [BATCH, BATCH, 4]
    assert all(below(parameters) for batch in batches for parameters in batch)
    assert proposed(Method(f"optuna:{sampler}", 20, 5)) == batches


def test_optuna_finds_the_hill_and_where_low_is_good_the_valley() -> None:
    def best(*, lower: bool) -> float:
        def figure(parameters: ParameterSet) -> float | None:
            height = hill(parameters)
            return None if height is None else -height if lower else height

        batches = proposed(Method("optuna:tpe", 80, 1), figure=figure, lower=lower)
        return max(height for batch in batches for one in batch if (height := hill(one)) is not None)

    assert best(lower=False) >= -2.0
    assert best(lower=True) >= -2.0


def test_optuna_knows_texts_flags_and_stepless_ranges() -> None:
    grid = ("how=up,down", "night=true,false", "width=0.5:2.5", "step=0.1:0.5:0.1")
    batches = proposed(Method("optuna:tpe", 20, 1), lambda _: True, lambda one: float(one["width"]), grid)
    for parameters in (one for batch in batches for one in batch):
        assert parameters["how"] in {"up", "down"}
        assert parameters["night"] in {True, False}
        assert 0.5 <= float(parameters["width"]) <= 2.5
        assert parameters["step"] in {0.1, 0.2, 0.3, 0.4, 0.5}


def test_optuna_gives_up_where_nothing_is_taken() -> None:
    assert proposed(Method("optuna:random", 5, 1), lambda _: False) == [[]]


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (Method("optuna:guess", 5), "no way to search called 'guess'; there are grid, random, tpe"),
        (Method("random", 0), "ask for at least 1"),
    ],
)
def test_a_method_that_is_none_is_refused(method: Method, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        proposed(method)


def test_without_optuna_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BadInput, match=r"pip install 'autofutures\[sweep\]'"):
        proposed(Method("optuna:tpe", 5))
