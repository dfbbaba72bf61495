"""Folds against AFML's own figures and against skfolio; what was compared is named in each test."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.cross_validation import (
    Combinatorial,
    as_combinatorial,
    combinatorial_folds,
    horizon,
    purged_folds,
    validate,
)
from autofutures.backtest.objective import Profits
from autofutures.domain.errors import BadInput


def test_the_paths_of_lopez_de_prado_2018_figures_12_1_and_12_2() -> None:
    # Six groups, two of them tested: 15 splits and 5 paths. Figure 12.2 gives group G1 the splits S1 to S5 for paths
    # 1 to 5, and G2 the splits S1, S6, S7, S8, S9; here splits count from 0.
    found = combinatorial_folds(horizon(60, 0), groups=6, tests=2)
    assert len(found.splits) == 15
    assert len(found.paths) == 5
    assert [path[0] for path in found.paths] == [0, 1, 2, 3, 4]
    assert [path[1] for path in found.paths] == [0, 5, 6, 7, 8]
    assert [path[5] for path in found.paths] == [4, 8, 11, 13, 14]


@pytest.mark.parametrize(("groups", "tests", "paths"), [(6, 2, 5), (10, 2, 9), (6, 3, 10), (10, 5, 126)])
def test_there_are_as_many_paths_as_the_formula_says(groups: int, tests: int, paths: int) -> None:
    # AFML 12.4.1: φ[N, k] = C(N, k)·k/N; with k = 2, N - 1.
    assert len(combinatorial_folds(horizon(100, 0), groups, tests).paths) == paths


@pytest.mark.parametrize(
    ("number", "train"),
    [
        (0, [*range(21, 40)]),
        (1, [13, 14, *range(29, 40)]),
        (4, [*range(7), *range(29, 40)]),
        (5, [*range(7), 21, 22, 37, 38, 39]),
        (8, [*range(15), 29, 30]),
        (9, [*range(23)]),
    ],
)
def test_splits_with_purge_and_embargo_equal_those_of_skfolio(number: int, train: list[int]) -> None:
    # skfolio 1.12.2: CombinatorialPurgedCV(n_folds=5, n_test_folds=2, purged_size=1, embargo_size=4) over 40 rows.
    found = combinatorial_folds(horizon(40, 1), groups=5, tests=2, embargo=4)
    assert found.splits[number].train.tolist() == train


@given(st.integers(12, 80), st.integers(2, 6), st.integers(1, 3), st.integers(0, 5), st.integers(0, 5))
def test_no_outcome_is_in_both_train_and_test(
    count: int, groups: int, tests: int, reach: int, embargo: int
) -> None:
    if tests >= groups:
        return
    ends = horizon(count, reach)
    for split in combinatorial_folds(ends, groups, tests, embargo).splits:
        tested = {spot for begin in split.test for spot in range(begin, ends[begin] + 1)}
        trained = {spot for begin in split.train for spot in range(begin, ends[begin] + 1)}
        assert not tested & trained
        after = {end + k for end in tested if end + 1 not in tested for k in range(1, embargo + 1)}
        assert not after & set(split.train.tolist())


@given(st.integers(10, 60), st.integers(2, 7))
def test_folds_test_every_observation_once_and_train_on_all_others_where_nothing_reaches(
    count: int, folds: int
) -> None:
    splits = purged_folds(horizon(count, 0), folds)
    assert np.concatenate([split.test for split in splits]).tolist() == list(range(count))
    for split in splits:
        assert sorted([*split.train, *split.test]) == list(range(count))


def test_outcomes_may_reach_differently_far() -> None:
    # The third outcome is known only at the eighth observation, so it must not teach what is tested there.
    ends = np.array([0, 1, 7, 3, 4, 5, 6, 7, 8, 9])
    first, second = purged_folds(ends, 2)
    assert first.train.tolist() == [8, 9]
    assert second.train.tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("count", "groups", "tests", "embargo", "said"),
    [
        (5, 6, 2, 0, "6 groups of 5 observations: give from 2 to 5"),
        (9, 1, 1, 0, "1 groups"),
        (9, 3, 3, 0, "leave at least one to train on"),
        (90, 30, 15, 0, "choose fewer groups"),
        (9, 3, 1, -1, "an embargo of -1"),
    ],
)
def test_folds_that_cannot_be_are_refused(
    count: int, groups: int, tests: int, embargo: int, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        combinatorial_folds(horizon(count, 0), groups, tests, embargo)


def test_an_outcome_does_not_end_before_it_begins() -> None:
    with pytest.raises(BadInput, match="ends before it begins"):
        purged_folds(np.array([0, 0, 2, 3]), 2)


def profits(*columns: list[float]) -> Profits:
    return Profits(list(range(len(columns[0]))), np.array(columns).T)


def test_a_pick_is_judged_by_what_it_was_not_chosen_on() -> None:
    # The first set makes all its money in the first half, the second in the second.
    halves = profits([4.0, 4.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0])
    found = validate(halves, "net_pnl", as_combinatorial(purged_folds(horizon(4, 0), 2)))
    assert found.picked == [1, 0]
    assert found.in_sample == [1.0, 4.0]
    assert found.out_of_sample == [0.0, 0.0]
    assert found.efficiency == 0.0
    assert found.share_won == 0.0
    assert found.paths == [0]


def test_a_set_that_is_always_better_keeps_what_it_made() -> None:
    better = profits([1.0] * 12, [2.0] * 12)
    folds = combinatorial_folds(horizon(12, 0), 4, 2)
    found = validate(better, "net_pnl", folds)
    assert set(found.picked) == {1}
    assert found.efficiency == 1.0
    assert found.paths == [24, 24, 24]
    assert found.path_sharpes == [None, None, None]


def test_where_no_objective_can_be_told_nothing_is_picked_and_nothing_is_made() -> None:
    short = profits([1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 1.0, 1.0])
    found = validate(short, "sharpe", as_combinatorial(purged_folds(horizon(4, 0), 2)))
    assert found.picked == [None, None]
    assert (found.efficiency, found.paths) == (None, [0])


def test_purging_all_there_is_to_train_on_is_refused() -> None:
    with pytest.raises(BadInput, match="leave a split nothing to train on"):
        validate(profits([1.0] * 4), "net_pnl", as_combinatorial(purged_folds(horizon(4, 4), 2)))


def test_paths_follow_each_other_in_time() -> None:
    found: Combinatorial = combinatorial_folds(horizon(50, 2), 5, 2)
    assert all(one[-1] + 1 == other[0] for one, other in pairwise(found.groups))
