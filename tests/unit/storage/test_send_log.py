"""The send log on the disk; the gateway itself is killed at every step in tests/process/test_gateway_crash.py."""

from pathlib import Path

import pytest

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.storage.file import Durability
from autofutures.storage.send_log import StoredSendLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.sqlite"


def test_an_order_is_new_once_in_all_lives(path: Path) -> None:
    with StoredSendLog.open(path) as log:
        assert [log.write(order, 1) for order in ("a", "a", "b")] == [True, False, True]
    with StoredSendLog.open(path) as log:
        assert [log.write(order, 2) for order in ("a", "b", "c")] == [False, False, True]


def test_an_order_that_was_refused_stays_refused(path: Path) -> None:
    with StoredSendLog.open(path) as log:
        log.write("a", 1, refused=True)
        log.write("b", 1)
    with StoredSendLog.open(path) as log:
        assert not log.write("a", 1)
        assert [log.was_refused(order) for order in ("a", "b", "c")] == [True, False, False]


def test_the_highest_epoch_and_the_lives_are_kept(path: Path) -> None:
    with StoredSendLog.open(path) as log:
        assert (log.epoch, log.next_life()) == (0, 1)
        log.raise_epoch(7)
        log.raise_epoch(5)
    with StoredSendLog.open(path) as log:
        assert (log.epoch, log.next_life()) == (7, 2)


def test_a_line_without_a_mark_may_have_been_sent_or_not(path: Path) -> None:
    with StoredSendLog.open(path) as log:
        for number in range(200):
            log.write(f"{number:03}", 1)
            if number != 150:
                log.mark((f"{number:03}",))
        log.write("refused", 1, refused=True)
        assert log.unmarked() == ["150"]
    with StoredSendLog.open(path) as log:
        assert log.unmarked() == ["150"]


def test_no_order_waits_for_the_marks_of_those_before_it(path: Path) -> None:
    with StoredSendLog.open(path) as log:
        orders = [f"{number:03}" for number in range(64)]
        for order in orders:
            log.write(order, 1)
        log.mark(orders)
        before = log._connection.total_changes  # noqa: SLF001  # what a commit has to do
        log.write("next", 1)
        assert log._connection.total_changes == before + 1  # noqa: SLF001


@pytest.mark.parametrize("durability", ["process-crash", "power-loss"])
def test_what_was_written_is_read_by_others_at_once(path: Path, durability: Durability) -> None:
    with StoredSendLog.open(path, durability=durability) as log:
        log.write("a", 1)
        copy = path.with_name("copy.sqlite")
        copy.write_bytes(path.read_bytes())
        copy.with_name("copy.sqlite-wal").write_bytes(path.with_name(path.name + "-wal").read_bytes())
        with StoredSendLog.open(copy) as other:
            assert not other.write("a", 1)


def test_one_gateway_writes(path: Path) -> None:
    with (
        StoredSendLog.open(path),
        pytest.raises(BadInput, match="is in use, and a send log has one gateway"),
    ):
        StoredSendLog.open(path)
    StoredSendLog.open(path).close()


def test_closing_twice_does_nothing(path: Path) -> None:
    log = StoredSendLog.open(path)
    log.close()
    log.close()


def filled(path: Path) -> bytes:
    with StoredSendLog.open(path) as log:
        for number in range(2_000):
            log.write(f"order{number:05}", 1)
    return path.read_bytes()


@pytest.mark.parametrize("left", [0, 50, 4_096, 20_000])
def test_a_file_that_was_cut_off_is_refused(path: Path, left: int) -> None:
    path.write_bytes(filled(path)[:left])
    with pytest.raises(BadInput, match=r"cannot be used as a send log: .*an order could be sent twice"):
        StoredSendLog.open(path)


def test_a_page_of_rubbish_is_refused(path: Path) -> None:
    data = bytearray(filled(path))
    data[8_192:12_288] = b"\xff" * 4_096
    path.write_bytes(data)
    with pytest.raises(BadInput, match="cannot be used as a send log"):
        StoredSendLog.open(path)


def test_something_else_is_refused(path: Path) -> None:
    path.write_text("a letter to the broker, and much more of it" * 100)
    with pytest.raises(BadInput, match="cannot be used as a send log"):
        StoredSendLog.open(path)


def test_a_file_of_another_version_is_refused(path: Path) -> None:
    data = bytearray(filled(path))
    data[60:64] = (9).to_bytes(4, "big")  # SQLite's user_version.
    path.write_bytes(data)
    with pytest.raises(BadInput, match="version 9, and this program reads version 1"):
        StoredSendLog.open(path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="no send log can be kept at"):
        StoredSendLog.open(tmp_path / "file" / "gateway.sqlite")


def test_an_order_that_cannot_be_written_down_stops_the_gateway(path: Path) -> None:
    log = StoredSendLog.open(path)
    log._connection.execute("PRAGMA query_only = 1")  # noqa: SLF001  # a disk that takes nothing any more
    with pytest.raises(BrokenInvariant, match="No order may be sent that is not written down"):
        log.write("a", 1)
    with pytest.raises(BrokenInvariant):
        log.write("b", 1)
    log.close()
