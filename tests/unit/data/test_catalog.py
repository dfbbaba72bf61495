from pathlib import Path

import numpy as np
import polars as pl
import pytest

from autofutures.data.catalog import Catalog, place_of
from autofutures.data.rules import Kind
from autofutures.domain.errors import BadInput
from autofutures.market.dates import iso_day, taipei_ns
from tests.unit.data.files import SPREAD_HEADER, imported, tick_file, tick_text


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    imported(tick_file(tmp_path), tmp_path / "catalog")
    return Catalog(tmp_path / "catalog")


def test_a_day_comes_back_as_columns_in_the_order_of_the_file(catalog: Catalog) -> None:
    ticks = catalog.ticks("TX202108", 20210726)
    assert (ticks.symbol, ticks.day, len(ticks)) == ("TAIFEX:TXF202108", 20210726, 4)
    assert ticks.at[0] == taipei_ns(20210723, 54_000)
    assert ticks.price_ticks.tolist() == [17409, 17473, 17473, 17202]
    assert ticks.qty.tolist() == [2, 1, 1, 3]
    assert ticks.auction.tolist() == [True, True, False, False]
    assert [str(column.dtype) for column in (ticks.at, ticks.price_ticks, ticks.qty, ticks.auction)] == [
        "int64",
        "int64",
        "int64",
        "bool",
    ]


def test_a_contracts_place_is_named_by_its_symbol_and_day() -> None:
    assert place_of("ticks", "TAIFEX:TXF202108/202109", 20210726) == Path(
        "ticks/TAIFEX/TXF202108-202109/2021-07-26.parquet"
    )
    assert place_of("bars", "TAIFEX:TXF202108", 20210726) == Path(
        "bars/1m/TAIFEX/TXF202108/2021-07-26.parquet"
    )
    assert iso_day(20210726) == "2021-07-26"


def test_the_catalogue_knows_its_days_and_series(catalog: Catalog) -> None:
    assert catalog.days("TXF202108") == [20210726]
    assert catalog.days("TXF202112") == []
    assert [
        (one.symbol, one.trades, one.contracts, one.contracts_with_spreads) for one in catalog.series()
    ] == [
        ("TAIFEX:CDF202108", 1, 1, 1),
        ("TAIFEX:TXF202108", 4, 7, 9),
        ("TAIFEX:TXF202108/202109", 1, 2, 2),
    ]
    assert [one.grid_checked for one in catalog.series()] == [False, True, True]


def test_of_a_spread_the_exchanges_own_file_is_believed_where_it_is_there(
    catalog: Catalog, tmp_path: Path
) -> None:
    assert len(catalog.ticks("TXF202108/202109", 20210726)) == 1
    rows = [f"20210726,TX,202108/202109,09000{second},-8{second},4,17400,17310, " for second in range(3)]
    path = tmp_path / "Daily_2021_07_26_C.csv"
    path.write_bytes(tick_text(rows, SPREAD_HEADER).encode("cp950"))
    imported(path, catalog.root)
    assert catalog.ticks("TXF202108/202109", 20210726).price_ticks.tolist() == [-80, -81, -82]


@pytest.mark.parametrize(
    ("symbol", "day", "says"),
    [
        ("TXF202108", 20210727, "no trades of TAIFEX:TXF202108 on 2021-07-27; it has 2021-07-26"),
        ("TXF202109", 20210726, "near it are TAIFEX:TXF202108, TAIFEX:TXF202108/202109"),
        ("CME:ABC", 20210726, "import its file"),
    ],
)
def test_what_is_missing_is_answered_with_what_there_is(
    catalog: Catalog, symbol: str, day: int, says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        catalog.ticks(symbol, day)


def test_missing_bars_and_wrong_symbols_are_answered_too(catalog: Catalog) -> None:
    with pytest.raises(BadInput, match="no bars of TAIFEX:TXF202108 on 2021-07-26"):
        catalog.bars("TXF202108", 20210726)
    with pytest.raises(BadInput, match="not a symbol"):
        catalog.ticks("no symbol", 20210726)


def test_a_damaged_file_is_never_an_empty_one(catalog: Catalog) -> None:
    (catalog.root / place_of("ticks", "TAIFEX:TXF202108", 20210726)).write_bytes(b"PAR1 torn")
    with pytest.raises(BadInput, match=r"is damaged .* --replace"):
        catalog.ticks("TXF202108", 20210726)
    next((catalog.root / "imports").iterdir()).write_text("{")
    with pytest.raises(BadInput, match="is damaged"):
        catalog.series()


def test_a_place_without_a_catalogue_holds_nothing(tmp_path: Path) -> None:
    assert Catalog(tmp_path / "absent").series() == []
    with pytest.raises(BadInput, match="autofutures data import"):
        Catalog(tmp_path / "absent").ticks("TXF202108", 20210726)


def write(root: Path, kind: Kind, columns: dict[str, list[int] | list[bool]]) -> None:
    place = root / place_of(kind, "BINANCE:BTCUSDT", 20240808)
    place.parent.mkdir(parents=True)
    pl.DataFrame(columns).write_parquet(place)


def test_quotes_are_read_as_columns_with_an_absent_side_of_no_quantity(tmp_path: Path) -> None:
    names = ("at", "bid_ticks", "bid_qty", "ask_ticks", "ask_qty")
    rows: list[list[int]] = [[1, 2], [618_002, 0], [2_507, 0], [618_003, 618_003], [2_510, 1]]
    write(tmp_path, "quotes", dict(zip(names, rows, strict=True)))
    quotes = Catalog(tmp_path).quotes("BTCUSDT", 20240808)
    assert (quotes.symbol, quotes.day, len(quotes)) == ("BINANCE:BTCUSDT", 20240808, 2)
    assert [getattr(quotes, name).tolist() for name in names] == rows


def test_depth_is_read_as_columns(tmp_path: Path) -> None:
    columns: dict[str, list[int] | list[bool]] = {
        "at": [1, 1],
        "side": [1, -1],
        "price_ticks": [618_002, 618_003],
        "qty": [2_909, 0],
        "first": [True, False],
    }
    write(tmp_path, "depth", columns)
    depth = Catalog(tmp_path).depth("BTCUSDT", 20240808)
    assert len(depth) == 2
    assert {name: getattr(depth, name).tolist() for name in columns} == columns
    assert depth.first.dtype == np.bool_


@pytest.mark.parametrize(("ask", "what"), [("quotes", "quotes"), ("depth", "depth")])
def test_missing_quotes_and_depth_are_named(tmp_path: Path, ask: str, what: str) -> None:
    with pytest.raises(BadInput, match=f"has no {what} of BINANCE:BTCUSDT on 2024-08-08"):
        getattr(Catalog(tmp_path), ask)("BTCUSDT", 20240808)


def test_bars_of_a_span_that_nobody_imports_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="bars of '5m' are not imported: choose 1m, 1h, 1d"):
        Catalog(tmp_path).bars("TXF202108", 20210726, "5m")


def test_quotes_without_trades_are_pointed_out(tmp_path: Path) -> None:
    names = ("at", "bid_ticks", "bid_qty", "ask_ticks", "ask_qty")
    write(tmp_path, "quotes", {name: [1] for name in names})
    with pytest.raises(BadInput, match="only quotes: import a file of its trades too"):
        Catalog(tmp_path).ticks("BTCUSDT", 20240808)
