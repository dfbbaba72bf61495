from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autofutures.backtest.runner import run, write_rows
from autofutures.domain.errors import BadMessage, BrokenInvariant
from autofutures.ops.folder import Folder, make_folder
from autofutures.portfolio.tally import Summary
from autofutures.processes.outcome import write_outcome
from tests.runs import generated, trade


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = make_folder(tmp_path / "run", generated())
    trade(made)
    yield made
    made.leave()


def test_the_stream_alone_gives_rows_and_a_page(folder: Folder, tmp_path: Path) -> None:
    summary = write_outcome(folder)
    backtest = run(generated())
    write_rows(backtest.tally, tmp_path / "orders.csv", tmp_path / "fills.csv")
    assert summary == backtest.summary
    assert folder.orders.read_bytes() == (tmp_path / "orders.csv").read_bytes()
    assert folder.fills.read_bytes() == (tmp_path / "fills.csv").read_bytes()
    assert summary.fill_hash in folder.report.read_text("utf-8")


@pytest.mark.parametrize("field", ["orders", "fills", "ticks_seen", "net_pnl", "fill_hash"])
def test_a_result_that_differs_from_the_stream_is_refused_and_nothing_is_written(
    folder: Folder, field: str
) -> None:
    result = msgspec.json.decode(folder.result.read_bytes(), type=Summary)
    other = "0" if field == "fill_hash" else getattr(result, field) + 1
    folder.result.write_bytes(msgspec.json.encode(msgspec.structs.replace(result, **{field: other})))
    with pytest.raises(
        BrokenInvariant, match=r"the recorder kept \d+ orders .*compare .*stream.* with .*journal"
    ):
        write_outcome(folder)
    assert not folder.orders.exists()
    assert not folder.report.exists()


def test_a_stream_that_lost_its_end_is_refused(folder: Folder) -> None:
    folder.stream.write_bytes(folder.stream.read_bytes()[:-1])
    with pytest.raises(BadMessage, match="ends inside a frame"):
        write_outcome(folder)
