from pathlib import Path

import pytest

from autofutures.assemble.market import with_bands
from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog
from autofutures.data.importers import Options
from autofutures.data.importing import import_file
from autofutures.data.settlement import settlement_of_bars, settlement_ticks
from autofutures.domain.errors import BadInput
from autofutures.market.sessions import Calendar

SYMBOL = "TAIFEX:TXF202108"


@pytest.fixture(scope="module")
def catalog(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    catalog = Catalog(tmp_path_factory.mktemp("catalog"))
    import_file(shared_data / "taifex" / "Daily_2021_07_26.zip", catalog, Options())
    return catalog


def test_the_settlement_price_is_the_published_one(catalog: Catalog) -> None:
    assert settlement_ticks(catalog, SYMBOL, 20210726, "taifex-index", Calendar(), 20210818) == 17203


def test_a_day_without_trades_has_no_settlement_price(catalog: Catalog) -> None:
    assert settlement_ticks(catalog, SYMBOL, 20210723, "taifex-index", Calendar(), 20210818) is None


def test_a_damaged_day_is_an_error_and_not_an_unknown_limit(tmp_path: Path) -> None:
    damaged = tmp_path / "ticks" / "TAIFEX" / "TXF202108" / "2021-07-26.parquet"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"torn")
    with pytest.raises(BadInput):
        settlement_ticks(Catalog(tmp_path), SYMBOL, 20210726, "taifex-index", Calendar(), 20210818)


def test_a_contract_that_did_not_trade_in_its_last_minute_has_none(catalog: Catalog) -> None:
    assert settlement_ticks(catalog, "TAIFEX:TXF202206", 20210726, "taifex-index", Calendar()) is None


def test_of_bars_the_settlement_price_is_estimated_from_the_last_minute_and_limits_the_next_day(
    shared_data: Path, tmp_path: Path
) -> None:
    """The bar of 13:44 is 41,733 / 41,734 / 41,683 / 41,695 with 933 contracts, that of 13:45 is 41,695 with 4.

    It fell: 233 at the open, 233 high, 233 low and 234 at the close; then one each. To the tick that is 41,711.
    """
    symbol, bars = "TAIFEX:TXF202605", Catalog(tmp_path)
    import_file(shared_data / "taifex" / "tx_1min" / "TX_2026-05-12_1min.json", bars, Options())
    settled = settlement_of_bars(bars, symbol, 20260512, "taifex-index", Calendar(), 20260520)
    by_hand = (233 * 41_733 + 233 * 41_734 + 233 * 41_683 + 234 * 41_695 + 4 * 41_695) / 937
    assert settled == round(by_hand)
    assert settlement_of_bars(bars, symbol, 20260513, "taifex-index", Calendar(), 20260520) is None

    run = RunSettings(
        symbols=(symbol,), day=20260513, source="recorded", catalog=str(tmp_path), market="bars"
    )
    low, high = with_bands(run).bands[symbol]
    assert (low, high) == (-(-settled * 9 // 10), settled * 11 // 10)


def test_the_next_day_has_limits_of_ten_percent_and_the_day_itself_none(catalog: Catalog) -> None:
    def bands(day: int) -> dict[str, tuple[int, int]]:
        run = RunSettings(symbols=(SYMBOL,), day=day, source="recorded", catalog=str(catalog.root))
        return with_bands(run).bands

    assert bands(20210727) == {SYMBOL: (15483, 18923)}
    assert bands(20210726) == {}
    generated = RunSettings(symbols=(SYMBOL,), day=20210727, source="generated", catalog=str(catalog.root))
    assert with_bands(generated).bands == {}
