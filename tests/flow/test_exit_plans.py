"""Each kind of exit plan as a conversation, and the same again with the trader killed in the middle of it."""

import pytest

from autofutures.domain.messages import ExitMoved
from autofutures.domain.units import MINUTE, SECOND
from autofutures.orders.cover import Cover
from tests.flow.scenario import Scenario, scenario

PLANS = {"s": Cover("plans")}

ENTERED = """
    -> tick 17400
    -> buy {qty} exit {plan}
    <- submit o1 buy {qty}
    -> fill o1 {qty} 17400
    <- exit o1 open {qty}
    = uncovered 0
"""


def entered(plan: str, rest: str, qty: int = 1) -> Scenario:
    """A lot of `qty` bought at 17400 with this plan, and what comes then."""
    return scenario(ENTERED.format(plan=plan, qty=qty) + rest, covers=PLANS)


TRAILING = """
    -> tick 17420
    <- exit o1 open 1 stop 17410
    -> tick 17415
    {crash}
    -> tick 17411
    -> tick 17410
    <- exit o1 stop 17410 stop loss
    <- submit o2 sell 1 market
    -> fill o2 1 17410
    <- exit o1 open 0
    = position 0
"""
BREAK_EVEN = """
    -> tick 17409
    -> tick 17410
    <- exit o1 open 1 stop 17402
    -> tick 17430
    {crash}
    -> tick 17403
    -> tick 17402
    <- exit o1 stop 17402 stop loss
    <- submit o2 sell 1 market
"""
TIME_STOP = """
    -> +9s tick 17400
    {crash}
    -> +900ms tick 17400
    -> +100ms tick 17400
    <- exit o1 open 1 time stop
    <- submit o2 sell 1 market
"""
SESSION_END = """
    -> +17939s tick 17400
    {crash}
    -> +1s tick 17400
    <- exit o1 open 1 session end
    <- submit o2 sell 1 market
"""
SCALE_OUT = """
    -> tick 17410
    <- exit o1 open 4 level 1
    <- submit o2 sell 2 market
    -> tick 17411
    -> fill o2 2 17410
    <- exit o1 open 2 level 1
    {crash}
    -> tick 17409
    -> tick 17420
    <- exit o1 open 2 level 2
    <- submit o3 sell 1 market
    -> fill o3 1 17420
    -> tick 17380
    <- exit o1 open 1 stop loss
    <- submit o4 sell 1 market
    -> fill o4 1 17380
    = position 0
"""
BRACKET = """
    -> tick 17401
    <- exit o1 open 3
    <- submit o2 sell 3 limit 17420 rod
    -> accepted o2
    -> fill o2 1 17420
    <- exit o1 open 2
    {crash}
    -> tick 17380
    <- exit o1 open 2 stop loss
    <- cancel o2
    -> tick 17379
    -> fill o2 1 17420
    <- exit o1 open 1
    -> canceled o2 1
    -> tick 17378
    <- submit o3 sell 1 market
    -> fill o3 1 17378
    <- exit o1 open 0
    = position 0
    = working 0 0
"""
KINDS = [
    ("trailing", "0/30,trail_ticks=10", 1, TRAILING),
    ("break even", "0/30,break_even_ticks=10,break_even_offset_ticks=2", 1, BREAK_EVEN),
    ("time stop", f"0/30,time_stop_ns={10 * SECOND}", 1, TIME_STOP),
    ("session end", f"0/30,flat_before_close_ns={MINUTE}", 1, SESSION_END),
    ("scale out", "0/20,levels=10:50:20:25", 4, SCALE_OUT),
    ("bracket", "20/20,bracket=1", 3, BRACKET),
]


@pytest.mark.parametrize("crash", ["", "-> restart\n = uncovered 0"], ids=["alive", "killed"])
@pytest.mark.parametrize(
    ("plan", "qty", "rest"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS]
)
def test_each_kind_of_exit_closes_its_lot_whether_or_not_the_trader_is_killed_meanwhile(
    plan: str, qty: int, rest: str, crash: str
) -> None:
    entered(plan, rest.format(crash=crash), qty)


@pytest.mark.parametrize(
    ("plan", "qty", "rest"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS]
)
def test_a_plan_comes_back_as_it_was(plan: str, qty: int, rest: str) -> None:
    play = entered(plan, rest.partition("{crash}")[0], qty)
    before = [plan.moved(0) for plan in play.trader.exits.plans()]
    play.hear("restart")
    assert [plan.moved(0) for plan in play.trader.exits.plans()] == before != []


def test_a_plan_fires_before_a_restarted_traders_first_entry() -> None:
    entered(
        "90/30",
        """
        -> restart
        = uncovered 0
        -> tick 17370
        <- exit o1 open 1 stop loss
        <- submit o2 sell 1
        -> buy 1 exit 90/30
        <- submit o3 buy 1
        """,
    )


def test_a_stop_says_where_it_is_when_it_moves_and_only_then() -> None:
    play = entered("0/10,trail_ticks=10", "-> tick 17401")
    count = len(play.facts)
    for price in (17_401, 17_400, 17_395, 17_401):
        play.hear(f"tick {price}")
    assert len(play.facts) == count
    play.hear("tick 17402")
    (moved,) = play.facts[count:]
    assert isinstance(moved, ExitMoved)
    assert moved.stop_ticks == 17_392


def test_a_short_lots_stop_follows_downwards() -> None:
    scenario("""
        -> tick 17400
        -> sell 1 exit 0/30,trail_ticks=10
        <- submit o1
        -> fill o1 1 17400
        <- exit o1 stop 17430
        -> tick 17385
        <- exit o1 stop 17395
        -> tick 17395
        <- exit o1 stop loss
        <- submit o2 buy 1
    """)


def test_a_later_fill_of_the_entry_never_takes_a_moved_stop_back() -> None:
    scenario("""
        -> tick 17400
        -> buy 2 exit 0/30,trail_ticks=10
        <- submit o1
        -> fill o1 1 17400
        <- exit o1 open 1 stop 17370
        -> tick 17420
        <- exit o1 stop 17410
        -> fill o1 1 17390
        <- exit o1 open 2 stop 17410
    """)


def test_a_stop_by_average_true_range_follows_at_the_declared_distance_until_a_span_is_measured() -> None:
    entered(
        f"0/30,trail_atr=200,atr_span_ns={MINUTE},atr_periods=2",
        """
        -> tick 17410
        <- exit o1 stop 17380
        -> tick 17404
        -> +60s tick 17410
        <- exit o1 stop 17398
        -> restart
        -> tick 17415
        <- exit o1 stop 17403
        -> tick 17403
        <- exit o1 stop loss
        <- submit o2 sell 1
        """,
    )


def test_a_lot_that_outlived_its_session_is_closed_in_the_next_one() -> None:
    entered(
        f"0/30,flat_before_close_ns={MINUTE}",
        """
        -> session ends
        -> +22500s tick 17400
        <- exit o1 session end
        <- submit o2 sell 1
        """,
    )


def test_time_fires_on_beats_where_no_trade_comes() -> None:
    entered(
        f"0/30,time_stop_ns={SECOND}",
        """
        -> +999ms beat
        -> +10ms beat
        <- exit o1 time stop
        <- submit o2 sell 1
        -> beat
        """,
    )


def test_while_the_market_is_closed_beats_try_nothing() -> None:
    entered(
        f"0/30,time_stop_ns={SECOND}",
        """
        -> +18100s beat
        -> +4500s beat
        <- exit o1 time stop
        <- submit o2 sell 1
        """,
    )


def test_a_resting_take_profit_fills_without_us_and_ends_the_plan() -> None:
    entered(
        "20/20,bracket=1",
        """
        -> tick 17400
        <- submit o2 sell 1 limit 17420
        -> accepted o2
        -> tick 17420
        -> fill o2 1 17420
        <- exit o1 open 0
        -> tick 17300
        = position 0
        = working 0 0
        """,
    )


def test_a_stop_waits_for_the_word_that_the_resting_order_is_off() -> None:
    entered(
        "20/20,bracket=1",
        """
        -> tick 17400
        <- submit o2 sell 2 limit 17420
        -> tick 17380
        <- exit o1 open 2 stop loss
        <- cancel o2
        -> tick 17379
        -> rejected o2 cancel
        -> tick 17378
        -> canceled o2 2
        -> tick 17377
        <- submit o3 sell 2 market
        """,
        qty=2,
    )


def test_a_resting_order_follows_the_average_of_the_entry_and_is_never_for_more_than_is_open() -> None:
    scenario("""
        -> tick 17400
        -> buy 2 exit 20/20,bracket=1
        <- submit o1
        -> fill o1 1 17400
        -> tick 17400
        <- submit o2 sell 1 limit 17420
        -> fill o1 1 17410
        <- exit o1 open 2 profit 17425
        -> tick 17401
        <- submit o3 sell 1 limit 17425
        <- cancel o2
        -> canceled o2 1
        -> tick 17402
        <- submit o4 sell 1 limit 17425
        = working 0 2
    """)


def test_where_the_take_profit_cannot_rest_the_trader_holds_it() -> None:
    entered(
        "20/20,bracket=1",
        """
        -> tick 17400
        <- submit o2 sell 1 limit 17420
        -> rejected o2
        -> tick 17421
        <- exit o1 take profit
        <- submit o3 sell 1 market
        """,
    )


def test_a_resting_order_that_dies_with_its_session_is_placed_again_in_the_next() -> None:
    entered(
        "20/20,bracket=1",
        """
        -> tick 17400
        <- submit o2 sell 1 limit
        -> expired o2 1
        -> session ends
        -> +22500s tick 17400
        <- submit o3 sell 1 limit 17420
        """,
    )


def test_the_last_level_of_a_whole_lot_closes_all_that_is_left() -> None:
    entered(
        "0/20,levels=10:50:20:50",
        """
        -> tick 17425
        <- exit o1 open 3 level 2 take profit
        <- submit o2 sell 3
        """,
        qty=3,
    )


def test_a_strategy_asks_for_its_lot_to_be_closed_and_nothing_is_closed_twice() -> None:
    entered(
        "20/20,bracket=1",
        """
        -> tick 17400
        <- submit o2 sell 1 limit
        -> close o1
        <- exit o1 asked to
        <- cancel o2
        -> close o1
        -> canceled o2 1
        -> tick 17400
        <- submit o3 sell 1 market
        -> fill o3 1 17400
        -> close o1
        <- refused close 1 0
        """,
    )


def test_an_exit_that_is_not_filled_is_tried_ever_more_slowly_and_a_person_is_told() -> None:
    entered(
        "0/20",
        """
        -> tick 17380
        <- submit o2
        -> rejected o2
        -> tick 17379
        <- submit o3
        -> rejected o3
        -> tick 17378
        <- submit o4
        -> rejected o4
        -> tick 17377
        -> +250ms tick 17376
        <- submit o5
        -> canceled o5 1
        -> +498ms tick 17375
        -> +2ms beat
        <- alert exit_failing
        <- submit o6
        -> fill o6 1 17376
        = position 0
        """,
    )


def test_some_of_an_exit_filled_is_progress_and_the_rest_goes_at_once() -> None:
    entered(
        "0/20",
        """
        -> tick 17380
        <- submit o2 sell 4
        -> rejected o2
        -> tick 17379
        <- submit o3 sell 4
        -> rejected o3
        -> tick 17378
        <- submit o4 sell 4
        -> fill o4 1 17378
        -> canceled o4 3
        -> tick 17377
        <- submit o5 sell 3
        """,
        qty=4,
    )


def test_an_exit_in_doubt_keeps_its_contracts_until_it_is_answered_for() -> None:
    entered(
        "0/20",
        """
        -> tick 17380
        <- submit o2
        -> restart
        <- order o2 unknown
        -> tick 17370
        -> +4s beat
        -> tick 17360
        -> canceled o2 1
        -> tick 17350
        <- submit o3 sell 1
        """,
    )


def test_plans_of_opposite_strategies_close_their_own_lots_though_the_account_is_flat() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 2 exit 0/20 by s
        <- submit o1
        -> sell 2 exit 0/20 by t
        <- submit o2
        -> fill o1 2 17400
        -> fill o2 2 17400
        = position 0
        = uncovered 0
        -> tick 17380
        <- exit o1 open 2 stop loss
        <- submit o3 sell 2
        -> fill o3 2 17380
        = position of s 0
        = position of t -2
        -> tick 17420
        <- exit o2 open 2 stop loss
        <- submit o4 buy 2
        -> fill o4 2 17420
        = position of t 0
        = uncovered 0
        """,
        covers={"s": Cover("plans"), "t": Cover("plans")},
    )


def test_a_strategy_of_plans_opens_nothing_without_one_nor_with_one_that_lets_losses_run() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 1
        <- refused exit_plan 1 0
        -> buy 1 exit 20/0
        <- refused exit_plan 1 0
        -> buy 1 exit 20/0,bracket=1,levels=1:50
        <- refused exit_plan 1 0
        -> buy 1 exit 20/10
        <- submit o1
        """,
        covers=PLANS,
    )
