"""What a person's command says to a running machine: questions and commands over the trader's hub, or another's."""

import secrets
from pathlib import Path
from typing import Self

import msgspec
import zmq

from autofutures.bus.codec import Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.sockets import Link
from autofutures.config import login_name
from autofutures.domain.errors import BadInput, Refusal
from autofutures.domain.messages import Answer, Ask, Command, decode_frame
from autofutures.ops.folder import Folder

PATIENCE_MS = 20_000
"""How long a person waits for an answer: the trader gives it between two events, once it has started."""

LOOK_MS = 200
"""How often someone who waits looks whether the run has ended meanwhile."""


class Operator:
    """One person's link to a run. Use it in a `with` block.

    Args:
        folder: the run's.
        hub: who is asked: the trader, or a live run's exchange or kill switch.
        role: whose key the person shows; the kill switch has one of its own.
    """

    def __init__(self, folder: Folder, hub: str = "trader", role: str = "operator") -> None:
        self._folder = folder
        keys = load_keys(Path(folder.machine().keys), role)
        identity = f"{role}/{_new_id()}"
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._link = Link(self._context, folder.endpoint(hub), keys, hub, identity)
        self._outbox = Outbox(role)

    def __enter__(self) -> Self:
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
        return self._exchange(Ask(_new_id(), what), timeout_ms)

    def command(
        self,
        strategy: str,
        verb: str,
        name: str,
        values: dict[str, int | str | bool],
        timeout_ms: int = PATIENCE_MS,
    ) -> None:
        """Asks a strategy to change a setting, and waits until that is kept.

        Raises:
            BadInput: it was refused, with the reason.
            Refusal: nobody answers: the run is over, or stuck.
        """
        answer = self._exchange(Command(_new_id(), strategy, verb, name, values, login_name()), timeout_ms)
        if "refused" in answer:
            raise BadInput(str(answer["refused"]))

    def _exchange(self, message: Ask | Command, timeout_ms: int) -> dict[str, object]:
        self._link.send(self._outbox.frame((message,), 0, flow=message.flow))
        waited_ms = 0
        while waited_ms < timeout_ms:
            data = self._link.receive(min(LOOK_MS, timeout_ms))
            if data is None:
                waited_ms += LOOK_MS
                if self._folder.is_over():
                    raise Refusal(f"the run in {self._folder.root} has ended: look at its report.html")
                continue
            for envelope in decode_frame(data):
                if isinstance(envelope.body, Answer) and envelope.body.flow == message.flow:
                    return msgspec.json.decode(envelope.body.text, type=dict[str, object])
        raise Refusal(
            f"the run in {self._folder.root} does not answer: its supervisor was killed, or it is stuck; "
            "see its logs folder"
        )


def _new_id() -> str:
    """Names a person's request: nothing caused it that an id could be derived from."""
    return secrets.token_hex(8)
