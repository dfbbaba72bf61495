"""The witness: a small file beside the journal that knows how far the journal has come.

A chain shows what is wrong inside it, never that its end is gone: a write-ahead log that was deleted, rows taken off
the end. The file is mapped into memory, so that a commit costs one copy of 56 bytes and no call of the system; what
is copied outlives the process. It may be behind the journal, by what a killed process could not say any more, and
never ahead of it.
"""

import mmap
import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from autofutures.storage.chain import Head

_SLOT = struct.Struct("<qq32s")
_CRC = struct.Struct("<I")
_SLOT_BYTES = _SLOT.size + _CRC.size
_FILE_BYTES = 4_096


def witness_path(journal: Path) -> Path:
    """Where the witness of a journal is."""
    return journal.with_name(journal.name + ".head")


def read_witness(path: Path) -> tuple[Head, int] | None:
    """The newest head and epoch that the file knows of; `None` where there is no file, or nothing was said yet."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return _newest(data)


class Witness:
    """Two slots that are written in turn: a copy that a power cut tears leaves the one before it."""

    def __init__(self, path: Path) -> None:
        # A hole in the file would need room on the disk when it is written: a full one would kill the process.
        if not path.exists() or path.stat().st_size < _FILE_BYTES:
            path.write_bytes(bytes(_FILE_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FILE_BYTES)
        known = _newest(self._map[:])
        self._epoch = 0 if known is None else known[1]

    def saw(self, number: int, chain: bytes) -> None:
        """The journal has come so far."""
        slot = _SLOT.pack(number, self._epoch, chain)
        start = _SLOT_BYTES if number & 1 else 0
        self._map[start : start + _SLOT_BYTES] = slot + _CRC.pack(zlib.crc32(slot))

    def saw_epoch(self, epoch: int, head: Head) -> None:
        """An epoch was given out; this waits for the disk."""
        self._epoch = epoch
        self.saw(head.number, head.hash)
        self._map.flush()

    def close(self) -> None:
        """Lets go of the file."""
        self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _newest(data: bytes) -> tuple[Head, int] | None:
    known = []
    for start in (0, _SLOT_BYTES):
        slot = data[start : start + _SLOT.size]
        crc = data[start + _SLOT.size : start + _SLOT_BYTES]
        if len(crc) == _CRC.size and crc == _CRC.pack(zlib.crc32(slot)):
            number, epoch, chain = _SLOT.unpack(slot)
            known.append((number, epoch, chain))
    if not known:
        return None
    number, epoch, chain = max(known)
    return Head(number, chain), epoch
