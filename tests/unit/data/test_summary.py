from pathlib import Path

from autofutures.data.record import SeriesRecord
from autofutures.data.summary import RefusedFile, import_summary, series_summaries
from tests.unit.data.files import DAY_ROWS, imported, tick_file


def test_an_import_adds_up_its_files_and_the_same_content_once(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    tuesday = [
        row.replace("20210726", "20210727") for row in (*DAY_ROWS[1:3], DAY_ROWS[1].replace("17473", "0"))
    ]
    one = imported(tick_file(tmp_path), root)
    again = imported(tick_file(tmp_path), root)
    two = imported(tick_file(tmp_path, tuesday, name="Daily_2021_07_27.csv"), root)
    summary = import_summary([one, again, two], [RefusedFile("x", "why")], 1.23456)
    assert (summary.rows, summary.imported, summary.spreads, summary.quarantined) == (9, 7, 1, 1)
    assert summary.quarantined_by_reason == {"price_not_positive": 1}
    assert [file.already_imported for file in summary.files] == [False, True, False]
    assert not summary.already_imported
    assert import_summary([again], [], 0).already_imported
    assert not import_summary([], [], 0).already_imported
    assert summary.seconds == 1.235
    txf = {series.symbol: series for series in summary.series}["TAIFEX:TXF202108"]
    assert (txf.days, txf.trades, txf.contracts, txf.grid) == (("2021-07-26", "2021-07-27"), 6, 9, "checked")


def test_each_kind_of_a_contract_is_a_series_of_its_own() -> None:
    ticks = SeriesRecord("TAIFEX:CDF202108", 20210726, "ticks", 3, 3, 5, 5, grid_checked=False)
    bars = SeriesRecord("TAIFEX:CDF202108", 20210726, "bars", 2, 3, 5, 5, grid_checked=False)
    assert [(one.kind, one.rows, one.grid) for one in series_summaries([ticks, bars])] == [
        ("bars", 2, "unchecked"),
        ("ticks", 3, "unchecked"),
    ]
