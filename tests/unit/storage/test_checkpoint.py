import time
from contextlib import closing
from pathlib import Path

import pytest

from autofutures.storage import checkpoint
from autofutures.storage.checkpoint import move
from autofutures.storage.journal import Journal
from autofutures.storage.send_log import StoredSendLog
from autofutures.storage.verify import verify
from autofutures.storage.writing import open_to_write
from tests.unit.storage.damage import BATCHES, fill, make

WAIT_S = 20


def test_the_log_is_moved_while_the_journal_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.01)
    monkeypatch.setattr(checkpoint, "SMALL_BYTES", 1 << 18)
    path = make(tmp_path / "journal.sqlite")
    with Journal.open(path) as journal:
        before = path.stat().st_size
        fill(journal, 1, 2_000)
        deadline = time.monotonic() + WAIT_S
        while path.stat().st_size < before + (1 << 19):  # The file has what was only in the log.
            assert time.monotonic() < deadline, "the log was not moved"
            time.sleep(0.01)
        assert verify(path).batches == BATCHES + 2_000


def test_no_order_waits_for_the_send_logs_log_to_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.01)
    monkeypatch.setattr(checkpoint, "SMALL_BYTES", 1 << 18)
    path = tmp_path / "gateway.sqlite"
    with StoredSendLog.open(path) as log:
        for number in range(2_000):
            assert log.write(f"o{number}", 1)
        deadline = time.monotonic() + WAIT_S
        while path.stat().st_size < 1 << 14:  # The file has what was only in the log.
            assert time.monotonic() < deadline, "the log was not moved"
            time.sleep(0.01)
        assert len(log.unmarked()) == 2_000


def test_a_log_of_which_all_was_moved_begins_anew(tmp_path: Path) -> None:
    path = make(tmp_path / "journal.sqlite")
    log = tmp_path / "journal.sqlite-wal"
    with Journal.open(path) as journal, closing(open_to_write(path, "process-crash")) as connection:
        fill(journal, 1, 50)
        length = log.stat().st_size
        assert move(connection)
        fill(journal, 51, 80)
        assert log.stat().st_size == length
