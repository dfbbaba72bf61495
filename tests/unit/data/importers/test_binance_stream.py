import json

import polars as pl
import pytest

from autofutures.data.importers import Options
from autofutures.data.importers.binance_stream import BinanceStream
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.domain.errors import NotThisFormat
from autofutures.market.sessions import Calendar

AT = 1723161256000
MS = 1_000_000

Event = dict[str, object]


def trade(ms: int, price: str, qty: str, event: str = "trade", symbol: str = "BTCUSDT") -> Event:
    return {"e": event, "E": AT, "T": AT + ms, "s": symbol, "t": 1, "p": price, "q": qty, "m": False}


def ticker(ms: int, bid: str, ask: str) -> Event:
    return {
        "e": "bookTicker",
        "u": 1,
        "s": "BTCUSDT",
        "b": bid,
        "B": "2.507",
        "a": ask,
        "A": "0.000",
        "T": AT + ms,
    }


def update(ms: int, first: int, last: int, before: int, *bids: tuple[str, str]) -> Event:
    return {
        "e": "depthUpdate",
        "T": AT + ms,
        "s": "BTCUSDT",
        "U": first,
        "u": last,
        "pu": before,
        "b": [*bids],
        "a": [],
    }


def snapshot(ms: int, number: int, bid: str) -> Event:
    return {"lastUpdateId": number, "T": AT + ms, "bids": [[bid, "1.000"]], "asks": [["61800.30", "2.000"]]}


def read(*events: Event | str, stream: bool = False) -> dict[str, Parsed]:
    lines = []
    for number, event in enumerate(events):
        text = (
            event
            if isinstance(event, str)
            else json.dumps({"stream": "x", "data": event} if stream else event)
        )
        lines.append(f"{1723161255000000000 + number} {text}\n")
    importer, member = BinanceStream(Options()), Member("btcusdt", "".join(lines).encode())
    assert importer.claims(member)
    return {parsed.kind: parsed for parsed in importer.read(member, Calendar())}


@pytest.mark.parametrize("stream", [False, True])
def test_trades_count_in_lots_and_have_the_exchanges_time(stream: bool) -> None:
    found = read(trade(1, "61800.30", "0.006"), trade(1, "61800.20", "1.5"), stream=stream)
    assert found["ticks"].frame.rows() == [
        ("BINANCE:BTCUSDT", 20240808, (AT + 1) * MS, 618_003, 6, False),
        ("BINANCE:BTCUSDT", 20240808, (AT + 1) * MS, 618_002, 1_500, False),
    ]


def test_a_quantity_of_less_than_a_lot_is_put_aside() -> None:
    found = read(trade(1, "61800.30", "0.0005"), trade(2, "61800.35", "0.001"), trade(3, "1", "1"))
    assert found["ticks"].quarantined["reason"].to_list() == ["unreadable_quantity", "price_off_grid"]


def test_quotes_with_an_absent_side() -> None:
    (row,) = read(ticker(0, "61800.20", "61800.30"))["quotes"].frame.rows()
    assert row == ("BINANCE:BTCUSDT", 20240808, AT * MS, 618_002, 2_507, 0, 0)


def test_clocks_that_run_backwards_are_put_aside_within_each_stream() -> None:
    found = read(trade(5, "1", "1"), ticker(3, "1", "2"), trade(4, "1", "1"), ticker(2, "1", "2"))
    assert found["ticks"].quarantined.rows() == [
        (3, "time_backwards", "1 x 1"),
    ]
    assert found["quotes"].quarantined["line"].to_list() == [4]


def test_trades_told_by_two_streams_count_once() -> None:
    found = read(
        trade(1, "1", "2"), trade(1, "1", "2", "aggTrade"), trade(2, "3", "4", "aggTrade", "ETHUSDT")
    )
    assert found["ticks"].quarantined["reason"].to_list() == ["told_twice"]
    assert found["ticks"].frame["symbol"].to_list() == ["BINANCE:BTCUSDT", "BINANCE:ETHUSDT"]


def test_contracts_margined_in_coin() -> None:
    found = read(trade(1, "61800.3", "7", symbol="BTCUSD_PERP"))
    assert found["ticks"].frame.select("symbol", "qty").rows() == [("BINANCE:BTCUSD", 7)]


def test_depth_begins_with_the_snapshot_and_keeps_the_updates_that_came_before_it_and_belong_after_it() -> (
    None
):
    found = read(
        update(0, 90, 95, 89, ("61700.00", "9")),
        update(4, 96, 102, 95, ("61799.00", "0.003")),
        snapshot(5, 100, "61800.20"),
        update(8, 103, 110, 102, ("61800.20", "0.000")),
    )["depth"]
    assert found.frame.drop("symbol", "day").rows() == [
        ((AT + 4) * MS, 1, 618_002, 1_000, True),
        ((AT + 4) * MS, -1, 618_003, 2_000, False),
        ((AT + 4) * MS, 1, 617_990, 3, False),
        ((AT + 8) * MS, 1, 618_002, 0, False),
    ]
    assert found.quarantined.rows() == [(1, "no_snapshot", "1 61700.00 x 9")]
    assert found.notes == ()


def test_an_update_that_the_snapshot_holds_already_is_put_aside_and_breaks_nothing() -> None:
    found = read(snapshot(5, 100, "61800.20"), update(4, 90, 95, 89, ("1", "1")), update(6, 96, 101, 95))[
        "depth"
    ]
    assert found.quarantined["reason"].to_list() == ["no_snapshot"]
    assert found.notes == ()


def test_after_a_break_of_the_sequence_depth_waits_for_the_next_snapshot() -> None:
    found = read(
        snapshot(0, 100, "61800.20"),
        update(1, 100, 101, 99, ("61700.00", "1")),
        update(2, 105, 106, 104, ("61700.00", "2")),
        update(3, 107, 108, 106, ("61700.00", "3")),
        snapshot(4, 109, "61800.10"),
        update(5, 109, 111, 108, ("61700.00", "4")),
    )["depth"]
    assert found.frame["first"].to_list() == [True, False, False, True, False, False]
    assert found.frame["qty"].to_list() == [1_000, 2_000, 1_000, 1_000, 2_000, 4_000]
    assert found.quarantined["line"].to_list() == [3, 4]
    assert found.notes == (
        "the sequence of depth breaks 1 times; what follows until a snapshot is set aside",
    )


def test_an_older_snapshot_of_a_book_that_is_known_changes_nothing() -> None:
    found = read(snapshot(0, 100, "1"), update(1, 100, 105, 99, ("2", "1")), snapshot(2, 103, "1"))["depth"]
    assert len(found.frame) == 3


def test_torn_lines_are_put_aside_and_other_streams_are_named() -> None:
    found = read(
        trade(1, "1", "1"), '{"e":"trade","T":12', {"e": "markPriceUpdate"}, {"result": None, "id": 1}
    )
    assert found["ticks"].quarantined["reason"].to_list() == ["wrong_columns"]
    assert found["ticks"].notes == ("left out: 1 markPriceUpdate, 1 reply",)


def test_a_recording_of_other_streams_only_is_refused() -> None:
    with pytest.raises(NotThisFormat, match="without trades, quotes or depth: 2 markPriceUpdate"):
        read({"e": "markPriceUpdate"}, {"e": "markPriceUpdate"})


def test_a_snapshot_that_does_not_say_whose_it_is_among_several_symbols_is_left_out_and_said() -> None:
    found = read(trade(1, "1", "1", symbol="ETHUSDT"), update(1, 1, 2, 0, ("1", "1")), snapshot(2, 1, "1"))
    assert found["depth"].frame.is_empty()
    assert found["ticks"].notes == (
        "1 snapshots do not say whose they are, among several symbols: they are left out",
    )


def test_when_the_date_turns_the_book_is_written_anew() -> None:
    midnight = 1723161600000 - AT
    found = read(
        snapshot(0, 100, "61800.20"),
        update(1, 100, 101, 99, ("61800.10", "3"), ("61800.20", "0.000")),
        update(midnight + 7, 102, 103, 101, ("61700.00", "4")),
    )["depth"]
    assert found.frame.filter(pl.col("day") == 20240809).drop("symbol", "day", "at").rows() == [
        (-1, 618_003, 2_000, True),
        (1, 618_001, 3_000, False),
        (1, 617_000, 4_000, False),
    ]
    assert found.notes == (
        "when the UTC date turned the book was written anew: 2 levels more than the file holds",
    )


def test_a_symbol_in_other_letters_is_put_aside() -> None:
    strange = {**update(1, 1, 2, 0, ("1", "1")), "s": "幣USDT"}
    found = read(trade(1, "1", "1"), strange, {**trade(2, "1", "1"), "s": "幣USDT"})
    assert found["ticks"].quarantined["reason"].to_list() == ["unreadable_symbol"]
    assert found["depth"].quarantined["reason"].to_list() == ["no_snapshot"]
