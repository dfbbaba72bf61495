import multiprocessing
import os
import signal
from pathlib import Path

import msgspec
import pytest

from autofutures.backtest import runner
from autofutures.backtest.cluster import workers_of
from autofutures.backtest.space import ParameterSet, applied
from autofutures.backtest.workers import Here, Processes, engine_of, evaluate, run_one_by_one
from autofutures.config import StrategySettings
from autofutures.domain.errors import BadInput, Refusal
from tests.runs import TXF, generated
from tests.unit.backtest.searches import plan

SETS: list[ParameterSet] = [{"fast": 1, "slow": 3}, {"fast": 2, "slow": 5}, {"fast": 2, "slow": 9}]
RUN = generated(limit=80)


def test_each_result_equals_that_of_a_run_of_its_own() -> None:
    for parameters, found in zip(SETS, run_one_by_one(RUN, SETS), strict=True):
        alone = runner.run(applied(RUN, parameters)).summary
        assert found.summary == alone
        assert found.parameters == parameters


def test_processes_answer_as_this_process_does_and_are_gone_afterwards() -> None:
    expected = {str(one.parameters): one.summary for one in run_one_by_one(RUN, SETS)}
    workers = Processes("nodes", 2)
    try:
        found = [one for some in workers.results(RUN, [[one] for one in SETS]) for one in some]
    finally:
        workers.close()
    assert {str(one.parameters): one.summary for one in found} == expected
    assert multiprocessing.active_children() == []


def test_a_search_that_is_left_in_the_middle_leaves_no_process_behind() -> None:
    workers = Processes("nodes", 2)
    answers = workers.results(RUN, [[one] for one in SETS * 5])
    assert len(next(iter(answers))) == 1
    workers.close()
    assert multiprocessing.active_children() == []


def test_processes_do_not_hear_the_ctrl_c_that_a_terminal_tells_to_all() -> None:
    workers = Processes("nodes", 1)
    answers = workers.results(RUN, [[one] for one in SETS])
    first = next(iter(answers))
    for process in multiprocessing.active_children():
        os.kill(process.pid or 0, signal.SIGINT)
    assert len([*first, *(one for some in answers for one in some)]) == len(SETS)
    workers.close()


def test_a_process_that_was_killed_is_a_sentence() -> None:
    workers = Processes("nodes", 1)
    answers = workers.results(RUN, [[one] for one in SETS * 5])
    next(iter(answers))
    for process in multiprocessing.active_children():
        process.kill()
    with pytest.raises(Refusal, match="a process of the search was killed"):
        list(answers)
    workers.close()


def test_an_error_in_a_strategy_names_the_set(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text(
        "from autofutures.strategies.base import Strategy\n"
        "class Broken(Strategy):\n"
        "    size: int = 1\n"
        "    def on_tick(self, tick, ctx):\n"
        "        1 // (self.size - 2)\n"
    )
    run = msgspec.structs.replace(
        RUN, strategies=(StrategySettings(name="b", use=f"{path}:Broken", symbols=(TXF,)),)
    )
    with pytest.raises(ZeroDivisionError) as caught:
        evaluate("nodes", run, [{"size": 1}, {"size": 2}])
    assert caught.value.__notes__ == ["in the set size=2"]


def test_one_job_needs_no_other_process() -> None:
    assert isinstance(workers_of("nodes", 1), Here)
    assert workers_of("nodes", 1).close() is None  # type: ignore[func-returns-value]


def test_an_engine_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="there is no engine 'steam' for a search; there are nodes"):
        engine_of("steam")
    assert plan().engine == "nodes"
