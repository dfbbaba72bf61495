"""What the kill switch keeps: two small files, each written whole beside the old one and forced to the disk.

They are no database: a kill must work though every database is locked.
"""

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.orders.kill import KillState

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T | None:
    """What was kept last; none where nothing was.

    Raises:
        BadInput: the file is damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise BadInput(
            f"{path} cannot be read: {error}. It says what the kill switch has stopped: when the venue holds no "
            "position and no order of ours, move it away and start again"
        ) from error


def keep(path: Path, value: msgspec.Struct) -> None:
    """Returns when the value is on the disk.

    Raises:
        BrokenInvariant: it could not be written.
    """
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            file.write(msgspec.json.encode(value))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise BrokenInvariant(f"{path} could not be written: {error}: make room on the disk") from error


class KillFile:
    """A `KillLog` on the disk, with one writer: the gateway.

    Args:
        path: the file; none is made before there is something to keep.

    Attributes:
        state: as it was kept last.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.state = read(path, KillState) or KillState()

    def keep(self, state: KillState) -> None:
        """Keeps it on the disk.

        Raises:
            BrokenInvariant: it could not be written: nothing may leave that depends on it.
        """
        keep(self._path, state)
        self.state = state
