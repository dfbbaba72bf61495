"""The gateway's end of a live link, against a hub that says what a test wants; with a clock that the test moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from autofutures import clock
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import ensure_keys, load_keys
from autofutures.bus.sockets import Hub
from autofutures.domain.messages import Accepted, AnyMessage, Envelope, Heartbeat, LinkChanged, Ready
from autofutures.domain.units import SECOND
from autofutures.venues import paper
from autofutures.venues.paper import PaperVenue
from tests.makers import OPEN, submit

SOON_MS = 5_000


class Broker:
    """A hub that plays the broker by hand, and the venue that is tested."""

    def __init__(self, folder: Path) -> None:
        ensure_keys(folder / "keys")
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        endpoint = f"ipc://{folder}/exchange"
        self.hub = Hub(self.context, endpoint, load_keys(folder / "keys", "exchange"))
        self.passed_ns = 0
        self.venue = PaperVenue(self.context, endpoint, load_keys(folder / "keys", "gateway"), lambda: OPEN)
        self.peer = ""
        self.inbox, self.outbox = Inbox(), Outbox("exchange")

    def hears(self) -> Envelope:
        """The next that the venue says, whoever it says that it is."""
        for _ in range(SOON_MS // 20):
            self.said()
            heard = self.hub.receive(20)
            if heard is not None:
                if heard[0] != self.peer:
                    self.peer, self.inbox = heard[0], Inbox()
                (envelope,) = self.inbox.open(heard[1])
                return envelope
            self.passed_ns += SECOND // 10
        raise AssertionError("the venue was silent")

    def says(self, *messages: AnyMessage) -> None:
        assert self.hub.offer(self.peer, self.outbox.frame(messages, OPEN))

    def logs_in(self, session: int) -> None:
        """Takes a login, and waits until the venue knows."""
        assert isinstance(self.hears().body, Ready)
        self.outbox = Outbox("exchange", session)
        self.says(LinkChanged("paper", OPEN, up=True, session=session))
        assert self.venue.socket.poll(SOON_MS)
        assert LinkChanged("paper", OPEN, up=True, session=session) in self.said()

    def said(self) -> list[AnyMessage]:
        """What the venue has to say now."""
        return [message for message, at in self.venue.events() if at == OPEN]


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    stopwatch, made = clock.stopwatch_ns, list[Broker]()
    monkeypatch.setattr(clock, "stopwatch_ns", lambda: stopwatch() + sum(each.passed_ns for each in made))
    made.append(Broker(tmp_path))
    yield made[0]
    made[0].venue.close()
    made[0].hub.close()
    made[0].context.destroy(linger=0)


def test_before_its_first_login_the_link_is_down(broker: Broker) -> None:
    assert broker.said() == [LinkChanged("paper", OPEN, up=False, session=0, reason="not there yet")]
    broker.venue.send(submit("o1"))
    assert broker.venue.unsent == 1
    assert isinstance(broker.hears().body, Ready)  # And not the order.


def test_every_frame_of_a_session_carries_its_number(broker: Broker) -> None:
    broker.logs_in(7)
    broker.venue.send(submit("o1"))
    envelope = broker.hears()
    assert (envelope.body, envelope.epoch) == (submit("o1"), 7)
    broker.says(Accepted("o1", OPEN, "B1"), Heartbeat("exchange", OPEN))
    assert broker.venue.socket.poll(SOON_MS)
    assert broker.said() == [Accepted("o1", OPEN, "B1")]


def test_a_venue_that_has_nothing_to_say_gives_signs_of_life(broker: Broker) -> None:
    broker.logs_in(1)
    broker.passed_ns += paper.BEAT_NS + 1
    assert isinstance(broker.hears().body, Heartbeat)


def test_silence_ends_a_session_and_a_fresh_socket_brings_the_next(broker: Broker) -> None:
    broker.logs_in(1)
    first = broker.peer
    broker.passed_ns += paper.SILENCE_NS + 1
    (down,) = broker.said()
    assert down == LinkChanged("paper", OPEN, up=False, session=1, reason="the broker was silent for 2 s")
    broker.venue.send(submit("o1"))
    broker.logs_in(2)
    assert broker.peer != first
    assert broker.venue.unsent == 1


def test_the_brokers_own_word_ends_a_session_too(broker: Broker) -> None:
    broker.logs_in(1)
    over = LinkChanged("paper", OPEN, up=False, session=1, reason="maintenance")
    broker.says(over)
    assert broker.venue.socket.poll(SOON_MS)
    assert broker.said() == [over]
    broker.logs_in(2)


def test_a_login_without_an_answer_is_tried_again_ever_more_slowly(broker: Broker) -> None:
    waits = []
    for _ in range(6):
        assert isinstance(broker.hears().body, Ready)
        asked = broker.passed_ns
        peer = broker.peer
        while broker.peer == peer:
            broker.hears()
        waits.append(broker.passed_ns - asked)
    assert max(waits) <= paper.LOGIN_NS + paper.LONGEST_WAIT_NS + SECOND
    assert waits[-1] > waits[0]
