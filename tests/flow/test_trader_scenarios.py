import pytest

from tests.flow.scenario import scenario

FIVE = {"position": {"max_contracts": 5}}


def test_a_position_limit_counts_what_works() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 3
        <- submit o1 3
        -> buy 3
        <- refused position 5 6
        -> fill o1 3 17401
        = position 3
        -> buy 2
        <- submit o2 2
        -> buy 1
        <- refused position 5 6
        -> sell 8
        <- submit o3 sell 8
        """,
        FIVE,
    )


def test_a_fill_that_beats_the_cancel_still_moves_the_position() -> None:
    scenario("""
        -> tick 17400
        -> buy 3 limit 17390
        <- submit o1 buy 3 limit 17390 rod
        -> accepted o1
        <- order o1 working
        -> cancel o1
        <- cancel o1
        -> fill o1 1 17390
        -> canceled o1 2
        <- order o1 canceled filled 1 left 0
        = position 1
        = working 0 0
    """)


def test_a_fill_that_the_venue_counted_and_we_have_not_heard_still_binds_the_limit() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 5 limit 17390
        <- submit o1
        -> canceled o1 2
        <- order o1 canceled filled 0 left 3
        = working 3 0
        -> buy 3
        <- refused position 5 6
        -> fill o1 3 17390
        <- traded o1 3 17390 position 3
        <- order o1 canceled filled 3 left 0
        = working 0 0
        -> buy 2
        <- submit o2 2
        """,
        FIVE,
    )


def test_a_cancel_of_a_finished_order_is_rejected_and_harmless() -> None:
    scenario("""
        -> tick 17400
        -> buy 1
        <- submit o1 market ioc
        -> cancel o1
        <- cancel o1
        -> fill o1 1 17401
        -> rejected o1 cancel
        <- order o1 filled filled 1 left 0 too late
        -> cancel o1
        <- order o1 filled filled 1 left 0 it was over before
        = position 1
    """)


def test_a_rejected_cancel_frees_nothing_even_when_it_overtakes_the_orders_own_news() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 5
        <- submit o1
        -> cancel o1
        <- cancel o1
        -> rejected o1 cancel
        <- order o1 sent filled 0 left 5 too late
        -> buy 1
        <- refused position 5 6
        -> fill o1 5 17401
        = position 5
        """,
        FIVE,
    )


def test_a_fill_of_a_rejected_order_revives_it() -> None:
    scenario("""
        -> tick 17400
        -> buy 3
        <- submit o1
        -> rejected o1
        <- order o1 rejected filled 0 left 0 no
        = working 0 0
        -> fill o1 1 17401
        <- traded o1 1 17401 position 1
        <- order o1 working filled 1 left 2
        = working 2 0
    """)


def test_a_repeated_fill_a_repeated_decision_and_news_of_nobody_change_nothing() -> None:
    scenario("""
        -> tick 17400
        -> buy 2
        <- submit o1
        -> fill o1 1 17401 A
        <- traded o1 1 17401 position 1 n 1 fee 20 tax 70
        -> fill o1 1 17401 A
        -> again o1
        <- refused duplicate 1 2
        -> fill nobody 1 17401
        <- stray nobody Filled for an order that is not in the book
        = position 1
        = working 1 0
    """)


def test_a_stop_waits_for_its_trade_and_leaves_then() -> None:
    scenario("""
        -> tick 17400
        -> buy 2 stop 17410
        <- placed o1 held
        = working 2 0
        -> tick 17409
        -> tick 17410
        <- order o1 sent filled 0 left 2 a trade at 17410 fired it
        <- submit o1 buy 2 market ioc
        -> tick 17420
    """)


def test_a_sell_stop_with_a_limit_becomes_a_limit_order() -> None:
    scenario("""
        -> tick 17400
        -> sell 2 stop 17390 limit 17380
        -> tick 17391
        -> tick 17389
        <- submit o1 sell 2 limit 17380 rod
    """)


def test_a_held_stop_can_be_taken_back_without_asking_the_venue() -> None:
    scenario("""
        -> tick 17400
        -> buy 2 stop 17410
        -> cancel o1
        <- order o1 canceled filled 0 left 0 asked to
        -> tick 17420
        = working 0 0
    """)


def test_a_held_stop_ends_with_its_session() -> None:
    scenario("""
        -> tick 17400
        -> buy 2 stop 17410
        -> session ends
        <- order o1 expired filled 0 left 0 the session ended
        -> tick 17420
    """)


@pytest.mark.parametrize(
    "report", ["accepted o1", "rejected o1", "canceled o1 2", "expired o1 2", "fill o1 2 17410"]
)
def test_a_venue_that_reports_on_a_stop_it_never_saw_is_pointed_out(report: str) -> None:
    scenario(f"""
        -> tick 17400
        -> buy 2 stop 17410
        -> {report}
        <- stray o1 for a stop that was never sent
        = position 0
        = working 2 0
        -> tick 17410
        <- submit o1 2
    """)


def test_an_exit_plan_opens_with_the_first_fill_and_covers_partial_fills() -> None:
    scenario("""
        -> tick 17400
        -> buy 3 exit 90/30
        <- submit o1 3
        -> fill o1 1 17400
        <- exit o1 open 1 profit 17490 stop 17370
        -> fill o1 2 17412
        <- exit o1 open 3 profit 17498 stop 17378
        -> tick 17378
        <- exit o1 open 3 stop loss
        <- submit o2 sell 3 market ioc
        -> tick 17370
        -> fill o2 3 17377
        <- traded o2 3 17377 position 0
        <- exit o1 open 0
        -> tick 17300
        = position 0
        = working 0 0
    """)


def test_take_profit_comes_before_the_stop_and_a_plan_counts_from_its_planned_price() -> None:
    scenario("""
        -> tick 17400
        -> sell 1 exit 90/30@17380
        <- submit o1 sell 1
        -> fill o1 1 17399
        <- exit o1 open 1 profit 17290 stop 17410
        -> tick 17291
        -> tick 17290
        <- exit o1 open 1 take profit
        <- submit o2 buy 1
    """)


def test_what_an_exit_did_not_fill_is_decided_again_at_the_next_trade() -> None:
    play = scenario("""
        -> tick 17400
        -> buy 3 exit 90/30
        <- submit o1
        -> fill o1 3 17400
        -> tick 17370
        <- placed o2 sent k 32768
        <- submit o2 sell 3
        -> fill o2 1 17369
        -> canceled o2 2
        <- order o2 canceled filled 1 left 0
        -> tick 17390
        <- submit o3 sell 2
        -> rejected o3
        -> tick 17400
        <- submit o4 sell 2
        -> fill o4 2 17399
        <- exit o1 open 0
        -> tick 17300
        = position 0
    """)
    decided = [(placed.intent.cause_seq, placed.intent.k) for placed in play.placed]
    assert len(set(decided)) == 4
    assert all(placed.intent.closes_k == 1 for placed in play.placed[1:])


def test_two_plans_that_fire_at_once_are_two_decisions() -> None:
    scenario("""
        -> tick 17400
        -> buy 1 exit 90/30
        <- submit o1
        -> buy 1 exit 90/40
        <- submit o2
        -> fill o1 1 17400
        -> fill o2 1 17400
        -> tick 17360
        <- placed o3 sent k 32768
        <- submit o3
        <- placed o4 sent k 32769
        <- submit o4
    """)


def test_a_strategys_own_closing_fills_reduce_its_plans_oldest_first() -> None:
    scenario("""
        -> tick 17400
        -> buy 2 exit 90/30
        <- submit o1
        -> fill o1 2 17400
        -> buy 2 exit 90/30
        <- submit o2
        -> fill o2 2 17400
        -> sell 3
        <- submit o3
        -> fill o3 3 17405
        <- exit o1 open 0
        <- exit o2 open 1
        -> tick 17370
        <- submit o4 sell 1
    """)


def test_entries_of_both_sides_that_carry_plans_stay_independent_lots() -> None:
    scenario("""
        -> tick 17400
        -> buy 1 exit 90/30
        <- submit o1
        -> fill o1 1 17400
        -> sell 3 exit 90/30
        <- submit o2
        -> fill o2 3 17400
        <- exit o2 open 3 profit 17310 stop 17430
        = position -2
        -> tick 17430
        <- submit o3 buy 3
        -> fill o3 3 17431
        <- exit o2 open 0
        = position 1
        -> tick 17370
        <- submit o4 sell 1
    """)


def test_a_reversal_without_a_plan_closes_the_old_one_and_no_more() -> None:
    scenario("""
        -> tick 17400
        -> buy 1 exit 90/30
        <- submit o1
        -> fill o1 1 17400
        -> sell 3
        <- submit o2
        -> fill o2 3 17400
        <- exit o1 open 0
        = position -2
        -> tick 17300
    """)


def test_an_exit_whose_fill_comes_after_its_cancel_is_not_sent_twice() -> None:
    scenario("""
        -> tick 17400
        -> buy 3 exit 90/30
        <- submit o1
        -> fill o1 3 17400
        -> tick 17370
        <- submit o2 sell 3
        -> canceled o2 1
        <- order o2 canceled filled 0 left 2
        -> tick 17360
        <- submit o3 sell 1
        -> fill o2 2 17369
        <- exit o1 open 1
        -> tick 17350
        -> fill o3 1 17359
        <- exit o1 open 0
        = position 0
        -> tick 17300
    """)


def test_an_exit_that_overtakes_the_strategys_own_close_never_leaves_a_plan_below_nothing() -> None:
    scenario("""
        -> tick 17400
        -> buy 3 exit 90/30
        <- submit o1
        -> fill o1 3 17400
        -> tick 17370
        <- submit o2 sell 3
        -> sell 2
        <- submit o3 sell 2
        -> fill o3 2 17369
        <- exit o1 open 1
        -> fill o2 3 17369
        <- exit o1 open 0
        = position -2
        -> tick 17300
    """)


def test_an_exit_bypasses_the_limits_that_bind_entries() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 1 exit 90/30
        <- submit o1
        -> fill o1 1 17400
        -> buy 1
        <- refused position 1 2
        -> sell 1
        <- refused message_rate 1 2
        -> tick 17370
        <- submit o2 sell 1
        """,
        {"message_rate": {"max_per_second": 1}, "position": {"max_contracts": 1}},
    )


def test_each_strategy_has_its_own_position_and_plans() -> None:
    scenario("""
        -> tick 17400
        -> buy 2 exit 90/30 by long
        <- submit o1
        -> sell 2 by short
        <- submit o2
        -> fill o1 2 17400
        -> fill o2 2 17400
        = position 0
        = position of long 2
        = position of short -2
        -> tick 17370
        <- submit o3 sell 2
    """)


def test_a_restart_brings_back_orders_positions_and_exits_and_doubts_what_was_never_answered() -> None:
    scenario("""
        -> tick 17400
        -> buy 2 exit 90/30
        <- submit o1
        -> fill o1 1 17400
        -> buy 4 limit 17390
        <- submit o2
        -> sell 1 stop 17200
        -> restart
        <- order o2 unknown filled 0 left 4 no answer before the restart
        = position 1
        = working 5 1
        -> fill o1 1 17410
        <- exit o1 open 2 profit 17495 stop 17375
        -> tick 17375
        <- submit o4 sell 2
        -> restart
        <- order o4 unknown
        -> tick 17370
        -> fill o4 2 17369
        <- exit o1 open 0
        -> accepted o2
        -> tick 17200
        <- submit o3 sell 1
        -> again o2
        <- refused duplicate
    """)


def test_what_is_not_open_to_trade_is_refused() -> None:
    scenario(
        """
        -> buy 1
        <- refused stale_tick 10000 0
        -> tick 17400
        -> +10s buy 1
        <- submit o1
        -> +1ms buy 1
        <- refused stale_tick 10000 10001
        -> +18100s tick 17400
        -> buy 1
        <- refused session 1 0
        """,
    )


def test_a_scenario_fails_when_something_leaves_that_nobody_expected() -> None:
    with pytest.raises(AssertionError, match="nobody expected '<- submit o1 buy 3 market ioc auto'"):
        scenario("""
            -> tick 17400
            -> buy 3
        """)


@pytest.mark.parametrize(
    "line", ["<- submit o1 4", "<- submit o1 3\n<- traded o1", "<- submit o1 3\n= position 3"]
)
def test_a_scenario_fails_when_something_else_was_said_or_is_true(line: str) -> None:
    with pytest.raises(AssertionError):
        scenario(f"-> tick 17400\n-> buy 3\n{line}")
