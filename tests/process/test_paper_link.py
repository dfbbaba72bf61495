"""A gateway's live link to a real exchange process: sessions begin, break and begin again, and nothing old arrives."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
import zmq

from autofutures import clock
from autofutures.assemble.market import begins_at
from autofutures.bus.curve import load_keys
from autofutures.config import RunSettings
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Filled,
    Gap,
    LinkChanged,
    Query,
    Rejected,
    SessionEnded,
    Snapshot,
    Submit,
    Tick,
)
from autofutures.domain.units import SECOND
from autofutures.matching.ledger import Statement
from autofutures.ops.folder import make_folder
from autofutures.ops.operator import Operator
from autofutures.venues.paper import PaperVenue
from tests.makers import submit
from tests.process.machine import alive
from tests.runs import TXF, generated

SOON_S = 20.0

Said = Sequence[AnyMessage]


class FarSide:
    """An exchange process, and the gateway's end of its link."""

    def __init__(self, place: Path, run: RunSettings, **options: bool) -> None:
        offset = begins_at(run) - clock.now_ns()
        self.folder = make_folder(place / "run", run, live=True, clock_offset_ns=offset, **options)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.heard: list[AnyMessage] = []
        command = [sys.executable, "-m", "autofutures.processes.exchange", "--run", str(self.folder.root)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.venue = self.new_gateway()

    def now(self) -> int:
        return clock.now_ns() + self.folder.machine().clock_offset_ns

    def new_gateway(self) -> PaperVenue:
        machine = self.folder.machine()
        keys = load_keys(Path(machine.keys), "gateway")
        self.venue = PaperVenue(self.context, self.folder.endpoint("exchange"), keys, self.now)
        return self.venue

    def until(self, true: Callable[[Said], bool]) -> list[AnyMessage]:
        """Everything that is heard from now on, until it is as it should be."""
        heard: list[AnyMessage] = []
        ends = time.monotonic() + SOON_S
        while not true(heard):
            assert time.monotonic() < ends, (
                f"after {SOON_S} s only {[m for m in heard if type(m) is not Tick]}"
            )
            self.venue.socket.poll(50)
            heard += [message for message, _ in self.venue.events()]
        return heard

    def order(self, client_id: str) -> Submit:
        order = submit(client_id, at=self.now(), symbol=TXF)
        self.venue.send(order)
        return order

    def ask(self, what: str) -> dict[str, object]:
        with Operator(self.folder, "exchange") as operator:
            return operator.ask(what)

    def ledger(self) -> Statement:
        return msgspec.convert(self.ask("ledger"), Statement)

    def close(self) -> None:
        self.venue.close()
        self.context.destroy(linger=0)
        self.process.kill()
        self.process.wait()
        self.folder.leave()


def is_link(*, up: bool) -> Callable[[Said], bool]:
    """The last word of the link is that it is up, or down."""

    def is_so(heard: Said) -> bool:
        links = [message for message in heard if isinstance(message, LinkChanged)]
        return bool(links) and links[-1].up is up

    return is_so


def has(kind: type[AnyMessage]) -> Callable[[Said], bool]:
    return lambda heard: any(type(message) is kind for message in heard)


def steady(**faults: int) -> RunSettings:
    return msgspec.structs.replace(
        generated(trades=100_000), source="steady", interval_ns=SECOND // 200, faults=faults
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def far(place: Path) -> Iterator[FarSide]:
    made = FarSide(place, steady())
    yield made
    made.close()


def test_a_session_begins_with_a_login_and_orders_trade_in_it(far: FarSide) -> None:
    heard = far.until(is_link(up=True))
    assert [(link.up, link.session) for link in heard if isinstance(link, LinkChanged)] == [
        (False, 0),
        (True, 1),
    ]
    far.order("o1")
    heard = far.until(has(Filled))
    assert not has(Gap)(heard)
    assert [type(message) for message in heard if type(message) is not Tick] == [Accepted, Filled]
    far.venue.send(Query("q", far.now()))
    (snapshot,) = [m for m in far.until(has(Snapshot)) if isinstance(m, Snapshot)]
    assert snapshot.positions == {TXF: 1}
    assert far.ledger().positions == {TXF: 1}


def test_a_link_that_was_cut_comes_back_as_a_new_session_in_which_nothing_old_arrives(far: FarSide) -> None:
    far.until(is_link(up=True))
    assert far.ask("cut:3000") == {"done": True}
    far.order("into the cut")
    down = far.until(is_link(up=False))
    far.order("while down")
    up = far.until(is_link(up=True))
    far.order("after")
    filled = [m.client_id for m in far.until(has(Filled)) if isinstance(m, Filled)]

    links = [message for message in (*down, *up) if isinstance(message, LinkChanged)]
    assert [(link.up, link.session) for link in links] == [(False, 1), (True, 2)]
    assert "silent" in links[0].reason
    assert has(Gap)(up) or has(Gap)(far.heard)
    assert filled == ["after"]
    assert far.venue.unsent == 1
    assert [line.client_id for line in far.ledger().orders] == ["after"]


def test_a_gateway_that_starts_again_takes_the_session_over(far: FarSide) -> None:
    far.until(is_link(up=True))
    far.venue.close()
    far.new_gateway()
    far.until(is_link(up=True))
    assert far.venue.session == 2
    far.order("o1")
    far.until(has(Filled))


def test_a_gateway_that_speaks_on_in_a_session_of_the_past_is_told(far: FarSide) -> None:
    far.until(is_link(up=True))
    old = far.venue
    far.new_gateway()
    far.until(is_link(up=True))
    old.send(submit("old", symbol=TXF))
    far.venue.close()
    far.venue = old
    said = far.until(is_link(up=False))
    assert [message.reason for message in said if isinstance(message, LinkChanged)] == ["the session is over"]
    statement = far.ledger()
    assert not statement.orders
    assert statement.faults["of an old session"] == 1


def test_a_broker_that_hangs_is_noticed_by_its_silence(far: FarSide) -> None:
    far.until(is_link(up=True))
    far.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        far.order("unheard")
        far.until(is_link(up=False))
        assert 1.5 < time.monotonic() - began < 10
    finally:
        far.process.send_signal(signal.SIGCONT)
    far.until(is_link(up=True))
    # It was written in the session that is dead, and read by the broker after its end or before: once at most.
    assert far.ledger().orders_per_client_id_max <= 1


def test_faults_of_the_run_happen_by_the_clock(place: Path) -> None:
    far = FarSide(place, steady(reject=1_000, disconnect=2, away_ns=SECOND // 10))
    try:
        far.until(is_link(up=True))
        heard = far.until(lambda heard: sum(type(m) is LinkChanged for m in heard) >= 4)
        assert {m.reason for m in heard if isinstance(m, LinkChanged) and not m.up} == {
            "the broker ended the session"
        }
        if not far.venue.session:
            far.until(is_link(up=True))
        far.order("o1")
        far.until(has(Rejected))
    finally:
        far.close()


def test_a_feed_that_ends_leaves_the_books_in_the_folder_and_ends_the_process(place: Path) -> None:
    run = msgspec.structs.replace(generated(trades=50), source="steady", interval_ns=SECOND // 1_000)
    far = FarSide(place, run)
    try:
        heard = far.until(is_link(up=True))
        heard += far.until(lambda later: sum(type(m) is Tick for m in (*heard, *later)) == 50)
        assert not has(Gap)(heard)
        far.order("too late")
        far.until(has(Rejected))
        far.ask("stop")
        assert far.process.wait(SOON_S) == 0
        written = msgspec.json.decode(far.folder.ledger.read_bytes(), type=Statement)
        assert [line.status for line in written.orders] == ["rejected"]
    finally:
        far.close()


def test_a_session_that_is_ended_before_its_hour_takes_no_more_orders(far: FarSide) -> None:
    far.until(is_link(up=True))
    assert far.ask("end") == {"done": True}
    far.until(has(SessionEnded))
    far.order("too late")
    heard = far.until(has(Rejected))
    assert not has(Tick)(heard)


def test_a_broker_ends_with_whoever_started_it(place: Path) -> None:
    folder = make_folder(place / "run", steady(), live=True)
    starter = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "autofutures.processes.exchange", "--run", {str(folder.root)!r}])
print(child.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", starter], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        log, hub = folder.log("exchange"), Path(folder.machine().sockets) / "exchange"
        ends = time.monotonic() + SOON_S
        while time.monotonic() < ends and not hub.exists():
            time.sleep(0.05)
        parent.kill()
    while time.monotonic() < ends and "orphaned" not in log.read_text():
        time.sleep(0.05)
    assert "orphaned" in log.read_text()
    while alive([pid]) and time.monotonic() < ends:
        time.sleep(0.05)
    assert alive([pid]) == []
    assert folder.ledger.exists()
    folder.leave()
