"""The simulated venue: a link to the exchange process, which replays or generates a market."""

from collections.abc import Sequence

import zmq

from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import Keys
from autofutures.bus.sockets import Link
from autofutures.domain.messages import AnyMessage


class SimVenue:
    """The far side is `processes/exchange`; it understands `Done`, `Ready` and `Stop` besides requests."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, keys: Keys) -> None:
        self._link = Link(context, endpoint, keys, "exchange", "gateway")
        self._inbox = Inbox()
        self._outbox = Outbox("gateway")
        self.socket = self._link.socket

    def send(self, *messages: AnyMessage) -> None:
        """Hands messages over, in one frame; what becomes of them comes back as events."""
        self._link.send(self._outbox.frame(messages, 0))

    def events(self) -> Sequence[tuple[AnyMessage, int]]:
        """What the exchange says next, with its times; waits for it."""
        data = self._link.receive()
        return [] if data is None else [(envelope.body, envelope.at) for envelope in self._inbox.open(data)]

    def close(self) -> None:
        """Ends the link."""
        self._link.close()
