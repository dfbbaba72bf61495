"""The stop that the trader holds for the whole position of a strategy with exits of its own, as conversations."""

import pytest

from autofutures.orders.cover import Cover
from tests.flow.scenario import scenario

OWN = {"s": Cover("own", 4_000), "t": Cover("own", 4_000)}
"""Twenty points of one TXF at 200 a point."""


def test_a_position_without_a_stop_of_any_kind_is_counted_as_uncovered() -> None:
    scenario("""
        -> tick 17400
        -> buy 2
        <- submit o1
        -> buy 1 exit 0/20
        <- submit o2
        -> fill o1 2 17400
        -> fill o2 1 17400
        = uncovered 2
    """)


STOPPED = """
    -> tick 17400
    -> buy 1
    <- submit o1
    -> fill o1 1 17400
    -> buy 1 limit 17370
    <- submit o2
    -> accepted o2
    -> buy 1 stop 17450
    <- placed o3 held
    = uncovered 0
    -> tick 17381
    {crash}
    -> tick 17380
    <- book_stop s fired loss 4000
    <- alert book_stop
    <- cancel o2
    <- order o3 canceled
    <- submit o4 sell 1 market
    -> buy 1
    <- refused book_stop 0 1
    -> reset s
    -> fill o4 1 17380
    = position 0
    -> fill o2 1 17370
    -> tick 17379
    <- submit o5 sell 1
    -> fill o5 1 17379
    {crash}
    -> sell 1
    <- refused book_stop 0 1
    -> reset s
    <- book_stop s reset
    -> buy 1
    <- submit o6
"""


@pytest.mark.parametrize("crash", ["", "-> restart"], ids=["alive", "killed"])
def test_a_book_stop_closes_the_position_and_waits_for_a_person(crash: str) -> None:
    text = STOPPED.format(crash=crash)
    scenario(text if not crash else text.replace("-> restart", "-> restart\n -> tick 17385"), covers=OWN)


def test_a_book_stop_is_of_one_strategy_and_leaves_the_other_alone() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 1 by s
        <- submit o1
        -> sell 1 by t
        <- submit o2
        -> fill o1 1 17400
        -> fill o2 1 17400
        -> tick 17380
        <- book_stop s fired
        <- alert book_stop
        <- submit o3 sell 1
        -> fill o3 1 17380
        = position of t -1
        -> sell 1 by t
        <- submit o4
        """,
        covers=OWN,
    )


def test_lots_with_a_plan_leave_by_their_plan_when_the_book_stop_fires() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 2 exit 0/90
        <- submit o1
        -> buy 1
        <- submit o2
        -> fill o1 2 17400
        -> fill o2 1 17400
        -> tick 17393
        <- book_stop s fired loss 4200
        <- alert book_stop
        <- exit o1 open 2 book stop
        <- submit o3 sell 2
        <- submit o4 sell 1
        -> fill o4 1 17393
        -> fill o3 2 17393
        -> tick 17380
        = position 0
        = working 0 0
        """,
        covers=OWN,
    )


def test_the_close_of_a_stopped_position_covers_what_the_strategys_own_orders_cannot() -> None:
    scenario(
        """
        -> tick 17400
        -> buy 2
        <- submit o1
        -> fill o1 2 17400
        -> sell 1 limit 17410
        <- submit o2
        -> tick 17390
        <- book_stop s fired
        <- alert book_stop
        <- cancel o2
        <- submit o3 sell 1 market
        -> fill o3 1 17390
        -> fill o2 1 17410
        -> tick 17389
        = position 0
        """,
        covers=OWN,
    )


def test_nobody_resets_a_stop_that_did_not_fire() -> None:
    play = scenario("-> tick 17400", covers=OWN)
    (refused,) = play.hear("reset s")
    assert "no book stop of 's' has fired" in str(refused)
