"""What is read from logs: lines here are those that supervisor and trader write."""

from pathlib import Path

import msgspec
import pytest

from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder
from autofutures.processes.chaos.figures import availability_of
from autofutures.processes.chaos.plan import Strike
from autofutures.processes.chaos.watch import Sight, share_outside

OFFSET = 1_000 * SECOND
START = "2026-11-27T00:00:{:06.3f}Z"
EPOCH = 1_795_737_600 * SECOND
"""The moment at which the tests' minute begins."""

KILL = Strike(role="gateway", signal="kill", pause_ns=0)
STOP = Strike(role="gateway", signal="stop", pause_ns=0, stopped_ns=SECOND)


class Scene:
    """Logs as they grow, and who reads them."""

    def __init__(self, place: Path) -> None:
        self.folder = Folder(place)
        self.folder.logs.mkdir()
        self.sight = Sight(self.folder, OFFSET)

    def supervisor(self, second: float, event: str, **fields: object) -> None:
        self.write("supervisor", second, event, fields)

    def verdict(self, second: float, *, ready: bool = True, uncovered: int = 0, **lives: int) -> None:
        at = EPOCH + OFFSET + round(second * SECOND)
        fields = {"ready": ready, "reasons": [], "lives": lives, "uncovered_lots": uncovered, "at": at}
        self.write("trader", second, "readiness", fields)

    def write(self, process: str, second: float, event: str, fields: dict[str, object]) -> None:
        line = {"event": event, **fields, "process": process, "timestamp": START.format(second)}
        with self.folder.log(process).open("ab") as log:
            log.write(msgspec.json.encode(line) + b"\n")
        self.sight.look()


def at(second: float) -> int:
    return EPOCH + round(second * SECOND)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.supervisor(1, "started", child="gateway", pid=11)
    made.verdict(2, trader=1, gateway=1)
    return made


def test_a_kill_has_healed_when_all_is_ready_with_a_new_life_of_a_new_process(scene: Scene) -> None:
    wound = scene.sight.wound(KILL, "gateway", at(3))
    scene.verdict(3.1, trader=1, gateway=1)
    scene.supervisor(3.2, "child died", child="gateway")
    assert not scene.sight.pids
    scene.supervisor(3.3, "started", child="gateway", pid=12)
    scene.verdict(3.4, trader=1, gateway=1)
    scene.verdict(3.5, ready=False, trader=1, gateway=2)
    assert not wound.healed_at
    scene.verdict(4.5, trader=1, gateway=2)
    assert wound.recovery_ns == 1.5 * SECOND
    assert wound.alone
    assert scene.sight.pids == {"gateway": 12}


def test_the_life_of_a_process_that_was_killed_before_it_was_known_heals_nothing(scene: Scene) -> None:
    wound = scene.sight.wound(KILL, "gateway", at(3))
    scene.verdict(3.1, trader=1, gateway=2)  # It had greeted just before it died.
    assert not wound.healed_at


def test_a_killed_supervisor_has_healed_with_a_new_trader(scene: Scene) -> None:
    wound = scene.sight.wound(Strike(role="supervisor", signal="kill", pause_ns=0), "supervisor", at(3))
    scene.supervisor(3.5, "started", child="gateway", pid=12)
    scene.supervisor(3.6, "started", child="trader", pid=13)
    scene.verdict(4, trader=2, gateway=2)
    assert wound.recovery_ns == SECOND


def test_what_the_watchdog_kills_heals_as_a_kill_from_the_moment_it_was_stopped(scene: Scene) -> None:
    wound = scene.sight.wound(STOP, "gateway", at(3))
    scene.supervisor(6, "stuck", child="gateway", pid=11)
    scene.supervisor(6.01, "child died", child="gateway")
    scene.supervisor(6.1, "started", child="gateway", pid=12)
    scene.verdict(7, trader=1, gateway=2)
    assert wound.killed
    assert wound.recovery_ns == 4 * SECOND
    assert scene.sight.stuck == 1


def test_what_hung_and_was_then_killed_heals_as_a_kill(scene: Scene) -> None:
    hung = scene.sight.wound(STOP, "gateway", at(3))
    kill = scene.sight.wound(KILL, "gateway", at(3.2))
    scene.supervisor(3.3, "child died", child="gateway")
    scene.supervisor(3.4, "started", child="gateway", pid=12)
    scene.verdict(4, trader=1, gateway=2)
    assert (hung.killed, hung.healed_at, kill.healed_at) == (True, at(4), at(4))


def test_what_went_on_by_itself_counts_from_there(scene: Scene) -> None:
    wound = scene.sight.wound(STOP, "gateway", at(3))
    scene.verdict(3.5, trader=1, gateway=1)
    wound.went_on_at = at(4)
    assert not wound.healed_at
    scene.sight.heal(wound, at(4.25))
    assert wound.recovery_ns == SECOND // 4
    assert scene.sight.down == [(at(3), at(4.25))]


def test_strikes_that_fall_into_one_another_are_not_alone(scene: Scene) -> None:
    first = scene.sight.wound(KILL, "gateway", at(3))
    second = scene.sight.wound(KILL, "recorder", at(3.1))
    assert (first.alone, second.alone) == (False, False)


def test_the_time_in_which_the_machine_was_not_ready_is_kept(scene: Scene) -> None:
    scene.verdict(10, ready=False, uncovered=3)
    scene.verdict(11, ready=False)
    scene.verdict(12)
    assert scene.sight.down == [(at(10), at(12))]
    assert scene.sight.uncovered_lots == 3


def test_availability_is_told_with_its_parts(scene: Scene) -> None:
    scene.sight.wound(KILL, "gateway", at(20))
    scene.supervisor(20.5, "child died", child="gateway")
    scene.supervisor(20.5, "started", child="gateway", pid=12)
    scene.verdict(20.2, ready=False, trader=1, gateway=1)
    scene.verdict(22, trader=1, gateway=2)
    scene.verdict(40, uncovered=1)
    scene.verdict(41)
    found = availability_of(scene.sight, at(10), at(110))
    assert (found.session_s, found.ready, found.covered, found.both) == (100, 0.98, 0.99, 0.97)
    assert (found.noticing_s, found.starting_s) == (0.5, 1.5)
    assert {role: seconds for role, seconds in found.by_role_s.items() if seconds} == {"gateway": 2}


def test_comparisons_that_teach_something_begin_the_calm_anew(scene: Scene) -> None:
    for applied in (0, 0, 1, 0):
        scene.write("trader", 5, "reconciled", {"applied": applied, "absent": 0, "unexplained": {}})
    assert scene.sight.calm == 1


def test_the_share_outside_of_spans_counts_what_overlaps_once() -> None:
    assert share_outside([(0, 30), (20, 40), (90, 200)], 0, 100) == 0.5
    assert share_outside([(10, 60), (20, 30), (30, 40)], 0, 100) == 0.5
    assert share_outside([], 0, 100) == 1.0
    assert share_outside([], 5, 5) == 0.0
