"""Silence, broken links and requests to cancel, as conversations: nothing is lost, nothing is sent twice."""

import pytest

from autofutures.domain.units import SECOND, Mode
from autofutures.orders.policy import Policy
from tests.flow.live import LIVE, START, live
from tests.flow.scenario import scenario
from tests.makers import WIDE


def test_no_entry_before_the_venue_was_compared_with() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 1
        <- refused mode 0 1
        -> link up
        <- mode reducing not reconciled
        -> buy 1
        <- refused mode 0 1
        """,
        WIDE,
        LIVE,
    )


def test_an_order_without_an_answer_is_in_doubt_blocks_entries_and_is_asked_for_not_sent_again() -> None:
    live("""
        -> buy 1
        <- submit o1 1
        -> +999ms beat
        -> +1ms beat
        <- order o1 unknown
        <- alert unknown_order o1
        <- query
        -> tick 17400
        -> buy 1
        <- refused unknown 0 1
        = working 1 0
        -> list o1 filled 1; fills o1 1 17400 F1; position 1
        <- traded o1 1 17400
        <- order o1 filled
        <- reconciled applied 1
        -> buy 1
        <- submit o2 1
    """)


def test_an_order_is_absent_when_two_lists_lack_it_that_were_asked_for_after_it_could_have_arrived() -> None:
    live("""
        -> buy 1
        <- submit o1 1
        -> +1s beat
        <- order o1 unknown
        <- alert unknown_order
        <- query
        -> list
        -> +1900ms beat
        -> +100ms beat
        <- query
        -> list
        <- reconciled absent 0
        -> +500ms beat
        <- query
        -> list
        <- order o1 absent filled 0 left 0
        <- reconciled absent 1
        = working 0 0
        -> tick 17400
        -> buy 1
        <- submit o2 1
    """)


def test_a_list_that_has_the_order_again_begins_the_proof_anew() -> None:
    live("""
        -> buy 1 limit 17390
        <- submit o1 1
        -> +1s beat
        <- order o1 unknown
        <- alert unknown_order
        <- query
        -> list o1 working 0
        <- order o1 working
        -> +10s beat
        <- query
        -> list
        -> +500ms beat
        <- query
        -> list
        <- order o1 unknown the venue had
        <- alert unknown_order
        = working 1 0
    """)


def test_an_order_that_comes_back_from_absence_is_in_the_book_and_asked_back() -> None:
    live("""
        -> buy 2 limit 17390
        <- submit o1 2
        -> +1s beat
        <- alert unknown_order
        <- query
        -> list
        -> +3s beat
        <- query
        -> list
        -> +500ms beat
        <- query
        -> list
        <- order o1 absent
        -> fill o1 1 17390
        <- traded o1 1 17390
        <- alert unknown_order o1 proved absent
        <- cancel o1
        = position 1
        = working 1 0
    """)


def test_a_broken_link_leaves_open_orders_in_doubt_and_a_new_one_begins_with_a_question() -> None:
    live("""
        -> buy 1
        <- submit o1 1
        -> link down
        <- alert link_down sim
        <- order o1 unknown
        <- alert unknown_order o1
        <- mode reducing no link
        -> +1s beat
        -> link up
        <- mode reducing not reconciled
        -> beat
        <- query
        -> list o1 filled 1; fills o1 1 17400 F1; position 1
        <- traded o1
        <- mode normal
        = position 1
    """)


def test_a_link_that_has_not_been_up_yet_is_no_alert() -> None:
    scenario(
        """
        -> link down
        <- mode reducing no link
        -> link up
        <- mode reducing not reconciled
        -> link down
        <- alert link_down sim
        <- mode reducing no link
        -> link down
        """,
        WIDE,
        LIVE,
    )


def test_a_query_without_an_answer_is_asked_again_ever_more_slowly() -> None:
    live("""
        -> +5s beat
        <- query
        -> +1s beat
        <- query
        -> +1s beat
        -> +1s beat
        <- query
        -> +3900ms beat
        -> +100ms beat
        <- query
    """)


def test_a_request_to_cancel_is_repeated_until_something_came_of_it() -> None:
    live("""
        -> buy 1 limit 17390
        <- submit o1
        -> accepted o1
        -> cancel o1
        <- cancel o1
        -> +1s beat
        <- cancel o1
        -> +1s beat
        -> +1s beat
        <- cancel o1
        -> canceled o1 1
        -> +1s beat
    """)


def test_an_exit_in_doubt_sends_no_second_exit_and_past_its_deadline_halts_the_book() -> None:
    live("""
        -> buy 1 exit 10/10
        <- submit o1
        -> fill o1 1 17400
        -> tick 17410
        <- submit o2 sell 1
        -> +1s beat
        <- order o2 unknown
        <- alert unknown_order o2
        <- query
        -> tick 17410
        -> +4s beat
        <- query
        -> +1s beat
        <- alert halted exits
        <- cancel o2
        <- mode halted
        -> tick 17410
        -> buy 1
        <- refused mode 0 1
        -> +1s beat
        <- cancel o2
        <- query
        -> list o1 filled 1, o2 filled 1; fills o2 1 17410 F9; position 0
        <- traded o2 1
        <- mode normal
        = position 0
    """)


def test_an_absent_exit_is_decided_again() -> None:
    live("""
        -> buy 1 exit 10/10
        <- submit o1
        -> fill o1 1 17400 F1
        -> tick 17410
        <- submit o2 sell 1
        -> +1s beat
        <- alert unknown_order o2
        <- query
        -> list o1 filled 1; fills o1 1 17400 F1; position 1
        -> +2s beat
        <- query
        -> list o1 filled 1; fills o1 1 17400 F1; position 1
        -> +500ms beat
        <- query
        -> list o1 filled 1; fills o1 1 17400 F1; position 1
        <- order o2 absent
        -> tick 17405
        <- submit o3 sell 1
    """)


def test_after_a_restart_what_was_sent_is_in_doubt_and_what_was_asked_back_is_asked_back_again() -> None:
    live("""
        -> buy 1 limit 17390
        <- submit o1
        -> accepted o1
        -> cancel o1
        <- cancel o1
        -> buy 1
        <- submit o2
        -> restart
        <- order o2 unknown
        -> link up
        <- mode reducing
        -> +1s beat
        <- cancel o1
        <- query
        -> list o1 working 0, o2 filled 1; fills o2 1 17400 F1; position 1
        <- traded o2
        <- mode normal
        = position 1
        = working 1 0
    """)


def test_trouble_of_the_driver_stops_entries_and_lets_exits_go_on() -> None:
    live("""
        -> buy 1 exit 10/10
        <- submit o1
        -> fill o1 1 17400 F1
        -> beat the disk is nearly full
        <- alert disk journal
        <- mode reducing the disk is nearly full
        -> buy 1
        <- refused mode 0 1
        -> tick 17410
        <- submit o2 sell 1
        -> fill o2 1 17410
        -> beat
        <- mode normal
    """)


def test_a_gap_in_what_the_gateway_says_is_a_reason_to_ask() -> None:
    live("""
        -> +100ms beat
        -> gap
        -> +100ms beat
        <- query
    """)


@pytest.mark.parametrize("quiet", [SECOND, 3 * SECOND])
def test_the_quiet_period_counts_from_the_last_moment_at_which_the_order_may_have_left(quiet: int) -> None:
    play = scenario(START + "-> buy 1\n<- submit o1", WIDE, Policy(reconciles=True, quiet_ns=quiet))
    order = play.trader.orders.decided("s", 1, 1)
    assert order is not None
    assert order.until == order.sent_at + 2 * SECOND
    assert play.trader.inquiry.doubts.proof_at(order) == order.until + quiet


def test_an_exit_that_failed_without_a_link_is_tried_at_once_when_the_link_is_back() -> None:
    live("""
        -> buy 1 exit 50/30
        <- submit o1
        -> fill o1 1 17400
        -> link down
        <- alert link_down
        <- mode reducing
        -> tick 17370
        <- submit o2 sell 1
        -> rejected o2
        -> tick 17370
        <- submit o3
        -> rejected o3
        -> tick 17370
        <- submit o4
        -> rejected o4
        -> +1s tick 17370
        <- submit o5
        -> rejected o5
        -> +2s tick 17370
        <- alert exit_failing
        <- submit o6
        -> rejected o6
        <- alert breaker
        <- mode reducing
        -> tick 17370
        -> link up
        <- mode reducing
        -> tick 17370
        <- submit o7 sell 1
    """)


def test_a_cancel_that_comes_to_nothing_and_a_fill_that_an_end_speaks_of_are_asked_for() -> None:
    live("""
        -> buy 2 limit 17390
        <- submit o1
        -> accepted o1
        -> cancel o1
        <- cancel o1
        -> rejected o1 cancel
        <- order o1 working
        -> +900ms beat
        -> +100ms beat
        <- cancel o1
        <- query
        -> list o1 canceled 0
        <- order o1 canceled filled 0 left 0
        -> buy 2 limit 17390
        <- submit o2
        -> canceled o2 1
        <- order o2 canceled filled 0 left 1
        -> +1s beat
        <- query
    """)


def test_a_book_that_was_halted_is_halted_in_its_next_life_until_the_exit_is_known() -> None:
    halted = """
        -> buy 1 exit 10/10
        <- submit o1
        -> fill o1 1 17400
        -> tick 17410
        <- submit o2 sell 1
        -> +1s beat
        <- alert unknown_order o2
        <- query
        -> +6s beat
        <- alert halted exits
        <- cancel o2
        <- query
        <- mode halted
    """
    life = """
        -> link up
        <- mode halted exit not reconciled
        -> beat
        <- cancel o2
        <- query
        -> list o1 filled 1, o2 sent 0; position 1
        <- mode halted exit
        -> tick 17400
        -> buy 1
        <- refused mode
        -> fill o2 1 17410
        -> +100ms beat
        <- mode normal
    """
    live(f"{halted} -> +1s restart\n {life}")
    again = live(halted).restarted_from_a_snapshot()
    assert again.trader.inquiry.standing.mode is Mode.HALTED
