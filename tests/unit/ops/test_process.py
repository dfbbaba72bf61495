import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autofutures.domain.errors import BadInput
from autofutures.ops.process import ENDED_BY_SIGNAL, Life, Log, Orphaned, Signalled, run_process


class Says:
    """A link that is silent for some breaths."""

    def __init__(self, silences: int) -> None:
        self.silences = silences

    def receive(self, timeout_ms: int = -1) -> bytes | None:
        if not self.silences:
            return b"news"
        self.silences -= 1
        return None


@pytest.fixture(autouse=True)
def interrupt() -> Iterator[None]:
    """Ctrl-C as it was before."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr(sys, "argv", ["process", "--run", str(tmp_path)])
    return tmp_path


def events(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_text("utf-8").splitlines()]


def test_a_process_waits_as_long_as_its_supervisor_lives() -> None:
    link = Says(silences=3)
    assert Life().wait_for(link) == b"news"
    assert link.silences == 0


def test_an_orphan_stops_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life()
    life.check()
    monkeypatch.setattr("os.getppid", lambda: 1)
    with pytest.raises(Orphaned):
        life.wait_for(Says(silences=3))


def test_an_orphan_does_not_go_on_though_there_is_always_news(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life()
    monkeypatch.setattr("os.getppid", lambda: 1)
    with pytest.raises(Orphaned):
        life.wait_for(Says(silences=0))


def test_a_process_is_given_its_run_its_name_and_a_log(run: Path) -> None:
    given: list[tuple[Path, str]] = []

    def body(folder: Path, name: str, log: Log) -> None:
        given.append((folder, name))
        log.info("works")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    run_process("recorder", body)
    assert given == [(run, "recorder")]
    assert events(run / "logs" / "recorder.jsonl") == ["started", "works", "ended"]


def test_one_of_several_has_a_log_of_its_own(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["process", "--run", str(run), "--name", "mine/two"])
    run_process("strategy", lambda folder, name, log: None)
    path = run / "logs" / "strategy-mine-two.jsonl"
    assert events(path) == ["started", "ended"]
    assert json.loads(path.read_text().splitlines()[0])["process"] == "strategy/mine/two"


def test_an_error_is_logged_and_the_process_dies_of_it(run: Path) -> None:
    def body(folder: Path, name: str, log: Log) -> None:
        raise ZeroDivisionError("by nought")

    with pytest.raises(ZeroDivisionError):
        run_process("trader", body)
    path = run / "logs" / "trader.jsonl"
    assert events(path) == ["started", "died"]
    assert "ZeroDivisionError: by nought" in path.read_text()


def test_an_orphan_ends_in_order(run: Path) -> None:
    def body(folder: Path, name: str, log: Log) -> None:
        raise Orphaned

    run_process("trader", body)
    assert events(run / "logs" / "trader.jsonl") == ["started", "orphaned", "ended"]


def test_a_process_that_is_ended_by_a_signal_has_not_done_its_work(run: Path) -> None:
    """Its supervisor lives, and must start it again: an end in order would leave the machine without it."""

    def body(folder: Path, name: str, log: Log) -> None:
        raise Signalled

    with pytest.raises(SystemExit) as end:
        run_process("gateway", body)
    assert end.value.code == ENDED_BY_SIGNAL
    assert events(run / "logs" / "gateway.jsonl") == ["started", "ended by a signal"]


def test_an_orphan_whose_peers_went_first_ends_in_order_too(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def body(_run: Path, _name: str, _log: Log) -> None:
        monkeypatch.setattr("os.getppid", lambda: 1)
        raise BrokenPipeError("the recorder has gone")

    run_process("trader", body)

    assert events(run / "logs" / "trader.jsonl") == ["started", "orphaned"]


def test_a_process_without_a_run_says_what_it_wants(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["process"])
    with pytest.raises(SystemExit):
        run_process("trader", lambda folder, name, log: None)
    assert "--run" in capsys.readouterr().err


def test_a_process_says_on_its_pipe_that_it_works_but_not_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = os.pipe()
    monkeypatch.setattr(Life, "pulse", theirs)
    life = Life()
    for _ in range(100):
        life.check()
    os.close(theirs)
    assert os.read(ours, 100) == b"."
    os.close(ours)


def test_a_pipe_that_nobody_reads_is_no_reason_to_wait_and_one_that_is_gone_makes_an_orphan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(theirs, bytes(4_096))
    monkeypatch.setattr(Life, "pulse", theirs)
    Life().check()
    os.close(ours)
    with pytest.raises(Orphaned):
        Life().check()
    os.close(theirs)


def test_what_a_process_cannot_work_with_is_told_from_its_death_by_the_exit_code(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def body(_run: Path, _name: str, _log: Log) -> None:
        raise BadInput("the journal is damaged")

    with pytest.raises(SystemExit) as ended:
        run_process("trader", body)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "the journal is damaged\n"
    assert events(run / "logs" / "trader.jsonl") == ["started", "refused"]
