"""Reads Databento's binary files (DBN): trades, best bids and asks, and bars; compares definitions with our table.

`mbp-1`, `mbp-10` and `tbbo` give quotes and trades, `bbo-1s` and `bbo-1m` quotes, `mbo` its trades alone: an order
book by order is not kept. Times are those of the exchange (`ts_event`); of a sampled `bbo` the end of its interval.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Protocol, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from autofutures.data.importers import Options
from autofutures.data.rules import UNIT, Parsed, Sides, bars_of_rows, quotes_of, trades_of
from autofutures.data.source import DATABENTO, Member
from autofutures.data.vendor_codes import EXCHANGES, symbol_of
from autofutures.domain.errors import BadInput, NotThisFormat
from autofutures.domain.instrument import Instrument, instrument, money_text
from autofutures.market.dates import utc_day
from autofutures.market.sessions import Calendar

_BOOKS = ("mbp-1", "mbp-10", "tbbo")
_SAMPLED = ("bbo-1s", "bbo-1m")
_BARS = {"ohlcv-1m": "1m", "ohlcv-1h": "1h", "ohlcv-1d": "1d"}
_READ = ("trades", *_BOOKS, *_SAMPLED, *_BARS, "mbo", "definition")

_UNDEFINED_PRICE = (1 << 63) - 1
_UNDEFINED_TIME = (1 << 64) - 1
_PART_BYTES = 4 * 1024**2
_NANO = 1_000_000_000
"""DBN's prices are in 1e-9."""

Integers = NDArray[np.int64]


class _Record(Protocol):
    """What we read of a record; which of it there is depends on the schema."""

    instrument_id: int
    ts_event: int
    ts_recv: int
    action: str
    price: int
    size: int
    bid_px_00: int
    bid_sz_00: int
    ask_px_00: int
    ask_sz_00: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    raw_symbol: str
    min_price_increment: int
    unit_of_measure_qty: int
    currency: str
    expiration: int


class _Metadata(Protocol):
    dataset: str
    schema: object
    start: int
    mappings: dict[str, list[dict[str, object]]]


class Databento:
    """DBN of every version, one schema to a file; sizes are contracts."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def claims(self, member: Member) -> bool:
        """Whether the bytes are DBN's."""
        return member.data.startswith(DATABENTO)

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all records.

        Raises:
            NotThisFormat: the schema is not imported, or the file holds definitions: the text compares them with ours.
            BadInput: the library that reads DBN is not installed.
        """
        metadata, records = _decoded(member)
        schema = str(metadata.schema)
        if schema not in _READ:
            raise NotThisFormat(
                f"{member.name} holds {schema}, which is not imported: {', '.join(_READ)} are"
            )
        if schema == "definition":
            raise NotThisFormat(_definitions(member, metadata, records))
        table = _Table(metadata, self._options.symbol)
        columns = _COLUMNS[_shape(schema)]
        rows = table.rows(records, columns)
        if schema in _BARS:
            return (_bars(rows, calendar, _BARS[schema]),)
        if schema in _SAMPLED:
            return (quotes_of(_quote_rows(rows.with_columns(ts_event="ts_recv")), calendar),)
        trades = rows.filter(pl.col("action") == "T") if "action" in rows.columns else rows
        if schema == "mbo" and trades.is_empty():
            raise NotThisFormat(
                f"{member.name} holds {len(rows):,} changes of single orders (mbo) and no trade: books by order are "
                "not imported, take Databento's mbp-1 or trades of that time"
            )
        found = (trades_of(_trade_rows(trades), Sides(), calendar, 0, "ticks"),)
        return found if schema not in _BOOKS else (*found, quotes_of(_quote_rows(rows), calendar))


def _decoded(member: Member) -> tuple[_Metadata, Iterator[_Record]]:
    try:
        from databento_dbn import DBNDecoder, DBNError  # noqa: PLC0415 - an optional library
    except ImportError as error:
        raise BadInput(f"{member.name} is of Databento: install autofutures[databento] to read it") from error
    decoder = DBNDecoder()

    def parts() -> Iterator[object]:
        for place in range(0, len(member.data), _PART_BYTES):
            try:
                decoder.write(member.data[place : place + _PART_BYTES])
                yield from decoder.decode()
            except DBNError as error:
                raise NotThisFormat(f"{member.name} looks like torn DBN: {error}") from error
        if decoder.buffer():
            raise NotThisFormat(f"{member.name} looks like torn DBN: it ends within a record")

    found = parts()
    first = next(found, None)
    if first is None:
        raise NotThisFormat(f"{member.name} looks like torn DBN: it has no header")
    return cast("_Metadata", first), cast("Iterator[_Record]", found)


def _shape(schema: str) -> str:
    if schema in _BARS:
        return "bars"
    if schema in _SAMPLED:
        return "sampled"
    return "book" if schema in _BOOKS else schema


_COLUMNS: dict[str, tuple[str, ...]] = {
    "trades": ("ts_event", "price", "size"),
    "mbo": ("ts_event", "price", "size", "action"),
    "book": ("ts_event", "price", "size", "action", "bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00"),
    "sampled": ("ts_recv", "bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00"),
    "bars": ("ts_event", "open", "high", "low", "close", "volume"),
}


class _Table:
    """Turns records into rows, with the symbol that the file's header gives to each instrument id."""

    def __init__(self, metadata: _Metadata, symbol: str) -> None:
        self._symbol = symbol
        self._exchange = EXCHANGES.get(metadata.dataset, "")
        self._month = utc_day(metadata.start) // 100
        self._raw: dict[int, list[tuple[int, int, str]]] = {}
        for raw, intervals in metadata.mappings.items():
            for interval in intervals:
                span = (_day(interval["start_date"]), _day(interval["end_date"]))
                self._raw.setdefault(int(str(interval["symbol"])), []).append((*span, raw))

    def rows(self, records: Iterator[_Record], columns: tuple[str, ...]) -> pl.DataFrame:
        """The records in order; `line` counts them from 1."""
        held: dict[str, list[int | str]] = {name: [] for name in ("instrument_id", *columns)}
        for record in records:
            for name, values in held.items():
                value = getattr(record, name)
                values.append(value if isinstance(value, int) else str(value))
        schema = {
            name: pl.String if name == "action" else pl.UInt64 if name.startswith("ts_") else pl.Int64
            for name in held
        }
        rows = pl.DataFrame(held, schema=schema)
        stamp = columns[0]
        known = pl.when(pl.col(stamp) != _UNDEFINED_TIME).then(pl.col(stamp)).cast(pl.Int64)
        rows = rows.with_columns(known.alias(stamp), reason=pl.lit(None, dtype=pl.String))
        rows = rows.with_row_index("line", offset=1).with_columns(pl.col("line").cast(pl.Int64))
        return self._named(rows, stamp)

    def _named(self, rows: pl.DataFrame, stamp: str) -> pl.DataFrame:
        day = pl.from_epoch(pl.col(stamp), time_unit="ns").dt.strftime("%Y%m%d").cast(pl.Int64)
        rows = rows.with_columns(utc_day=day)
        pairs = rows.select("instrument_id", "utc_day").unique()
        names = [self._name(number, day or 0) for number, day in pairs.rows()]
        pairs = pairs.with_columns(name=pl.Series(names, dtype=pl.String))
        return rows.join(
            pairs, on=["instrument_id", "utc_day"], how="left", maintain_order="left", nulls_equal=True
        )

    def _name(self, number: int, day: int) -> str | None:
        if self._symbol:
            return self._symbol
        for start, end, raw in self._raw.get(number, ()):
            if start <= day < end:
                try:
                    return symbol_of(raw, self._exchange, day // 100)
                except BadInput:
                    return None
        return None


def _day(date: object) -> int:
    return int(str(date).replace("-", ""))


def _units(name: str) -> pl.Expr:
    """A price of 1e-9 in units of 1e-8; null where it is undefined, or finer."""
    price = pl.col(name)
    step = _NANO // UNIT
    return pl.when((price != _UNDEFINED_PRICE) & (price % step == 0)).then(price // step)


def _trade_rows(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "line",
        "name",
        "reason",
        text=pl.format("record {}: {} x {}", "line", "price", "size"),
        at="ts_event",
        price=_units("price"),
        qty=pl.col("size") * UNIT,
        auction=pl.lit(value=False),
    )


def _quote_rows(rows: pl.DataFrame) -> pl.DataFrame:
    shown = ("line", "bid_sz_00", "bid_px_00", "ask_px_00", "ask_sz_00")
    return rows.select(
        "line",
        "name",
        "reason",
        text=pl.format("record {}: {} at {} / {} x {}", *shown),
        at="ts_event",
        bid=_units("bid_px_00"),
        bid_qty=pl.col("bid_sz_00") * UNIT,
        ask=_units("ask_px_00"),
        ask_qty=pl.col("ask_sz_00") * UNIT,
    )


def _bars(rows: pl.DataFrame, calendar: Calendar, span: str) -> Parsed:
    prices: tuple[str, ...] = ("open", "high", "low", "close")
    table = rows.select(
        "line",
        "name",
        "reason",
        *(_units(name).alias(name) for name in prices),
        text=pl.format("record {}: {} {} {} {} x {}", "line", *prices, "volume"),
        at="ts_event",
        qty=pl.col("volume") * UNIT,
        trades=pl.lit("0"),
    )
    return bars_of_rows(table, calendar, 0, span)


def _definitions(member: Member, metadata: _Metadata, records: Iterator[_Record]) -> str:
    """A sentence that compares each definition with our table of products."""
    exchange = EXCHANGES.get(metadata.dataset, "")
    said = [_definition(record, exchange) for record in records]
    different = list(dict.fromkeys(said))
    return f"{member.name} defines instruments and holds no market data: {'; '.join(different)}"


def _definition(record: _Record, exchange: str) -> str:
    day = utc_day(record.expiration)
    try:
        found = instrument(symbol_of(record.raw_symbol, exchange, utc_day(record.ts_event) // 100))
    except BadInput:
        return f"{record.raw_symbol} is no outright contract, so it cannot be imported"
    if not found.product.grid_checked:
        return f"{record.raw_symbol} is {found.symbol}, which our table of products lacks"
    wrong = [*_differences(record, found)]
    if wrong:
        return f"{record.raw_symbol} differs from what we know of {found.symbol}: {', '.join(wrong)}"
    return f"{record.raw_symbol} agrees with what we know of {found.symbol}, which ends on {day}"


def _differences(record: _Record, found: Instrument) -> Iterator[str]:
    product = found.product
    tick = Decimal(record.min_price_increment).scaleb(-9)
    if tick != product.tick:
        yield f"a tick is {tick.normalize():f}, not {product.tick}"
    worth = tick * Decimal(record.unit_of_measure_qty).scaleb(-9)
    ours = money_text(product.currency, product.tick_value)
    if record.unit_of_measure_qty != _UNDEFINED_PRICE and worth != Decimal(ours.replace(",", "")):
        yield f"a tick is worth {worth.normalize():f}, not {ours}"
    if record.currency != product.currency:
        yield f"its currency is {record.currency}, not {product.currency}"
