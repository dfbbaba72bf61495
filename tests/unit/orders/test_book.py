import pytest

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Intent, OrderChanged, Placed, Traded
from autofutures.domain.order_life import Event, Status
from autofutures.domain.units import OrderType, Side
from autofutures.orders.book import Order, Orders
from autofutures.orders.ids import ClientIds
from autofutures.risk.base import Approved
from autofutures.risk.gate import make_gate
from tests.makers import OPEN, TXF, WIDE, exposure, filled, intent


def approved(asked: Intent) -> Approved:
    verdict = make_gate(WIDE).check(asked, exposure())
    assert isinstance(verdict, Approved)
    return verdict


def book_with(*intents: Intent) -> tuple[Orders, list[Order]]:
    orders = Orders(ClientIds(1))
    placed = [orders.place(approved(asked), OPEN) for asked in intents]
    made = [orders.get(entry.client_id) for entry in placed]
    return orders, [order for order in made if order is not None]


def working(orders: Orders) -> tuple[int, int]:
    return orders.working(TXF, Side.BUY), orders.working(TXF, Side.SELL)


def test_an_order_counts_as_working_from_the_moment_it_is_placed() -> None:
    orders, (order,) = book_with(intent(qty=3))
    assert (order.status, order.left, working(orders)) == (Status.SENT, 3, (3, 0))
    assert orders.decided("s", 1, 1) is order
    assert orders.alive() == [order]


@pytest.mark.parametrize("kind", [OrderType.STOP, OrderType.STOP_LIMIT])
def test_a_stop_is_held_and_counts_as_working(kind: OrderType) -> None:
    orders, (order,) = book_with(intent(Side.SELL, 2, kind, price_ticks=17_390, stop_ticks=17_390))
    assert order.status is Status.HELD
    assert orders.held == {order.client_id: order}
    assert working(orders) == (0, 2)


def test_a_stop_that_fires_is_held_no_more_and_still_works() -> None:
    orders, (order,) = book_with(intent(kind=OrderType.STOP, stop_ticks=17_410))
    assert orders.hear(order, Event.FIRED)
    assert (orders.held, order.status, working(orders)) == ({}, Status.SENT, (1, 0))


def test_fills_take_from_what_is_left_until_the_order_is_whole() -> None:
    orders, (order,) = book_with(intent(qty=3))
    assert orders.fill(order, filled(order.client_id, "f1", Side.BUY, 1, 100))
    assert (order.status, order.left, working(orders)) == (Status.WORKING, 2, (2, 0))
    assert orders.fill(order, filled(order.client_id, "f2", Side.BUY, 2, 103))
    assert (order.status, order.left, working(orders)) == (Status.FILLED, 0, (0, 0))
    assert (order.filled, order.fills, order.average_ticks) == (3, 2, 102)
    assert orders.alive() == []


def test_the_average_is_the_nearest_tick_half_up() -> None:
    orders, (order,) = book_with(intent(qty=2))
    orders.fill(order, filled(order.client_id, "f1", Side.BUY, 1, 100))
    orders.fill(order, filled(order.client_id, "f2", Side.BUY, 1, 101))
    assert order.average_ticks == 101


def test_a_repeated_fill_counts_once() -> None:
    orders, (order,) = book_with(intent(qty=3))
    fill = filled(order.client_id, "f1", Side.BUY, 1, 100)
    assert orders.fill(order, fill)
    assert not orders.fill(order, fill)
    assert (order.filled, order.fills, working(orders)) == (1, 1, (2, 0))


def test_more_than_was_ordered_breaks_an_invariant() -> None:
    orders, (order,) = book_with(intent(qty=2))
    orders.fill(order, filled(order.client_id, "f1", Side.BUY, 1, 100))
    with pytest.raises(
        BrokenInvariant, match=r"is for 2, 1 were filled, and the venue reports 2 more \(f2\)"
    ):
        orders.fill(order, filled(order.client_id, "f2", Side.BUY, 2, 100))
    assert order.filled == 1


def test_an_event_that_changes_nothing_says_so() -> None:
    orders, (order,) = book_with(intent())
    assert orders.hear(order, Event.ACCEPTED)
    assert not orders.hear(order, Event.ACCEPTED)
    assert not orders.hear(order, Event.FIRED)


@pytest.mark.parametrize("event", [Event.CANCELED, Event.REJECTED, Event.EXPIRED])
def test_an_order_that_is_over_works_no_more(event: Event) -> None:
    orders, (order,) = book_with(intent(qty=5))
    assert orders.hear(order, event)
    assert (order.left, working(orders)) == (0, (0, 0))


def test_doubt_frees_nothing() -> None:
    orders, (order,) = book_with(intent(qty=5))
    assert orders.hear(order, Event.DOUBTED)
    assert (order.status, order.left, working(orders)) == (Status.UNKNOWN, 5, (5, 0))


def test_a_fill_of_a_rejected_order_revives_it() -> None:
    orders, (order,) = book_with(intent(qty=3))
    orders.hear(order, Event.REJECTED)
    assert orders.fill(order, filled(order.client_id, "f1", Side.BUY, 1, 100))
    assert (order.status, order.left, working(orders)) == (Status.WORKING, 2, (2, 0))


def test_a_fill_after_the_cancel_counts_and_revives_nothing() -> None:
    orders, (order,) = book_with(intent(qty=3))
    orders.hear(order, Event.CANCELED)
    assert orders.fill(order, filled(order.client_id, "f1", Side.BUY, 1, 100))
    assert (order.status, order.filled, order.left, working(orders)) == (Status.CANCELED, 1, 0, (0, 0))


@pytest.mark.parametrize("event", [Event.CANCELED, Event.EXPIRED])
def test_fills_that_the_venue_has_counted_and_we_have_not_heard_still_count_against_limits(
    event: Event,
) -> None:
    orders, (order,) = book_with(intent(qty=5))
    orders.hear(order, event, untraded=2)
    assert (order.left, working(orders)) == (3, (3, 0))
    assert orders.alive() == [order]
    orders.fill(order, filled(order.client_id, "f1", Side.BUY, 3, 100))
    assert (order.left, working(orders), orders.alive()) == (0, (0, 0), [])


@pytest.mark.parametrize(("untraded", "left"), [(5, 0), (9, 0), (-1, 4)])
def test_what_the_venue_took_off_never_makes_an_order_larger_or_less_than_its_fills(
    untraded: int, left: int
) -> None:
    orders, (order,) = book_with(intent(qty=5))
    orders.fill(order, filled(order.client_id, "f1", Side.BUY, 1, 100))
    orders.hear(order, Event.CANCELED, untraded)
    assert order.left == left


def test_sides_and_symbols_work_apart() -> None:
    orders, _ = book_with(
        intent(qty=2), intent(Side.SELL, 3, k=2), intent(qty=7, k=3, symbol="TAIFEX:MXF202108")
    )
    assert working(orders) == (2, 3)
    assert orders.working("TAIFEX:MXF202108", Side.BUY) == 7


def test_what_the_book_does_not_have_is_none() -> None:
    orders, _ = book_with()
    assert orders.get("nobody") is None
    assert orders.decided("s", 1, 1) is None
    assert working(orders) == (0, 0)


def changed(order: Order, status: Status, filled_qty: int, left: int) -> OrderChanged:
    return OrderChanged(order.client_id, "s", 1, 1, OPEN, TXF, status, filled_qty, left)


def test_recorded_facts_put_an_order_back_as_it_was() -> None:
    orders = Orders(ClientIds(2))
    order = orders.enter(Placed("0abc", Status.HELD, intent(qty=5, kind=OrderType.STOP, stop_ticks=17_410)))
    assert list(orders.held) == ["0abc"]
    orders.restore(changed(order, Status.SENT, 0, 5))
    assert (orders.held, working(orders)) == ({}, (5, 0))
    orders.restore_fill(Traded("0abc", "s", 1, 1, 1, OPEN, TXF, Side.BUY, 1, 100, 0, 0, 1, "f1"))
    orders.restore(changed(order, Status.WORKING, 1, 4))
    assert (order.status, order.filled, order.fills, order.average_ticks) == (Status.WORKING, 1, 1, 100)
    orders.restore(changed(order, Status.CANCELED, 1, 2))
    assert (order.left, working(orders)) == (2, (2, 0))
    assert not orders.fill(order, filled("0abc", "f1", Side.BUY, 1, 100))
