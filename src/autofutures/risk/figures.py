"""Risk in money: plain functions. Amounts are minor units of money, losses are positive, lots have no sign.

Margin and scenarios are integers. Value at risk and expected shortfall are statistics, and floats.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean, stdev
from typing import Literal

import msgspec

PERCENT = 100

LEAST_SAMPLE = 30
"""Days below which a standard deviation says nothing of a tail."""


def required_margin(lots: int, day_lots: int, initial: int, day_trade: int) -> int:
    """The initial margin of one contract's lots.

    Args:
        lots: all that is open, or could be.
        day_lots: how many of them are day trades.
        initial: of one lot.
        day_trade: of one lot of a day trade; 0 from the broker's cut-off on, or where it has none: the full one counts.
    """
    day = min(lots, day_lots) if day_trade else 0
    return (lots - day) * initial + day * day_trade


def risk_indicator(equity: int, initial_margin: int) -> int | None:
    """Equity in percent of the initial margin of what is open, rounded down; none where nothing is.

    TAIFEX's risk indicator as brokers publish it; below 25 % the broker liquidates.
    """
    return equity * PERCENT // initial_margin if initial_margin > 0 else None


def scenario_loss(position: int, last_ticks: int, low_ticks: int, high_ticks: int, tick_value: int) -> int:
    """What a position loses if its market goes to the limit price against it; 0 where that is no loss.

    Args:
        position: signed lots.
        last_ticks: where it is marked now.
        low_ticks: tomorrow's lower price limit.
        high_ticks: the upper one.
        tick_value: of one lot.
    """
    adverse = low_ticks if position > 0 else high_ticks
    return max(0, (last_ticks - adverse) * position * tick_value)


def drawdown(equities: Sequence[int]) -> int:
    """The largest fall from a highest equity until then."""
    peak, most = None, 0
    for equity in equities:
        peak = equity if peak is None else max(peak, equity)
        most = max(most, peak - equity)
    return most


class TailRisk(msgspec.Struct, frozen=True):
    """Value at risk and expected shortfall of one trading day.

    `None` where the sample is too small: historical needs one day in the tail (100 days at 99 %), parametric 30.
    """

    method: Literal["historical", "parametric"]
    level: float
    window: int
    """Days that were asked for."""
    days: int
    """Days that every held contract has a price of."""
    gaps: int
    """Days left out, for some contract has none."""
    value_at_risk: float | None
    expected_shortfall: float | None


def profits_of(
    positions: Mapping[str, int], moves: Sequence[Mapping[str, int]], tick_values: Mapping[str, int]
) -> list[int | None]:
    """What today's positions would have earned on each past day; `None` where a held contract has no move.

    Args:
        positions: signed lots by symbol.
        moves: one table a day, of ticks from settlement to settlement by symbol.
        tick_values: of one lot, by symbol.
    """
    held = {symbol: qty for symbol, qty in positions.items() if qty}
    return [
        sum(qty * day[symbol] * tick_values[symbol] for symbol, qty in held.items())
        if all(symbol in day for symbol in held)
        else None
        for day in moves
    ]


def tail_risk(
    profits: Sequence[int | None], level: float, method: Literal["historical", "parametric"]
) -> TailRisk:
    """Value at risk and expected shortfall at a level, as 0.99, of one profit for each day of the window.

    Historical: VaR is the smallest loss that at least `level` of the days do not exceed, ES the mean of the worst
    1 - `level` of them, the last one in part (Acerbi and Tasche 2002). Parametric: losses are normal, VaR = z s - m and
    ES = s phi(z) / (1 - level) - m (McNeil, Frey and Embrechts, Quantitative Risk Management, 2.2).
    """
    known = [profit for profit in profits if profit is not None]
    var, shortfall = (_historical if method == "historical" else _parametric)(known, level)
    gaps = len(profits) - len(known)
    return TailRisk(method, level, len(profits), len(known), gaps, var, shortfall)


def _historical(profits: Sequence[int], level: float) -> tuple[float | None, float | None]:
    losses = sorted((-profit for profit in profits), reverse=True)
    tail = round(len(losses) * (1 - level), 9)
    if tail < 1:
        return None, None
    whole = math.floor(tail)
    rest = (tail - whole) * losses[whole] if whole < len(losses) else 0.0
    return float(losses[min(whole, len(losses) - 1)]), (sum(losses[:whole]) + rest) / tail


def _parametric(profits: Sequence[int], level: float) -> tuple[float | None, float | None]:
    if len(profits) < LEAST_SAMPLE:
        return None, None
    mean, deviation = fmean(profits), stdev(profits)
    normal = NormalDist()
    z = normal.inv_cdf(level)
    return z * deviation - mean, deviation * normal.pdf(z) / (1 - level) - mean
