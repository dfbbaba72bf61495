from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autofutures.backtest.runner import run, write_rows
from autofutures.bus.codec import Outbox
from autofutures.domain.errors import BadMessage, BrokenInvariant
from autofutures.domain.messages import Gap, Tick, Traded
from autofutures.domain.units import Side
from autofutures.ops.folder import Folder, make_folder
from autofutures.portfolio.tally import Summary
from autofutures.processes.outcome import write_outcome
from autofutures.processes.stream import LENGTH
from autofutures.storage.journal import Journal
from tests.runs import TXF, generated, trade


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


def test_a_live_run_is_told_by_its_journal_though_the_recorder_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = make_folder(tmp_path / "live", generated(), live=True, begun_at=100)
    outbox = Outbox("trader", 1)
    said = [
        outbox.frame((Tick(TXF, at, price_ticks, 1),), at)
        for at, price_ticks in ((110, 17_400), (130, 17_410), (150, 17_420))
    ]
    gap = outbox.frame((Gap("trader.market", 140, 7),), 140)
    kept = b"".join(LENGTH.pack(len(frame)) + frame for frame in (said[0], said[1], gap, said[2]))
    made.stream.write_bytes(kept + b"torn")
    earlier, bought = (
        Traded(f"o{n}", "s", n, 1, 1, at, TXF, Side.BUY, 1, 17_400, 20, 70, n, f"f{n}")
        for n, at in ((1, 50), (2, 120))
    )
    with Journal.open(made.journal) as journal:
        journal.commit((), (earlier,), 50)
        journal.commit((), (bought,), 120)

    summary = write_outcome(made)

    assert (summary.ticks_seen, summary.ticks_lost, summary.fills) == (3, 7, 1)
    assert summary.positions == {TXF: 2}
    assert summary.net_pnl == 2 * 20 * 200 - 90
    assert made.fills.read_text().count("f") >= 1
    assert msgspec.json.decode(made.result.read_bytes(), type=Summary) == summary
    assert summary.fill_hash in made.report.read_text("utf-8")
    made.leave()
