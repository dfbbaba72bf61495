"""`market_maker` on recorded quotes and depth: never past its inventory, and each fill has its reason there."""

import gzip
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from autofutures.assemble.request import RunOptions
from autofutures.backtest.runner import Result, run
from autofutures.data.catalog import Catalog
from autofutures.data.importers import Options
from autofutures.data.importing import import_file
from autofutures.domain.units import OrderType, TimeInForce
from autofutures.market.quotes import is_sound

ES, ES_DAY = "CME:ES202409", "2024-07-02"
BTC, BTC_DAY = "BINANCE:BTCUSDT", "2024-08-08"
LINES = 25_000
"""Of the websocket's recording: a minute and a half."""


@pytest.fixture(scope="module")
def catalog(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("quotes")
    part = root / "btcusdt_20240808.gz"
    with gzip.open(shared_data / "binance_usdm" / part.name, "rb") as whole, gzip.open(part, "wb", 1) as kept:
        kept.writelines(islice(whole, LINES))
    folder = shared_data / "databento"
    for path in (part, folder / "futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst"):
        import_file(path, Catalog(root / "catalog"), Options())
    return root / "catalog"


def traded(
    catalog: Path,
    symbol: str,
    day: str,
    market: str,
    settings: str = "",
    strategy: str = "market_maker",
) -> Result:
    strategies = catalog.parent / f"{market}.toml"
    strategies.write_text(f'[[strategy]]\nuse = "{strategy}"\nname = "s"\nbook_stop = {10**15}\n{settings}')
    options = RunOptions(
        strategies=[],
        settings=[],
        config=strategies,
        symbol=symbol,
        date=day,
        generate=False,
        catalog=catalog,
        fee=0,
        market=market,
        order_latency="1ms",
    )
    return run(options.run())


@pytest.mark.parametrize(
    ("symbol", "day", "market", "orders", "fills"),
    [(ES, ES_DAY, "quotes", 50, 20), (BTC, BTC_DAY, "quotes", 200, 70), (BTC, BTC_DAY, "depth", 100, 50)],
)
def test_it_makes_a_market_and_never_passes_its_inventory(
    catalog: Path, symbol: str, day: str, market: str, orders: int, fills: int
) -> None:
    result = traded(catalog, symbol, day, market, "set = {rest_ms = 20, max_inventory = 3}")
    tally, summary = result.tally, result.summary
    assert summary.orders > orders
    assert summary.fills > fills
    assert summary.refused == 0
    assert max(abs(fill.position) for fill in tally.fills) <= 3
    assert {order.intent.side for order in tally.orders} == {fill.side for fill in tally.fills} == {1, -1}
    limits = {order.client_id: order.intent for order in tally.orders}
    for fill in tally.fills:  # An order that the market has reached meanwhile takes what is displayed.
        assert fill.side * (limits[fill.client_id].price_ticks - fill.price_ticks) >= 0


def test_each_fill_has_a_trade_or_an_opposite_quote_at_its_time_that_reaches_it(catalog: Path) -> None:
    fills = traded(catalog, ES, ES_DAY, "quotes", "set = {rest_ms = 0}").tally.fills
    trades, quotes = Catalog(catalog).ticks(ES, 20240702), Catalog(catalog).quotes(ES, 20240702)
    for fill in fills:
        if fill.side > 0:
            shown = (quotes.ask_qty > 0) & (quotes.ask_ticks <= fill.price_ticks)
            printed = trades.price_ticks <= fill.price_ticks
        else:
            shown = (quotes.bid_qty > 0) & (quotes.bid_ticks >= fill.price_ticks)
            printed = trades.price_ticks >= fill.price_ticks
        # What the order met may have stood before it came; the fill is said with the event that follows.
        arrived = np.searchsorted(quotes.at, fill.at) - 1
        assert shown[arrived] or shown[quotes.at == fill.at].any() or printed[trades.at == fill.at].any()


def test_recorded_quotes_are_sound_and_market_orders_pay_the_displayed_price(
    catalog: Path, tmp_path: Path
) -> None:
    quotes = Catalog(catalog).quotes(BTC, 20240808)
    columns = (quotes.bid_ticks, quotes.bid_qty, quotes.ask_ticks, quotes.ask_qty)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert all(is_sound(row[0], row[1], row[2], row[3], 1) for row in rows)
    taker = tmp_path / "taker.py"
    taker.write_text(TAKER)
    tally = traded(catalog, BTC, BTC_DAY, "quotes", strategy=f"{taker}:Taker").tally
    sent = {order.client_id: order.intent for order in tally.orders}
    assert len(tally.fills) > 100
    for fill in tally.fills:
        assert (sent[fill.client_id].type, sent[fill.client_id].tif) == (OrderType.MARKET, TimeInForce.IOC)
        before = int(np.searchsorted(quotes.at, fill.at)) - 1
        at_once = [row for row, same in zip(rows, quotes.at == fill.at, strict=True) if same]
        offers = {row[2] if fill.side > 0 else row[0] for row in (rows[before], *at_once)}
        assert fill.price_ticks in offers


TAKER = """
from autofutures.strategies.base import Strategy


class Taker(Strategy):
    _quotes: int = 0

    def on_quote(self, quote, ctx):
        self._quotes += 1
        if self._quotes % 100 == 0:
            if ctx.position > 0:
                ctx.sell_market(1)
            else:
                ctx.buy_market(1)
"""


def test_the_same_run_of_depth_gives_the_same_answer(catalog: Path) -> None:
    one, same = (traded(catalog, BTC, BTC_DAY, "depth").summary for _ in range(2))
    assert one == same
