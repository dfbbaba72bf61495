from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from autofutures.backtest.objective import SetResult, ranked
from autofutures.backtest.results import Results
from autofutures.backtest.search import Method
from autofutures.backtest.sweep import Interrupted, sweep
from autofutures.backtest.workers import Chunk
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput, Refusal
from tests.runs import generated
from tests.unit.backtest.searches import Fake, plan


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Results]:
    with Results.open(f"sqlite:///{tmp_path / 'results.sqlite'}") as opened:
        yield opened


def test_a_grid_is_tried_whole_and_what_the_strategy_refuses_is_counted(results: Results) -> None:
    workers = Fake()
    found = sweep(plan(), results, workers)
    # fast 1 to 4 by slow 3 and 5: fast 3 and 4 are not below slow 3.
    assert [tuple(one.parameters.values()) for one in found.results] == [
        (1, 3), (1, 5), (2, 3), (2, 5), (3, 5), (4, 5),
    ]  # fmt: skip
    assert (found.refused, found.known, found.tried_on_data) == (2, 0, 6)
    assert found.reasons[0] == "fast=3 must be at least 1 and below slow=3"
    assert ranked(found.results, "net_pnl")[0].parameters == {"fast": 2, "slow": 3}
    stored = results.search(found.number)
    assert (stored.state, stored.tried, stored.refused) == ("done", 6, 2)
    assert results.sets(found.number) == found.results


def test_a_search_that_is_asked_for_again_runs_nothing(results: Results) -> None:
    first = sweep(plan(), results, Fake())
    again = Fake()
    found = sweep(plan(), results, again)
    assert again.asked == []
    assert (found.known, found.number, found.results) == (6, first.number, first.results)


def test_a_search_that_was_broken_off_keeps_what_it_has_and_goes_on(results: Results) -> None:
    stopped = Fake(stop_after=4)
    with pytest.raises(Interrupted) as broken:
        sweep(plan(), results, stopped)
    assert (broken.value.number, broken.value.stored) == (1, 4)
    assert (results.search(1).state, results.search(1).tried) == ("interrupted", 4)
    rest = Fake()
    found = sweep(plan(), results, rest)
    assert len(rest.asked) == 2
    assert (found.number, found.known, len(found.results)) == (1, 4, 6)
    assert results.sets(1) == found.results == sweep(plan(), results, Fake()).results
    assert results.search(1).state == "done"


def test_a_wider_search_runs_only_what_is_new_and_counts_all_that_was_tried(results: Results) -> None:
    sweep(plan("fast=1:2", "slow=3,5"), results, Fake())
    wider = Fake()
    found = sweep(plan("fast=1:3", "slow=5"), results, wider)
    assert wider.asked == [{"fast": 3, "slow": 5}]
    assert (found.known, len(found.results), found.tried_on_data) == (2, 3, 5)


def test_another_market_or_setting_runs_all_again(results: Results) -> None:
    sweep(plan(), results, Fake())
    for change in ({"seed": 2}, {"fee": 99}):
        workers = Fake()
        sweep(plan(run=msgspec.structs.replace(generated(), **change)), results, workers)
        assert len(workers.asked) == 6


def test_a_broken_off_optuna_search_goes_on_with_the_same_sets(results: Results, tmp_path: Path) -> None:
    asked = plan("fast=1:20", "slow=3:40", method=Method("optuna:tpe", 24, 7), objective="net_pnl")
    with Results.open(f"sqlite:///{tmp_path / 'whole.sqlite'}") as other:
        whole = sweep(asked, other, Fake())
    with pytest.raises(Interrupted):
        sweep(asked, results, Fake(stop_after=11))
    rest = Fake()
    found = sweep(asked, results, rest)
    assert found.results == whole.results
    assert len(rest.asked) == len(whole.results) - 11


def test_progress_hears_how_many_are_done_of_how_many(results: Results) -> None:
    told: list[tuple[int, int]] = []
    sweep(plan(), results, Fake(), lambda done, wanted: told.append((done, wanted)))
    assert told == [(n, 6) for n in range(1, 7)]


def test_an_error_of_a_set_ends_the_search_and_keeps_what_is_done(results: Results) -> None:
    class Failing(Fake):
        def results(self, run: RunSettings, chunks: Sequence[Chunk]) -> Iterator[list[SetResult]]:
            yield from super().results(run, chunks[:2])
            raise Refusal("a process died")

    with pytest.raises(Refusal):
        sweep(plan(), results, Failing())
    assert (results.search(1).state, results.search(1).tried) == ("interrupted", 2)


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (("fast=9,10", "slow=3,5"), "the strategy refuses every one of the 4 sets: fast=9 must be"),
        (("fats=1,2",), "no strategy of this run has such a setting"),
    ],
)
def test_a_search_for_nothing_is_refused(results: Results, grid: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        sweep(plan(*grid), results, Fake())
    assert results.searches() == []


def test_an_objective_that_is_none_is_refused_before_anything_runs(results: Results) -> None:
    with pytest.raises(BadInput, match="there is no objective 'luck'"):
        sweep(plan(objective="luck"), results, Fake())
