from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import (
    MINOR_DIGITS,
    UNCHECKED_TICK,
    instrument,
    minor_unit,
    money_text,
    product_of,
    products,
)


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ("TXF202108", "TAIFEX:TXF202108"),
        ("TAIFEX:TXF202108", "TAIFEX:TXF202108"),
        (" TX202108 ", "TAIFEX:TXF202108"),
        ("MTX202108W2", "TAIFEX:MXF202108W2"),
        ("TMF202607F1", "TAIFEX:TMF202607F1"),
        ("TXF202108/202109", "TAIFEX:TXF202108/202109"),
        ("TXF", "TAIFEX:TXF"),
        ("CME:ES202403", "CME:ES202403"),
        ("ES202403", "CME:ES202403"),
        ("6E202403", "CME:6E202403"),
        ("GC201312", "COMEX:GC201312"),
        ("CL202505", "NYMEX:CL202505"),
        ("FESX202403", "EUREX:FESX202403"),
        ("BTCUSDT", "BINANCE:BTCUSDT"),
        ("BINANCE:BTCUSD", "BINANCE:BTCUSD"),
        ("BINANCE:ARBITRUMUSDT", "BINANCE:ARBITRUMUSDT"),
    ],
)
def test_a_symbol_is_stored_whole_whatever_was_written(written: str, whole: str) -> None:
    assert instrument(written).symbol == whole


@pytest.mark.parametrize("text", ["", "txf202108", "TXF202108X2", "TXF202108/", "TXF202108/2109", "1TX"])
def test_what_is_no_symbol_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not a symbol: write ROOT\[YYYYMM\], as in TXF202108"):
        instrument(text)


def test_a_spread_names_its_two_months() -> None:
    spread = instrument("TXF202108/202109")
    assert (spread.is_spread, spread.expiry, spread.far_expiry) == (True, "202108", "202109")
    assert not instrument("TXF202108").is_spread


@pytest.mark.parametrize(
    ("root", "tick", "tick_value"),
    [("TXF", "1", 200), ("MXF", "1", 50), ("TMF", "1", 10), ("EXF", "0.05", 200), ("FXF", "0.2", 200)],
)
def test_what_a_tick_is_and_what_it_is_worth(root: str, tick: str, tick_value: int) -> None:
    product = products()[root]
    assert (product.tick, product.tick_value, product.tax_rate_ppb) == (Decimal(tick), tick_value, 20_000)
    assert product.grid_checked
    assert product.certainty.startswith("high")


def test_a_contract_is_worth_its_price_times_its_multiplier() -> None:
    assert instrument("TXF202108").value(17_403, 2) == 17_403 * 200 * 2
    electronics = instrument("EXF202108")
    assert electronics.value(electronics.to_ticks(Decimal("800.05")), 1) == 800 * 4_000 + 200


def test_a_price_off_the_grid_is_refused() -> None:
    with pytest.raises(BadInput, match=r"800\.03 is not a price of TAIFEX:EXF202108: one tick is 0\.05"):
        instrument("EXF202108").to_ticks(Decimal("800.03"))


@given(st.integers(-(10**7), 10**7), st.sampled_from(["TXF202108", "EXF202108", "FXF202108", "ABC202108"]))
def test_ticks_survive_being_written_as_a_price(ticks: int, symbol: str) -> None:
    item = instrument(symbol)
    assert item.to_ticks(item.to_price(ticks)) == ticks


def test_a_product_that_we_do_not_specify_is_taken_with_its_grid_unchecked() -> None:
    product = product_of("ABC")
    assert not product.grid_checked
    assert (product.tick, product.tick_value, product.tax_rate_ppb) == (UNCHECKED_TICK, 0, 0)
    assert "not specified" in product.name


def test_a_file_code_and_a_root_name_the_same_product() -> None:
    assert product_of("TX") is product_of("TXF")


@pytest.mark.parametrize(
    ("root", "exchange", "currency", "tick", "tick_money"),
    [
        ("ES", "CME", "USD", "0.25", "12.50"),
        ("MES", "CME", "USD", "0.25", "1.25"),
        ("NQ", "CME", "USD", "0.25", "5.00"),
        ("MNQ", "CME", "USD", "0.25", "0.50"),
        ("6E", "CME", "USD", "0.00005", "6.25"),
        ("GC", "COMEX", "USD", "0.1", "10.00"),
        ("CL", "NYMEX", "USD", "0.01", "10.00"),
        ("FESX", "EUREX", "EUR", "1", "10.00"),
        ("BTCUSDT", "BINANCE", "USDT", "0.1", "0.00010000"),
        ("ETHUSDT", "BINANCE", "USDT", "0.01", "0.00001000"),
    ],
)
def test_the_products_of_other_exchanges(
    root: str, exchange: str, currency: str, tick: str, tick_money: str
) -> None:
    product = products()[root]
    assert (product.exchange, product.currency, product.tick) == (exchange, currency, Decimal(tick))
    assert money_text(currency, product.tick_value) == tick_money
    assert (product.payoff, product.tax_rate_ppb) == ("linear", 0)


def test_a_lot_is_a_contract_or_so_much_of_a_coin() -> None:
    assert (products()["ES"].lot, products()["BTCUSDT"].lot) == (Decimal(1), Decimal("0.001"))


def test_an_inverse_contract_is_worth_a_fixed_sum_in_its_coin() -> None:
    perpetual = instrument("BINANCE:BTCUSD")
    assert perpetual.product.payoff == "inverse"
    # 3 x 100 USD at 60,000 USD is 0.005 BTC.
    assert money_text("BTC", perpetual.value(perpetual.to_ticks(Decimal(60_000)), 3)) == "0.005000000000"


def test_every_currency_of_the_table_has_a_minor_unit() -> None:
    assert {product.currency for product in products().values()} <= set(MINOR_DIGITS)


def test_a_root_of_another_exchange_is_refused_with_the_right_one() -> None:
    with pytest.raises(BadInput, match="GC is listed on COMEX, not on CME: write COMEX:GC"):
        instrument("CME:GC201312")


def test_an_exchange_that_we_do_not_know_is_refused_with_the_choice() -> None:
    with pytest.raises(BadInput, match="NYSE is no exchange that we know: write one of TAIFEX, CME"):
        instrument("NYSE:ABC202101")


def test_an_unspecified_product_has_its_exchanges_finest_grid_and_hours() -> None:
    coin = product_of("DOGEUSDT", "BINANCE")
    assert (coin.currency, coin.sessions, coin.grid_checked) == ("USDT", "always", False)
    assert coin.tick == coin.lot == Decimal("0.00000001")


def test_whole_amounts_are_named_by_the_unit_that_they_are_in() -> None:
    assert [minor_unit(currency) for currency in ("TWD", "USD", "USDT")] == [
        "TWD",
        "0.01 USD",
        "0.00000001 USDT",
    ]
