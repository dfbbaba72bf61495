"""A mail server on this computer, and what it took."""

from asyncio.base_events import Server
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class _Server(Controller):
    """On a port that the system has chosen."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class Mailbox:
    """Use it in a `with` block. `refuses` mail while that is set."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.refuses = False
        self._server = _Server(self, hostname="127.0.0.1", port=0)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        if self.refuses:
            return "451 not now"
        content = envelope.content
        self.mails.append(content.decode() if isinstance(content, bytes) else str(content))
        return "250 OK"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def url(self, to: str) -> str:
        """As apprise writes it: one that has a password."""
        return f"mailto://127.0.0.1:{self._server.port}?from=machine@example.com&to={to}@example.com&mode=insecure"
