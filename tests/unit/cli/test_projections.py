import json
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from autofutures.cli.projections import app
from autofutures.config import write_run
from autofutures.domain.errors import BadInput
from autofutures.ops.folder import Folder, Machine
from autofutures.storage.journal import Journal
from autofutures.storage.journal_reader import JournalReader
from autofutures.storage.projections.store import RebuildNeeded
from tests.journals import a_day, a_run, trade

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "run")
    made.root.mkdir()
    write_run(a_run(200), made.root / "run.json")
    machine = Machine(sockets="", keys="", state=str(made.root))
    (made.root / "machine.json").write_bytes(msgspec.json.encode(machine))
    a_day(made.journal, 200)
    return made


def said(folder: Folder, *words: str, code: int = 0) -> str:
    done = runner.invoke(app, [*words, "--run", str(folder.root)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


def test_update_makes_the_tables_in_the_runs_folder_and_says_how_far_they_are(folder: Folder) -> None:
    head = JournalReader(folder.journal).head()
    found = json.loads(said(folder, "update", "--json"))
    assert (found["folded"], found["position"]["batch"]) == (head.batch, head.batch)
    assert found["url"] == f"sqlite:///{folder.root / 'projections.sqlite'}"
    assert said(folder, "update").startswith(f"folded 0 batches up to batch {head.batch:,} into sqlite:///")


def test_show_tells_the_lag_and_how_many_rows_there_are(folder: Folder) -> None:
    behind = json.loads(said(folder, "show", "--json"))
    head = JournalReader(folder.journal).head()
    assert behind["lag"]["batches"] == head.batch
    assert behind["lag"]["seconds"] > 3_600  # The trader's own day, not the reader's.
    assert behind["tables"]["fills"] == 0
    said(folder, "update")
    found = json.loads(said(folder, "show", "--json"))
    assert found["lag"] == {"batches": 0, "seconds": 0}
    assert found["tables"]["positions"] == 2
    assert "up to batch" in said(folder, "show")


def test_show_prints_a_tables_newest_rows(folder: Folder) -> None:
    assert "no rows" in said(folder, "show", "orders")
    said(folder, "update")
    rows = json.loads(said(folder, "show", "orders", "--limit", "3", "--json"))["rows"]
    assert len(rows) == 3
    assert [row["batch"] for row in rows] == sorted((row["batch"] for row in rows), reverse=True)
    assert "ema_cross" in said(folder, "show", "positions")


def test_verify_says_that_all_is_equal_or_what_is_not_and_rebuild_mends_it(folder: Folder) -> None:
    said(folder, "update")
    assert "every row up to batch" in said(folder, "verify")
    with closing(sqlite3.connect(folder.root / "projections.sqlite")) as hand, hand:
        hand.execute("UPDATE positions SET net = 1 WHERE strategy = 'sr'")
    found = json.loads(said(folder, "verify", "--json", code=1))
    assert not found["equal"]
    assert found["difference"].startswith(
        "positions sr, TAIFEX:TXF202608: net is 1 and the journal makes it "
    )
    assert json.loads(said(folder, "rebuild", "--json"))["folded"] == found["position"]["batch"]
    assert json.loads(said(folder, "verify", "--json"))["equal"]


def test_another_journal_in_the_place_of_the_old_one_asks_for_a_rebuild(folder: Folder) -> None:
    said(folder, "update")
    for file in folder.root.glob("journal*"):
        file.unlink()
    with Journal.open(folder.journal) as journal:
        trade(a_run(200, seed=2), journal.commit)
    for command in ("update", "verify", "show"):
        with pytest.raises(RebuildNeeded, match="autofutures projections rebuild"):
            said(folder, command)
    said(folder, "rebuild")
    said(folder, "verify")


def test_what_cannot_be_shown_is_refused_in_words(folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no table 'trades'; there are: orders, fills"):
        said(folder, "show", "trades")
    with pytest.raises(BadInput, match="is not the folder of a run"):
        said(Folder(tmp_path / "nowhere"), "update")
    folder.journal.unlink()
    with pytest.raises(BadInput, match="has no journal yet: start the machine there first"):
        said(folder, "update")
    assert not (folder.root / "projections.sqlite").exists()
