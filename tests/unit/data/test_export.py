from pathlib import Path

import numpy as np
import polars as pl
import pytest

from autofutures.data.catalog import Catalog, TickColumns
from autofutures.data.export import REIMPORT_MAP, export_day, export_ticks
from autofutures.data.importers import Options
from autofutures.data.importers.csv_columns import parse_map
from autofutures.data.importing import import_file
from autofutures.domain.errors import BadInput
from tests.unit.data.files import DAY_ROWS, imported, recorded_stream, tick_file


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    hundredths = DAY_ROWS[3].replace(",134500,", ",13450050,")
    imported(tick_file(tmp_path, (*DAY_ROWS, hundredths)), tmp_path / "catalog")
    return Catalog(tmp_path / "catalog")


def same(one: TickColumns, other: TickColumns) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("at", "price_ticks", "qty", "auction")
    )


@pytest.mark.parametrize("symbol", ["TXF202108", "CDF202108", "TXF202108/202109"])
def test_an_exported_csv_is_imported_again_to_the_same_trades(
    catalog: Catalog, tmp_path: Path, symbol: str
) -> None:
    out = tmp_path / "out.csv"
    rows = export_ticks(catalog, symbol, 20210726, "csv", out)
    again = Catalog(tmp_path / "again")
    assert import_file(out, again, Options(columns=parse_map(REIMPORT_MAP))).record.rows == rows
    assert same(catalog.ticks(symbol, 20210726), again.ticks(symbol, 20210726))


def test_a_csv_reads_as_people_write(catalog: Catalog, tmp_path: Path) -> None:
    export_ticks(catalog, "CDF202108", 20210726, "csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == (
        "at,symbol,price,qty,auction\n2021-07-26T00:45:01.000000000Z,TAIFEX:CDF202108,583.5,1,false\n"
    )


def test_a_parquet_holds_ticks_and_exact_decimals(catalog: Catalog, tmp_path: Path) -> None:
    export_ticks(catalog, "CDF202108", 20210726, "parquet", tmp_path / "out.parquet")
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert frame["price_ticks"].to_list() == [5_835_000]
    assert [str(price) for price in frame["price"]] == ["583.5000"]
    assert frame.schema["at"] == pl.Datetime("ns", "UTC")


def test_what_cannot_be_written_says_why(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="choose csv or parquet"):
        export_ticks(catalog, "TXF202108", 20210726, "xlsx", tmp_path / "out")
    with pytest.raises(BadInput, match="cannot write"):
        export_ticks(catalog, "TXF202108", 20210726, "csv", tmp_path / "absent" / "out.csv")


@pytest.fixture
def coin(tmp_path: Path) -> Catalog:
    imported(recorded_stream(tmp_path), tmp_path / "coins")
    return Catalog(tmp_path / "coins")


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (
            "trades",
            (
                "at,symbol,price,qty,auction\n"
                "2024-08-08T23:54:16.300000000Z,BINANCE:BTCUSDT,61800.3,0.006,false\n"
            ),
        ),
        (
            "quotes",
            (
                "at,symbol,bid,bid_qty,ask,ask_qty\n"
                "2024-08-08T23:54:16.300000000Z,BINANCE:BTCUSDT,61800.2,2.507,61800.3,2.5\n"
                "2024-08-08T23:54:16.301000000Z,BINANCE:BTCUSDT,61800.2,2.507,61800.2,2.5\n"
                "2024-08-08T23:54:16.302000000Z,BINANCE:BTCUSDT,61800.2,2.507,,0\n"
            ),
        ),
        (
            "depth",
            (
                "at,symbol,side,price,qty,first\n"
                "2024-08-08T23:54:16.300000000Z,BINANCE:BTCUSDT,bid,61800.2,1.5,true\n"
                "2024-08-08T23:54:16.300000000Z,BINANCE:BTCUSDT,ask,61800.3,2,false\n"
            ),
        ),
    ],
)
def test_each_kind_is_written_in_decimals(coin: Catalog, tmp_path: Path, what: str, text: str) -> None:
    out = tmp_path / "out.csv"
    assert export_day(coin, "BTCUSDT", 20240808, what, "csv", out) == text.count("\n") - 1
    assert out.read_text() == text
    export_day(coin, "BTCUSDT", 20240808, what, "parquet", tmp_path / "out.parquet")
    assert len(pl.read_parquet(tmp_path / "out.parquet")) == text.count("\n") - 1


def test_exported_trades_of_a_coin_are_imported_again_to_the_same_lots(coin: Catalog, tmp_path: Path) -> None:
    export_day(coin, "BTCUSDT", 20240808, "trades", "csv", tmp_path / "out.csv")
    again = Catalog(tmp_path / "again")
    import_file(tmp_path / "out.csv", again, Options(columns=parse_map(REIMPORT_MAP)))
    assert same(coin.ticks("BTCUSDT", 20240808), again.ticks("BTCUSDT", 20240808))


def test_imported_bars_are_written_and_what_is_unknown_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "future" / "cme" / "hour" / "es_trade_201312.csv"
    path.parent.mkdir(parents=True)
    path.write_text("20131007 01:00,1669,1679.5,1667,1668,9\n")
    imported(path, tmp_path / "bars")
    export_day(Catalog(tmp_path / "bars"), "ES201312", 20131007, "1h", "csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == (
        "2013-10-07T01:00:00.000000000Z,CME:ES201312,1669,1679.5,1667,1668,9,0"
    )
    with pytest.raises(BadInput, match="--what 'orders' is unknown: choose trades, quotes, depth, 1m"):
        export_day(Catalog(tmp_path / "bars"), "ES201312", 20131007, "orders", "csv", tmp_path / "out.csv")
