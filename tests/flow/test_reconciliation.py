"""The venue's lists against the book, as conversations: they teach what was missed, and undo nothing."""

from autofutures.domain.messages import Reconciled
from autofutures.orders.policy import Policy
from tests.flow.live import live


def test_a_row_that_is_not_in_the_market_yet_is_seen_and_not_believed_to_work() -> None:
    live("""
        -> buy 1 limit 17390
        <- submit o1
        -> +1s beat
        <- alert unknown_order
        <- query
        -> list o1 sent 0
        <- reconciled applied 0
        = working 1 0
        -> +3s beat
        <- query
        -> list o1 rejected 0
        <- order o1 rejected
        = working 0 0
    """)


def test_a_working_order_that_the_list_calls_rejected_is_over() -> None:
    live("""
        -> buy 1 limit 17390
        <- submit o1
        -> accepted o1
        -> +5s beat
        <- query
        -> list o1 rejected 0
        <- order o1 canceled
        = working 0 0
    """)


def test_what_a_list_lacks_after_its_session_is_over_with_it() -> None:
    live("""
        -> buy 1 limit 17390
        <- submit o1
        -> accepted o1
        -> session ends
        -> +1s beat
        <- query
        -> list
        -> +500ms beat
        <- query
        -> list
        <- order o1 expired
        = working 0 0
    """)


def test_a_fill_that_was_lost_on_a_healthy_link_is_found_by_the_next_comparison_and_counts_once() -> None:
    live("""
        -> buy 2
        <- submit o1 2
        -> accepted o1
        -> fill o1 1 17400 F1
        -> +5s beat
        <- query
        -> list o1 filled 2; fills o1 1 17400 F1, o1 1 17401 F2; position 2
        <- traded o1 1 17401
        <- reconciled applied 1
        -> fill o1 1 17401 F2
        = position 2
    """)


def test_a_position_that_no_fill_explains_puts_the_book_on_reducing_when_it_stays() -> None:
    live("""
        -> +5s beat
        <- query
        -> list position 3
        <- reconciled {'TAIFEX:TXF202108': 3}
        -> +500ms beat
        <- query
        -> list position 3
        <- alert unexplained TAIFEX:TXF202108
        <- mode reducing +3
        -> tick 17400
        -> buy 1
        <- refused mode 0 1
        -> +500ms beat
        <- query
        -> list
        <- mode normal
        -> buy 1
        <- submit o1
    """)


def test_a_difference_that_is_gone_at_the_second_look_was_a_report_on_its_way() -> None:
    live("""
        -> +5s beat
        <- query
        -> list position 1
        -> +500ms beat
        <- query
        -> list
        <- reconciled {}
    """)


def test_a_fill_that_the_list_is_too_old_to_have_is_no_difference() -> None:
    live("""
        -> buy 1
        <- submit o1
        -> +5s beat
        <- order o1 unknown
        <- alert unknown_order
        <- query
        -> fill o1 1 17400 F1
        -> list
        <- reconciled {}
        = position 1
    """)


def test_strangers_are_told_of_once_and_ignored_in_the_sum() -> None:
    live("""
        -> +5s beat
        <- query
        -> list h9 filled 2; fills h9 2 17410 H1; position 2
        <- alert stranger X-h9
        <- reconciled strangers 1 {}
        -> +5s beat
        <- query
        -> list h9 filled 2; fills h9 2 17410 H1; position 2
        <- reconciled strangers 1 {}
        = position 0
    """)


def test_strangers_fills_are_adopted_into_a_ledger_of_their_own_once_and_kept_over_a_restart() -> None:
    live(
        """
        -> +5s beat
        <- query
        -> list h9 filled 2; fills h9 2 17410 H1; position 2
        <- alert stranger X-h9
        <- traded 2 17410
        <- reconciled {}
        -> +5s beat
        <- query
        -> list h9 filled 2; fills h9 2 17410 H1; position 2
        = position of outside 2
        = position 2
        -> restart
        = position of outside 2
    """,
        Policy(reconciles=True, strangers="adopt"),
    )


def test_strangers_are_flattened_with_an_order_of_the_books_own() -> None:
    live(
        """
        -> +5s beat
        <- query
        -> list h9 working 2; fills h9 2 17410 H1; position 2
        <- alert stranger X-h9
        <- cancel h9
        <- submit o1 sell 2 market
        -> +5s beat
        <- order o1 unknown
        <- alert unknown_order
        <- query
        -> list h9 canceled 2, o1 filled 2; fills h9 2 17410 H1, o1 2 17400 F1; position 0
        <- traded o1 2
        = position 0
    """,
        Policy(reconciles=True, strangers="flatten"),
    )


def test_a_phantom_row_is_nobodys_order_and_moves_nothing() -> None:
    live("""
        -> +5s beat
        <- query
        -> list phantom sent 0
        <- reconciled applied 0 strangers 0 {}
    """)


def test_a_fill_that_the_venue_does_not_have_is_a_difference_however_long_its_list_is() -> None:
    live("""
        -> buy 1
        <- submit o1
        -> fill o1 1 17400
        -> +5s beat
        <- query
        -> list o1 filled 1
        <- reconciled -1}
        -> +500ms beat
        <- query
        -> list o1 filled 1
        <- alert unexplained
        <- mode reducing -1
    """)


def test_a_fill_that_a_late_list_does_not_have_yet_is_no_difference() -> None:
    live("""
        -> buy 1
        <- submit o1
        -> +4s beat
        <- alert unknown_order
        <- query
        -> fill o1 1 17400
        -> list
        <- reconciled {}
    """)


def test_a_difference_that_grows_is_held_against_the_book_too() -> None:
    live("""
        -> +5s beat
        <- query
        -> list position 1
        <- reconciled 1}
        -> +500ms beat
        <- query
        -> list position 2
        <- alert unexplained
        <- mode reducing +2
        -> +500ms beat
        <- query
        -> list position 3
        <- alert unexplained
        <- mode reducing +3
        -> +500ms beat
        <- query
        -> list
        <- mode normal
    """)


def test_what_ignored_strangers_hold_stays_explained_when_their_fills_leave_the_list() -> None:
    live("""
        -> +5s beat
        <- query
        -> list h9 filled 1; fills h9 1 17400 H1; position 1
        <- alert stranger
        <- reconciled {}
        -> +5s beat
        <- query
        -> list position 1; since 1s
        <- reconciled {}
        -> +5s beat
        <- query
        -> list position 1; since 1s
        <- reconciled {}
    """)


def test_an_order_of_a_session_that_ended_while_nobody_listened_is_over_when_the_list_lacks_it() -> None:
    live("""
        -> buy 1 limit 17390
        <- submit o1
        -> accepted o1
        -> +86400s restart
        -> link up
        <- mode reducing not reconciled
        -> beat
        <- query
        -> list
        <- reconciled absent 0
        <- mode normal
        -> +500ms beat
        <- query
        -> list
        <- order o1 expired filled 0 left 0
        = working 0 0
        -> tick 17400
        -> buy 1
        <- submit o2
    """)


def test_what_ignored_strangers_hold_stays_explained_over_a_restart_and_a_snapshot() -> None:
    play = live("""
        -> +5s beat
        <- query
        -> list h9 filled 1; fills h9 1 17400 H1; position 1
        <- alert stranger
        <- reconciled {}
        -> +60s restart
        -> link up
        <- mode reducing not reconciled
        -> beat
        <- query
        -> list position 1; since 1s
        <- reconciled {}
        <- mode normal
    """)
    again = play.restarted_from_a_snapshot()
    again.hear("link up")
    again.hear("beat")
    assert [m.unexplained for m in again.hear("list position 1; since 1s") if isinstance(m, Reconciled)] == [
        {}
    ]


def test_a_list_that_begins_after_an_order_was_sent_does_not_prove_it_absent() -> None:
    live("""
        -> buy 1
        <- submit o1
        -> +700s restart
        <- order o1 unknown
        -> link up
        <- mode reducing not reconciled
        -> beat
        <- query
        -> list ; since 600s
        <- mode normal
        -> +500ms beat
        <- query
        -> list ; since 600s
        <- reconciled absent 0
        = working 1 0
        -> tick 17400
        -> buy 1
        <- refused unknown
    """)
