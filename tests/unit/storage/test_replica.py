import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from autofutures.domain.errors import BadInput, Refusal
from autofutures.storage.backup import JOURNAL, SEND_LOG, restore
from autofutures.storage.journal import Journal
from autofutures.storage.replica import CONFIG, find_litestream, lag, replicate, write_config
from autofutures.storage.send_log import StoredSendLog
from tests.unit.storage.damage import BATCHES, fill, make


def is_installed() -> bool:
    return Path(sys.executable).with_name("litestream").is_file() or shutil.which("litestream") is not None


needs_litestream = pytest.mark.skipif(
    not is_installed(), reason="litestream is not installed: extra [backup]"
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    place = tmp_path / "run"
    place.mkdir()
    make(place / JOURNAL)
    return place


def test_an_address_is_taken_as_it_is_and_a_folder_by_its_whole_path(run: Path, tmp_path: Path) -> None:
    config = msgspec.json.decode(write_config(run, "s3://bucket/mine/").read_bytes())
    assert [entry["replica"] for entry in config["dbs"]] == [
        {"url": "s3://bucket/mine/journal.sqlite"},
        {"url": "s3://bucket/mine/gateway.sqlite"},
    ]
    config = msgspec.json.decode(write_config(run, str(tmp_path / "safe")).read_bytes())
    assert config["dbs"][0]["replica"] == {"type": "file", "path": f"{tmp_path}/safe/journal.sqlite"}
    assert config["dbs"][0]["path"] == str(run / JOURNAL)


def test_without_litestream_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BadInput, match=r"pip install 'autofutures\[backup\]'"):
        find_litestream()


def test_a_run_without_a_replica_has_no_lag_and_a_folder_without_a_journal_no_replica(run: Path) -> None:
    with pytest.raises(BadInput, match="there is no journal in"):
        write_config(run.parent, "safe")
    with pytest.raises(BadInput, match="has no replica: make one with"):
        lag(run)


@needs_litestream
def test_a_replica_made_beside_the_writer_is_whole_and_its_lag_is_shown(run: Path, tmp_path: Path) -> None:
    write_config(run, str(tmp_path / "safe"))
    with pytest.raises(Refusal, match=r"the replica of .* cannot be restored"):
        lag(run)
    with Journal.open(run / JOURNAL) as journal, StoredSendLog.open(run / SEND_LOG) as log:
        fill(journal, BATCHES + 1, BATCHES + 5)
        log.write("abc0200001", 2)
        assert replicate(run, once=True) == 0
        found = lag(run)
        assert (found.batches, found.replicated, found.behind, found.agrees) == (45, 45, 0, True)
        fill(journal, BATCHES + 6, BATCHES + 8)
        found = lag(run)
        assert (found.replicated, found.behind, found.agrees) == (45, 3, True)
        assert replicate(run, once=True) == 0
        assert lag(run).behind == 0
    assert (tmp_path / "safe" / SEND_LOG).is_dir()


@needs_litestream
def test_a_replica_can_be_restored_and_trades_on(run: Path, tmp_path: Path) -> None:
    write_config(run, str(tmp_path / "safe"), once=True)
    assert replicate(run, once=True) == 0
    copy = tmp_path / "copy.sqlite"
    command = [str(find_litestream()), "restore", "-o", str(copy), f"file://{tmp_path}/safe/{JOURNAL}"]
    subprocess.run(command, check=True, capture_output=True)
    assert restore(copy, tmp_path / "elsewhere", 1).batches == BATCHES
    with Journal.open(tmp_path / "elsewhere" / JOURNAL) as journal:
        fill(journal, BATCHES + 1, BATCHES + 2)
        assert journal.head.number == BATCHES + 2
    assert (run / CONFIG).is_file()
