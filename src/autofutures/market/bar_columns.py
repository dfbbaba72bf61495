"""Makes bars of whole columns of trades: the same ones as `bars.BarBuilder` makes trade by trade."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from autofutures.domain.errors import BadInput
from autofutures.market.bars import Span, time_bucket

Integers = NDArray[np.int64]


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
