from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import zmq

from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import ensure_keys, load_keys
from autofutures.bus.sockets import Hub
from autofutures.domain.messages import Accepted, Gap, Ready
from autofutures.venues import VENUES
from autofutures.venues.sim import SimVenue
from tests.makers import OPEN, submit, tick

SOON_MS = 5_000


class Far:
    """A simulated venue with its far side, the exchange's hub."""

    def __init__(self, folder: Path) -> None:
        ensure_keys(folder / "keys")
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        endpoint = f"ipc://{folder}/exchange"
        self.hub = Hub(self.context, endpoint, load_keys(folder / "keys", "exchange"))
        self.venue = SimVenue(self.context, endpoint, load_keys(folder / "keys", "gateway"))
        self.outbox, self.inbox = Outbox("exchange"), Inbox()

    def hears(self) -> list[object]:
        said = self.hub.receive(SOON_MS)
        assert said is not None
        assert said[0] == "gateway"
        return [envelope.body for envelope in self.inbox.open(said[1])]


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    made = Far(tmp_path)
    yield made
    made.venue.close()
    made.hub.close()
    made.context.destroy(linger=0)


def test_requests_go_out_in_one_frame_in_order(far: Far) -> None:
    far.venue.send(submit("o1"), submit("o2"), Ready("gateway"))
    assert far.hears() == [submit("o1"), submit("o2"), Ready("gateway")]


def test_what_the_exchange_says_comes_back_with_its_times(far: Far) -> None:
    far.venue.send(Ready("gateway"))
    far.hears()
    report = Accepted("o1", OPEN, "X1")
    far.hub.send("gateway", far.outbox.frame((report, tick()), OPEN))
    assert far.venue.events() == [(report, OPEN), (tick(), OPEN)]


def test_what_was_lost_on_the_way_is_a_gap(far: Far) -> None:
    far.venue.send(Ready("gateway"))
    far.hears()
    far.outbox.frame((tick(), tick()), OPEN)
    far.hub.send("gateway", far.outbox.frame((tick(),), OPEN))
    assert far.venue.events() == [(Gap("exchange.market", OPEN, 2), OPEN), (tick(), OPEN)]


@pytest.mark.parametrize("name", VENUES)
def test_every_venue_of_the_table_is_there(name: str) -> None:
    module, _, attribute = VENUES[name].partition(":")
    venue = getattr(import_module(module), attribute)
    assert callable(venue.send)
    assert callable(venue.events)
