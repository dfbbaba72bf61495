import pytest

from autofutures.data.importers import Options
from autofutures.data.importers.tardis_book import TardisBook
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.domain.errors import NotThisFormat
from autofutures.market.sessions import Calendar

HEADER = (
    "exchange,symbol,timestamp,local_timestamp,"
    "asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,"
    "asks[1].price,asks[1].amount,bids[1].price,bids[1].amount\n"
)
AT = 1598918403696000


def row(
    step: int,
    ask: str,
    bid: str,
    second: str = ",,,",
    exchange: str = "binance-futures",
    code: str = "BTCUSDT",
) -> str:
    return f"{exchange},{code},{AT + step},{AT + step},{ask},1.714,{bid},10.896,{second}\n"


def read(*rows: str, options: Options | None = None) -> dict[str, Parsed]:
    importer, member = TardisBook(options or Options()), Member("book.csv", (HEADER + "".join(rows)).encode())
    assert importer.claims(member)
    return {parsed.kind: parsed for parsed in importer.read(member, Calendar())}


def test_a_row_is_a_quote_and_a_snapshot_of_its_levels() -> None:
    found = read(row(0, "11657.1", "11657.0", "11657.5,5.4,11656.9,0.2"), row(9, "11657.2", ""))
    assert found["quotes"].frame.drop("symbol", "day").rows() == [
        (AT * 1000, 116_570, 10_896, 116_571, 1_714),
        ((AT + 9) * 1000, 0, 0, 116_572, 1_714),
    ]
    assert found["depth"].frame.drop("symbol", "day").rows() == [
        (AT * 1000, 1, 116_570, 10_896, True),
        (AT * 1000, 1, 116_569, 200, False),
        (AT * 1000, -1, 116_571, 1_714, False),
        (AT * 1000, -1, 116_575, 5_400, False),
        ((AT + 9) * 1000, -1, 116_572, 1_714, True),
    ]
    assert found["depth"].notes == ("each snapshot holds 2 levels of each side, not the whole book",)


def test_crossed_rows_and_a_clock_that_runs_backwards_are_put_aside() -> None:
    found = read(row(5, "11657.1", "11657.0"), row(1, "11657.1", "11657.0"), row(9, "11657.0", "11657.1"))
    assert found["quotes"].quarantined["reason"].to_list() == ["time_backwards", "quote_crossed"]
    assert found["depth"].quarantined["reason"].to_list() == ["time_backwards", "time_backwards"]


def test_prices_of_another_grid_are_put_aside_unless_the_product_is_named_anew() -> None:
    finer = row(0, "11657.08", "11657.07")
    assert set(read(finer)["quotes"].quarantined["reason"]) == {"price_off_grid"}
    found = read(finer, options=Options(symbol="BINANCE:BTCUSDTOLD"))
    assert found["quotes"].frame["bid_ticks"].to_list() == [1_165_707_000_000]


def test_an_exchange_whose_products_we_do_not_know_is_refused() -> None:
    with pytest.raises(NotThisFormat, match="is of 'deribit': only Binance's futures are known"):
        read(row(0, "1", "1", exchange="deribit"))
