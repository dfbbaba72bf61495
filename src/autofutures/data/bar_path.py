"""Bars as trades: where only 1-minute bars were recorded, each is traded as four trades.

The path is an assumption, and the report says it: open, then the low and the high, the low first where the bar closed
at or above its open, then the close; a quarter of a minute apart, or all at its start where the session ends before.
Each has a quarter of the contracts; of what is left over the close has the first, then the open, then the nearer
extreme. A trade without contracts is none.
"""

from collections.abc import Sequence

import numpy as np

from autofutures.data.catalog import BarColumns, TickColumns
from autofutures.domain.units import SECOND
from autofutures.market.sessions import Session

STEP_NS = 15 * SECOND


def ticks_of_bars(bars: BarColumns, sessions: Sequence[Session]) -> TickColumns:
    """The trades that stand for a contract's bars of one trading day."""
    rises = bars.close_ticks >= bars.open_ticks
    second = np.where(rises, bars.low_ticks, bars.high_ticks)
    third = np.where(rises, bars.high_ticks, bars.low_ticks)
    prices = np.column_stack((bars.open_ticks, second, third, bars.close_ticks))
    quarter, rest = np.divmod(bars.qty, 4)
    extra = np.column_stack((rest >= 2, rest >= 3, np.zeros(len(bars), np.bool_), rest >= 1))
    qty = quarter[:, np.newaxis] + extra
    ends = np.array([session.ends_at for session in sessions], np.int64)
    at = bars.at[:, np.newaxis] + STEP_NS * np.arange(4)
    if len(ends):
        until = ends[np.minimum(np.searchsorted(ends, bars.at, side="right"), len(ends) - 1)]
        late = (at[:, -1] >= until) & (bars.at < until)
        at[late] = bars.at[late][:, np.newaxis]
    real = (qty > 0).ravel()
    return TickColumns(
        bars.symbol,
        bars.day,
        at.ravel()[real],
        prices.ravel()[real],
        qty.ravel()[real],
        np.zeros(int(real.sum()), np.bool_),
    )
