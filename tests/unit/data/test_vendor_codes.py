import pytest

from autofutures.data.vendor_codes import listed, symbol_of
from autofutures.domain.errors import BadInput


@pytest.mark.parametrize(
    ("code", "exchange", "month", "symbol"),
    [
        ("ESH4", "CME", 202312, "CME:ES202403"),
        ("ESU4", "CME", 202407, "CME:ES202409"),
        ("ESU4", "CME", 202409, "CME:ES202409"),
        ("ESU4", "CME", 202410, "CME:ES203409"),
        ("ESZ9", "CME", 202401, "CME:ES202912"),
        ("ESH0", "CME", 202912, "CME:ES203003"),
        ("ESM3", "CME", 202304, "CME:ES202306"),
        ("6EH4", "CME", 202401, "CME:6E202403"),
        ("GCZ13", "CME", 201310, "COMEX:GC201312"),
        ("CLK2020", "CME", 202004, "NYMEX:CL202005"),
        ("ZBH4", "CBOT", 202401, "CBOT:ZB202403"),
        ("BTCUSDT", "BINANCE", 202408, "BINANCE:BTCUSDT"),
        ("BTCUSD_PERP", "BINANCE", 202408, "BINANCE:BTCUSD"),
        ("btcusd_240628", "BINANCE", 202405, "BINANCE:BTCUSD202406"),
    ],
)
def test_a_vendors_code_is_one_of_our_symbols(code: str, exchange: str, month: int, symbol: str) -> None:
    assert symbol_of(code, exchange, month) == symbol


@pytest.mark.parametrize("code", ["ESA4", "H4", "ESH", "ESH4-ESM4", "ES"])
def test_what_names_no_contract_is_refused(code: str) -> None:
    with pytest.raises(BadInput, match="is no contract"):
        symbol_of(code, "CME", 202401)


def test_a_root_that_nobody_lists_asks_for_its_exchange() -> None:
    assert listed("ES", "") == "CME:ES"
    assert listed("ZB", "CBOT", "202403") == "CBOT:ZB202403"
    with pytest.raises(BadInput, match="which exchange lists ZB"):
        listed("ZB", "")
