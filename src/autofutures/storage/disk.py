"""The disk under a journal: how much room it has, and a reserve that is given up when there is none.

When everything else is full, what the machine still has to write down is its exits. So a file of 16 MB beside the
journal holds room for them: some tens of thousands of batches.
"""

import os
from pathlib import Path
from typing import Protocol

import msgspec

RESERVE_BYTES = 16 * 1024 * 1024
LOW_BYTES = 64 * 1024 * 1024
"""Below this no new entry begins: what is open may still need to be written about for hours."""


class Health(msgspec.Struct, frozen=True):
    """Why the journal wants no new entries; no reason where all is well."""

    reason: str = ""


class Disk(Protocol):
    """Where a journal's room comes from."""

    def free_bytes(self) -> int:
        """How much can be written besides the reserve."""
        ...

    def has_reserve(self) -> bool:
        """Whether there still is one."""
        ...

    def release(self) -> bool:
        """Gives the reserve up; `False` where there is none."""
        ...

    def reserve(self) -> None:
        """Takes the reserve, if there is room for it."""

    def close(self) -> None:
        """Nobody writes any more: the reserve is not needed."""


class FileDisk:
    """The disk that a file is on.

    Args:
        journal: the file; the reserve is beside it.
    """

    def __init__(self, journal: Path) -> None:
        self._folder = journal.parent
        self._reserve = journal.with_name(journal.name + ".reserve")

    def free_bytes(self) -> int:
        """What the system says is left for us."""
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def has_reserve(self) -> bool:
        """Whether the file is there."""
        return self._reserve.exists()

    def release(self) -> bool:
        """Deletes the file."""
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True

    def reserve(self) -> None:
        """Makes the file whole, or not at all."""
        if self.free_bytes() < RESERVE_BYTES + LOW_BYTES // 2:
            return
        try:
            number = os.open(self._reserve, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            os.posix_fallocate(number, 0, RESERVE_BYTES)
        except OSError:
            self._reserve.unlink()
        finally:
            os.close(number)

    def close(self) -> None:
        """Deletes the file."""
        self.release()
