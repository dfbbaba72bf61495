"""What happened, in order: its hash, and sentences for those who must find out why."""

import hashlib
from collections.abc import Iterator

from autofutures.domain.messages import AnyMessage, Heartbeat, Tick, decode_frame
from autofutures.domain.units import SECOND


class Story:
    """One run's story.

    Args:
        told: keep the sentences; without them only the hash is made, which is quicker.
    """

    def __init__(self, *, told: bool = False) -> None:
        self._hash = hashlib.sha256()
        self._told = told
        self._lines: list[tuple[int, str, bytes]] = []

    def tell(self, at: int, what: str, frame: bytes = b"") -> None:
        """One thing that happened; `frame` is what travelled."""
        self._hash.update(b"%d %s " % (at, what.encode()))
        self._hash.update(frame)
        if self._told:
            self._lines.append((at, what, frame))

    @property
    def hash(self) -> str:
        """SHA-256 of everything that happened."""
        return self._hash.hexdigest()

    def sentences(self) -> Iterator[str]:
        """The story as lines of text; times are seconds since its beginning."""
        start = next((at for at, _, _ in self._lines if at), 0)
        for at, what, frame in self._lines:
            head = f"{(at - start) / SECOND:12.6f}  {what}"
            if not frame:
                yield head
                continue
            for message in (envelope.body for envelope in decode_frame(frame)):
                if not isinstance(message, Heartbeat):
                    yield f"{head}  {_sentence(message)}"


def _sentence(message: AnyMessage) -> str:
    if isinstance(message, Tick):
        return f"tick {message.symbol[-9:]} {message.price_ticks} x{message.qty}"
    return str(message)
