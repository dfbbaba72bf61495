"""The exchange process: replays a market, lets our orders meet it, and waits for the answer to every event.

Hears `Submit`, `Cancel`, `Done`, `Stop` from the gateway; says reports, then the market, then `Step`.
"""

from pathlib import Path

import zmq

from autofutures import clock
from autofutures.assemble.market import make_exchange, make_feed
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.faults import Faults
from autofutures.ops.process import Life, Log, run_process
from autofutures.bus.sockets import Hub
from autofutures.domain.messages import AnyMessage, Cancel, Done, Ready, Step, Stop, Submit, Tick
from autofutures.matching.model import FeedEvent
from autofutures.ops.folder import Folder

GATEWAY = "gateway"

ASK_AGAIN_MS = 250
"""After so long without an answer the step is said again: it brings a lost frame to light."""


class Replay:
    """Drives a feed through the exchange, one answered event after the other."""

    def __init__(self, folder: Folder, hub: Hub) -> None:
        self.run = folder.run()
        self._machine = folder.machine()
        self._hub = hub
        self._life = Life()
        self._exchange = make_exchange(self.run)
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
        seen = {symbol for strategy in self.run.strategies for symbol in strategy.symbols}
        limit, given = self.run.limit, 0
        feed = iter(make_feed(self.run))
        event = next(feed, None)
        while event is not None and not self.stopping:
            following = next(feed, None)
            given += self._event(event, following.at if following is not None else 0, seen)
            if limit and given >= limit:
                break
            event = following

    def end(self, reason: str) -> None:
        """Tells everyone that no more will come, and waits until the gateway has answered."""
        self._say((Stop(self._step.at, reason),), self._step.at)

    def wait_for_stop(self) -> None:
        """The feed is over and the machine stays up: nothing more to say until a person stops it."""
        while not self.stopping:
            self._hear(ASK_AGAIN_MS)

    def _event(self, event: FeedEvent, next_at: int, seen: set[str]) -> int:
        """Lets one event happen; returns how many trades it gave to strategies."""
        self._pace(event.at)
        said = self._exchange.handle(event, event.at)
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
        heard = self._hub.receive(timeout_ms)
        if heard is None:
            self._life.check()
            return False
        for envelope in self._inbox.open(heard[1]):
            message = envelope.body
            match message:
                case Submit() | Cancel():
                    self._exchange.handle(message, message.at)
                case Done():
                    self._done = message.number
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
    """Replays the run's market."""
    folder = Folder(run)
    machine = folder.machine()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    hub = Hub(context, folder.endpoint("exchange"), load_keys(Path(machine.keys), "exchange"))
    replay = Replay(folder, hub)
    replay.play()
    log.info("feed ended", reason=replay.stopping or "no more events")
    if not machine.until_end and not replay.stopping:
        replay.wait_for_stop()
    replay.end(replay.stopping or "the feed has ended")
    hub.close()
    context.term()


if __name__ == "__main__":
    run_process("exchange", body)
