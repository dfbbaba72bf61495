import pytest

from autofutures.domain.messages import ExitPlan
from autofutures.domain.units import Side
from autofutures.orders.cover import Cover, uncovered
from autofutures.orders.exits import Exits
from autofutures.portfolio.book import Portfolio
from tests.makers import TXF, intent

PLAN = ExitPlan(stop_ticks=5)


def holding(*lots: tuple[Side, int, int]) -> tuple[Portfolio, Exits]:
    """Lots of strategy s: side, contracts, and how many of them a plan covers."""
    portfolio, exits = Portfolio(), Exits()
    for k, (side, qty, planned) in enumerate(lots, 1):
        portfolio.apply("s", TXF, side, qty, 17_400, 0, 0)
        if planned:
            exits.open(intent(side, qty, k=k, exit_plan=PLAN), PLAN, planned, 17_400)
    return portfolio, exits


@pytest.mark.parametrize(
    ("lots", "cover", "lacking"),
    [
        ([(Side.BUY, 2, 2)], Cover("plans"), 0),
        ([(Side.BUY, 2, 2), (Side.SELL, 2, 2)], Cover("plans"), 0),
        ([(Side.BUY, 2, 1)], Cover("plans"), 1),
        ([(Side.BUY, 2, 1)], Cover("plans", 9_000), 1),
        ([(Side.BUY, 1, 2)], Cover("plans"), 1),
        ([(Side.BUY, 2, 0)], Cover("own", 9_000), 0),
        ([(Side.BUY, 2, 1)], Cover("own"), 1),
        ([(Side.SELL, 3, 0)], None, 3),
    ],
)
def test_what_neither_a_plan_nor_a_book_stop_would_close_is_counted(
    lots: list[tuple[Side, int, int]], cover: Cover | None, lacking: int
) -> None:
    assert uncovered(*holding(*lots), {} if cover is None else {"s": cover}) == lacking
