"""The gateway process by the clock: the trader's requests go out first, then the trader hears what the venue says."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

import msgspec
import zmq

from autofutures import clock
from autofutures.bus.codec import Outbox
from autofutures.bus.curve import Keys, load_keys
from autofutures.bus.sockets import Link
from autofutures.domain.messages import AnyMessage, Kill, LinkChanged, Stop, decode_frame
from autofutures.domain.units import SECOND, KillLevel
from autofutures.gateway import Venue
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.ops.folder import Folder
from autofutures.ops.kill import Asked
from autofutures.ops.process import Life, Log
from autofutures.orders.kill import KillSwitch
from autofutures.processes.live import LinkPort, LiveClock, Pulse, await_lock, watch_of
from autofutures.seats.gateway import GatewaySeat
from autofutures.seats.port import MOST_MESSAGES
from autofutures.storage.kill_file import KillFile, read
from autofutures.storage.send_log import StoredSendLog
from autofutures.telemetry.latency import STALL_NS, Arrivals, LatencySummary, LatencyTally, Stalls
from autofutures.venues import VENUES

VENUE = "paper"

TELL_LATENCY_NS = 5 * SECOND
"""How often it is written down for whoever looks at the running machine."""

TOLD_LATENCIES = 1_000
"""Of the newest so many: to sort them takes a tenth of a millisecond."""

BUSY_MS = 20
"""How long nothing is waited for while the kill switch has something to do."""

FRAMES_AT_ONCE = 64
"""Frames of the trader that are heard before the venue is listened to again."""


class LiveVenue(Venue, Protocol):
    """A venue by the clock, as this process waits on it."""

    @property
    def socket(self) -> "zmq.Socket[bytes]":
        """Readable when the venue has said something; another one after each login."""
        ...

    def close(self) -> None:
        """Ends the connection."""


OpenVenue = Callable[["zmq.Context[zmq.Socket[bytes]]", str, Keys, Callable[[], int]], LiveVenue]


class KillLine:
    """The gateway's end of the line to the kill process: heard first in each turn, and told how far it is.

    Args:
        link: only the kill switch's key can be at its other end.
        switch: what is told of.
        seat: what acts.
    """

    def __init__(self, link: Link, switch: KillSwitch, seat: GatewaySeat) -> None:
        self.link = link
        self._switch = switch
        self._seat = seat
        self._outbox = Outbox("gateway")

    def hear(self, now: int) -> None:
        """Takes what was asked for; does what is due."""
        while (data := self.link.take()) is not None:
            for envelope in decode_frame(data):
                if isinstance(envelope.body, Kill):
                    self._seat.asked_to_kill(envelope.body, now)
            self.beat(now)
        self._seat.attend(now)

    def beat(self, now: int) -> None:
        """How far it is, which is a sign of life as well."""
        self.link.offer(self._outbox.frame((self._switch.status(now),), now))


class LiveGateway:
    """Drives the gateway's seat between one venue and the trader."""

    def __init__(
        self,
        folder: Folder,
        connect: Callable[[], LiveVenue],
        link: Link,
        kill_link: Link,
        send_log: StoredSendLog,
        log: Log,
    ) -> None:
        machine = folder.machine()
        self._folder = folder
        self._connect = connect
        self._venue: LiveVenue | None = connect()
        self._link = link
        self._log = log
        self._clock = LiveClock(machine)
        self._life = Life()
        view = MarketView(Calendar(folder.run().closed_days))
        self._switch = KillSwitch(KillFile(folder.kill), view)
        self.seat = GatewaySeat(
            send_log, self._venue, LinkPort(link), watch_of(folder, "gateway"), self._switch
        )
        self._kill_line = KillLine(kill_link, self._switch, self.seat)
        self._poller = zmq.Poller()
        self._poller.register(link.socket, zmq.POLLIN)
        self._poller.register(kill_link.socket, zmq.POLLIN)
        self._waited_on: zmq.Socket[bytes] | None = None
        self._dropped = 0
        self._arrivals = Arrivals()
        self.latency = LatencyTally()
        self._tell_latency_at = 0
        self.slow = Stalls()

    def serve(self) -> None:
        """Passes messages on until the trader says stop."""
        seat, link, now_of = self.seat, self._link, self._clock.now
        pulse = Pulse(now_of())
        self._hear_what_was_asked()
        while not seat.stopped:
            self._kill_line.hear(now_of())
            heard = 0
            while heard < FRAMES_AT_ONCE and (data := link.take()) is not None:
                seat.hear("trader", data, now_of())
                heard += 1
                if seat.causes:
                    self._measure()
            events = self._take()
            now = now_of()
            if pulse.is_due(now):
                self._life.check()
                seat.beat(now)
                self._kill_line.beat(now)
                self._leave_or_return(now)
                self._tell_losses()
                self._keep_latency(now)
            elif not heard and not events:
                wait_ms = pulse.wait_ms(now)
                self._wait(wait_ms if self._switch.done else min(wait_ms, BUSY_MS))
        if self._venue is not None:
            self._venue.send(Stop(now_of(), "the trader has ended"))
            self._venue.close()

    def _take(self) -> Sequence[tuple[AnyMessage, int]]:
        """Passes on what the venue says."""
        if self._venue is None:
            return ()
        arrived = clock.stopwatch_ns()
        events = self._venue.events()
        if events:
            self._note(events)
            self.seat.from_venue(events)
            self._arrivals.add(self.seat.market_seq, arrived)
        return events

    def _hear_what_was_asked(self) -> None:
        """What the kill process has kept counts, though the gateway of before was deaf to it."""
        asked = read(self._folder.kill_asked, Asked)
        if asked is not None:
            now = self._clock.now()
            self.seat.asked_to_kill(Kill(asked.number, now, asked.level, asked.who, asked.reason), now)

    def _leave_or_return(self, now: int) -> None:
        """At the last level of the kill switch the session ends once all is flat; `resume` begins another."""
        leaves = self._switch.level is KillLevel.DISCONNECT
        if leaves and self._switch.done and self._venue is not None:
            reason = "the kill switch has disconnected"
            self._venue.send(Stop(now, reason))
            self._venue.close()
            self._venue = None
            self.seat.left(now, VENUE, reason)
            self._switch.left()
            self._log.warning("left the venue", reason=reason)
        elif not leaves and self._venue is None:
            self._venue = self._connect()
            self.seat.meets(self._venue)

    def _measure(self) -> None:
        """From a trade's arrival to the leaving of the order that it caused."""
        now, causes = clock.stopwatch_ns(), self.seat.causes
        while causes:
            arrived = self._arrivals.of(causes.popleft())
            if arrived:
                self.latency.add(now - arrived)
                if now - arrived > STALL_NS:
                    self.slow.add(now, now - arrived)

    def _wait(self, timeout_ms: int) -> None:
        socket = self._venue.socket if self._venue is not None else None
        if socket is not self._waited_on:
            if self._waited_on is not None:
                self._poller.unregister(self._waited_on)
            if socket is not None:
                self._poller.register(socket, zmq.POLLIN)
            self._waited_on = socket
        self._poller.poll(timeout_ms)

    def _note(self, events: Sequence[tuple[AnyMessage, int]]) -> None:
        if len(events) > MOST_MESSAGES:
            return  # A burst of trades: what it holds besides is in the trader's log.
        for message, _ in events:
            if type(message) is LinkChanged:
                self._log.warning("link", up=message.up, session=message.session, reason=message.reason)

    def _keep_latency(self, now: int) -> None:
        if now >= self._tell_latency_at and not self._poller.poll(0):
            self._tell_latency_at = now + TELL_LATENCY_NS
            keep_latency(self._folder, self.latency.summary(TOLD_LATENCIES))

    def _tell_losses(self) -> None:
        if self.seat.dropped > self._dropped:
            self._log.warning(
                "trades dropped: nobody could take them", count=self.seat.dropped - self._dropped
            )
            self._dropped = self.seat.dropped


def keep_latency(folder: Folder, summary: LatencySummary) -> None:
    """Writes it down, whole or not at all."""
    new = folder.latency.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(summary))
    new.replace(folder.latency)


def trade(folder: Folder, log: Log) -> None:
    """Opens the door, and closes it when the trader says so."""
    machine = folder.machine()
    keys = load_keys(Path(machine.keys), "gateway")
    await_lock(folder.send_log, log)
    with StoredSendLog.open(folder.send_log, durability=machine.durability) as send_log:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        module, _, attribute = VENUES[VENUE].partition(":")
        open_venue: OpenVenue = getattr(import_module(module), attribute)
        now_of = LiveClock(machine).now

        def connect() -> LiveVenue:
            return open_venue(context, folder.endpoint("exchange"), keys, now_of)

        link = Link(context, folder.endpoint("trader"), keys, "trader", "gateway", live=True)
        kill_link = Link(context, folder.endpoint("kill"), keys, "kill", "gateway", live=True)
        gateway = LiveGateway(folder, connect, link, kill_link, send_log, log)
        gateway.serve()
        keep_latency(folder, gateway.latency.summary())
        folder.slow.write_bytes(msgspec.json.encode(gateway.slow.kept))
        log.info("stopped", submitted=gateway.seat.submitted, dropped=gateway.seat.dropped)
        link.close()
        kill_link.close()
        context.term()
