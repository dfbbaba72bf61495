import json
from pathlib import Path

import numpy as np
import pytest

from autofutures.data.catalog import Catalog
from autofutures.data.day_bars import BarRow, day_bars, session_codes
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from tests.unit.data.files import imported, tick_file

CALENDAR = Calendar()


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    imported(tick_file(tmp_path), tmp_path / "catalog")
    return Catalog(tmp_path / "catalog")


def test_bars_are_built_of_trades_and_the_closing_second_opens_its_own(catalog: Catalog) -> None:
    found = day_bars(catalog, "TXF202108", 20210726, "1m", CALENDAR)
    assert (found.symbol, found.date, found.contracts) == ("TAIFEX:TXF202108", "2021-07-26", 7)
    assert found.vwap == round((17409 * 2 + 17473 * 2 + 17202 * 3) / 7, 6)
    night, opening, closing = found.bars
    assert night.session == "night"
    assert opening == BarRow(
        "2021-07-26T00:45:00Z", "2021-07-26 08:45", "day", "17473", "17473", "17473", "17473", 2, 2, 17473.0
    )
    assert closing.start_taipei == "2021-07-26 13:45"


def test_decimals_are_written_without_needless_zeros(catalog: Catalog) -> None:
    (bar,) = day_bars(catalog, "CDF202108", 20210726, "5m", CALENDAR).bars
    assert (bar.open, bar.vwap) == ("583.5", 583.5)
    (spread,) = day_bars(catalog, "TXF202108/202109", 20210726, "5m", CALENDAR).bars
    assert (spread.low, spread.vwap) == ("-85", -85.0)


def test_counted_bars_start_with_their_first_trade(catalog: Catalog) -> None:
    bars = day_bars(catalog, "CDF202108", 20210726, "1t", CALENDAR).bars
    assert [bar.start_taipei for bar in bars] == ["2021-07-26 08:45:01"]


def test_imported_bars_are_shown_where_there_are_no_trades(catalog: Catalog, tmp_path: Path) -> None:
    bar = {"t": "2021-07-26T15:00:00+08:00", "o": 3, "h": 5, "l": 2, "c": 4, "v": 9, "n": 7}
    path = tmp_path / "bars.json"
    path.write_text(json.dumps({"meta": {"product": "TX", "contract": "202108"}, "bars": [bar]}))
    imported(path, catalog.root)
    found = day_bars(catalog, "TXF202108", 20210727, "1m", CALENDAR)
    assert found.bars == (
        BarRow("2021-07-26T07:00:00Z", "2021-07-26 15:00", "night", "3", "5", "2", "4", 9, 7, None),
    )
    with pytest.raises(BadInput, match="say --interval 1m"):
        day_bars(catalog, "TXF202108", 20210727, "5m", CALENDAR)


def test_trades_that_are_missing_where_bars_are_say_so(tmp_path: Path) -> None:
    bar = {"t": "2021-07-26T15:00:00+08:00", "o": 3, "h": 5, "l": 2, "c": 4, "v": 9, "n": 7}
    path = tmp_path / "bars.json"
    path.write_text(json.dumps({"meta": {"product": "TX", "contract": "202108"}, "bars": [bar]}))
    imported(path, tmp_path / "catalog")
    with pytest.raises(BadInput, match="only imported 1-minute bars"):
        Catalog(tmp_path / "catalog").ticks("TXF202108", 20210727)


def test_every_trade_has_a_session_even_outside_the_hours() -> None:
    contract = instrument("TXF202108")
    outside = (taipei_ns(20210723, 50_000), taipei_ns(20210726, 30_000), taipei_ns(20210726, 60_000))
    codes = session_codes(np.array(outside), 20210726, contract, CALENDAR)
    assert codes.tolist() == [20210726 * 2, 20210726 * 2, 20210726 * 2 + 1]
    on_a_sunday = session_codes(np.array([taipei_ns(20210725, 36_000)]), 20210725, contract, CALENDAR)
    assert on_a_sunday.tolist() == [20210725 * 2 + 1]


@pytest.mark.parametrize(("folder", "interval"), [("hour", "1h"), ("daily", "1d")])
def test_imported_bars_of_an_hour_or_a_day_are_shown_as_such(
    tmp_path: Path, folder: str, interval: str
) -> None:
    path = tmp_path / "future" / "cme" / folder / "es_trade_201312.csv"
    path.parent.mkdir(parents=True)
    path.write_text("20131007 00:00,1669,1679.5,1667,1668,9\n")
    imported(path, tmp_path / "catalog")
    catalog = Catalog(tmp_path / "catalog")
    found = day_bars(catalog, "ES201312", 20131007, interval, Calendar())
    assert (found.interval, found.contracts, found.bars[0].high) == (interval, 9, "1679.5")
    with pytest.raises(BadInput, match=f"only imported 1-.* say --interval {interval}"):
        day_bars(catalog, "ES201312", 20131007, "1m", Calendar())
