"""The trader's disk in a simulation: memory that outlives the trader's lives, and that may be full or slow.

A journal is opened anew for each life, as a process does. A full disk is SQLite's own error.
"""

import io
import sqlite3
from itertools import count
from pathlib import Path
from random import Random

from autofutures.storage.disk import LOW_BYTES
from autofutures.storage.journal import SLOW_NS, Journal
from autofutures.storage.memory import MemoryDisk, empty_journal

_NAMES = count(1)
_PLACE = Path("memory")

TROUBLES = ("low", "slow", "full", "full to the last byte")
"""What may be wrong with it. Full, it has a reserve; to the last byte, it has not."""


class Disk:
    """One journal's place.

    Attributes:
        trouble: what is wrong with it now; empty while it is in health.
    """

    def __init__(self) -> None:
        self._name = f"file:simulation{next(_NAMES)}?mode=memory&cache=shared"
        self._keeper = self._connect()  # Such a memory is gone with its last connection.
        with sqlite3.connect(":memory:") as empty:
            empty.deserialize(empty_journal())
            empty.backup(self._keeper)
        empty.close()
        self._room = MemoryDisk()
        self._room.attach(self._keeper)
        self._open: Journal | None = None
        self._last = ""
        self.trouble = ""

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._name, uri=True, isolation_level=None)

    def open(self) -> Journal:
        """The journal, for the next life of the trader."""
        if self._open is not None:
            self._open.close()
        self._open = Journal(
            self._connect(), _PLACE, io.StringIO(), disk=self._room, stopwatch=self._room.stopwatch
        )
        return self._open

    def suffer(self, random: Random) -> str:
        """Something is wrong with it from now on; says what."""
        self.trouble = random.choice(TROUBLES)
        room = self._room
        if self.trouble == "low":
            room.free = LOW_BYTES // 2
        elif self.trouble == "slow":
            room.commit_ns = 2 * SLOW_NS
        else:
            if self.trouble != "full":
                room.release()
            room.fill()
        return self.trouble

    def recover(self) -> None:
        """There is room, and writing is quick."""
        self._room.commit_ns = 0
        self._room.empty()
        self._room.reserve()
        self.trouble = ""

    @property
    def hash(self) -> str:
        """The hash of the newest batch, which has those of all before in it; known once all is closed."""
        return self._last

    def close(self) -> None:
        """Forgets everything."""
        if self._open is not None:
            self._last = self._open.head.hash.hex()
            self._open.close()
        self._keeper.close()
