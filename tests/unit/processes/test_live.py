"""What the processes of a live run share, and how a recorder mends what a dead one left."""

import fcntl
from pathlib import Path

import pytest

from autofutures.bus.codec import Outbox
from autofutures.domain.units import SECOND
from autofutures.ops.children import STARTING_NS
from autofutures.ops.folder import Machine
from autofutures.processes.live import LiveClock, Pulse, await_lock
from autofutures.processes.live_recorder import Reel, mend
from autofutures.processes.stream import LENGTH, read_stream
from autofutures.seats.port import BEAT_NS
from autofutures.telemetry.logs import Log
from tests.makers import OPEN, tick


@pytest.fixture(autouse=True)
def collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own process keeps its collector."""
    for name in ("collect", "freeze", "disable"):
        monkeypatch.setattr(f"gc.{name}", lambda *_: 0)


def test_the_hour_of_a_run_is_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autofutures.clock.now_ns", lambda: 100)
    assert LiveClock(Machine(sockets="", keys="", state="", clock_offset_ns=-30)).now() == 70


def test_a_beat_is_due_at_once_and_then_after_each_pause() -> None:
    pulse = Pulse(1_000)
    assert [pulse.is_due(at) for at in (1_000, 1_001, 1_000 + BEAT_NS)] == [True, False, True]
    assert not pulse.is_late(1_000 + 3 * BEAT_NS)
    assert pulse.is_late(1_001 + 3 * BEAT_NS)


def test_a_process_listens_until_its_next_beat_or_timer() -> None:
    pulse = Pulse(0)
    pulse.is_due(0)
    assert pulse.wait_ms(0) == 100
    assert pulse.wait_ms(0, 1_500_000) == 2
    assert pulse.wait_ms(BEAT_NS + 5) == 0


def test_a_file_is_waited_for_until_its_former_owner_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    waits: list[int] = []
    with (tmp_path / "journal.sqlite.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def let_go(duration: int) -> None:
            waits.append(duration)
            fcntl.flock(lock, fcntl.LOCK_UN)

        monkeypatch.setattr("autofutures.clock.sleep_ns", let_go)
        await_lock(path, Log(tmp_path / "log", "trader"))
    assert len(waits) == 1
    assert "waits for the former life" in (tmp_path / "log").read_text()


def test_a_former_life_is_waited_for_longer_than_the_supervisor_bears_with_anyone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, log = tmp_path / "journal.sqlite", tmp_path / "log"
    path.touch()
    hour = [0]
    monkeypatch.setattr("autofutures.clock.stopwatch_ns", lambda: hour[0])
    monkeypatch.setattr("autofutures.clock.sleep_ns", lambda _: hour.append(hour.pop() + SECOND))
    with (tmp_path / "journal.sqlite.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        await_lock(path, Log(log, "trader"))
    assert hour[0] > STARTING_NS
    assert [word in log.read_text() for word in ("waits for the former life", "has not let go")] == [
        True,
        True,
    ]


def test_a_torn_end_is_cut_off_and_the_numbers_reached_are_known(tmp_path: Path) -> None:
    path, outbox = tmp_path / "stream.msgpack", Outbox("trader", 3)
    with path.open("wb") as stream:
        reel = Reel(stream)
        for number in range(5):
            reel.write(outbox.frame((tick(17_400 + number), tick()), OPEN))
        whole = stream.tell()
        stream.write(LENGTH.pack(500) + b"half a frame")

    torn, seen = mend(path)

    assert torn == LENGTH.size + len(b"half a frame")
    assert path.stat().st_size == whole
    assert seen == {("trader.market", 3): 10}
    assert len(list(read_stream(path))) == 10
    assert mend(path) == (0, seen)
    assert mend(tmp_path / "none") == (0, {})
