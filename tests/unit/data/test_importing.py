from pathlib import Path

import polars as pl
import pytest

from autofutures.data import shelf
from autofutures.data.catalog import Catalog, place_of
from autofutures.data.importers import Options
from autofutures.data.importing import files_under, import_file
from autofutures.domain.errors import BadInput, NotThisFormat, Refusal
from tests.unit.data.files import DAY_ROWS, imported, tick_file, tick_text, zipped

TXF = place_of("ticks", "TAIFEX:TXF202108", 20210726)


def everything(root: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


def test_rows_are_imported_spreads_or_quarantined(tmp_path: Path) -> None:
    bad = DAY_ROWS[0].replace("17409", "0")
    one = imported(tick_file(tmp_path, (*DAY_ROWS, bad, bad)), tmp_path / "catalog")
    record = one.record
    assert (record.rows, record.imported, record.spreads, record.quarantined) == (8, 5, 1, 2)
    assert record.quarantined_by_reason == {"price_not_positive": 2}
    assert record.format == "taifex_ticks"
    assert one.examples[0].startswith("Daily_2021_07_26.csv line 8: price_not_positive: 20210723,TX")
    assert one.quarantine is not None
    assert pl.read_csv(one.quarantine)["line"].to_list() == [8, 9]


def test_importing_the_same_content_twice_changes_nothing(tmp_path: Path) -> None:
    first = imported(tick_file(tmp_path), tmp_path / "catalog")
    before = everything(tmp_path / "catalog")
    second = imported(tick_file(tmp_path, name="renamed.csv"), tmp_path / "catalog")
    assert (first.already_imported, second.already_imported) == (False, True)
    assert second.record == first.record
    assert everything(tmp_path / "catalog") == before


def test_a_lost_part_is_imported_again(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    imported(tick_file(tmp_path), root)
    (root / TXF).unlink()
    assert not imported(tick_file(tmp_path), root).already_imported
    assert (root / TXF).exists()


def test_other_content_for_the_same_day_is_refused_unless_it_shall_replace(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    imported(tick_file(tmp_path, name="a.csv"), root)
    other = tick_file(tmp_path, DAY_ROWS[:2], name="b.csv")
    with pytest.raises(Refusal, match=r"b\.csv holds TAIFEX:TXF202108 on 2021-07-26, which .* from a\.csv"):
        imported(other, root)
    assert len(Catalog(root).ticks("TXF202108", 20210726)) == 4
    assert imported(other, root, replace=True).record.number == 2
    assert len(Catalog(root).ticks("TXF202108", 20210726)) == 2
    assert {one.symbol: one.trades for one in Catalog(root).series()}["TAIFEX:TXF202108"] == 2


def test_what_was_replaced_comes_back_only_on_demand(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    first = tick_file(tmp_path, name="a.csv")
    imported(first, root)
    imported(tick_file(tmp_path, DAY_ROWS[:2], name="b.csv"), root, replace=True)
    with pytest.raises(Refusal, match=r"from b\.csv"):
        imported(first, root)
    imported(first, root, replace=True)
    assert len(Catalog(root).ticks("TXF202108", 20210726)) == 4


def test_an_import_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path / "catalog"

    def fail(what: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(tick_file(tmp_path), Catalog(root), Options(), progress=fail)
    assert Catalog(root).series() == []
    assert not (root / "ticks").exists()


def test_two_imports_do_not_write_at_once(tmp_path: Path) -> None:
    with shelf.locked(tmp_path / "catalog"), pytest.raises(Refusal, match="wait"):
        imported(tick_file(tmp_path), tmp_path / "catalog")


def test_a_zip_of_several_days_is_imported_whole(tmp_path: Path) -> None:
    tuesday = tuple(row.replace("20210726", "20210727") for row in DAY_ROWS[1:])
    path = tmp_path / "week.zip"
    days = {"Daily_2021_07_26.rpt": DAY_ROWS, "Daily_2021_07_27.rpt": tuesday}
    path.write_bytes(zipped({name: tick_text(rows).encode("cp950") for name, rows in days.items()}))
    assert imported(path, tmp_path / "catalog").record.rows == 11
    assert Catalog(tmp_path / "catalog").days("TXF202108") == [20210726, 20210727]


def test_a_zip_that_holds_a_day_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    path.write_bytes(zipped({name: tick_text().encode("cp950") for name in ("a.csv", "b.csv")}))
    with pytest.raises(BadInput, match="in two of its files"):
        imported(path, tmp_path / "catalog")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("成交日期,商品代號,履約價格,到期月份(週別),買賣權別,成交時間,成交價格,成交數量(B or S)", "options"),
        ("<html>", "web page"),
        (tick_text(["20210726,2330,202108,090000,581,2,-,-, "]), "not one row could be read; line 2"),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "Daily_2021_07_26.csv"
    path.write_bytes(text.encode("cp950"))
    with pytest.raises(NotThisFormat, match=says):
        imported(path, tmp_path / "catalog")
    assert Catalog(tmp_path / "catalog").records() == []


def test_a_file_whose_rows_are_all_quarantined_by_a_rule_is_still_a_tick_file(tmp_path: Path) -> None:
    path = tick_file(tmp_path, [DAY_ROWS[0].replace("17409", "0")])
    assert imported(path, tmp_path / "catalog").record.quarantined == 1
    header_only = imported(tick_file(tmp_path, [], name="Daily_2021_07_27.csv"), tmp_path / "catalog")
    assert header_only.record.rows == 0


def test_folders_are_searched_and_hidden_files_left_out(tmp_path: Path) -> None:
    names = ("b.csv", "a.zip", ".hidden.csv", ".git/c.csv", "deep/d.csv")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    single = tmp_path / ".hidden.csv"
    found = files_under([tmp_path, single])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "a.zip",
        "b.csv",
        "deep/d.csv",
        ".hidden.csv",
    ]


def bar_file(folder: Path, name: str, *minutes: int, close: str = "1.1078") -> Path:
    """Bars of Euro FX on 2024-01-02, by minute after midnight UTC: those past 23:00 are of the next trading day."""
    path = folder / f"6EH4.XCME_1min_bars_{name}.csv"
    rows = (
        f"2024-01-02 {minute // 60:02}:{minute % 60:02}:00,1.1076,1.1080,1.1075,{close},{minute}\n"
        for minute in minutes
    )
    path.write_text("timestamp_utc,open,high,low,close,volume\n" + "".join(rows))
    return path


def test_files_that_each_tell_a_part_of_a_day_make_it_together_in_order_of_time(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    imported(bar_file(tmp_path, "late", 20, 21), root)
    imported(bar_file(tmp_path, "early", 10, 11, 1430), root)
    bars = Catalog(root).bars("6E202403", 20240102)
    assert bars.qty.tolist() == [10, 11, 20, 21]
    assert bars.at.tolist() == sorted(bars.at.tolist())
    assert Catalog(root).days("6E202403", "bars") == [20240102, 20240103]
    parts = [(one.day, one.contracts) for one in Catalog(root).series()]
    assert parts == [(20240102, 21), (20240102, 41), (20240103, 1430)]


def test_a_part_that_overlaps_another_files_part_is_refused_and_names_it(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    imported(bar_file(tmp_path, "early", 10, 20), root)
    with pytest.raises(Refusal, match=r"holds CME:6E202403 on 2024-01-02, which .* from .*_early\.csv"):
        imported(bar_file(tmp_path, "other", 15), root)


def test_a_replaced_part_leaves_the_other_parts_of_the_day(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    for name, minutes in (("a", (10, 11)), ("b", (20, 21)), ("c", (30,))):
        imported(bar_file(tmp_path, name, *minutes), root)
    better = bar_file(tmp_path, "better", 19, 22, 23, close="1.1079")
    imported(better, root, replace=True)
    assert Catalog(root).bars("6E202403", 20240102).qty.tolist() == [10, 11, 19, 22, 23, 30]
    assert [one.contracts for one in Catalog(root).series()] == [21, 64, 30]
    assert not imported(bar_file(tmp_path, "b", 20, 21), root, replace=True).already_imported
    assert Catalog(root).bars("6E202403", 20240102).qty.tolist() == [10, 11, 20, 21, 30]


def test_a_part_imported_again_is_there_already(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    first = bar_file(tmp_path, "a", 10, 11)
    imported(first, root)
    imported(bar_file(tmp_path, "b", 20), root)
    before = everything(root)
    assert imported(first, root).already_imported
    assert imported(first, root, replace=True).record.number == 3
    assert Catalog(root).bars("6E202403", 20240102).qty.tolist() == [10, 11, 20]
    assert set(everything(root)) == set(before)


def test_a_day_of_a_record_that_does_not_say_when_it_ends_is_never_shared(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    imported(bar_file(tmp_path, "a", 10), root)
    (record,) = (root / "imports").glob("*.json")
    text = record.read_text()
    record.write_text(text[: text.index(',\n   "first_at"')] + "\n  }\n ]\n}")
    with pytest.raises(Refusal, match="say --replace"):
        imported(bar_file(tmp_path, "b", 20), root)


def test_a_file_of_another_tick_size_is_refused_with_a_way_to_import_it(tmp_path: Path) -> None:
    path = bar_file(tmp_path, "odd", 10, close="1.10781")
    with pytest.raises(BadInput, match=r"no price lies on the product's grid.*Say --symbol EXCHANGE:NAME"):
        imported(path, tmp_path / "catalog")
