"""How far a market moves: true ranges of trades over fixed spans, and Wilder's average of them, in whole numbers.

A span begins at a multiple of its length; one without a trade is left out. What is under way of a span is lost with
the process, and the span goes on with what is heard of it then: the average itself is recorded with each plan.
"""

from autofutures.domain.messages import ExitPlan, RangeKept
from autofutures.orders.exit_rules import next_atr, true_range


class Range:
    """One symbol's average true range over spans of one length; `spans` of them are measured."""

    __slots__ = ("_close", "_high", "_last", "_low", "_number", "_periods", "_span_ns", "atr_milli", "spans")

    def __init__(self, span_ns: int, periods: int) -> None:
        self._span_ns = span_ns
        self._periods = periods
        self._number = -1
        self._high = self._low = self._last = 0
        self._close: int | None = None
        self.atr_milli = 0
        self.spans = 0

    def hear(self, last_ticks: int, now: int) -> bool:
        """A trade; whether a span ended before it."""
        number = now // self._span_ns
        if number == self._number:
            self._high = max(self._high, last_ticks)
            self._low = min(self._low, last_ticks)
            self._last = last_ticks
            return False
        ended = self._number >= 0
        if ended:
            self._measure()
            self._close = self._last
        self._number = number
        self._high = self._low = self._last = last_ticks
        return ended

    def _measure(self) -> None:
        self.spans += 1
        before = self._close if self._close is not None else self._low
        span = true_range(self._high, self._low, before)
        self.atr_milli = next_atr(self.atr_milli, self.spans, self._periods, span)

    def restore(self, atr_milli: int, spans: int) -> None:
        """Goes on from a recorded average."""
        if spans > self.spans:
            self.atr_milli, self.spans = atr_milli, spans


class Ranges:
    """The ranges that exit plans ask for. Once asked for, one is measured for the life of the trader."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, dict[tuple[int, int], Range]] = {}

    def watches(self, symbol: str) -> bool:
        """Whether anything of the symbol is measured."""
        return symbol in self._by_symbol

    def watch(self, symbol: str, terms: ExitPlan) -> tuple[int, int]:
        """Begins to measure what a plan asks for. Returns average and spans so far."""
        if not terms.trail_atr:
            return 0, 0
        ranges = self._by_symbol.setdefault(symbol, {})
        key = (terms.atr_span_ns, terms.atr_periods)
        if key not in ranges:
            ranges[key] = Range(*key)
        return ranges[key].atr_milli, ranges[key].spans

    def of(self, symbol: str, terms: ExitPlan) -> tuple[int, int]:
        """The average in thousandths of a tick, and over how many spans."""
        found = self._by_symbol[symbol][terms.atr_span_ns, terms.atr_periods]
        return found.atr_milli, found.spans

    def hear(self, symbol: str, last_ticks: int, now: int) -> bool:
        """A trade; whether a span of anything ended before it."""
        ranges = self._by_symbol.get(symbol)
        if ranges is None:
            return False
        ended = [found.hear(last_ticks, now) for found in ranges.values()]
        return any(ended)

    def restore(self, symbol: str, terms: ExitPlan, atr_milli: int, spans: int) -> None:
        """Goes on from what was recorded with a plan."""
        if terms.trail_atr:
            self.watch(symbol, terms)
            self._by_symbol[symbol][terms.atr_span_ns, terms.atr_periods].restore(atr_milli, spans)

    def kept(self) -> list[RangeKept]:
        """Every average, as a snapshot keeps it."""
        return [
            RangeKept(symbol, span_ns, periods, found.atr_milli, found.spans)
            for symbol, ranges in self._by_symbol.items()
            for (span_ns, periods), found in ranges.items()
        ]

    def restore_kept(self, kept: RangeKept) -> None:
        """Puts an average of a snapshot back."""
        ranges = self._by_symbol.setdefault(kept.symbol, {})
        key = (kept.span_ns, kept.periods)
        ranges.setdefault(key, Range(*key)).restore(kept.atr_milli, kept.spans)
