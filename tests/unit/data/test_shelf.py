from pathlib import Path

import pytest

from autofutures.data import shelf
from autofutures.domain.errors import Refusal


def write(folder: Path, text: str = "new") -> None:
    (folder / "ticks").mkdir()
    (folder / "ticks" / "a.parquet").write_text(text)


def test_what_was_staged_is_on_the_shelf_only_when_the_block_ended(tmp_path: Path) -> None:
    with shelf.locked(tmp_path), shelf.staged(tmp_path, "abc") as folder:
        write(folder)
        assert not (tmp_path / "ticks").exists()
    assert (tmp_path / "ticks" / "a.parquet").read_text() == "new"
    assert list((tmp_path / "staging").iterdir()) == []


def test_an_error_leaves_the_shelf_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "ticks").mkdir()
    (tmp_path / "ticks" / "a.parquet").write_text("old")

    def interrupted() -> None:
        with shelf.locked(tmp_path), shelf.staged(tmp_path, "abc") as folder:
            write(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "ticks" / "a.parquet").read_text() == "old"
    assert list((tmp_path / "staging").iterdir()) == []


def test_an_import_killed_while_it_wrote_is_taken_back(tmp_path: Path) -> None:
    unfinished = tmp_path / "staging" / "abc.part"
    unfinished.mkdir(parents=True)
    write(unfinished)
    shelf.mend(tmp_path)
    assert not unfinished.exists()
    assert not (tmp_path / "ticks").exists()


def test_an_import_killed_while_it_moved_is_finished(tmp_path: Path) -> None:
    decided = tmp_path / "staging" / "abc"
    decided.mkdir(parents=True)
    write(decided)
    shelf.mend(tmp_path)
    shelf.mend(tmp_path)
    assert (tmp_path / "ticks" / "a.parquet").read_text() == "new"
    assert not decided.exists()


def test_one_import_at_a_time_and_readers_leave_a_live_one_alone(tmp_path: Path) -> None:
    with shelf.locked(tmp_path):
        living = tmp_path / "staging" / "abc.part"
        living.mkdir(parents=True)
        shelf.mend(tmp_path)
        assert living.exists()
        with pytest.raises(Refusal, match="another import"), shelf.locked(tmp_path):
            pass


def test_looking_at_a_catalogue_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    shelf.mend(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
