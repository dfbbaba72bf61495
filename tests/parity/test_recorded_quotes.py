"""On recorded quotes the kernel makes what the nodes make, with a strategy of sense and with one without."""

import gzip
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from autofutures.assemble.request import RunOptions
from autofutures.backtest.engines import run_kernel
from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog
from autofutures.data.importers import Options
from autofutures.data.importing import import_file
from tests.parity import fuzz

pytestmark = pytest.mark.timeout(900)  # What is compiled for the first time takes a minute or two.

LINES = 25_000
"""Of the websocket's recording: trades, best prices and depth of a minute and a half."""

EVERY_KIND = f"{Path(__file__).parent / 'every_kind.py'}:EveryKind"

MARKETS = {
    "databento": ("CME:ES202409", "2024-07-02"),
    "binance linear": ("BINANCE:BTCUSDT", "2024-08-08"),
    "binance inverse": ("BINANCE:BTCUSD", "2022-12-13"),
}
"""The last is known by the quotes of each minute alone: no trade is recorded."""


@pytest.fixture(scope="module")
def catalog(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recorded")
    part = root / "btcusdt_20240808.gz"
    with gzip.open(shared_data / "binance_usdm" / part.name, "rb") as whole, gzip.open(part, "wb", 1) as kept:
        kept.writelines(islice(whole, LINES))
    for path in (
        part,
        shared_data / "databento" / "futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst",
        shared_data / "lean" / "cryptofuture" / "binance" / "minute" / "btcusd" / "20221213_quote.zip",
    ):
        import_file(path, Catalog(root / "catalog"), Options())
    return root / "catalog"


def asked(catalog: Path, market: str, strategy: str, settings: list[str]) -> RunSettings:
    symbol, day = MARKETS[market]
    run = RunOptions(
        strategies=[strategy],
        settings=settings,
        symbol=symbol,
        date=day,
        generate=False,
        catalog=catalog,
        market="quotes",
        order_latency="1ms",
        fee=2,
    ).run()
    # With room for much to happen: otherwise most of what the second decides is refused.
    return msgspec.structs.replace(run, limits={"position": {"max_contracts": 100}})


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(
    ("strategy", "settings"),
    [("market_maker", ["rest_ms=20", "max_inventory=3"]), (EVERY_KIND, ["seed=3", "pace=3"])],
    ids=["market_maker", "every_kind"],
)
def test_kernel_and_nodes_are_the_same_on_recorded_quotes(
    catalog: Path, market: str, strategy: str, settings: list[str]
) -> None:
    run = asked(catalog, market, strategy, settings)
    on_nodes = fuzz.traded(run)
    on_kernel, events_n, _ = run_kernel(run)
    assert not fuzz.difference(on_nodes, on_kernel)
    assert events_n > 1_000
    assert len(on_nodes.orders) > 50
    assert len(on_nodes.fills) > 30
    assert on_nodes.counts["event quote"] > 1_000


def test_processes_are_the_same_on_recorded_quotes(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    run = asked(catalog, "databento", "market_maker", ["rest_ms=20", "max_inventory=3"])
    assert not fuzz.difference(fuzz.traded(run), fuzz.on_processes(run, tmp_path / "run"))
