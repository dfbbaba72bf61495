"""The kill process alone: what is asked for is kept, told until it is taken, and a deaf gateway is ended by its id."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from autofutures.bus.codec import Outbox
from autofutures.bus.sockets import Hub
from autofutures.domain.messages import Answer, AnyMessage, Ask, Command, Kill, Killed, decode_frame
from autofutures.domain.units import SECOND, KillLevel
from autofutures.ops.folder import Folder, make_folder
from autofutures.ops.kill import Asked
from autofutures.processes.kill import DEAF_NS, STARTING_NS, TELL_NS, UNANSWERED_NS, KillProcess
from autofutures.storage.kill_file import read
from autofutures.telemetry.logs import open_log
from tests.runs import generated

PID = 4_242


class Tape:
    """A hub that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, AnyMessage]] = []

    def offer(self, peer: str, data: bytes) -> bool:
        self.said += [(peer, envelope.body) for envelope in decode_frame(data)]
        return True

    def receive(self, timeout_ms: int = -1) -> None:
        return None

    take = receive


class House:
    """A kill process, a gateway that says what a test wants, and a stopwatch."""

    def __init__(self, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.now = 1_000 * SECOND
        self.wall = 5_000 * SECOND
        self.ended: list[int] = []
        self.hub = Tape()
        monkeypatch.setattr("autofutures.clock.stopwatch_ns", lambda: self.now)
        monkeypatch.setattr("autofutures.clock.now_ns", lambda: self.wall)
        monkeypatch.setattr(KillProcess, "_gateway", lambda _: PID)
        log = open_log(folder.log("kill"), "kill")
        self.process = KillProcess(folder, cast("Hub", self.hub), log, lambda pid, _: self.ended.append(pid))

    def ask(self, message: Ask | Command, peer: str = "kill/1") -> dict[str, object]:
        self.hub.said.clear()
        self.process.hear(peer, Outbox("kill").frame((message,), 0, flow="f"), self.now)
        ((to, answer),) = self.hub.said
        assert to == peer
        assert isinstance(answer, Answer)
        return msgspec.json.decode(answer.text, type=dict[str, object])

    def command(self, verb: str, name: str, **values: int | str | bool) -> dict[str, object]:
        return self.ask(Command("f", "", verb, name, dict(values), "a person"))

    def gateway_says(self, number: int = 0, level: KillLevel = KillLevel.NONE, *, done: bool = True) -> None:
        killed = Killed(number, 0, level, 0, done=done, admits=True, who="", text="")
        self.process.hear("gateway", Outbox("gateway").frame((killed,), 0), self.now)

    def wait(self, ns: int, step: int = SECOND // 10) -> None:
        for _ in range(ns // step):
            self.now += step
            self.wall += step
            self.process.turn(self.now)

    def told(self) -> list[Kill]:
        return [message for to, message in self.hub.said if to == "gateway" and isinstance(message, Kill)]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = make_folder(tmp_path / "run", generated(), live=True)
    made = House(folder, monkeypatch)
    made.process.turn(made.now)
    made.gateway_says()
    yield made
    folder.leave()


def test_what_is_asked_for_is_kept_before_it_is_told_and_told_until_it_is_taken(house: House) -> None:
    assert house.command("kill", "flatten", reason="a try") == {"done": True}
    kept = read(house.folder.kill_asked, Asked)
    assert kept is not None
    assert (kept.number, kept.level, kept.who, kept.reason) == (1, KillLevel.FLATTEN, "a person", "a try")
    house.hub.said.clear()
    house.wait(3 * TELL_NS)
    assert [(kill.number, kill.level) for kill in house.told()] == [(1, KillLevel.FLATTEN)] * 3
    house.gateway_says(1, KillLevel.FLATTEN)
    house.hub.said.clear()
    house.wait(3 * TELL_NS)
    assert house.told() == []


def test_a_gateway_that_does_not_take_it_and_is_silent_is_ended_once(house: House) -> None:
    house.command("kill", "flatten")
    house.wait(UNANSWERED_NS - SECOND // 10)
    assert house.ended == []
    house.wait(SECOND // 2)
    assert house.ended == [PID]
    house.wait(STARTING_NS // 2)
    assert house.ended == [PID]  # The next has not spoken yet: it is starting.


def test_a_gateway_that_has_taken_it_may_be_silent_for_longer(house: House) -> None:
    house.command("kill", "flatten")
    house.gateway_says(1, KillLevel.FLATTEN)
    house.wait(DEAF_NS - SECOND // 10)
    assert house.ended == []
    house.wait(SECOND // 2)
    assert house.ended == [PID]


def test_while_nothing_is_asked_for_a_silent_gateway_is_left_to_the_supervisor(house: House) -> None:
    house.wait(10 * SECOND)
    assert house.ended == []


def test_a_process_that_was_stopped_itself_gives_the_gateway_its_time(house: House) -> None:
    house.command("kill", "flatten")
    house.now += 60 * SECOND
    house.process.turn(house.now)
    assert house.ended == []


def test_another_role_is_refused_with_a_sentence(house: House) -> None:
    answer = house.ask(Command("f", "", "kill", "flatten", {}, "a person"), "operator/1")
    assert "under its own key alone, and this is the operator's" in str(answer["refused"])
    assert house.process.asked.level is KillLevel.NONE
    assert "refused" in house.ask(Ask("f", "status"), "strategy/ema")


def test_a_level_is_lowered_only_by_resume_under_the_runs_name(house: House) -> None:
    house.command("kill", "flatten")
    house.command("kill", "entries")
    assert house.process.asked.level is KillLevel.FLATTEN
    assert "is not this run's name, which is run" in str(house.command("resume", "other")["refused"])
    assert house.process.asked.level is KillLevel.FLATTEN
    assert house.command("resume", "run") == {"done": True}
    assert (house.process.asked.level, house.process.asked.number) == (KillLevel.NONE, 3)
    words = house.folder.log("kill").read_text()
    assert (words.count('"name":"killed"'), words.count('"resumed"')) == (2, 1)


def test_the_dead_mans_switch_acts_when_it_is_not_renewed(house: House) -> None:
    for _ in range(3):
        house.command("dead_man", "cancel", within_ms=60_000)
        house.gateway_says()
        house.wait(50 * SECOND)
        assert house.process.asked.level is KillLevel.NONE
    house.wait(11 * SECOND)
    asked = house.process.asked
    assert (asked.level, asked.who) == (KillLevel.CANCEL, "the dead man's switch")
    assert asked.reason == "not renewed within 60 s"
    assert asked.due_at == 0


def test_the_dead_mans_switch_outlives_its_process_and_can_be_taken_away(house: House) -> None:
    house.command("dead_man", "flatten", within_ms=60_000)
    again = KillProcess(house.folder, cast("Hub", house.hub), open_log(house.folder.log("kill"), "kill"))
    assert again.asked.due_at == house.wall + 60 * SECOND
    assert house.ask(Ask("f", "status"))["dead_man_s"] == 60.0
    house.command("dead_man", "flatten", within_ms=0)
    house.wait(90 * SECOND)
    assert house.process.asked.level is KillLevel.NONE


def test_how_it_stands_is_what_the_gateway_says_of_what_was_asked_for(house: House) -> None:
    house.command("kill", "flatten", reason="why")
    standing = house.ask(Ask("f", "status"))
    assert (standing["level"], standing["reached"], standing["done"]) == ("flatten", "", False)
    house.gateway_says(1, KillLevel.FLATTEN)
    standing = house.ask(Ask("f", "status"))
    assert (standing["reached"], standing["done"], standing["who"]) == ("flatten", True, "a person")


def test_what_nobody_understands_is_logged_and_nobody_dies_of_it(house: House) -> None:
    house.process.hear("kill/1", b"\x00", house.now)
    assert '"not understood"' in house.folder.log("kill").read_text()
    assert "knows kill, resume and dead_man" in str(house.command("explode", "all")["refused"])
