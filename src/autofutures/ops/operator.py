"""What a person's command says to a running machine: questions and commands over the trader's hub."""

import uuid
from pathlib import Path

import msgspec
import zmq

from autofutures.bus.codec import Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.sockets import Link
from autofutures.domain.errors import Refusal
from autofutures.domain.messages import Answer, Ask, Command, decode_frame
from autofutures.ops.folder import Folder

PATIENCE_MS = 5_000
"""How long a person waits for an answer; the trader answers between two events."""


class Operator:
    """One person's link to a run. Use it in a `with` block."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        keys = load_keys(Path(folder.machine().keys), "operator")
        identity = f"operator/{uuid.uuid4().hex}"
        self._link = Link(self._context, folder.endpoint("trader"), keys, "trader", identity)
        self._outbox = Outbox("operator")

    def __enter__(self) -> "Operator":
        """Ready to ask."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the link, whatever waits in it."""
        self._link.socket.setsockopt(zmq.LINGER, 0)
        self._link.close()
        self._context.term()

    def ask(self, what: str, timeout_ms: int = PATIENCE_MS) -> dict[str, object]:
        """The answer to a question, as a table.

        Raises:
            Refusal: nobody answers: the run is over, or stuck.
        """
        return self._exchange(Ask(_flow(), what), timeout_ms)

    def command(self, strategy: str, verb: str, name: str, values: dict[str, int | str | bool]) -> None:
        """Asks a strategy to change a setting, and waits until that is kept.

        Raises:
            Refusal: it was refused, with the reason; or nobody answers.
        """
        answer = self._exchange(Command(_flow(), strategy, verb, name, values), PATIENCE_MS)
        if "refused" in answer:
            raise Refusal(str(answer["refused"]))

    def _exchange(self, message: Ask | Command, timeout_ms: int) -> dict[str, object]:
        self._link.send(self._outbox.frame((message,), 0, flow=message.flow))
        while (data := self._link.receive(timeout_ms)) is not None:
            for envelope in decode_frame(data):
                if isinstance(envelope.body, Answer) and envelope.body.flow == message.flow:
                    return msgspec.json.decode(envelope.body.text, type=dict[str, object])
        raise Refusal(
            f"the run in {self._folder.root} does not answer: it has ended, or it is stuck; see its logs folder"
        )


def _flow() -> str:
    """A new request's id."""
    return uuid.uuid4().hex[:16]
