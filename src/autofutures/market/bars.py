"""Hears trades, says bars: by time, by number of trades or by contracts, never across a session.

`BarBuilder` takes one trade at a time; `bar_columns` makes the same of whole columns. A trade that passes the size of a
contract bar goes whole into the bar that it completes. A bar exists only where there are trades.
"""

import re
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Bar
from autofutures.domain.units import SECOND
from autofutures.market.dates import DAY_SECONDS, TAIPEI_OFFSET_NS
from autofutures.market.sessions import NIGHT, Session

if (
    TYPE_CHECKING
):  # A process that is started again must be ready at once, and NumPy takes its time to import.
    import numpy as np
    from numpy.typing import NDArray

At = TypeVar("At", int, "NDArray[np.int64]")

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
