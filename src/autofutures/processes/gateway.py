"""The gateway process: the one place that reaches a venue. Requests go out once; all that the venue says comes in.

It measures what counts for a trader: from a tick's arrival here to the leaving of the order that it caused.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol

import msgspec
import zmq

from autofutures import clock
from autofutures.bus.codec import Inbox, Outbox
from autofutures.bus.curve import Keys, load_keys
from autofutures.bus.faults import Faults
from autofutures.bus.sockets import Link
from autofutures.domain.messages import AnyMessage, Cancel, Done, Envelope, Ready, Step, Stop, Submit, encode
from autofutures.gateway import Gateway, Venue
from autofutures.ops.folder import Folder
from autofutures.ops.process import BREATH_MS, Life, Log, run_process
from autofutures.processes.live_gateway import trade
from autofutures.telemetry.latency import LatencyTally
from autofutures.venues import VENUES


class GatewayProcess:
    """Between one venue and the trader."""

    def __init__(self, folder: Folder, keys: Keys, log: Log) -> None:
        machine = folder.machine()
        self._log = log
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._venue = _open_venue("sim", self._context, folder.endpoint("exchange"), keys)
        self._trader = Link(self._context, folder.endpoint("trader"), keys, "trader", "gateway")
        self._node = Gateway()
        self._inbox = Inbox()
        self._outbox = Outbox("gateway")
        self._faults = Faults(machine.pause_seed, "gateway", machine.drop_frame)
        self._life = Life()
        self._arrived = 0
        self._stopped = False
        self.latency = LatencyTally()

    def serve(self) -> None:
        """Passes messages on until the trader says stop."""
        poller = zmq.Poller()
        poller.register(self._venue.socket, zmq.POLLIN)
        poller.register(self._trader.socket, zmq.POLLIN)
        self._trader.send(self._outbox.frame((Ready("gateway"),), 0))
        while not self._stopped:
            self._life.check()
            ready = dict(poller.poll(BREATH_MS))
            if self._venue.socket in ready:
                self._from_venue()
            if self._trader.socket in ready:
                self._from_trader()

    def close(self) -> None:
        """Ends both links."""
        self._venue.close()
        self._trader.close()
        self._context.term()

    def _from_venue(self) -> None:
        arrived = clock.stopwatch_ns()
        envelopes: list[Envelope] = []
        steps = 0
        for event, at in self._venue.events():
            if isinstance(event, Step):
                steps += 1
                self._faults.pause()
            envelopes += [self._outbox.wrap(message, at) for message in self._node.handle(event, at)]
        self._arrived = arrived if steps == 1 else 0
        if self._faults.drops():
            self._log.warning("frame dropped on purpose", messages=len(envelopes))
        else:
            self._trader.send(encode(envelopes))

    def _from_trader(self) -> None:
        data = self._trader.receive()
        out: list[AnyMessage] = []
        for envelope in self._inbox.open(data or b"\x90"):
            message = envelope.body
            if isinstance(message, (Submit, Cancel)):
                if self._node.admits(envelope.epoch):
                    out += self._node.handle(message, envelope.at)
                    self._measure(message)
                else:
                    self._log.error("refused an old epoch", flow=envelope.flow, epoch=envelope.epoch)
            elif isinstance(message, (Done, Ready, Stop)):
                out.append(message)
                self._stopped = isinstance(message, Stop) and message.reason == STOPPED
            else:
                self._log.error("not for a venue", message=repr(message))
        if out:
            self._venue.send(*out)

    def _measure(self, message: Submit | Cancel) -> None:
        """From the last event's arrival, where it came alone: of several in one frame nobody knows which it was."""
        if self._arrived and isinstance(message, Submit):
            self.latency.add(clock.stopwatch_ns() - self._arrived)


STOPPED = "stopped"
"""The reason with which the trader ends its gateway, when all is kept; any other is a request to stop the feed."""


class OpenVenue(Venue, Protocol):
    """A venue as this process waits on it."""

    socket: "zmq.Socket[bytes]"
    """Readable when the venue has said something."""

    def close(self) -> None:
        """Ends the connection."""


def _open_venue(name: str, context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, keys: Keys) -> OpenVenue:
    module, _, attribute = VENUES[name].partition(":")
    venue: OpenVenue = getattr(import_module(module), attribute)(context, endpoint, keys)
    return venue


def body(run: Path, _name: str, log: Log) -> None:
    """Opens the door, and closes it when the trader says so."""
    folder = Folder(run)
    if folder.machine().live:
        trade(folder, log)
        return
    process = GatewayProcess(folder, load_keys(Path(folder.machine().keys), "gateway"), log)
    process.serve()
    folder.latency.write_bytes(msgspec.json.encode(process.latency.summary()))
    process.close()


if __name__ == "__main__":
    run_process("gateway", body)
