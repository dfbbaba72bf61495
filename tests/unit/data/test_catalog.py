from pathlib import Path

import pytest

from autofutures.data.catalog import Catalog, iso_day, place_of
from autofutures.domain.errors import BadInput
from autofutures.market.dates import taipei_ns
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
        ("OTHER:ABC", 20210726, "import its file"),
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
