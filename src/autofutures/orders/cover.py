"""How a strategy's open lots are covered, and the one number that says how many are not."""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import msgspec

from autofutures.orders.exits import Exits
from autofutures.portfolio.book import Portfolio


class Cover(msgspec.Struct, frozen=True):
    """What a strategy declares.

    `plans`: every entry carries an exit plan. `own`: it closes what it opens, and the trader holds a stop for the
    whole position in one contract at a loss of `book_stop` minor units of money; 0 for none.
    """

    exits: Literal["plans", "own"] = "own"
    book_stop: int = 0


def uncovered(portfolio: Portfolio, exits: Exits, covers: Mapping[str, Cover]) -> int:
    """Open lots that nothing would close: 0 in health.

    Of a strategy with plans it is what the plans lack of the position, or have too much; of one without a book stop,
    what no plan covers.
    """
    planned: Counter[tuple[str, str]] = Counter()
    for plan in exits.plans():
        planned[plan.intent.strategy, plan.intent.symbol] += plan.intent.side * plan.open_qty
    lots = 0
    for strategy, symbol, ledger in portfolio.ledgers():
        cover = covers.get(strategy, Cover())
        if cover.exits == "plans" or not cover.book_stop:
            lots += abs(ledger.position - planned[strategy, symbol])
    return lots
