"""The recorder's file: frames, each behind its length. A dead recorder may have left the last one unfinished."""

import struct
from collections.abc import Iterator
from pathlib import Path

from autofutures.domain.errors import BadMessage
from autofutures.domain.messages import Envelope, decode_frame

LENGTH = struct.Struct("<I")
"""Each frame in the file stands behind its length in bytes."""


def frames_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every whole frame, with the place where it ends; none where there is no file."""
    if not path.exists():
        return
    with path.open("rb") as stream:
        place = 0
        while len(header := stream.read(LENGTH.size)) == LENGTH.size:
            size = LENGTH.unpack(header)[0]
            frame = stream.read(size)
            if not size or len(frame) < size:
                return
            place += LENGTH.size + size
            yield place, frame


def read_stream(path: Path) -> Iterator[Envelope]:
    """Everything that a recorder kept, in order.

    Raises:
        BadMessage: the file ends inside a frame, or holds what is none.
    """
    end, size = 0, path.stat().st_size
    for end, frame in frames_of(path):  # noqa: B007 - the last one is looked at
        yield from decode_frame(frame)
    if end < size:
        raise BadMessage(f"{path} ends inside a frame at byte {end}: the recorder was killed there")
