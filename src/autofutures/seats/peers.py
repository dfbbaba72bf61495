"""Who a trader talks with: each peer's life, what it was told so far, and since when it is silent."""

from typing import get_args

from autofutures.bus.codec import Inbox, Outbox
from autofutures.domain.messages import (
    Answer,
    AnyMessage,
    CloseLot,
    CommandRefused,
    Configured,
    Done,
    Gap,
    Heartbeat,
    Intent,
    Killed,
    LinkChanged,
    Market,
    Ready,
    Report,
    Revoke,
    Saved,
    Snapshot,
    Stop,
    WakeAt,
)
from autofutures.seats.port import GATEWAY, SILENCE_NS

_FROM_ALL = frozenset({Heartbeat, Done, Gap})
"""That somebody is there, has ended, or lost something of what was said."""

_FROM_GATEWAY = frozenset({*get_args(Market), *get_args(Report), LinkChanged, Snapshot, Killed, Stop})
_FROM_STRATEGY = (Intent, Revoke, CloseLot, WakeAt, Saved, Configured, CommandRefused)


class Peer:
    """One peer of one life of the trader.

    A peer greets with `Ready`; its epoch there is its life from then on. What an older life says, or one that has
    not greeted, has no say, except reports and gaps: those are facts, whoever tells them.

    Attributes:
        strategy: the strategy whose decisions are its to say; empty where it is none.
        life: the peer's newest life; 0 before it has greeted.
        inbox: opens what it says.
        outbox: wraps what it is told.
        heard_at: when its newest life last said something.
    """

    def __init__(self, name: str, outbox: Outbox) -> None:
        self.name = name
        self.strategy = name.partition("/")[2]
        self.life = 0
        self.inbox = Inbox()
        self.outbox = outbox
        self.heard_at = 0
        self._excused_at = 0

    def is_there(self, now: int) -> bool:
        """Whether it has greeted, and spoken lately."""
        return self.life > 0 and now - self.heard_at <= SILENCE_NS

    def may_say(self, message: AnyMessage) -> bool:
        """Whether it is this peer's word: a market and reports are the gateway's, decisions their own strategy's."""
        kind = type(message)
        if kind in _FROM_ALL:
            return True
        if isinstance(message, Ready):
            return message.source == (self.strategy or self.name)
        if isinstance(message, _FROM_STRATEGY):
            return message.strategy == self.strategy != ""
        if isinstance(message, Answer):
            return self.strategy != ""
        return self.name == GATEWAY and kind in _FROM_GATEWAY

    def excuse(self, since: int, now: int) -> None:
        """The trader did not listen from `since` on: who was there then is heard before he is called silent, once."""
        if self.is_there(since) and self.heard_at != self._excused_at:
            self.heard_at = self._excused_at = now
