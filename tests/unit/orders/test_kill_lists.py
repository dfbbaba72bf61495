"""The venue's lists as the kill switch reads them: late ones are brought up to date, torn ones are asked for again."""

from collections.abc import Sequence

from autofutures.domain.messages import Filled, Snapshot, VenueOrder
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, Side
from autofutures.orders.kill_lists import ANSWER_NS, ASK_NS, CALM_NS, VenueLists
from tests.makers import OPEN, TXF, filled

CLOSING = filled("k1", "F1", Side.SELL, 2, 17_400, OPEN)


def row(client_id: str, status: Status, side: Side = Side.BUY, venue_id: str = "V1") -> VenueOrder:
    return VenueOrder(client_id, venue_id, TXF, side, 3, 1, status, OPEN)


def listed(
    lists: VenueLists,
    positions: dict[str, int],
    fills: Sequence[Filled] = (),
    rows: Sequence[VenueOrder] = (),
    at: int = OPEN,
) -> None:
    lists.asked("q", at)
    lists.page(Snapshot("q", at, 0, tuple(rows), tuple(fills), positions))
    assert lists.take()


def test_a_fill_that_a_late_list_lacks_is_added_to_its_positions_once() -> None:
    lists = VenueLists()
    lists.fill(CLOSING)
    listed(lists, {TXF: 2})
    assert lists.positions() == []
    lists.fill(CLOSING)
    assert lists.positions() == []
    listed(lists, {}, [CLOSING])
    assert lists.positions() == []


def test_a_list_that_is_later_than_the_one_before_does_not_bring_a_closed_position_back() -> None:
    lists = VenueLists()
    listed(lists, {}, [CLOSING])  # Its report was lost.
    listed(lists, {TXF: 2}, at=OPEN + ASK_NS)
    assert lists.position(TXF) == 0
    assert lists.filled("k1") == 2


def test_a_fill_from_before_the_list_begins_is_in_its_positions_already() -> None:
    lists = VenueLists()
    lists.fill(CLOSING)
    listed(lists, {TXF: 1}, at=OPEN + 60 * SECOND)
    assert lists.positions() == [(TXF, 1)]


def test_a_list_with_a_lost_page_counts_for_nothing_and_is_asked_for_again() -> None:
    lists = VenueLists()
    lists.asked("q", OPEN)
    lists.page(Snapshot("q", OPEN, 0, (), (), {TXF: 1}, 0, 3))
    lists.page(Snapshot("q", OPEN, 0, (), (), {TXF: 1}, 2, 3))
    assert not lists.take()
    assert lists.asked_at == 0
    assert lists.is_due(OPEN, calm=False)


def test_an_answer_that_nobody_waits_for_counts_for_nothing() -> None:
    lists = VenueLists()
    lists.page(Snapshot("q", OPEN, 0, (), (), {TXF: 1}))
    assert not lists.take()


def test_a_list_is_asked_for_again_soon_while_there_is_something_to_do() -> None:
    lists = VenueLists()
    assert lists.is_due(OPEN, calm=True)
    lists.asked("q", OPEN)
    assert not lists.is_due(OPEN + ANSWER_NS - 1, calm=False)
    assert lists.is_due(OPEN + ANSWER_NS, calm=False)
    listed(lists, {})
    assert not lists.is_due(OPEN + ASK_NS - 1, calm=False)
    assert lists.is_due(OPEN + ASK_NS, calm=False)
    assert not lists.is_due(OPEN + ASK_NS, calm=True)
    assert lists.is_due(OPEN + ASK_NS + CALM_NS, calm=True)


def test_what_works_is_what_may_still_trade_ours_or_not() -> None:
    lists = VenueLists()
    rows = [
        row("a", Status.WORKING),
        row("b", Status.CANCELED),
        row("", Status.WORKING, Side.SELL, "V9"),
        row("", Status.SENT, venue_id=""),  # No order: a ghost without any id.
    ]
    listed(lists, {}, rows=rows)
    assert [order.client_id for order in lists.at_work()] == ["a", ""]
    assert [lists.working(TXF, side) for side in (Side.BUY, Side.SELL)] == [2, 2]
    assert lists.at_work("another") == []
