"""The two ends of every link: a hub that many connect to (ROUTER), and a link to one hub (DEALER).

Blocking sockets, bounded queues, CURVE on all of them. A hub never drops in silence, for `ROUTER_MANDATORY`
is set: a peer that is away is an error here, and one whose queue is full is waited for. By the clock nobody may
wait for others: there a frame is offered, and whoever offers it is told when nobody could take it.
"""

import zmq

from autofutures.bus.curve import ROLES, Keys
from autofutures.domain.errors import Refusal

QUEUE = 10_000
"""Frames that may wait on either side of a link."""

LIVE_QUEUE = 1_000
"""As above by the clock: what waits longer is old."""

RECONNECT_MS = 20
"""A link whose hub has gone knocks again after so long."""

MAX_FRAME = 64 << 20
"""Bytes; a longer frame is cut off with its connection."""


class Hub:
    """Accepts links at an endpoint; peers are named by their identity.

    Args:
        context: the process's own.
        endpoint: `ipc://path` or `tcp://127.0.0.1:port`.
        keys: the server's pair; every key in its folder is admitted, no other.
        queue: frames that may wait for or from a peer.

    Attributes:
        imposters: frames that were not heard, for their sender's key and name are of two roles.
    """

    def __init__(
        self, context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, keys: Keys, *, queue: int = QUEUE
    ) -> None:
        # It brings asyncio along: who only connects to hubs starts without.
        from zmq.auth.thread import ThreadAuthenticator  # noqa: PLC0415

        self._auth = ThreadAuthenticator(context)
        self._auth.start()
        self._auth.configure_curve(domain="*", location=str(keys.folder / "public"))
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.setsockopt(
            zmq.ROUTER_HANDOVER, 1
        )  # Who starts again may come before its old end is noticed.
        self.socket.setsockopt(zmq.LINGER, 1_000)
        self.socket.setsockopt(zmq.SNDHWM, queue)
        self.socket.setsockopt(zmq.RCVHWM, queue)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
        self.socket.curve_publickey = keys.public
        self.socket.curve_secretkey = keys.secret
        self.socket.curve_server = True
        self.socket.bind(endpoint)
        self._roles = {keys.public_of(role).decode(): role for role in ROLES}
        self._poller = zmq.Poller()
        self._poller.register(self.socket, zmq.POLLIN)
        # Looked up once: these are called for every frame.
        self._receive = self.socket.recv
        self._send = self.socket.send
        self.imposters = 0

    def receive(self, timeout_ms: int = -1) -> tuple[str, bytes] | None:
        """Who said what; `None` when nobody spoke in time. A negative time waits for ever.

        A name is its role, or its role and more after a slash. Whoever shows one role's key and takes another
        role's name is not heard, and counted in `imposters`.
        """
        while timeout_ms < 0 or self._poller.poll(timeout_ms):
            heard = self._open(0)
            if heard is not None:
                return heard
        return None

    def take(self) -> tuple[str, bytes] | None:
        """As `receive`, of what is there now: `None` when there is nothing."""
        while self._poller.poll(0):  # A third of what it costs to ask the socket for its state.
            heard = self._open(zmq.NOBLOCK)
            if heard is not None:
                return heard
        return None

    def wait(self, timeout_ms: int) -> None:
        """Until somebody has spoken, or so long."""
        self._poller.poll(timeout_ms)

    def _open(self, flags: int) -> tuple[str, bytes] | None:
        """One message: its sender's name, and a frame that knows whose key it came under.

        Asking for that costs more than all the rest, so it is asked once, and of one part.
        """
        identity = self._receive(flags)
        frame = self._receive(flags, copy=False)
        data: bytes = frame.bytes
        if frame.more:
            data = b"".join((data, *self.socket.recv_multipart(flags)))
        peer: str = identity.decode(errors="surrogateescape")
        if self._roles.get(str(frame.get("User-Id"))) == peer.partition("/")[0]:
            return peer, data
        self.imposters += 1
        return None

    def send(self, peer: str, data: bytes) -> None:
        """Sends to one peer, waiting while its queue is full.

        Raises:
            Refusal: the peer is not connected.
        """
        try:
            self.socket.send_multipart((peer.encode(errors="surrogateescape"), data))
        except zmq.ZMQError as error:
            raise Refusal(f"{peer} is not connected: {error}") from error

    def offer(self, peer: str, data: bytes) -> bool:
        """As `send`, but waits for nobody: `False` when the peer is away or its queue is full, and nothing was sent."""
        try:
            self._send(peer.encode(errors="surrogateescape"), zmq.SNDMORE | zmq.NOBLOCK)
            self._send(data, zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        return True

    def close(self) -> None:
        """Gives what waits a second to leave, then closes."""
        self.socket.close()
        self._auth.stop()


class Link:
    """Connects to one hub.

    Args:
        context: the process's own.
        endpoint: the hub's.
        keys: this process's pair.
        server: the hub's role, whose public key must answer.
        identity: who this is to the hub.
        live: only a hub that is there is spoken to: without one, nothing is kept for it.
    """

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        endpoint: str,
        keys: Keys,
        server: str,
        identity: str,
        *,
        live: bool = False,
    ) -> None:
        queue = LIVE_QUEUE if live else QUEUE
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 1_000)
        self.socket.setsockopt(zmq.IMMEDIATE, int(live))
        self.socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        self.socket.setsockopt(zmq.SNDHWM, queue)
        self.socket.setsockopt(zmq.RCVHWM, queue)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
        self.socket.setsockopt(zmq.IDENTITY, identity.encode())
        self.socket.curve_publickey = keys.public
        self.socket.curve_secretkey = keys.secret
        self.socket.curve_serverkey = keys.public_of(server)
        self.socket.connect(endpoint)
        self._poller = zmq.Poller()
        self._poller.register(self.socket, zmq.POLLIN)
        self._receive = self.socket.recv
        self._send = self.socket.send

    def receive(self, timeout_ms: int = -1) -> bytes | None:
        """What the hub said; `None` when it was silent for so long. A negative time waits for ever."""
        if timeout_ms >= 0 and not self._poller.poll(timeout_ms):
            return None
        return self._receive()

    def send(self, data: bytes) -> None:
        """Sends to the hub, waiting while the queue is full."""
        self.socket.send(data)

    def take(self) -> bytes | None:
        """As `receive`, of what is there now: `None` when there is nothing."""
        return self._receive(zmq.NOBLOCK) if self._poller.poll(0) else None

    def wait(self, timeout_ms: int) -> None:
        """Until the hub has spoken, or so long."""
        self._poller.poll(timeout_ms)

    def offer(self, data: bytes) -> bool:
        """As `send`, but waits for nobody: `False` when no hub is there or the queue is full, and nothing was sent."""
        try:
            self._send(data, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        """Gives what waits a second to leave, then closes."""
        self.socket.close()
