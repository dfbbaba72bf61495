"""Each limit beside its use: what is held against it now."""

from autofutures.domain.messages import Filled, Submit
from autofutures.domain.units import SECOND, Side
from autofutures.orders.cover import Cover
from autofutures.orders.risk_use import LimitUse, Uses
from autofutures.risk import RULES
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, a_trader, intent, tick

LIMITS = {
    "position": {"max_contracts": 10},
    "position.strategy.s": {"max_contracts": 5},
    "account_value": {"max_value": 100_000_000},
    "daily_messages": {"max_messages": 100},
    "daily_loss": {"max_loss": 10_000},
    "drawdown": {"max_loss": 20_000},
    "loss_streak": {"max_losses": 3},
    "repeated_execution": {"max_orders": 9},
    "message_rate": {"max_per_second": 20},
    "margin": {"min_percent": 150, "capital": 2_000_000},
    "margin.instrument.TXF": {"initial": 200_000},
}


def holding() -> Trader:
    """Long 2 at 17,400 with a book stop at 30,000, and the market 10 ticks lower."""
    trader = a_trader(LIMITS, covers={"s": Cover("own", 30_000)}, fee=0)
    trader.handle(tick(), OPEN)
    for k in (1, 2):
        [submit] = [one for one in trader.handle(intent(k=k), OPEN) if isinstance(one, Submit)]
        trader.handle(Filled(submit.client_id, OPEN, f"F{k}", TXF, Side.BUY, 1, 17_400), OPEN)
    trader.handle(tick(17_390, at=OPEN + SECOND // 2), OPEN + SECOND // 2)
    return trader


def looked(trader: Trader, now: int = OPEN + SECOND // 2) -> dict[str, LimitUse]:
    uses = Uses(trader.gate, trader.risk, trader.account, trader.stake).look(now)
    return {one.key: one for one in uses}


def test_every_limit_that_has_a_use_says_it() -> None:
    found = looked(holding())
    assert {one.control for one in found.values()} == set(RULES)
    tax = 2 * 70  # 17,400 x 200 TWD x 0.00002, rounded for each fill
    lost = 2 * 10 * 200 + tax
    assert {key: (one.use, one.of, one.about) for key, one in found.items() if one.use is not None} == {
        "position": (2, 10, TXF),
        "position.strategy.s": (2, 5, TXF),
        "account_value": (2 * 17_390 * 200, 100_000_000, ""),
        "daily_messages": (2, 100, ""),
        "daily_loss": (lost, 10_000, ""),
        "drawdown": (lost, 20_000, ""),
        "loss_streak": (0, 3, ""),
        "repeated_execution": (2, 9, ""),
        "message_rate": (2, 20, ""),
        "margin": (600_000, 2_000_000 - lost, ""),
        "book_stop.strategy.s": (4_000, 30_000, TXF),
    }


def test_messages_of_a_second_ago_are_no_use_of_the_rate_any_more() -> None:
    found = looked(holding(), OPEN + 2 * SECOND)
    assert found["message_rate"].use == 0


def test_a_book_stop_that_has_fired_is_a_halt() -> None:
    trader = holding()
    trader.handle(tick(17_300, at=OPEN + SECOND), OPEN + SECOND)
    assert "reset" in looked(trader)["book_stop.strategy.s"].halted
