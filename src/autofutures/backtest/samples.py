"""How much a figure needs before it is said: below it the figure is None, and the page says how much there was.

| figure | needs |
|---|---|
| Sharpe, Sortino, Calmar; correlation with another run or the benchmark | 20 trading days, about a month |
| win rate, profit factor, expectancy, average time held, distribution of trades | 10 closed trades |
| average win, average loss | 5 winning, 5 losing trades |
| average of a weekday | 4 days of it |
| average slippage of a type of order | 10 filled orders |
| rolling figures over 20 days or 20 trades | twice as many |

Counts, sums, extremes and curves are facts, not estimates, and are always said.
"""

MIN_TRADES = 10
MIN_SIDE = 5
MIN_WEEKDAYS = 4
MIN_ORDERS = 10
WINDOW = 20
"""Trading days, or trades, of a rolling figure."""


def too_few(have: int, needed: int, what: str) -> str:
    """The reason why a figure is not said; empty where there is enough."""
    return f"too few: {have} of {needed} {what} needed" if have < needed else ""
