import msgspec
import pytest

from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Cancel,
    LinkChanged,
    Query,
    Reconciled,
    Rejected,
    Stray,
    Submit,
)
from autofutures.domain.units import SECOND
from autofutures.gateway import Gateway, Remembered
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.orders.kill import KeptInMemory, KillState, KillSwitch
from tests.makers import OPEN, TXF, submit, tick

CANCEL = Cancel("o1", OPEN, TXF)
QUERY = Query("q1", OPEN)


def until(client_id: str, at: int) -> Submit:
    return msgspec.structs.replace(submit(client_id), until=at)


def link(*, up: bool, session: int = 1) -> LinkChanged:
    return LinkChanged("paper", OPEN, up, session)


def test_a_request_to_submit_goes_out_once() -> None:
    gateway = Gateway()
    assert gateway.request(submit("o1"), 0, OPEN) == (submit("o1"),)
    (stray,) = gateway.request(submit("o1"), 0, OPEN)
    assert isinstance(stray, Stray)  # Not a rejection: it may well be at the venue.
    assert gateway.request(submit("o2"), 0, OPEN) == (submit("o2"),)
    assert gateway.refused == {"repeated": 1}


def test_what_was_sent_before_a_restart_is_not_sent_again() -> None:
    log = Remembered()
    Gateway(log).request(submit("o1"), 0, OPEN)
    (said,) = Gateway(log).request(submit("o1"), 0, OPEN)
    assert isinstance(said, Stray)


@pytest.mark.parametrize("request_", [CANCEL, QUERY])
def test_a_cancel_and_a_query_may_be_repeated(request_: Cancel | Query) -> None:
    gateway = Gateway()
    assert [gateway.request(request_, 0, OPEN) for _ in range(2)] == [(request_,), (request_,)]


@pytest.mark.parametrize("message", [tick(), Accepted("o1", OPEN, "X1"), link(up=True)])
def test_what_the_venue_says_comes_in_as_it_is(message: AnyMessage) -> None:
    assert Gateway().handle(message, OPEN) == (message,)


def test_a_node_in_a_loop_passes_requests_on_once() -> None:
    gateway = Gateway()
    assert gateway.handle(submit("o1"), OPEN) == [submit("o1")]
    assert gateway.handle(submit("o1"), OPEN) == []


def test_a_trader_that_was_replaced_may_not_speak_any_more() -> None:
    gateway = Gateway(Remembered(epoch=3))
    assert gateway.admits(3)
    assert gateway.admits(5)
    assert not gateway.admits(4)
    assert (gateway.epoch, gateway.refused["epoch"]) == (5, 1)


def test_the_highest_epoch_is_kept_for_the_next_life() -> None:
    log = Remembered()
    Gateway(log).request(CANCEL, 7, OPEN)
    gateway = Gateway(log)
    assert gateway.epoch == 7
    assert gateway.request(submit("o1"), 6, OPEN) == (
        Rejected("o1", OPEN, "not sent: trader 6 was replaced by trader 7"),
    )


def test_an_order_past_its_deadline_is_not_sent_and_never_will_be() -> None:
    gateway = Gateway()
    late = OPEN + 5_000_000
    assert gateway.request(until("o1", OPEN), 0, OPEN) == (until("o1", OPEN),)
    assert gateway.request(until("o2", OPEN), 0, late) == (
        Rejected("o2", late, "not sent: 5 ms past its deadline"),
    )
    # The clock steps back, and the same request comes again.
    assert gateway.request(until("o2", OPEN), 0, OPEN) == (
        Rejected("o2", OPEN, "not sent: refused when it came first"),
    )
    assert gateway.refused == {"late": 1, "repeated": 1}


def test_without_a_session_nothing_goes_out_and_each_refusal_is_said_back() -> None:
    gateway = Gateway(up=False)
    assert gateway.request(QUERY, 0, OPEN) == ()
    gateway.handle(link(up=False), OPEN)
    assert gateway.request(submit("o1"), 0, OPEN) == (
        Rejected("o1", OPEN, "not sent: no session with the venue"),
    )
    assert gateway.request(CANCEL, 0, OPEN) == (
        Rejected("o1", OPEN, "not sent: no session with the venue", of_cancel=True),
    )
    assert gateway.request(QUERY, 0, OPEN) == (link(up=False),)
    assert gateway.refused == {"link": 4}


def test_an_order_that_was_refused_is_not_sent_when_the_link_is_back() -> None:
    log = Remembered()
    Gateway(log, up=False).request(submit("o1"), 0, OPEN)
    gateway = Gateway(log, up=False)
    gateway.handle(link(up=True), OPEN)
    assert gateway.request(submit("o1"), 0, OPEN) == (
        Rejected("o1", OPEN, "not sent: refused when it came first"),
    )
    assert gateway.request(submit("o2"), 0, OPEN) == (submit("o2"),)


def test_a_session_that_broke_takes_no_more_requests() -> None:
    gateway = Gateway()
    gateway.handle(link(up=True), OPEN)
    gateway.handle(link(up=False), OPEN)
    (said,) = gateway.request(submit("o1"), 0, OPEN)
    assert isinstance(said, Rejected)
    assert gateway.link == link(up=False)


def test_what_was_handed_over_is_marked() -> None:
    log = Remembered()
    gateway = Gateway(log)
    for request in (submit("o1"), submit("o2")):
        gateway.request(request, 0, OPEN)
    gateway.sent((submit("o1"), CANCEL))
    assert log.marked == {"o1"}


def test_lives_are_numbered() -> None:
    log = Remembered()
    assert [log.next_life() for _ in range(3)] == [1, 2, 3]


def test_a_trader_of_before_the_kill_switch_may_not_even_cancel() -> None:
    switch = KillSwitch(KeptInMemory(KillState(epoch=3)), MarketView(Calendar()))
    gateway = Gateway(kill=switch)
    assert gateway.request(CANCEL, 2, OPEN) == (
        Rejected("o1", OPEN, "not sent: trader 2 was replaced by trader 3", of_cancel=True),
    )
    assert gateway.request(CANCEL, 3, OPEN) == (CANCEL,)


def test_a_gateway_that_starts_when_the_switch_was_lifted_waits_for_a_list_that_is_late_enough() -> None:
    """It does not know when the gateway before it has sent its last order."""
    switch = KillSwitch(KeptInMemory(KillState(epoch=3, admits=False)), MarketView(Calendar()))
    for flow, at, admitted in (("early", OPEN, False), ("late", OPEN + SECOND, True)):
        switch.trader_asks(Query(flow, at))
        assert switch.compared(Reconciled(flow, at, 0, 0, 0, {}), 3) is admitted
