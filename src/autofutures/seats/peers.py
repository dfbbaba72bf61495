"""Who a trader talks with: each peer's life, what it was told so far, and since when it is silent."""

from autofutures.bus.codec import Inbox, Outbox
from autofutures.seats.port import SILENCE_NS


class Peer:
    """One peer of one life of the trader.

    A peer greets with `Ready`; its epoch there is its life from then on. What an older life says, or one that has
    not greeted, has no say, except reports and gaps: those are facts, whoever tells them.

    Attributes:
        life: the peer's newest life; 0 before it has greeted.
        inbox: opens what it says.
        outbox: wraps what it is told.
        heard_at: when its newest life last said something.
    """

    def __init__(self, name: str, outbox: Outbox) -> None:
        self.name = name
        self.life = 0
        self.inbox = Inbox()
        self.outbox = outbox
        self.heard_at = 0
        self._excused_at = 0

    def is_there(self, now: int) -> bool:
        """Whether it has greeted, and spoken lately."""
        return self.life > 0 and now - self.heard_at <= SILENCE_NS

    def excuse(self, since: int, now: int) -> None:
        """The trader did not listen from `since` on: who was there then is heard before he is called silent, once."""
        if self.is_there(since) and self.heard_at != self._excused_at:
            self.heard_at = self._excused_at = now
