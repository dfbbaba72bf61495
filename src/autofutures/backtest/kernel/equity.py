"""What the run is worth, marked to market. As `portfolio/tally`."""

from autofutures.backtest.kernel.memory import point_row
from autofutures.domain.units import MINUTE
from autofutures.portfolio import pnl


def point(S, X, at):
    """A point of the equity curve; a later one of the same moment takes its place."""
    index = S.out_points
    if index and point_row(X.points, index - 1).at == at:
        index -= 1
    row = point_row(X.points, index)
    S.out_points = index + 1
    row.at = at
    row.net = S.net
    row.drawdown = S.peak - S.net


def measure(S):
    """The highest equity so far, and the deepest fall from it."""
    if S.net > S.peak:
        S.peak = S.net
    elif S.peak - S.net > S.max_drawdown:
        S.max_drawdown = S.peak - S.net


def move(L, from_ticks, to_ticks):
    """What a move of the market earns one lot, in minor units."""
    if L.inverse_value:
        return pnl.worth(to_ticks, L.inverse_value) - pnl.worth(from_ticks, L.inverse_value)
    return (to_ticks - from_ticks) * L.tick_value


def minute_after(at):
    """The next whole minute."""
    return at - at % MINUTE + MINUTE


def mark(S, X, leg, at, price_ticks):
    """The tally's side of a price: equity by the position, and a point each minute."""
    L = S.legs[leg]
    if L.position:
        if L.marked:
            S.net += L.position * move(L, L.last_mark, price_ticks)
        measure(S)
    L.marked = 1
    L.last_mark = price_ticks
    if at >= S.next_point:
        S.next_point = minute_after(at)
        point(S, X, at)
