import pytest

from autofutures.domain.messages import Accepted, Cancel, Message
from autofutures.gateway import Gateway
from tests.makers import OPEN, TXF, submit, tick


def test_a_request_to_submit_goes_out_once() -> None:
    gateway = Gateway()
    assert gateway.handle(submit("o1"), OPEN) == (submit("o1"),)
    assert gateway.handle(submit("o1"), OPEN) == ()
    assert gateway.handle(submit("o2"), OPEN) == (submit("o2"),)
    assert gateway.repeated == 1


def test_what_was_sent_before_a_restart_is_not_sent_again() -> None:
    gateway = Gateway(sent=["o1"])
    assert gateway.handle(submit("o1"), OPEN) == ()


def test_a_cancel_may_be_repeated() -> None:
    gateway = Gateway()
    cancel = Cancel("o1", OPEN, TXF)
    assert [gateway.handle(cancel, OPEN) for _ in range(2)] == [(cancel,), (cancel,)]


@pytest.mark.parametrize("message", [tick(), Accepted("o1", OPEN, "X1")])
def test_what_the_venue_says_comes_in_as_it_is(message: Message) -> None:
    gateway = Gateway()
    assert gateway.handle(message, OPEN) == (message,)  # type: ignore[arg-type]  # parametrize widens the union


def test_a_trader_that_was_replaced_may_not_speak_any_more() -> None:
    gateway = Gateway(epoch=3)
    assert gateway.admits(3)
    assert gateway.admits(5)
    assert not gateway.admits(4)
    assert (gateway.epoch, gateway.stale) == (5, 1)
