"""Running statistics of prices: each hears one value at a time, `over` runs the same code on columns.

The only floats of the core. Until an indicator has heard enough its `value` is NaN, which no comparison is
true of, and `ready` is False; EMA, VWAP, Highest and Lowest have a value from the first price on. Written
so that it can be compiled: annotated int, float and bool fields, rings of fixed length, and no `**` and no
array reductions, whose last bits differ between interpreted and compiled code.
"""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autofutures.domain.errors import BadInput

Floats = NDArray[np.float64]


class Indicator(Protocol):
    """What `over` asks of an indicator: `update` takes an element of each column, and returns the value."""

    @property
    def update(self) -> Callable[..., float]:  # type: ignore[explicit-any]  # each takes columns of its own
        """Hears the next element."""
        ...


def over(indicator: Indicator, *columns: ArrayLike) -> Floats:
    """The indicator's value after every row; bit for bit as live, for `update` is called row by row.

    Raises:
        BadInput: the columns differ in length.
    """
    rows = [np.asarray(column).tolist() for column in columns]
    if len({len(row) for row in rows}) > 1:
        raise BadInput("an indicator needs columns of one length")
    return np.array([indicator.update(*values) for values in zip(*rows, strict=True)], dtype=np.float64)


def _length(name: str, length: int, least: int = 1) -> int:
    if length < least:
        raise BadInput(f"{name} of {length} values: the length must be {least} or more")
    return length


class EMA:
    """Exponential moving average, alpha = 2 / (length + 1), seeded with the first value."""

    length: int
    alpha: float
    count: int
    value: float
    ready: bool

    def __init__(self, length: int) -> None:
        self.length = _length("EMA", length)
        self.alpha = 2.0 / (length + 1.0)
        self.count = 0
        self.value = math.nan
        self.ready = False

    def update(self, value: float) -> float:
        """Hears a value; returns the average, ready once `length` values were heard."""
        if self.count == 0:
            self.value = float(value)
        else:
            self.value += (value - self.value) * self.alpha
        self.count += 1
        self.ready = self.count >= self.length
        return self.value


class SMA:
    """Simple moving average of the last `length` values."""

    length: int
    ring: Floats
    at: int
    count: int
    total: float
    value: float
    ready: bool

    def __init__(self, length: int) -> None:
        self.length = _length("SMA", length)
        self.ring = np.zeros(length, dtype=np.float64)
        self.at = 0
        self.count = 0
        self.total = 0.0
        self.value = math.nan
        self.ready = False

    def update(self, value: float) -> float:
        """Hears a value; returns the mean once `length` values were heard."""
        self.hear(value)
        return self.value

    def hear(self, value: float) -> None:
        """Puts a value in the ring, in the place of the oldest."""
        self.total += value - float(self.ring[self.at])
        self.ring[self.at] = value
        self.at += 1
        self.count += 1
        if self.at == self.length:
            self.at = 0
            self.sum_anew()
        if self.count >= self.length:
            self.ready = True
            self.value = self.total / self.length

    def sum_anew(self) -> None:
        """Adds up the ring, once a round: a running sum alone would gather rounding errors for ever."""
        self.total = 0.0
        for i in range(self.length):
            self.total += float(self.ring[i])


class RSI:
    """Wilder's relative strength index, 0 to 100 ("New Concepts in Technical Trading Systems", 1978).

    The first averages are plain means of `length` changes, then each moves by 1/length of the difference.
    Without any movement it is 50.
    """

    length: int
    count: int
    previous: float
    gain: float
    loss: float
    value: float
    ready: bool

    def __init__(self, length: int = 14) -> None:
        self.length = _length("RSI", length)
        self.count = 0
        self.previous = 0.0
        self.gain = 0.0
        self.loss = 0.0
        self.value = math.nan
        self.ready = False

    def update(self, value: float) -> float:
        """Hears a value; returns the index once `length` + 1 values were heard."""
        change = value - self.previous
        self.previous = float(value)
        self.count += 1
        if self.count == 1:
            return self.value
        gain = max(change, 0.0)
        loss = max(-change, 0.0)
        if self.count <= self.length + 1:
            self.gain += gain / self.length
            self.loss += loss / self.length
        else:
            self.gain = (self.gain * (self.length - 1) + gain) / self.length
            self.loss = (self.loss * (self.length - 1) + loss) / self.length
        if self.count > self.length:
            self.ready = True
            moved = self.gain + self.loss
            self.value = 100.0 * self.gain / moved if moved > 0.0 else 50.0
        return self.value


class ATR:
    """Wilder's average true range, in the prices' unit; the first true range is high - low."""

    length: int
    count: int
    close: float
    average: float
    value: float
    ready: bool

    def __init__(self, length: int = 14) -> None:
        self.length = _length("ATR", length)
        self.count = 0
        self.close = 0.0
        self.average = 0.0
        self.value = math.nan
        self.ready = False

    def update(self, high: float, low: float, close: float) -> float:
        """Hears a bar; returns the average once `length` bars were heard."""
        true_range = high - low
        if self.count > 0:
            true_range = max(true_range, abs(high - self.close), abs(low - self.close))
        self.close = float(close)
        self.count += 1
        if self.count <= self.length:
            self.average += true_range / self.length
        else:
            self.average = (self.average * (self.length - 1) + true_range) / self.length
        if self.count >= self.length:
            self.ready = True
            self.value = self.average
        return self.value


class Bollinger(SMA):
    """Bands of `width` population standard deviations about a simple average; `value` is the middle."""

    width: float
    upper: float
    lower: float

    def __init__(self, length: int = 20, width: float = 2.0) -> None:
        if not 0.0 < width < math.inf:
            raise BadInput(f"Bollinger bands {width} deviations wide: the width must be a number above 0")
        super().__init__(_length("Bollinger", length, least=2))
        self.width = float(width)
        self.upper = math.nan
        self.lower = math.nan

    def update(self, value: float) -> float:
        """Hears a value; returns the middle once `length` values were heard, and sets `upper` and `lower`."""
        self.hear(value)
        if self.ready:
            reach = self.width * self.deviation()
            self.upper = self.value + reach
            self.lower = self.value - reach
        return self.value

    def deviation(self) -> float:
        """The population standard deviation; in two passes, for a sum of squares cancels at index levels."""
        squares = 0.0
        for i in range(self.length):
            off = float(self.ring[i]) - self.value
            squares += off * off
        return math.sqrt(squares / self.length)


class VWAP:
    """Volume-weighted average price of the session so far; another session code starts it anew."""

    session: int
    worth: float
    qty: int
    value: float
    ready: bool

    def __init__(self) -> None:
        self.session = 0
        self.worth = 0.0
        self.qty = 0
        self.value = math.nan
        self.ready = False

    def update(self, price: float, qty: int, session: int = 0) -> float:
        """Hears a trade of `qty` contracts; returns the average. A trade of nothing changes nothing."""
        if session != self.session:
            self.session = session
            self.worth = 0.0
            self.qty = 0
        self.worth += price * qty
        self.qty += qty
        if self.qty > 0:
            self.ready = True
            self.value = self.worth / self.qty
        return self.value


class _Extreme:
    """The greatest of `sign` times the last `length` values."""

    length: int
    sign: float
    ring: Floats
    at: int
    count: int
    value: float
    ready: bool

    def __init__(self, name: str, length: int, sign: float) -> None:
        self.length = _length(name, length)
        self.sign = sign
        self.ring = np.zeros(length, dtype=np.float64)
        self.at = 0
        self.count = 0
        self.value = math.nan
        self.ready = False

    def update(self, value: float) -> float:
        """Hears a value; returns the extreme of the last `length`; ready once there are so many."""
        leaving = float(self.ring[self.at])
        self.ring[self.at] = value
        self.at = (self.at + 1) % self.length
        if self.count == 0 or self.sign * value >= self.sign * self.value:
            self.value = float(value)
        elif self.ready and leaving == self.value:
            self.search()
        if self.count < self.length:
            self.count += 1
        self.ready = self.count == self.length
        return self.value

    def search(self) -> None:
        """Looks through the ring; needed only when the extreme itself has left it."""
        self.value = float(self.ring[0])
        for i in range(1, self.length):
            if self.sign * float(self.ring[i]) > self.sign * self.value:
                self.value = float(self.ring[i])


class Highest(_Extreme):
    """The highest of the last `length` values."""

    def __init__(self, length: int) -> None:
        super().__init__("Highest", length, 1.0)


class Lowest(_Extreme):
    """The lowest of the last `length` values."""

    def __init__(self, length: int) -> None:
        super().__init__("Lowest", length, -1.0)
