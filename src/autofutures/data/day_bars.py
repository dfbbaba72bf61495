"""Reads a contract's day out of the catalogue and says its bars in decimals and dates."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.data.catalog import BarColumns, Catalog
from autofutures.data.decimals import price_texts
from autofutures.data.rules import BAR_KINDS
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument, instrument
from autofutures.domain.units import SECOND
from autofutures.market.bar_columns import bars_of
from autofutures.market.bars import Span, parse_span, session_code
from autofutures.market.sessions import DAY, NIGHT, Calendar

_TAIPEI = timedelta(hours=8)
_WORDS = {"1m": "1-minute bars", "1h": "1-hour bars", "1d": "1-day bars"}


class BarRow(msgspec.Struct, frozen=True):
    """One bar; prices are decimals as text, `volume` is contracts."""

    start_utc: str
    start_taipei: str
    session: str
    open: str
    high: str
    low: str
    close: str
    volume: int
    trades: int
    vwap: float | None
    """Volume-weighted average price of its trades, to six decimals; None where only a bar was imported."""


class DayBars(msgspec.Struct, frozen=True):
    """The bars of one contract's trading day."""

    symbol: str
    date: str
    interval: str
    contracts: int
    vwap: float | None
    """Of all trades of the day."""
    bars: tuple[BarRow, ...]


COLUMNS = BarRow.__struct_fields__


def day_bars(catalog: Catalog, symbol: str, day: int, interval: str, calendar: Calendar) -> DayBars:
    """The bars of a contract's trading day (YYYYMMDD): of its trades, else the imported ones of that interval.

    Raises:
        BadInput: symbol or interval is none, or the catalogue has not the data; the text says what there is.
    """
    contract = instrument(symbol)
    if interval == "1d":
        # A day is no span of ours: sessions end at other hours than dates do. Imported ones can be looked at.
        return _imported(contract, catalog.bars(symbol, day, interval), calendar, interval)
    span = parse_span(interval)
    if day not in _days_of_trades(catalog, symbol):
        spans = [name for name, kind in BAR_KINDS.items() if day in catalog.days(symbol, kind)]
        if interval in spans:
            return _imported(contract, catalog.bars(symbol, day, interval), calendar, interval)
        if spans:
            raise BadInput(
                f"{contract.symbol} has only imported {_WORDS[spans[0]]} on that day: say --interval {spans[0]}"
            )
    return _built(contract, catalog, day, span, calendar)


def _days_of_trades(catalog: Catalog, symbol: str) -> set[int]:
    return {*catalog.days(symbol), *catalog.days(symbol, "spreads")}


def _built(contract: Instrument, catalog: Catalog, day: int, span: Span, calendar: Calendar) -> DayBars:
    ticks = catalog.ticks(contract.symbol, day)
    codes = session_codes(ticks.at, day, contract, calendar)
    columns = bars_of(ticks.at, ticks.price_ticks, ticks.qty, codes, span)
    first = np.cumsum(columns["trades"]) - columns["trades"]
    worth = np.add.reduceat(ticks.price_ticks * ticks.qty, first)
    vwaps = [
        _vwap(contract, value, qty)
        for value, qty in zip(worth.tolist(), columns["qty"].tolist(), strict=True)
    ]
    return DayBars(
        symbol=contract.symbol,
        date=_date(day),
        interval=span.text,
        contracts=int(ticks.qty.sum()),
        vwap=_vwap(contract, int(worth.sum()), int(ticks.qty.sum())),
        bars=_rows(contract, columns, vwaps),
    )


def _imported(contract: Instrument, bars: BarColumns, calendar: Calendar, interval: str) -> DayBars:
    columns = {
        "at": bars.at,
        "open_ticks": bars.open_ticks,
        "high_ticks": bars.high_ticks,
        "low_ticks": bars.low_ticks,
        "close_ticks": bars.close_ticks,
        "qty": bars.qty,
        "trades": bars.trades,
        "session_code": session_codes(bars.at, bars.day, contract, calendar),
    }
    rows = _rows(contract, columns, [None] * len(bars))
    return DayBars(bars.symbol, _date(bars.day), interval, int(bars.qty.sum()), None, rows)


def session_codes(
    at: NDArray[np.int64], day: int, contract: Instrument, calendar: Calendar
) -> NDArray[np.int64]:
    """The session of each trade of a trading day, as `market.bars.session_code` counts them.

    A trade belongs to the session that opened last before it: the hours of products that we do not specify
    are not checked, and no recorded trade may fall out.
    """
    sessions = calendar.sessions_of(day, contract.product.sessions)
    if not sessions:
        return np.full(len(at), day * 2 + 1, dtype=np.int64)
    opens = np.array([session.opens_at for session in sessions], dtype=np.int64)
    codes = np.array([session_code(session) for session in sessions], dtype=np.int64)
    return codes[np.maximum(np.searchsorted(opens, at, side="right") - 1, 0)]


def _rows(
    contract: Instrument, columns: dict[str, NDArray[np.int64]], vwaps: Sequence[float | None]
) -> tuple[BarRow, ...]:
    prices = [price_texts(contract, columns[f"{name}_ticks"]) for name in ("open", "high", "low", "close")]
    numbers = [columns[name].tolist() for name in ("at", "session_code", "qty", "trades")]
    return tuple(
        BarRow(
            start_utc=_utc(at).strftime("%Y-%m-%dT%H:%M:%SZ"),
            start_taipei=(_utc(at) + _TAIPEI).strftime(
                "%Y-%m-%d %H:%M" if at % (60 * SECOND) == 0 else "%Y-%m-%d %H:%M:%S"
            ),
            session=DAY if code % 2 else NIGHT,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=qty,
            trades=trades,
            vwap=vwap,
        )
        for at, code, qty, trades, opened, high, low, close, vwap in zip(
            *numbers, *prices, vwaps, strict=True
        )
    )


def _vwap(contract: Instrument, value: int, qty: int) -> float:
    return round(float(contract.product.tick * value / qty), 6)


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)


def _date(day: int) -> str:
    return f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"
