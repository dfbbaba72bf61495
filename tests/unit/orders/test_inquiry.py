"""A list that comes in pages: each page teaches at once, and only a whole list says what is not there."""

from collections.abc import Sequence

from autofutures.domain.messages import (
    Alert,
    AnyMessage,
    Beat,
    Filled,
    LinkChanged,
    OrderChanged,
    Query,
    Reconciled,
    SessionEnded,
    Snapshot,
    Traded,
    VenueOrder,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, Side
from autofutures.market.dates import taipei_ns
from autofutures.orders.policy import Policy
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

CLOSED = taipei_ns(20210726, 13 * 3600 + 50 * 60)


def asked() -> tuple[Trader, str, str]:
    """A trader with two orders of which nothing was heard, who has asked; one order's id, and the query's."""
    trader = a_trader(WIDE, policy=Policy(reconciles=True))
    trader.handle(LinkChanged("v", OPEN, up=True, session=1), OPEN)
    first = ask(trader, OPEN)
    trader.handle(Snapshot(first, OPEN, 0, (), (), {}), OPEN)
    trader.handle(tick(), OPEN)
    for k in (1, 2):
        trader.handle(intent(Side.BUY, 1, k=k), OPEN)
    (client_id, _) = [order.client_id for order in trader.orders.alive()]
    return trader, client_id, ask(trader, OPEN + 10 * SECOND)


def ask(trader: Trader, at: int) -> str:
    (query,) = [message for message in trader.handle(Beat(at), at) if isinstance(message, Query)]
    return query.flow


def hear(trader: Trader, *pages: Snapshot) -> list[AnyMessage]:
    return [message for page in pages for message in trader.handle(page, page.at)]


def moved(said: Sequence[AnyMessage]) -> list[tuple[str, Status]]:
    return [(message.client_id, message.status) for message in said if isinstance(message, OrderChanged)]


def in_two(
    flow: str, fills: Sequence[Filled], rows: Sequence[VenueOrder], at: int = OPEN + 11 * SECOND
) -> tuple[Snapshot, Snapshot]:
    """Fills on the first page, orders on the second."""
    positions = {TXF: len(fills)}
    return (
        Snapshot(flow, at, 0, (), tuple(fills), positions, 0, 2),
        Snapshot(flow, at, 0, tuple(rows), (), positions, 1, 2),
    )


def row(client_id: str, status: Status) -> VenueOrder:
    return VenueOrder(
        client_id, f"X{client_id}", TXF, Side.BUY, 1, int(status is Status.FILLED), status, OPEN
    )


def test_each_page_teaches_at_once_and_the_last_one_concludes() -> None:
    trader, client_id, flow = asked()
    fill = filled(client_id, "F1", Side.BUY, 1, 17_400)
    first, last = in_two(flow, [fill], [row(client_id, Status.FILLED)])
    said = hear(trader, first)
    assert [message.fill_id for message in said if isinstance(message, Traded)] == ["F1"]
    assert not any(isinstance(message, Reconciled) for message in said)
    (end,) = [message for message in hear(trader, last) if isinstance(message, Reconciled)]
    assert (end.applied, end.unexplained) == (1, {})


def test_an_order_is_missing_from_a_whole_list_and_never_from_a_page() -> None:
    trader, client_id, flow = asked()
    rows = [row(name, Status.WORKING) for name in trader.orders.unknown if name != client_id]
    first, last = in_two(flow, [], rows)
    assert moved(hear(trader, first)) == []
    assert moved(hear(trader, last)) == [(rows[0].client_id, Status.WORKING)]
    at = OPEN + 12 * SECOND
    first, last = in_two(ask(trader, at), [], rows, at)
    assert moved(hear(trader, first)) == []
    assert moved(hear(trader, last)) == [(client_id, Status.ABSENT)]


def test_a_list_of_which_a_page_was_lost_concludes_nothing_and_is_asked_for_again() -> None:
    trader, _, flow = asked()
    for _ in range(3):
        assert hear(trader, in_two(flow, [], [])[1]) == []
    assert len(trader.orders.unknown) == 2
    assert ask(trader, OPEN + 11 * SECOND) != flow


def test_a_query_is_not_repeated_while_its_answer_is_coming() -> None:
    trader, _, flow = asked()
    late = OPEN + 12 * SECOND
    trader.handle(in_two(flow, [], [])[0], late)
    assert not any(isinstance(said, Query) for said in trader.handle(Beat(late), late + SECOND - 1))
    assert ask(trader, late + SECOND) != flow


def test_two_lists_whose_pages_mingle_are_two_lists() -> None:
    trader, client_id, older = asked()
    newer = ask(trader, OPEN + 12 * SECOND)
    rows = [row(order.client_id, Status.WORKING) for order in trader.orders.alive()]
    (a1, a2), (b1, b2) = in_two(older, [], rows), in_two(newer, [], rows)
    said = hear(trader, a1, b1, a2, b2)
    assert [message.flow for message in said if isinstance(message, Reconciled)] == [older, newer]
    assert client_id not in trader.orders.unknown


def test_what_is_left_of_an_older_list_means_nothing_once_a_newer_one_has_counted() -> None:
    trader, client_id, older = asked()
    newer = ask(trader, OPEN + 12 * SECOND)
    (a1, a2), (b1, b2) = in_two(older, [], [row(client_id, Status.REJECTED)]), in_two(newer, [], [])
    said = hear(trader, a1, b1, b2, a2)
    assert [message.flow for message in said if isinstance(message, Reconciled)] == [newer]
    assert not any(isinstance(message, OrderChanged) for message in said)


def test_a_new_link_forgets_the_pages_of_the_old_one() -> None:
    trader, _, flow = asked()
    first, last = in_two(flow, [], [])
    hear(trader, first)
    trader.handle(LinkChanged("v", OPEN, up=False, session=1), OPEN)
    assert hear(trader, last) == []


def linked() -> Trader:
    trader = a_trader(WIDE, policy=Policy(reconciles=True))
    trader.handle(LinkChanged("v", OPEN, up=True, session=1), OPEN)
    return trader


def loses(trader: Trader, at: int, reason: str = "gone") -> list[Alert]:
    """What a person is told of a link that breaks."""
    said = trader.handle(LinkChanged("v", at, up=False, session=1, reason=reason), at)
    return [one for one in said if isinstance(one, Alert)]


def alerts_at(trader: Trader, at: int) -> list[Alert]:
    """What a person is told as time passes."""
    return [one for one in trader.handle(Beat(at), at) if isinstance(one, Alert)]


def test_a_link_that_breaks_in_a_session_is_told_at_once() -> None:
    trader = linked()
    assert [one.name for one in loses(trader, OPEN)] == ["link_down"]
    assert alerts_at(trader, OPEN + SECOND) == []


def test_a_log_out_after_the_session_is_told_only_where_it_lasts_until_orders_are_taken_again() -> None:
    for comes_back in (True, False):
        trader = linked()
        coming = trader.view.next_session(TXF, CLOSED)
        assert coming is not None
        assert loses(trader, CLOSED, "the session is over") == []
        if comes_back:
            trader.handle(LinkChanged("v", CLOSED + SECOND, up=True, session=2), CLOSED + SECOND)
        assert alerts_at(trader, coming.accepts_from - 1) == []
        told = [] if comes_back else [Alert("link_down", coming.accepts_from, "v", "the session is over")]
        assert alerts_at(trader, coming.accepts_from) == told
        assert alerts_at(trader, coming.accepts_from + 1) == []


def test_a_log_out_after_a_session_that_ended_before_its_time_is_not_told_either() -> None:
    trader = linked()
    trader.handle(SessionEnded(TXF, OPEN + SECOND, 20210726, "day"), OPEN + SECOND)
    assert loses(trader, OPEN + 2 * SECOND) == []
    other = linked()
    other.handle(SessionEnded(TXF, OPEN + SECOND, 20210723, "day"), OPEN + SECOND)  # News that comes late.
    assert len(loses(other, OPEN + 2 * SECOND)) == 1
