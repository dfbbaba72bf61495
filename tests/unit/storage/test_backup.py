import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autofutures.domain.errors import BadInput, Refusal
from autofutures.orders.ids import MAX_EPOCH
from autofutures.storage.backup import (
    EPOCHS_LEFT_OUT,
    JOURNAL,
    SEND_LOG,
    back_up,
    backup_folder,
    check_backup,
    newest_backup,
    restore,
)
from autofutures.storage.journal import Journal
from autofutures.storage.salvage import salvage
from autofutures.storage.send_log import StoredSendLog
from autofutures.storage.verify import verify
from autofutures.storage.witness import witness_path
from tests.unit.storage.damage import BATCHES, change, fill, heard, make, row

NOW = 1_627_263_900_000_000_000


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run whose journal has two epochs, and whose send log has heard of the second."""
    place = tmp_path / "run"
    place.mkdir()
    make(place / JOURNAL)
    with StoredSendLog.open(place / SEND_LOG) as log:
        log.raise_epoch(2)
        log.write("abc0200001", 2)
    return place


def test_a_backup_holds_both_files_and_proves_itself(run: Path, tmp_path: Path) -> None:
    made = back_up(run, tmp_path / "safe" / "monday", NOW)
    assert (made.batches, made.epoch, sorted(made.files)) == (BATCHES, 2, [SEND_LOG, JOURNAL])
    assert check_backup(tmp_path / "safe" / "monday") == made
    assert [file.name for file in (tmp_path / "safe").iterdir()] == ["monday"]


def test_a_run_without_a_send_log_is_backed_up_too(run: Path) -> None:
    (run / SEND_LOG).unlink()
    assert list(back_up(run, backup_folder(run, NOW), NOW).files) == [JOURNAL]


def test_a_backup_can_be_read_where_nothing_may_be_written(run: Path) -> None:
    back_up(run, run / "copy", NOW)
    (run / "copy").chmod(0o500)
    with closing(
        sqlite3.connect(f"{(run / 'copy' / JOURNAL).as_uri()}?mode=ro&immutable=1", uri=True)
    ) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    (run / "copy").chmod(0o700)


def test_a_damaged_journal_makes_no_backup_and_leaves_none_half_made(run: Path) -> None:
    change(run / JOURNAL, "UPDATE batch SET at = 0 WHERE id = 7")
    with pytest.raises(Refusal, match=r"no backup was made, for .* is damaged: batch 7"):
        back_up(run, run / "copy", NOW)
    assert list(run.glob("copy*")) == []


def test_a_damaged_send_log_makes_no_backup(run: Path) -> None:
    data = bytearray((run / SEND_LOG).read_bytes())
    data[1024:2048] = bytes(1024)
    (run / SEND_LOG).write_bytes(data)
    with pytest.raises(Refusal, match=r"no backup was made, for .*gateway.sqlite is damaged"):
        back_up(run, run / "copy", NOW)


def test_a_place_that_is_taken_is_not_written_over(run: Path) -> None:
    back_up(run, run / "copy", NOW)
    with pytest.raises(BadInput, match="is there already: name a folder that is not"):
        back_up(run, run / "copy", NOW)


WRITER = """
import sys
from pathlib import Path
from autofutures.domain.messages import Saved, Stray
from autofutures.storage.journal import Journal

with Journal.open(Path(sys.argv[1])) as journal:
    number = journal.head.number
    while number < 400_000:
        number += 1
        messages = [Saved("ema", number, b"state" * 40)]
        journal.commit(messages, [Stray("o1", number, "who is this")], number)
        if number % 500 == 0:
            print(number, flush=True)
"""


def test_a_backup_made_under_load_is_one_moment_of_the_journal_and_goes_on_from_there(
    run: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WRITER, str(run / JOURNAL)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        before = int(writer.stdout.readline())
        pages: list[tuple[int, int]] = []
        made = back_up(run, tmp_path / "copy", NOW, lambda done, total: pages.append((done, total)))
        after = int(writer.stdout.readline())
        writer.kill()
        writer.stdout.read()
    assert before <= made.batches <= after + 500
    assert pages[-1][0] == pages[-1][1]
    assert row(run / JOURNAL, made.batches) == row(tmp_path / "copy" / JOURNAL, made.batches)
    elsewhere = tmp_path / "elsewhere"
    restore(tmp_path / "copy", elsewhere, NOW)
    with Journal.open(elsewhere / JOURNAL) as journal:
        assert journal.head.number == made.batches
        fill(journal, 1, 3)
    assert verify(elsewhere / JOURNAL).batches == made.batches + 3


def test_a_restored_journal_goes_on_and_what_was_there_is_set_aside(run: Path) -> None:
    back_up(run, backup_folder(run, NOW), NOW)
    with Journal.open(run / JOURNAL) as journal:
        assert journal.next_epoch() == 3
        fill(journal, BATCHES + 1, BATCHES + 4)
    change(run / JOURNAL, "UPDATE batch SET at = 0 WHERE id = 7")
    done = restore(newest_backup(run), run, NOW)
    assert (done.batches, done.send_log) == (BATCHES, "kept")
    assert verify(Path(done.set_aside) / JOURNAL).first_bad == "batch 7"
    with Journal.open(run / JOURNAL) as journal:
        assert [batch.inputs for batch in journal.batches()] == [(heard(n),) for n in range(1, BATCHES + 1)]
        assert journal.next_epoch() == 4
        fill(journal, BATCHES + 1, BATCHES + 2)
    assert verify(run / JOURNAL).batches == BATCHES + 2


def test_where_nothing_tells_which_epochs_were_used_many_are_left_out(run: Path, tmp_path: Path) -> None:
    back_up(run, tmp_path / "copy", NOW)
    done = restore(tmp_path / "copy", tmp_path / "another machine", NOW)
    assert (done.epoch, done.set_aside, done.send_log) == (2 + EPOCHS_LEFT_OUT, "", "restored")
    with Journal.open(tmp_path / "another machine" / JOURNAL) as journal:
        assert journal.next_epoch() == 3 + EPOCHS_LEFT_OUT
    with StoredSendLog.open(tmp_path / "another machine" / SEND_LOG) as log:
        assert not log.write("abc0200001", 2)


def test_the_send_log_tells_of_later_epochs_too(run: Path, tmp_path: Path) -> None:
    back_up(run, tmp_path / "copy", NOW)
    with StoredSendLog.open(run / SEND_LOG) as log:
        log.raise_epoch(500)
    witness_path(run / JOURNAL).unlink()
    assert restore(tmp_path / "copy", run, NOW).epoch == 500


def test_a_backup_that_leaves_no_epoch_is_refused(run: Path, tmp_path: Path) -> None:
    back_up(run, tmp_path / "copy", NOW)
    with StoredSendLog.open(run / SEND_LOG) as log:
        log.raise_epoch(MAX_EPOCH + 1)
    witness_path(run / JOURNAL).unlink()
    before = (run / JOURNAL).read_bytes()
    with pytest.raises(BadInput, match="has used all 1295 epochs"):
        restore(tmp_path / "copy", run, NOW)
    assert (run / JOURNAL).read_bytes() == before


def test_a_damaged_send_log_is_replaced(run: Path, tmp_path: Path) -> None:
    back_up(run, tmp_path / "copy", NOW)
    (run / SEND_LOG).write_bytes(b"not a database" * 300)
    assert restore(tmp_path / "copy", run, NOW).send_log == "restored"
    with StoredSendLog.open(run / SEND_LOG) as log:
        assert log.epoch == 2


def test_a_damaged_backup_is_passed_over_or_refused(run: Path) -> None:
    back_up(run, run / "backups" / "1", NOW)
    back_up(run, run / "backups" / "2", NOW)
    with (run / "backups" / "2" / JOURNAL).open("r+b") as file:
        file.seek(5_000)
        file.write(b"?")
    assert newest_backup(run).name == "1"
    with pytest.raises(BadInput, match=r"journal.sqlite is not as it was when the backup was made"):
        restore(run / "backups" / "2", run, NOW)
    with pytest.raises(BadInput, match="is no backup"):
        restore(run / "backups", run, NOW)
    shutil.rmtree(run / "backups")
    with pytest.raises(BadInput, match=r"there is no good backup in .* --salvage"):
        newest_backup(run)


def test_a_journal_alone_can_be_put_in_place(run: Path, tmp_path: Path) -> None:
    alone = make(tmp_path / "replica.sqlite", with_witness=False)
    assert restore(alone, run, NOW).batches == BATCHES
    change(alone, "DELETE FROM batch WHERE id = 4")
    with pytest.raises(BadInput, match="is damaged: batch 4"):
        restore(alone, run, NOW)


def test_nothing_is_restored_while_a_process_writes(run: Path, tmp_path: Path) -> None:
    back_up(run, tmp_path / "copy", NOW)
    with Journal.open(run / JOURNAL), pytest.raises(BadInput, match="is in use"):
        restore(tmp_path / "copy", run, NOW)
    with StoredSendLog.open(run / SEND_LOG), pytest.raises(BadInput, match="is in use"):
        restore(tmp_path / "copy", run, NOW)


def test_a_restore_that_ends_halfway_leaves_nothing_that_starts(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(run / JOURNAL) as journal:
        fill(journal, BATCHES + 1, BATCHES + 4)
    back_up(run, tmp_path / "copy", NOW)
    rename = Path.rename
    for moves in range(2):
        left = moves

        def until_the_crash(path: Path, to: Path) -> Path:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return rename(path, to)

        monkeypatch.setattr(Path, "rename", until_the_crash)
        with pytest.raises(KeyboardInterrupt):
            restore(tmp_path / "copy", run, NOW)
        monkeypatch.undo()
        if moves:
            with pytest.raises(BadInput, match="batch 1 "):
                Journal.open(run / JOURNAL)
    assert restore(tmp_path / "copy", run, NOW).batches == BATCHES + 4
    Journal.open(run / JOURNAL).close()


@pytest.mark.parametrize("batch", [1, 7, BATCHES])
def test_what_comes_before_the_first_bad_record_can_be_salvaged(run: Path, batch: int) -> None:
    change(run / JOURNAL, "UPDATE batch SET at = 0 WHERE id = ?", batch)
    done = salvage(run, NOW)
    assert (done.batches, done.epoch) == (batch - 1, 2)
    with Journal.open(run / JOURNAL) as journal:
        assert [found.inputs for found in journal.batches()] == [(heard(n),) for n in range(1, batch)]
        assert journal.next_epoch() == 3


def test_after_a_lost_end_salvage_takes_what_is_there(run: Path) -> None:
    with Journal.open(run / JOURNAL) as journal:
        fill(journal, BATCHES + 1, BATCHES + 5)
        for suffix in ("", ".head"):
            shutil.copy(run / f"{JOURNAL}{suffix}", run / f"lost{suffix}")
    for suffix in ("", ".head"):
        (run / f"lost{suffix}").rename(run / f"{JOURNAL}{suffix}")
    assert verify(run / JOURNAL).first_bad == f"batch {BATCHES + 1}"
    assert salvage(run, NOW).batches == BATCHES
    assert verify(run / JOURNAL).ok


def test_a_file_that_was_cut_short_can_be_salvaged(run: Path) -> None:
    size = (run / JOURNAL).stat().st_size
    with (run / JOURNAL).open("r+b") as file:
        file.truncate(size * 9 // 10)
    good = verify(run / JOURNAL).batches
    assert 0 < good < BATCHES
    assert salvage(run, NOW).batches == good


def test_salvage_does_not_guess_which_epochs_were_used(run: Path) -> None:
    change(run / JOURNAL, "UPDATE epoch SET hash = x'00'")
    witness = witness_path(run / JOURNAL)
    kept = witness.read_bytes()
    witness.unlink()
    with pytest.raises(BadInput, match="Which client ids were used is not known: restore a backup"):
        salvage(run, NOW)
    witness.write_bytes(kept)
    assert salvage(run, NOW).epoch == 2
    with pytest.raises(BadInput, match="there is no journal in"):
        salvage(run / "nowhere", NOW)
