"""A stop that the trader holds, reached while the book is in doubt: it opens nothing."""

from tests.flow.live import live


def test_a_stop_that_is_reached_while_the_book_only_reduces_is_not_sent() -> None:
    live("""
        -> buy 1 stop 17410
        -> link down
        <- alert link_down
        <- mode reducing
        -> tick 17410
        <- order o1 expired filled 0 left 0 a trade at 17410 reached it
        """)


def test_a_stop_that_is_reached_while_an_outcome_is_unknown_is_not_sent_unless_it_reduces() -> None:
    live("""
        -> buy 2
        <- submit o1
        -> fill o1 2 17400
        -> buy 1 stop 17410
        -> sell 2 stop 17405
        -> buy 1 limit 17390
        <- submit o4
        -> +2s beat
        <- order o4 unknown
        <- alert unknown_order o4
        <- query
        -> tick 17410
        <- order o2 expired
        -> tick 17405
        <- submit o3 sell 2
        """)
