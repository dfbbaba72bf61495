"""A journal whose disk is memory: the same SQLite, the same tables and checks, and nothing to clean up."""

import io
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from autofutures.storage.journal import Journal

_NOWHERE = Path("memory")


@lru_cache(maxsize=1)
def empty_journal() -> bytes:
    """The file of a journal that nobody has written to."""
    from autofutures.storage import migrate  # noqa: PLC0415  Half a second, for those who need it.

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate.upgrade(connection, _NOWHERE)
        return connection.serialize()


def memory_journal() -> Journal:
    """A new, empty journal, which is gone when it is closed."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(empty_journal())
    return Journal(connection, _NOWHERE, io.StringIO())
