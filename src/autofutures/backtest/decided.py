"""The last trade that a strategy had heard when it decided an order: what its fill is measured against."""

from collections.abc import Mapping, Sequence

import numpy as np

from autofutures.backtest.statistics import Integers, Ticks
from autofutures.domain.messages import Intent, Placed


def decision_ticks(orders: Sequence[Placed], ticks: Mapping[str, Ticks]) -> dict[str, int]:
    """The price, in ticks, of the last trade at each order's decision, by client id; without one there is none.

    Of trades within one whole-second stamp the decision's own is told by its number, which counts what was heard; where
    several symbols are heard it is the stamp's last.
    """
    found: dict[str, int] = {}
    for order in orders:
        tape = ticks.get(order.intent.symbol)
        if tape is None or not len(tape.at):
            continue
        row = _row(order.intent, tape.at)
        if row >= 0:
            found[order.client_id] = int(tape.price_ticks[row])
    return found


def _row(intent: Intent, at: Integers) -> int:
    """The row of the last trade that was heard; -1 before any."""
    counted = intent.cause_seq - 1
    if 0 <= counted < len(at) and at[counted] <= intent.at:
        following = at[counted + 1] if counted + 1 < len(at) else intent.at
        if following >= intent.at:
            return counted
    return int(np.searchsorted(at, intent.at, side="right")) - 1
