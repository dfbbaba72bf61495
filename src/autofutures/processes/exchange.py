"""The exchange process: replays a market, lets our orders meet it, and waits for the answer to every event.

Hears `Submit`, `Cancel`, `Done`, `Stop` from the gateway; says reports, then the market, then `Step`. It leaves its own
books of a run, for whoever judges it. By the clock it is another: see `processes/broker.py`.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import zmq

from autofutures import clock
from autofutures.assemble.market import make_exchange, make_feed
from autofutures.assemble.nodes import heard_symbols
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.faults import Faults
from autofutures.bus.sockets import Hub
from autofutures.domain.messages import (
    AnyMessage,
    Cancel,
    Done,
    Ready,
    Report,
    Step,
    Stop,
    Submit,
    Tick,
    encode,
)
from autofutures.matching.ledger import Ledger
from autofutures.matching.model import FeedEvent
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log, run_process
from autofutures.processes import broker

GATEWAY = "gateway"

ASK_AGAIN_MS = 250
"""After so long without an answer the step is said again: it brings a lost frame to light."""


READ_AHEAD = 32
"""Trades that may travel in one frame while no order of ours is at the exchange."""


class Coming:
    """The feed, with a look at what comes next."""

    def __init__(self, feed: Iterator[FeedEvent]) -> None:
        self._feed = feed
        self._taken: deque[FeedEvent] = deque()

    def peek(self, place: int) -> FeedEvent | None:
        """The event `place` after the next one; `None` where the feed ends before."""
        while len(self._taken) <= place:
            event = next(self._feed, None)
            if event is None:
                return None
            self._taken.append(event)
        return self._taken[place]

    def drop(self, count: int) -> None:
        """So many have been handled."""
        for _ in range(count):
            self._taken.popleft()


class Replay:
    """Drives a feed through the exchange, one answered event after the other."""

    def __init__(self, folder: Folder, hub: Hub) -> None:
        self.run = folder.run()
        self._machine = folder.machine()
        self._hub = hub
        self._life = Life()
        self._exchange = make_exchange(self.run, self._machine.life)
        self._ledger = Ledger()
        self._coming = Coming(iter(make_feed(self.run)))
        self._faults = Faults(self._machine.pause_seed, "exchange")
        self._inbox = Inbox()
        self._outbox = Outbox("exchange")
        self._step = Step(0, 0, 0)
        self._done = 0
        self._wake_at = 0
        self._ready = False
        self._first_at = 0
        self._started = 0
        self.stopping = ""

    def play(self) -> None:
        """Everything of the feed, until it ends, the run's limit is reached or somebody stops it."""
        while not self._ready:
            self._hear(ASK_AGAIN_MS)
        seen = heard_symbols(self.run)
        limit, given = self.run.limit, 0
        while (event := self._coming.peek(0)) is not None and not self.stopping:
            left = limit - given if limit else READ_AHEAD
            if left <= 0:
                break
            ahead = self._count_ahead(left)
            if ahead > 1:
                ticks = [self._coming.peek(place) for place in range(ahead)]
                handled = self._offer_ahead([tick for tick in ticks if isinstance(tick, Tick)])
                given += sum(1 for tick in ticks[:handled] if isinstance(tick, Tick) and tick.symbol in seen)
            else:
                handled = 1
                given += self._event(event, self._next_at(0), seen)
            self._coming.drop(handled)

    def end(self, reason: str) -> None:
        """Tells everyone that no more will come: first what is void by that, then that it is over."""
        at = self._step.at
        void = self._exchange.void(at)
        self._book(void, at)
        if void:
            self._step = Step(self._step.number + 1, at, 0)
            self._say((*void, self._step), at)
            while self._done < self._step.number:
                self._hear(ASK_AGAIN_MS)
        self._say((Stop(at, reason),), at)

    def statement(self) -> bytes:
        """The exchange's own books: what it was sent, what it filled, and when each order was over."""
        return msgspec.json.encode(self._ledger.statement(1, Counter()))

    def _book(self, said: Iterable[AnyMessage], at: int) -> None:
        for message in said:
            if isinstance(message, Report):
                self._ledger.report(self._ledger.of_client(message.client_id)[-1], message, at)

    def wait_for_stop(self) -> None:
        """The feed is over and the machine stays up: nothing more to say until a person stops it."""
        while not self.stopping:
            self._hear(ASK_AGAIN_MS)

    def _next_at(self, place: int) -> int:
        following = self._coming.peek(place + 1)
        return 0 if following is None else following.at

    def _count_ahead(self, most: int) -> int:
        """How many trades may be said at once: while no order is at the exchange, none of them can cause a report."""
        if self._machine.speed or self._machine.drop_frame:
            return 1
        count = 0
        while count < min(most, READ_AHEAD):
            event = self._coming.peek(count)
            if not isinstance(event, Tick) or not self._exchange.is_idle(event.symbol):
                break
            count += 1
        return count

    def _offer_ahead(self, ticks: Sequence[Tick]) -> int:
        """Says several trades in one frame; returns how many were handled.

        The trader handles them one after the other. At the first that makes an order it answers and forgets the rest,
        which is then said again, with the order in the market.
        """
        first = self._step.number
        envelopes = []
        for place, tick in enumerate(ticks):
            self._faults.pause()
            step = Step(first + place + 1, tick.at, self._next_at(place))
            envelopes += [self._outbox.wrap(tick, tick.at), self._outbox.wrap(step, tick.at)]
        self._hub.send(GATEWAY, encode(envelopes))
        while self._done <= first:
            self._hear(ASK_AGAIN_MS)
        handled = self._done - first
        self._step = Step(self._done, ticks[handled - 1].at, self._next_at(handled - 1))
        return handled

    def _event(self, event: FeedEvent, next_at: int, seen: set[str]) -> int:
        """Lets one event happen; returns how many trades it gave to strategies."""
        self._pace(event.at)
        said = self._exchange.handle(event, event.at)
        self._book(said, event.at)
        if not said and not 0 < self._wake_at < next_at:
            return 0
        self._faults.pause()
        self._step = Step(self._step.number + 1, event.at, next_at)
        self._say((*said, self._step), event.at)
        while self._done < self._step.number:
            if not self._hear(ASK_AGAIN_MS):
                self._say((self._step,), event.at)
        return sum(1 for message in said if isinstance(message, Tick) and message.symbol in seen)

    def _say(self, messages: tuple[AnyMessage, ...], at: int) -> None:
        self._hub.send(GATEWAY, self._outbox.frame(messages, at))

    def _hear(self, timeout_ms: int) -> bool:
        """Takes one frame of the gateway; `False` when it was silent for so long."""
        self._life.check()
        heard = self._hub.receive(timeout_ms)
        if heard is None:
            return False
        for envelope in self._inbox.open(heard[1]):
            message = envelope.body
            match message:
                case Submit():
                    self._ledger.receive(str(len(self._ledger.orders) + 1), message, message.at, 1)
                    self._exchange.handle(message, message.at)
                case Cancel():
                    self._exchange.handle(message, message.at)
                case Done():
                    self._done = max(self._done, message.number)
                    self._wake_at = message.wake_at
                case Ready():
                    self._ready = True
                case Stop():
                    self.stopping = message.reason
                case _:
                    pass  # The gateway says nothing else to an exchange.
        return True

    def _pace(self, at: int) -> None:
        """Waits until recorded time, at the run's speed, has come this far."""
        speed = self._machine.speed
        if not speed:
            return
        if not self._started:
            self._first_at, self._started = at, clock.stopwatch_ns()
        due = self._started + round((at - self._first_at) / speed)
        while (left := due - clock.stopwatch_ns()) > 0 and not self.stopping:
            if left > 2_000_000:
                self._hear(min(left // 1_000_000 - 1, ASK_AGAIN_MS))
            else:
                clock.sleep_ns(left)


def body(run: Path, _name: str, log: Log) -> None:
    """Replays the run's market, or lets it happen by the clock."""
    folder = Folder(run)
    machine = folder.machine()
    if machine.live:
        broker.serve(folder, log)
        return
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    hub = Hub(context, folder.endpoint("exchange"), load_keys(Path(machine.keys), "exchange"))
    replay = Replay(folder, hub)
    replay.play()
    log.info("feed ended", reason=replay.stopping or "no more events")
    if not machine.until_end and not replay.stopping:
        replay.wait_for_stop()
    replay.end(replay.stopping or "the feed has ended")
    folder.exchange.write_bytes(replay.statement())
    hub.close()
    context.term()


if __name__ == "__main__":
    run_process("exchange", body)
