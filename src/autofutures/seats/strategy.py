"""A strategy's seat: it asks to be told what it must know, hears the trader's stream, and says its decisions.

A trader that starts again knows no strategy. Then, and when words of the stream or of its own were lost, it begins
afresh: a new life with a new host, which the trader tells what was kept.
"""

from collections.abc import Callable

from autofutures.assemble.nodes import make_host
from autofutures.assemble.sources import strategy_hash
from autofutures.bus.codec import Inbox, Outbox
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.messages import (
    AnyMessage,
    Done,
    Envelope,
    Gap,
    Ready,
    Restored,
    Stop,
    decode_frame,
    encode,
)
from autofutures.seats.port import GREET_NS, TRADER, Port
from autofutures.strategies.host import Host


class StrategySeat:
    """One strategy, in one process.

    Args:
        run: the run's settings.
        settings: the strategy's own.
        port: the way to the trader.
        next_life: a number above all that were given before.

    Attributes:
        life: how often it began afresh, over all processes.
        restored: whether it knows what it must, in this life.
        stopped: the trader asked it to end, and it has said what to keep.
    """

    def __init__(
        self, run: RunSettings, settings: StrategySettings, port: Port, next_life: Callable[[], int]
    ) -> None:
        self._run = run
        self._settings = settings
        self._port = port
        self._next_life = next_life
        self.name = f"strategy/{settings.name}"
        self._trader_epoch = 0
        self._begin()

    def _begin(self) -> None:
        self.life = self._next_life()
        self._code = strategy_hash(self._settings.use)
        self._host: Host = make_host(self._run, self._settings)
        self._inbox = Inbox(joins=True)
        self._outbox = Outbox(self.name, self.life)
        self._greeted_at = 0
        self.restored = False
        self.stopped = False

    def beat(self, now: int) -> None:
        """Greets until it was answered, then gives signs of life."""
        if self.restored:
            self._port.send(TRADER, encode(self._outbox.beat(now)))
        elif now - self._greeted_at >= GREET_NS:
            self._greet(now)

    def _greet(self, now: int) -> None:
        ready = Ready(self._settings.name, self._host.symbols, self._code, self.life)
        if self._port.send(TRADER, self._outbox.frame((ready,), now)):
            self._greeted_at = now

    def hear(self, _peer: str, data: bytes, now: int) -> None:
        """Lets the strategy hear a frame of the trader, and says its decisions."""
        envelopes = decode_frame(data)
        if not envelopes or envelopes[0].epoch < self._trader_epoch:
            return
        if envelopes[0].epoch > self._trader_epoch:
            self._new_trader(envelopes[0].epoch, now)
        if self._answers(envelopes[0]) is self.restored:
            if self.restored:
                self._inbox.take(envelopes)  # Its greeting was heard twice; the answer counts once.
            return
        self.restored = True
        said: list[AnyMessage] = []
        handle = self._host.handle
        for envelope in self._inbox.take(envelopes):
            message = envelope.body
            if type(message) is Gap and envelope.source == TRADER and self._tells_a_loss(message):
                self._begin_again(now)
                return
            said += handle(message, envelope.at)
            if isinstance(message, Stop):
                self.stopped = True
        if self.stopped:
            said.append(Done(self._settings.name, 1))
        if said and not self._port.send(TRADER, self._outbox.frame(said, now)) and not self.stopped:
            self._begin_again(
                now
            )  # Its decisions were never heard: it must not wait for what becomes of them.

    def _tells_a_loss(self, gap: Gap) -> bool:
        """Whether what became of an order may have been lost, or a decision before it became one."""
        return self._inbox.missed > 0 or gap.source == self.name

    def _begin_again(self, now: int) -> None:
        self._begin()
        self._greet(now)

    def _answers(self, envelope: Envelope) -> bool:
        """Whether a frame that begins so is the answer to this life's greeting, and not an older one's."""
        return isinstance(envelope.body, Restored) and envelope.cause == self.life

    def _new_trader(self, epoch: int, now: int) -> None:
        """To a trader that starts again it is a stranger; the first one that it meets may know it already."""
        if self._trader_epoch:
            self._begin_again(now)
        self._trader_epoch = epoch
