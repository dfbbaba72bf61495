"""The door: orders go out through it once, and what the venue says comes in. The one node to reach the world.

It keeps its own log of what it sent: a request to submit that comes twice, after a restart or over a broken
link, goes out once. It refuses requests of an older epoch: a trader that was replaced may not speak any more.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from autofutures.domain.messages import AnyMessage, Submit


class Venue(Protocol):
    """A market to trade at: two methods, and no call returns an outcome."""

    def send(self, *messages: AnyMessage) -> None:
        """Hands requests over; what became of them comes back as events."""

    def events(self) -> Sequence[tuple[AnyMessage, int]]:
        """What the venue said next, each message with its time."""
        ...


class Gateway:
    """Between the trader and one venue.

    Attributes:
        epoch: the highest trader's epoch that was heard.
        repeated: requests to submit that came again and were not sent again.
        stale: requests of an older epoch, refused.
    """

    def __init__(self, sent: Iterable[str] = (), epoch: int = 0) -> None:
        self._sent = set(sent)
        self.epoch = epoch
        self.repeated = 0
        self.stale = 0

    def handle(self, message: AnyMessage, now: int) -> Sequence[AnyMessage]:
        """Lets requests out once, and everything that the venue says in."""
        if isinstance(message, Submit):
            if message.client_id in self._sent:
                self.repeated += 1
                return ()
            self._sent.add(message.client_id)
        return (message,)

    def admits(self, epoch: int) -> bool:
        """Whether a request of this epoch may pass; a newer one raises what is admitted from now on."""
        if epoch < self.epoch:
            self.stale += 1
            return False
        self.epoch = epoch
        return True
