from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autofutures.domain.units import SECOND
from autofutures.ops import children, folder
from tests.runs import ema, generated


def test_hubs_start_before_those_who_connect_to_them_and_the_feed_comes_last() -> None:
    two = msgspec.structs.replace(ema(), name="slow")
    commands = dict(children.commands_of(generated(ema(), two)))
    assert list(commands) == [
        "exchange",
        "trader",
        "recorder",
        "strategy/ema_cross",
        "strategy/slow",
        "gateway",
    ]
    assert commands["strategy/slow"] == ["autofutures.processes.strategy", "--name", "slow"]
    assert commands["trader"] == ["autofutures.processes.trader"]


def test_a_projector_goes_along_only_where_there_is_a_database_for_it() -> None:
    assert ("projector", ["autofutures.processes.projector"]) in children.commands_of(
        generated(), projects=True
    )
    assert "projector" not in dict(children.commands_of(generated()))


def test_a_kill_switch_starts_first_where_there_is_one() -> None:
    assert next(iter(dict(children.commands_of(generated(), kills=True)))) == "kill"
    assert "kill" not in dict(children.commands_of(generated()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Traceback\n  in line 3\nValueError: torn\n", "ValueError: torn"),
        ("\n \n", "none; see the logs folder"),
        (None, "none; see the logs folder"),
    ],
)
def test_the_last_words_of_a_process_are_its_last_line(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "trader.err"
    if text is not None:
        path.write_text(text)
    assert children.last_words(path) == words


def test_sockets_are_taken_away_once(tmp_path: Path) -> None:
    place = tmp_path / "sockets"
    place.mkdir()
    (place / "trader").touch()
    folder.remove_sockets(place)
    assert not place.exists()
    folder.remove_sockets(place)


def test_a_stuck_process_is_killed_once_and_then_given_time_to_be_gone() -> None:
    child = children.Child("trader", [])
    child.handle = 0
    late = children.STARTING_NS + 1
    assert child.is_stuck(late)
    child.kill(late)
    assert not child.is_stuck(late + children.STUCK_NS)
    assert child.is_stuck(2 * late)
    child.excuse(2 * late)
    assert not child.is_stuck(2 * late + children.STUCK_NS)


def test_a_process_that_was_asked_to_leave_and_stays_is_killed() -> None:
    child = children.Child("trader", [])
    child.handle = 0
    child.excuse(SECOND)
    child.ask_to_leave(SECOND)
    assert not child.is_stuck(SECOND + children.LEAVE_NS)
    assert child.is_stuck(SECOND + children.LEAVE_NS + 1)
    child.kill(SECOND + children.LEAVE_NS + 1)
    assert not child.is_stuck(SECOND + children.LEAVE_NS + 2)


@pytest.fixture
def spared(tmp_path: Path) -> Iterator[tuple[children.Child, folder.Folder]]:
    """A process that has run for a while, with its spare."""
    place = folder.Folder(tmp_path)
    place.logs.mkdir()
    child = children.Child("kill", ["autofutures.processes.kill"])
    child.handle = 0
    child.prepare(place, children.SPARE_AFTER_NS)
    yield child, place
    child.drop_spare()
    if child.process is not None:
        child.process.kill()
        child.handle = -1
        child.bury()


def test_a_spare_waits_until_it_is_needed_and_is_then_the_process(
    spared: tuple[children.Child, folder.Folder],
) -> None:
    child, place = spared
    assert not place.log("kill").exists()
    child.start(place)
    assert child.process is not None
    assert child.process.wait(30) == 2  # Its folder holds no run: it has come to its body.
    assert '"refused"' in place.log("kill").read_text()


def test_a_spare_that_has_died_is_replaced_by_a_fresh_start(
    spared: tuple[children.Child, folder.Folder],
) -> None:
    child, place = spared
    spare = child._spare  # noqa: SLF001
    assert spare is not None
    spare._process.kill()  # noqa: SLF001
    spare._process.wait()  # noqa: SLF001
    child.start(place)
    assert child.process is not spare._process  # noqa: SLF001
    assert child.process is not None
    assert child.process.wait(30) == 2


def test_a_spare_is_made_only_once_its_process_has_run_for_a_while(tmp_path: Path) -> None:
    place = folder.Folder(tmp_path)
    child = children.Child("kill", ["autofutures.processes.kill"])
    child.prepare(place, children.SPARE_AFTER_NS)  # It does not run.
    child.handle = 0
    child.prepare(place, children.SPARE_AFTER_NS - 1)
    assert child._spare is None  # noqa: SLF001
