from autofutures.domain.messages import (
    Alert,
    BookStop,
    Cancel,
    Canceled,
    CommandRefused,
    HaltReset,
    Ready,
    RiskDay,
)
from autofutures.domain.units import Side
from autofutures.risk.daily_loss import DailyLoss
from tests.makers import OPEN, a_trader, tick
from tests.unit.risk.halts import Bench

COSTS = 90
"""One side of one TXF at about 17,400: fee 20, tax 70."""


def test_an_open_loss_halts_entries_at_the_tick_that_reaches_the_limit() -> None:
    bench = Bench({"daily_loss": {"max_loss": 1_090}})
    bench.order(Side.BUY)
    assert not bench.at(17_396)  # 4 × 200 + 90 = 890.
    said = bench.at(17_395)  # 5 × 200 + 90 = 1,090.
    assert bench.halts() == [("daily_loss", "", 1_090, 1_090)]
    assert any(isinstance(one, Alert) and one.name == "halted" for one in said)
    assert bench.refused(Side.BUY) == "daily_loss"
    assert bench.position() == 1


def test_exits_and_reductions_go_on_and_a_profit_does_not_end_a_halt() -> None:
    bench = Bench({"daily_loss": {"max_loss": 1_000}})
    bench.order(Side.BUY, 2)
    bench.at(17_390)
    assert bench.refused(Side.SELL) == ""
    bench.at(17_500)
    assert bench.refused(Side.BUY) == "daily_loss"
    assert bench.refused(Side.SELL) == ""
    assert bench.position() == 0
    assert len(bench.halts()) == 1


def test_a_realised_loss_counts_with_its_costs() -> None:
    bench = Bench({"daily_loss": {"max_loss": 800 + 2 * COSTS}})
    bench.order(Side.BUY)
    bench.at(17_396)
    assert not bench.halts()
    bench.order(Side.SELL)
    assert bench.halts() == [("daily_loss", "", 980, 980)]


def test_what_would_still_open_is_asked_back_and_what_reduces_stays() -> None:
    bench = Bench({"daily_loss": {"max_loss": 1_000}})
    bench.order(Side.BUY)
    bench.order(Side.BUY, limit=17_300)
    bench.order(Side.SELL, limit=17_500)
    canceled = [one for one in bench.at(17_390) if isinstance(one, Cancel)]
    (rests,) = (order for order in bench.trader.orders.alive() if order.intent.price_ticks == 17_300)
    assert [one.client_id for one in canceled] == [rests.client_id]


def test_a_halt_flattens_where_the_limit_says_so() -> None:
    bench = Bench({"daily_loss": {"max_loss": 1_000, "flatten": 1}})
    bench.order(Side.BUY, 2)
    bench.order(Side.SELL, 1, "other")
    bench.at(17_390)
    assert (bench.position(), bench.position("other")) == (0, 0)
    assert sum(isinstance(one, BookStop) and one.fired for one in bench.said) == 2


def test_a_halt_that_flattens_takes_back_what_only_reduced_for_it_would_open_then() -> None:
    bench = Bench({"daily_loss": {"max_loss": 1_000, "flatten": 1}})
    bench.order(Side.BUY, 2)
    bench.order(Side.SELL, limit=17_500)
    (rests,) = (order for order in bench.trader.orders.alive() if order.intent.price_ticks == 17_500)
    asked = [one.client_id for one in bench.at(17_390) if isinstance(one, Cancel)]
    assert asked == [rests.client_id]
    bench.hear(Canceled(rests.client_id, bench.now, 1))
    bench.now += 10**9
    bench.at(17_390)
    assert bench.position() == 0


def test_a_strategys_limit_halts_it_alone() -> None:
    bench = Bench({"daily_loss.strategy.s": {"max_loss": 1_000}})
    bench.order(Side.BUY)
    bench.order(Side.SELL, 3, "other")
    bench.at(17_390)
    assert bench.halts() == [("daily_loss", "strategy.s", 1_000, 2_090)]
    assert bench.refused(Side.BUY) == "daily_loss"
    assert bench.refused(Side.SELL, 1, "other") == ""
    assert bench.refused(Side.SELL) == ""  # It may always close what it holds, though the account is short.


def test_a_new_trading_day_counts_from_its_first_prices_and_the_halt_stays() -> None:
    bench = Bench({"daily_loss": {"max_loss": 1_000}})
    bench.order(Side.BUY)
    bench.at(17_390)
    bench.now += (6 * 60 + 16) * 60 * 10**9  # 15:01: the trading day of the 27th.
    (begun,) = (one for one in bench.at(17_390) if isinstance(one, RiskDay))
    assert begun.day == 20210727
    assert bench.trader.risk.state.lost_today("", bench.trader.risk.equity("")) == 0
    assert bench.refused(Side.BUY) == "daily_loss"
    (reset,) = bench.command("reset", control="daily_loss", reason="looked at it")
    assert isinstance(reset, HaltReset)
    assert (reset.who, reset.reason) == ("ann operator/1", "looked at it")
    assert bench.refused(Side.BUY) == ""


def test_a_greeting_begins_no_trading_day_for_its_answer_is_not_written_down() -> None:
    trader = a_trader({"daily_loss": {"max_loss": 1_000}})
    assert not any(isinstance(one, RiskDay) for one in trader.handle(Ready("s"), OPEN))
    begun = RiskDay(OPEN, 20210726, {})
    assert [one for one in trader.handle(tick(), OPEN) if isinstance(one, RiskDay)] == [begun]


def test_a_reset_that_would_halt_again_at_once_is_refused_until_the_limit_is_raised() -> None:
    bench = Bench({"daily_loss": {"max_loss": 1_000}})
    bench.order(Side.BUY)
    bench.at(17_390)
    (refused,) = bench.command("reset", control="daily_loss", reason="r")
    assert isinstance(refused, CommandRefused)
    assert "is still 2090 lost today of 1000" in refused.reason
    bench.command("set", key="daily_loss", setting="max_loss", value=5_000, reason="r")
    (reset,) = bench.command("reset", control="daily_loss", reason="r")
    assert isinstance(reset, HaltReset)
    assert bench.refused(Side.BUY) == ""


def test_a_reset_needs_a_reason_and_a_halt() -> None:
    bench = Bench({"daily_loss": {"max_loss": 1_000}})
    for values, says in (
        ({"control": "daily_loss"}, "risk reset needs reason"),
        ({"control": "daily_loss", "reason": "r"}, "daily_loss has not halted; halted: nothing"),
        ({"control": "daily_loss", "scope": "desk", "reason": "r"}, "'desk' is no scope"),
    ):
        (refused,) = bench.command("reset", **values)
        assert isinstance(refused, CommandRefused)
        assert says in refused.reason


def test_no_loss_is_too_much_unless_told() -> None:
    assert DailyLoss().off
