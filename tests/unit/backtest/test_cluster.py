"""A real cluster on loopback: its workers are processes, and one of them is killed."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from autofutures.backtest.cluster import Cluster, evaluate_alike, workers_of
from autofutures.backtest.fingerprint import fingerprint
from autofutures.backtest.objective import SetResult
from autofutures.backtest.results import Results
from autofutures.backtest.sweep import sweep
from autofutures.backtest.workers import Chunk, run_one_by_one
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput, Refusal
from tests.runs import generated
from tests.unit.backtest.searches import plan

RUN = generated(limit=80)


class Killing(Cluster):
    """Kills one worker of the cluster as soon as the first answer is there."""

    killed = 0

    def results(self, run: RunSettings, chunks: Sequence[Chunk]) -> Iterator[list[SetResult]]:
        for answer in super().results(run, chunks):
            if not self.killed:
                pids: dict[str, int] = self._client.run(os.getpid)  # type: ignore[attr-defined]
                self.killed = next(iter(pids.values()))
                os.kill(self.killed, signal.SIGKILL)
            yield answer


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=":0",
        scheduler_kwargs={"dashboard": False},
        silence_logs=50,
    ) as cluster:
        yield cluster.scheduler_address


def test_a_worker_that_is_killed_in_the_middle_costs_only_time(address: str, tmp_path: Path) -> None:
    asked = plan("fast=1:4", "slow=5:8", run=RUN)
    workers = Killing("nodes", address)
    try:
        with Results.open(f"sqlite:///{tmp_path / 'results.sqlite'}") as results:
            found = sweep(asked, results, workers)
    finally:
        workers.close()
    assert workers.killed
    assert len(found.results) == 16
    alone = run_one_by_one(RUN, [one.parameters for one in found.results])
    assert [one.summary for one in found.results] == [one.summary for one in alone]
    assert [one.profits for one in found.results] == [one.profits for one in alone]


def test_a_worker_with_other_data_or_code_does_not_answer() -> None:
    found = fingerprint(RUN)
    assert evaluate_alike("nodes", RUN, [{"fast": 1}], found.data, found.code)
    with pytest.raises(Refusal, match="has other code than this machine"):
        evaluate_alike("nodes", RUN, [{"fast": 1}], found.data, "other")
    with pytest.raises(Refusal, match="has other data than this machine"):
        evaluate_alike("nodes", RUN, [{"fast": 1}], "other", found.code)


def test_where_no_scheduler_answers_it_is_said_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autofutures.backtest.cluster.CONNECT_S", 0.2)
    for nowhere in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(BadInput, match="start one with `dask scheduler`"):
            workers_of("nodes", 1, nowhere)


def test_without_dask_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"pip install 'autofutures\[sweep\]'"):
        workers_of("nodes", 1, "tcp://127.0.0.1:8786")


def test_a_scheduler_without_a_worker_is_said_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("autofutures.backtest.cluster.WORKERS_S", 0.2)
    empty = distributed.LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address=":0", scheduler_kwargs={"dashboard": False}
    )
    with (
        empty,
        pytest.raises(Refusal, match=r"has no worker: start some with `dask worker tcp://127\.0\.0\.1"),
    ):
        workers_of("nodes", 1, empty.scheduler_address)
