"""What systemd is told of a machine that it runs: that it is there, that it turns, that it ends. See sd_notify(3)."""

import socket
from contextlib import suppress

ALIVE_NS = 1_000_000_000


class Service:
    """The way to systemd; without one, nobody is told.

    Args:
        address: its socket, as `NOTIFY_SOCKET` names it; an `@` at the beginning stands for an abstract one.
    """

    def __init__(self, address: str) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._next = 0

    def ready(self) -> None:
        """The machine's processes are started."""
        self._tell("READY=1")

    def alive(self, now: int) -> None:
        """The supervisor turns: it says so once a second; `now` is the stopwatch's."""
        if now >= self._next:
            self._next = now + ALIVE_NS
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """It is ending in order."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        # systemd may be restarting itself: it is told again in a second, and its watchdog judges.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
            way.settimeout(0)
            way.sendto(state.encode(), self._address)
