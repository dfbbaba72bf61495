from pathlib import Path

import numpy as np
import polars as pl
import pytest

from autofutures.data.catalog import Catalog, TickColumns
from autofutures.data.export import REIMPORT_MAP, export_ticks
from autofutures.data.importers import Options
from autofutures.data.importers.csv_columns import parse_map
from autofutures.data.importing import import_file
from autofutures.domain.errors import BadInput
from tests.unit.data.files import DAY_ROWS, imported, tick_file


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
