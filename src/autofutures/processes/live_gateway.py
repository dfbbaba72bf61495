"""The gateway process by the clock: the trader's requests go out first, then the trader hears what the venue says."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

import msgspec
import zmq

from autofutures import clock
from autofutures.bus.curve import Keys, load_keys
from autofutures.bus.sockets import Link
from autofutures.domain.messages import AnyMessage, LinkChanged, Stop
from autofutures.gateway import Venue
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log
from autofutures.processes.live import LinkPort, LiveClock, Pulse, await_lock, watch_of
from autofutures.seats.gateway import GatewaySeat
from autofutures.seats.port import MOST_MESSAGES
from autofutures.storage.send_log import StoredSendLog
from autofutures.telemetry.latency import STALL_NS, Arrivals, LatencyTally, Stalls
from autofutures.venues import VENUES

VENUE = "paper"

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


class LiveGateway:
    """Drives the gateway's seat between one venue and the trader."""

    def __init__(
        self, folder: Folder, venue: LiveVenue, link: Link, send_log: StoredSendLog, log: Log
    ) -> None:
        machine = folder.machine()
        self._folder = folder
        self._venue = venue
        self._link = link
        self._log = log
        self._clock = LiveClock(machine)
        self._life = Life()
        self.seat = GatewaySeat(send_log, venue, LinkPort(link), watch_of(folder, "gateway"))
        self._poller = zmq.Poller()
        self._poller.register(link.socket, zmq.POLLIN)
        self._waited_on: zmq.Socket[bytes] | None = None
        self._dropped = 0
        self._arrivals = Arrivals()
        self.latency = LatencyTally()
        self.slow = Stalls()

    def serve(self) -> None:
        """Passes messages on until the trader says stop."""
        seat, link, venue, now_of = self.seat, self._link, self._venue, self._clock.now
        pulse = Pulse(now_of())
        while not seat.stopped:
            heard = 0
            while heard < FRAMES_AT_ONCE and (data := link.take()) is not None:
                seat.hear("trader", data, now_of())
                heard += 1
                if seat.causes:
                    self._measure()
            arrived = clock.stopwatch_ns()
            events = venue.events()
            if events:
                self._note(events)
                seat.from_venue(events)
                self._arrivals.add(seat.market_seq, arrived)
            now = now_of()
            if pulse.is_due(now):
                self._life.check()
                seat.beat(now)
                self._tell_losses()
            elif not heard and not events:
                self._wait(pulse.wait_ms(now))
        venue.send(Stop(now_of(), "the trader has ended"))

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
        socket = self._venue.socket
        if socket is not self._waited_on:
            if self._waited_on is not None:
                self._poller.unregister(self._waited_on)
            self._poller.register(socket, zmq.POLLIN)
            self._waited_on = socket
        self._poller.poll(timeout_ms)

    def _note(self, events: Sequence[tuple[AnyMessage, int]]) -> None:
        if len(events) > MOST_MESSAGES:
            return  # A burst of trades: what it holds besides is in the trader's log.
        for message, _ in events:
            if type(message) is LinkChanged:
                self._log.warning("link", up=message.up, session=message.session, reason=message.reason)

    def _tell_losses(self) -> None:
        if self.seat.dropped > self._dropped:
            self._log.warning(
                "trades dropped: nobody could take them", count=self.seat.dropped - self._dropped
            )
            self._dropped = self.seat.dropped


def trade(folder: Folder, log: Log) -> None:
    """Opens the door, and closes it when the trader says so."""
    machine = folder.machine()
    keys = load_keys(Path(machine.keys), "gateway")
    await_lock(folder.send_log, log)
    with StoredSendLog.open(folder.send_log, durability=machine.durability) as send_log:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        module, _, attribute = VENUES[VENUE].partition(":")
        open_venue: OpenVenue = getattr(import_module(module), attribute)
        venue = open_venue(context, folder.endpoint("exchange"), keys, LiveClock(machine).now)
        link = Link(context, folder.endpoint("trader"), keys, "trader", "gateway", live=True)
        gateway = LiveGateway(folder, venue, link, send_log, log)
        gateway.serve()
        folder.latency.write_bytes(msgspec.json.encode(gateway.latency.summary()))
        folder.slow.write_bytes(msgspec.json.encode(gateway.slow.kept))
        log.info("stopped", submitted=gateway.seat.submitted, dropped=gateway.seat.dropped)
        venue.close()
        link.close()
        context.term()
