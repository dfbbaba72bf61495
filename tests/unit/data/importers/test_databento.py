import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, SupportsBytes, cast

import polars as pl
import pytest
from databento_dbn import (
    Action,
    BBOMsg,
    BidAskPair,
    MBOMsg,
    MBP1Msg,
    Metadata,
    OHLCVMsg,
    RType,
    Schema,
    Side,
    SType,
    TradeMsg,
)

from autofutures.data.importers import Options
from autofutures.data.importers.databento import Databento
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.domain.errors import BadInput, NotThisFormat
from autofutures.domain.units import SECOND
from autofutures.market.sessions import Calendar

START = 1719878280000000000  # 2024-07-01 23:58 UTC
AT = START + 1_218_218_853
UNDEFINED = (1 << 63) - 1


@dataclass
class Interval:
    start_date: dt.date
    end_date: dt.date
    symbol: str


@dataclass
class Mapping:
    raw_symbol: str
    intervals: list[Interval]


class Make(Protocol):
    """A class of the library, whose stubs call its enumerations and levels what they are not."""

    def __call__(self, *values: object, **named: object) -> SupportsBytes: ...


def record(kind: object, *values: object, **named: object) -> bytes:
    return bytes(cast("Make", kind)(*values, **named))


def header(schema: str, symbols: dict[str, int] | None = None) -> bytes:
    symbols = {"ESU4": 118} if symbols is None else symbols
    days = dt.date(2024, 7, 1), dt.date(2024, 7, 3)
    made = cast("MakeMetadata", Metadata)(
        dataset="GLBX.MDP3",
        start=START,
        stype_in=SType.RAW_SYMBOL,
        stype_out=SType.INSTRUMENT_ID,
        schema=Schema.from_str(schema),
        symbols=[*symbols],
        mappings=[Mapping(raw, [Interval(*days, str(number))]) for raw, number in symbols.items()],
    )
    return made.encode()


class MakeMetadata(Protocol):
    def __call__(self, **named: object) -> Metadata: ...


def price(text: float) -> int:
    return round(text * 1_000_000_000)


def a_trade(at: int, at_price: float, size: int, number: int = 118) -> bytes:
    return record(TradeMsg, 1, number, at, price(at_price), size, Action.TRADE, Side.BID, 0, at)


def a_quote(at: int, level: BidAskPair, action: object = Action.ADD) -> bytes:
    return record(MBP1Msg, 1, 118, at, price(5528.75), 2, action, Side.BID, 0, at, levels=level)


def read(*parts: bytes, options: Options | None = None) -> dict[str, Parsed]:
    importer, member = Databento(options or Options()), Member("file.dbn", b"".join(parts))
    assert importer.claims(member)
    return {parsed.kind: parsed for parsed in importer.read(member, Calendar())}


def test_trades_have_the_time_of_the_exchange_and_the_trading_day_of_chicago() -> None:
    (found,) = read(header("trades"), a_trade(AT, 5528.75, 2), a_trade(AT, 5528.5, 1)).values()
    assert found.frame.rows() == [
        ("CME:ES202409", 20240702, AT, 22_115, 2, False),
        ("CME:ES202409", 20240702, AT, 22_114, 1, False),
    ]


def test_a_book_of_one_level_gives_quotes_and_its_trades() -> None:
    both = BidAskPair(price(5528.5), price(5528.75), 29, 6)
    one = BidAskPair(bid_px=UNDEFINED, ask_px=price(5528.75), bid_sz=0, ask_sz=6)
    none = BidAskPair()
    crossed = BidAskPair(price(5529), price(5528.75), 29, 6)
    quotes = [a_quote(AT + step, levels) for step, levels in enumerate((both, one, none, crossed))]
    found = read(header("mbp-1"), *quotes, a_quote(AT + 9, both, Action.TRADE))
    assert found["quotes"].frame.drop("symbol", "day", "at").rows() == [
        (22_114, 29, 22_115, 6),
        (0, 0, 22_115, 6),
        (22_114, 29, 22_115, 6),
    ]
    assert found["quotes"].quarantined["reason"].to_list() == ["quote_empty", "quote_crossed"]
    assert found["ticks"].frame.select("at", "price_ticks", "qty").rows() == [(AT + 9, 22_115, 2)]


def test_a_clock_that_runs_backwards_is_put_aside() -> None:
    (found,) = read(header("trades"), a_trade(AT, 5528.75, 2), a_trade(AT - 1, 5528.75, 1)).values()
    assert found.quarantined.rows() == [(2, "time_backwards", "record 2: 5528750000000 x 1")]


def test_bars_of_a_minute_an_hour_and_a_day() -> None:
    kinds = {
        "ohlcv-1m": ("bars", RType.OHLCV_1M, START),
        "ohlcv-1h": ("bars_1h", RType.OHLCV_1H, START - 58 * 60 * SECOND),
        "ohlcv-1d": ("bars_1d", RType.OHLCV_1D, START - (23 * 60 + 58) * 60 * SECOND),
    }
    for schema, (kind, rtype, at) in kinds.items():
        bar = OHLCVMsg(rtype, 1, 118, at, price(5528), price(5530), price(5527), price(5528.5), 15)
        found = read(header(schema), bytes(bar))
        assert found[kind].frame.drop("symbol", "day").rows() == [(at, 22_112, 22_120, 22_108, 22_114, 15, 0)]


def test_a_sampled_book_has_the_time_at_which_its_interval_ended() -> None:
    level = BidAskPair(price(5528), price(5529), 1, 2)
    message = record(BBOMsg, RType.BBO_1S, 1, 118, AT, price(5528), 1, Side.BID, AT + SECOND, levels=level)
    (found,) = read(header("bbo-1s"), message).values()
    assert found.frame.select("at", "bid_ticks", "ask_qty").rows() == [(AT + SECOND, 22_112, 2)]


def test_a_finer_price_than_we_count_in_or_an_unknown_contract_is_put_aside() -> None:
    (found,) = read(
        header("trades"), a_trade(AT, 5528.750000001, 2), a_trade(AT, 5528.75, 1, number=7)
    ).values()
    assert found.quarantined["reason"].to_list() == ["unreadable_price", "unreadable_symbol"]


def test_symbol_goes_before_what_the_file_says() -> None:
    (found,) = read(
        header("trades", {}), a_trade(AT, 5528.75, 2), options=Options(symbol="CME:ES202409")
    ).values()
    assert found.frame["symbol"].to_list() == ["CME:ES202409"]


def test_trades_of_single_orders_are_imported() -> None:
    rows = [
        record(MBOMsg, 1, 118, AT, 5, price(5528.75), 3, action, Side.BID, AT)
        for action in (Action.ADD, Action.TRADE, Action.FILL)
    ]
    found = read(header("mbo"), *rows)
    assert found["ticks"].frame["qty"].to_list() == [3]
    with pytest.raises(NotThisFormat, match=r"1 changes of single orders \(mbo\) and no trade"):
        read(header("mbo"), rows[0])


def test_a_schema_that_is_not_imported_is_named() -> None:
    with pytest.raises(NotThisFormat, match=r"file\.dbn holds status, which is not imported: trades, mbp-1"):
        read(header("status"))


@pytest.mark.parametrize(
    "tear", [lambda data: data[:-3], lambda data: data[:30], lambda data: data[:8] + b"\xff" * 200]
)
def test_a_torn_file_is_said_to_be_one(tear: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NotThisFormat, match="looks like torn DBN"):
        read(tear(header("trades") + a_trade(AT, 5528.75, 2)))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    data = header("trades")
    monkeypatch.setitem(sys.modules, "databento_dbn", None)
    with pytest.raises(BadInput, match=r"install autofutures\[databento\]"):
        read(data)


def test_many_records_are_read_in_parts() -> None:
    count = 100_000
    row = a_trade(AT, 5528.75, 2)
    (found,) = read(header("trades"), row * count).values()
    assert (len(found.frame), found.frame["qty"].sum(), found.quarantined.is_empty()) == (
        count,
        2 * count,
        True,
    )
    assert found.frame.schema["at"] == pl.Int64
