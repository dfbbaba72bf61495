"""Hears trades, says bars: by time, by number of trades or by contracts, never across a session.

Two paths, one result: `BarBuilder` takes one trade at a time, `bars_of` whole columns. A trade that passes
the size of a contract bar goes whole into the bar that it completes. A bar exists only where there are
trades.
"""

import re
from itertools import pairwise
from typing import Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Bar
from autofutures.domain.units import SECOND
from autofutures.market.dates import DAY_SECONDS, TAIPEI_OFFSET_NS
from autofutures.market.sessions import NIGHT, Session

Integers = NDArray[np.int64]
At = TypeVar("At", int, Integers)

_SPAN = re.compile(r"([1-9]\d{0,8})([smhtv])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Span(msgspec.Struct, frozen=True):
    """How long a bar is."""

    text: str
    kind: Literal["time", "trades", "contracts"]
    size: int
    """Nanoseconds, trades or contracts."""


def parse_span(text: str) -> Span:
    """The span that `1m`, `5m`, `1h`, `100t` (trades) or `1000v` (contracts) names.

    Raises:
        BadInput: the text is not a span, or a time that does not divide the day evenly.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise BadInput(
            f"{text!r} is not a span: write a number and s, m, h, t or v, as in 1m, 5m, 1h, 100t or 1000v"
        )
    count, unit = int(match[1]), match[2]
    if unit == "t":
        return Span(text, "trades", count)
    if unit == "v":
        return Span(text, "contracts", count)
    seconds = count * _UNIT_SECONDS[unit]
    if DAY_SECONDS % seconds:
        raise BadInput(f"{text!r} does not divide the day evenly: bars would start at other times every day")
    return Span(text, "time", seconds * SECOND)


def time_bucket(at: At, size: int) -> At:
    """The start of the time bar that `at` falls in: whole spans since Taipei's midnight.

    `at` and the start are UTC nanoseconds, one instant or a column of them.
    """
    return (at + TAIPEI_OFFSET_NS) // size * size - TAIPEI_OFFSET_NS


def session_code(session: Session) -> int:
    """The session as one integer, in order of time: twice the trading day, plus one for the day session."""
    return session.day * 2 + (session.name != NIGHT)


class BarBuilder:
    """Builds one symbol's bars of one span, trade by trade."""

    def __init__(self, symbol: str, span: Span) -> None:
        self.symbol = symbol
        self.span = span
        self._timed = span.kind == "time"
        self._trades = 0
        self._day = 0
        self._session = ""
        self._at = self._open = self._high = self._low = self._close = self._qty = 0

    def on_tick(self, at: int, price_ticks: int, qty: int, session: Session) -> tuple[Bar, ...]:
        """Takes a trade and returns the bars that it finished: none, one, or two.

        A time bar is finished by the first trade after it, a counted bar by its own last trade; two are
        finished when the first trade of a session ends the former session's rest and fills a bar by itself. A
        trade stamped before the current time bar's start is counted in that bar.
        """
        finished: tuple[Bar, ...] = ()
        start = time_bucket(at, self.span.size) if self._timed else at
        if self._trades and self._is_over(start, session):
            finished = (self._take(),)
        self._add(start, price_ticks, qty, session)
        return (*finished, self._take()) if self._is_full() else finished

    def flush(self) -> Bar | None:
        """The unfinished bar, at a session's end; None when no trade is waiting."""
        return self._take() if self._trades else None

    def _is_over(self, start: int, session: Session) -> bool:
        if session.day != self._day or session.name != self._session:
            return True
        return self._timed and start > self._at

    def _is_full(self) -> bool:
        if self._timed:
            return False
        return (self._trades if self.span.kind == "trades" else self._qty) >= self.span.size

    def _add(self, start: int, price_ticks: int, qty: int, session: Session) -> None:
        if not self._trades:
            self._at, self._day, self._session, self._qty = start, session.day, session.name, 0
            self._open = self._high = self._low = price_ticks
        elif price_ticks > self._high:
            self._high = price_ticks
        elif price_ticks < self._low:
            self._low = price_ticks
        self._close = price_ticks
        self._qty += qty
        self._trades += 1

    def _take(self) -> Bar:
        bar = Bar(
            symbol=self.symbol,
            at=self._at,
            span=self.span.text,
            open_ticks=self._open,
            high_ticks=self._high,
            low_ticks=self._low,
            close_ticks=self._close,
            qty=self._qty,
            trades=self._trades,
            day=self._day,
            session=self._session,
        )
        self._trades = 0
        return bar


def bars_of(
    at: Integers, price_ticks: Integers, qty: Integers, session_codes: Integers, span: Span
) -> dict[str, Integers]:
    """The bars of whole columns of trades: what a `BarBuilder`, flushed at the end, makes of them.

    Args:
        at: UTC nanoseconds.
        price_ticks: prices.
        qty: contracts, above 0.
        session_codes: any integers that change with the session, as from `session_code`.
        span: how long a bar is.

    Returns:
        Columns of one length: at, open_ticks, high_ticks, low_ticks, close_ticks, qty, trades, session_code.

    Raises:
        BadInput: the columns differ in length.
    """
    if not len(at) == len(price_ticks) == len(qty) == len(session_codes):
        raise BadInput("bars need columns of one length: at, price, quantity and session of every trade")
    changes = np.flatnonzero(np.diff(session_codes)) + 1
    edges = [0, *changes.tolist(), len(at)] if len(at) else [0]
    parts = [low + _first_rows(at[low:high], qty[low:high], span) for low, high in pairwise(edges)]
    first = np.concatenate([np.empty(0, dtype=np.int64), *parts])
    if not len(first):
        names = (
            "at",
            "open_ticks",
            "high_ticks",
            "low_ticks",
            "close_ticks",
            "qty",
            "trades",
            "session_code",
        )
        return {name: first.copy() for name in names}
    after_last = np.append(first[1:], len(at))
    return {
        "at": time_bucket(at[first], span.size) if span.kind == "time" else at[first],
        "open_ticks": price_ticks[first],
        "high_ticks": np.maximum.reduceat(price_ticks, first),
        "low_ticks": np.minimum.reduceat(price_ticks, first),
        "close_ticks": price_ticks[after_last - 1],
        "qty": np.add.reduceat(qty, first),
        "trades": after_last - first,
        "session_code": session_codes[first],
    }


def _first_rows(at: Integers, qty: Integers, span: Span) -> Integers:
    """The rows of one session on which a bar begins."""
    if span.kind == "trades":
        return np.arange(0, len(at), span.size, dtype=np.int64)
    if span.kind == "contracts":
        return _first_rows_by_contracts(qty, span.size)
    # The running maximum keeps a trade that is stamped late in the bar under way, as the builder does.
    buckets = np.maximum.accumulate(time_bucket(at, span.size))
    return np.concatenate(([0], np.flatnonzero(np.diff(buckets)) + 1)).astype(np.int64)


def _first_rows_by_contracts(qty: Integers, size: int) -> Integers:
    total = np.cumsum(qty)
    rows = [0]
    done = 0
    while True:
        last = int(np.searchsorted(total, done + size))
        if last + 1 >= len(total):
            return np.array(rows, dtype=np.int64)
        done = int(total[last])
        rows.append(last + 1)
