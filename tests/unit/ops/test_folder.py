import os
from pathlib import Path

import msgspec
import pytest

from autofutures import clock
from autofutures.domain.errors import BadInput
from autofutures.market.dates import taipei_ns
from autofutures.ops.folder import Folder, latest_folder, make_folder
from tests.runs import generated


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs, keys and sockets are made below the test's own folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path


def test_a_new_run_has_its_settings_its_sockets_and_its_logs(places: Path) -> None:
    folder = make_folder(None, generated(), speed=2.0, until_end=True, pause_seed=3, drop_frame=4)
    machine = folder.machine()
    assert folder.run() == generated()
    assert folder.root.parent == places / "state" / "autofutures" / "runs"
    assert (machine.speed, machine.until_end, machine.pause_seed, machine.drop_frame) == (2.0, True, 3, 4)
    assert machine.keys == str(places / "config" / "autofutures" / "keys")
    assert Path(machine.sockets).stat().st_mode & 0o777 == 0o700
    assert folder.logs.is_dir()
    folder.leave()


def test_two_runs_share_neither_folder_nor_sockets() -> None:
    one, two = make_folder(None, generated()), make_folder(None, generated())
    assert one.root != two.root
    assert one.endpoint("trader") != two.endpoint("trader")
    assert one.endpoint("trader") != one.endpoint("exchange")
    one.leave()
    two.leave()


def test_an_exchange_that_outlives_the_machine_listens_at_its_own_place() -> None:
    folder = make_folder(None, generated(), live=True, clock_offset_ns=-5, venue_endpoint="ipc:///tmp/far")
    machine = folder.machine()
    assert (machine.live, machine.clock_offset_ns) == (True, -5)
    assert folder.endpoint("exchange") == "ipc:///tmp/far"
    assert folder.endpoint("trader") == f"ipc://{machine.sockets}/trader"
    folder.leave()


def test_a_runs_folder_is_named_by_its_day_and_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_ns", lambda: taipei_ns(20260803, 31_507))
    folder = make_folder(None, generated())
    assert folder.root.name.startswith("20260803-084507-")
    folder.leave()


def test_a_folder_that_is_given_is_used_and_may_be_used_again(places: Path) -> None:
    folder = Folder(places / "mine")
    for number in range(3):
        folder = make_folder(places / "mine", generated(trades=200 + number))
        assert folder.root == places / "mine"
        assert folder.run().trades == 200 + number
        folder.journal.touch()
        folder.stream.write_bytes(bytes([number]))
        folder.leave()
    assert folder.journal.exists()
    assert [(folder.root / f"stream-{n}.msgpack").read_bytes() for n in (1, 2)] == [b"\0", b"\1"]


def test_what_an_earlier_run_counted_is_gone_when_the_next_one_starts(places: Path) -> None:
    folder = make_folder(places / "mine", generated())
    folder.result.write_text("{}")
    folder.latency.write_text("{}")
    folder.leave()
    again = make_folder(places / "mine", generated())
    assert not again.result.exists()
    assert not again.latency.exists()
    again.leave()


def test_a_folder_in_which_a_machine_runs_is_refused_until_it_has_left(places: Path) -> None:
    folder = make_folder(places / "mine", generated())
    with pytest.raises(
        BadInput, match=f"a machine runs in {places}/mine: end it with autofutures stop --run"
    ):
        make_folder(places / "mine", generated(trades=999))
    assert folder.run() == generated()
    folder.leave()
    folder.leave()
    make_folder(places / "mine", generated()).leave()


def test_a_run_is_over_when_its_sockets_are_gone(places: Path) -> None:
    folder = make_folder(places / "mine", generated())
    assert not folder.is_over()
    Path(folder.machine().sockets).rmdir()
    assert folder.is_over()
    folder.leave()


def test_an_option_of_the_wrong_kind_makes_no_machine(places: Path) -> None:
    with pytest.raises(msgspec.ValidationError):
        make_folder(places / "mine", generated(), pause_seed=0.5)


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_a_folder_without_a_run_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "machine.json").write_text(text)
    with pytest.raises(BadInput, match=f"{tmp_path} is not the folder of a run: "):
        Folder(tmp_path).machine()
    with pytest.raises(BadInput, match=r"run\.json is not a run's settings"):
        Folder(tmp_path).run()


def test_a_file_is_no_folder_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="is not the folder of a run: "):
        Folder(tmp_path / "file").machine()


def test_the_newest_run_is_the_one_that_is_meant() -> None:
    folders = [make_folder(None, generated()) for _ in range(3)]
    for age, folder in enumerate(folders):
        path = folder.root / "machine.json"
        moment = 1_000 - age
        os.utime(path, (moment, moment))
        folder.leave()
    assert latest_folder().root == folders[0].root


def test_without_any_run_there_is_no_newest() -> None:
    with pytest.raises(BadInput, match=r"no run was found: start one with `autofutures up`, or .* --run DIR"):
        latest_folder()


def test_each_process_has_a_log_of_its_own(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.log("strategy/ema_cross").name == "strategy-ema_cross.jsonl"
    assert folder.log("trader") != folder.log("gateway")
