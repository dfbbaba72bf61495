import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures.cli.db import app
from autofutures.config import write_run
from autofutures.domain.errors import BadInput
from autofutures.ops.folder import Folder
from autofutures.storage.backup import JOURNAL
from autofutures.storage.journal import Journal
from autofutures.storage.replica import CONFIG
from autofutures.storage.verify import verify
from tests.journals import a_run, trade
from tests.unit.storage.damage import BATCHES, change, fill, make

runner = CliRunner()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    place = tmp_path / "run"
    place.mkdir()
    make(place / JOURNAL)
    return place


def said(*words: str | Path, code: int = 0) -> str:
    done = runner.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code
    return done.stdout


def test_a_good_journal_is_said_to_be_good(run: Path) -> None:
    assert f"good, {BATCHES} batches, 1 snapshots, epoch 2" in said("verify", run)
    for place in (("--run", run), (run / JOURNAL,)):
        verdict = json.loads(said("verify", *place, "--json"))
        assert (verdict["ok"], verdict["batches"], verdict["first_bad"]) == (True, BATCHES, "")


def test_a_bad_journal_is_said_with_its_first_bad_record_and_the_repair(run: Path) -> None:
    change(run / JOURNAL, "UPDATE batch SET at = 0 WHERE id = 7")
    text = said("verify", run, code=1)
    assert "the first bad record is batch 7: it does not fit its hash" in text
    assert "6 batches before it are good. Put the newest good backup in its place with" in text
    assert f"`autofutures db restore --run {run}`" in text
    verdict = json.loads(said("verify", run, "--json", code=1))
    assert (verdict["ok"], verdict["first_bad"], verdict["batches"]) == (False, "batch 7", 6)


def test_two_places_are_one_too_many(run: Path) -> None:
    with pytest.raises(BadInput, match="name one place to verify, not two"):
        said("verify", run, "--run", run)


def test_backup_damage_and_restore(run: Path) -> None:
    made = json.loads(said("backup", "--run", run, "--json"))
    assert Path(made["path"]).parent == run / "backups"
    assert made["batches"] == BATCHES
    change(run / JOURNAL, "DELETE FROM batch WHERE id = 3")
    done = json.loads(said("restore", "--run", run, "--json"))
    assert (done["batches"], done["epoch"], done["backup"]) == (BATCHES, 2, made["path"])
    assert verify(run / JOURNAL).ok
    assert "good" in said("verify", made["path"])


def test_in_words(run: Path) -> None:
    to = run.parent / "copy"
    assert said("backup", "--run", run, "--to", to) == f"{to}: {BATCHES} batches, journal.sqlite\n"
    text = said("restore", to, "--run", run)
    assert f"{run}: {BATCHES} batches from {to}, next epoch 3\nWhat was there is in {run}/damaged-" in text
    assert "next epoch 67" in said("restore", to, "--run", run.parent / "elsewhere")


def test_salvage_needs_no_backup(run: Path) -> None:
    change(run / JOURNAL, "UPDATE batch SET at = 0 WHERE id = 7")
    assert "6 batches from" in said("restore", "--run", run, "--salvage")
    with pytest.raises(BadInput, match="--salvage needs no backup"):
        said("restore", run, "--run", run, "--salvage")


def test_nothing_is_restored_under_a_machine(run: Path) -> None:
    machine = Folder(run)
    machine.take()
    with pytest.raises(BadInput, match="a machine runs in"):
        said("restore", "--run", run, "--salvage")
    machine.leave()


def test_the_standing_tells_of_backups_room_and_what_a_start_must_fold(run: Path) -> None:
    table = json.loads(said("status", "--run", run, "--json"))
    assert (table["batches"], table["since_snapshot"], table["epoch"]) == (BATCHES, BATCHES - 15, 2)
    assert (table["backup"], table["backup_behind"], table["replica"]) == ("", BATCHES, None)
    made = json.loads(said("backup", "--run", run, "--json"))
    with Journal.open(run / JOURNAL) as journal:
        fill(journal, BATCHES + 1, BATCHES + 1_000)
    table = json.loads(said("status", "--run", run, "--json"))
    assert (table["backup"], table["backup_behind"]) == (made["path"], 1_000)
    text = said("status", "--run", run)
    assert "batches            1,040\n" in text
    assert "replica            none\n" in text


def test_a_replica_needs_a_place(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, bool]] = []

    def replicate(root: Path, *, once: bool) -> int:
        asked.append((root, once))
        return 0

    monkeypatch.setattr("autofutures.storage.replica.find_litestream", lambda: Path("litestream"))
    monkeypatch.setattr("autofutures.storage.replica.replicate", replicate)
    said("replicate", "--run", run, "--to", run.parent / "safe", "--once")
    assert asked == [(run, True)]
    assert (run / CONFIG).is_file()


@pytest.mark.parametrize("another", [False, True])
def test_in_a_run_s_folder_snapshots_are_compared_with_what_the_batches_make(
    run: Path, another: bool
) -> None:
    settings = a_run(trades=600)
    write_run(settings, run / "run.json")
    for left in run.glob("journal*"):
        left.unlink()
    with Journal.open(run / JOURNAL) as journal:
        trader = trade(settings, journal.commit)
        trader.market_seq += 1
        if another:
            trader.portfolio.ledger("ema_cross", settings.symbols[0]).fees += 1
        journal.snapshot(trader.facts(1), 1)
    verdict = json.loads(said("verify", run, "--json", code=int(another)))
    assert (verdict["ok"], verdict["snapshots_compared"]) == (not another, int(not another))
    assert ("is not the one that the batches before it make" in verdict["why"]) == another
