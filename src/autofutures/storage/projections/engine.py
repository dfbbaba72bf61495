"""Connects to a database by URL, SQLite or PostgreSQL, and puts its errors into our words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from autofutures.domain.errors import BadInput, BrokenInvariant, Refusal
from autofutures.storage.projections.tables import SCHEMA

CONNECT_S = 3
"""How long a server may take to answer a connection."""

STATEMENT_S = 30
"""How long a statement may take: behind it the server is stuck, or someone holds a lock."""

_URLS = "write sqlite:///<path> or postgresql+psycopg://<user>@<host>/<database>"


class DatabaseAway(Refusal):
    """The database cannot be reached now; nothing was changed, and asking again later is right."""


def shown_url(url: str) -> str:
    """The URL without its password.

    Raises:
        BadInput: it is no URL.
    """
    return _parsed(url).render_as_string(hide_password=True)


def kept_url(url: str) -> str:
    """The URL as it may be written down and used from anywhere: without a secret, its file's path whole.

    Raises:
        BadInput: it holds a password, is no URL, or its driver is not installed.
    """
    parsed = _parsed(url)
    if parsed.password is not None:
        raise BadInput(
            "a password in the URL would be written into the run's folder: put it into ~/.pgpass, one line "
            "HOST:PORT:DATABASE:USER:PASSWORD, and leave it out here"
        )
    make_engine(url).dispose()
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        parsed = parsed.set(database=str(Path(parsed.database).absolute()))
    return parsed.render_as_string(hide_password=False)


def make_engine(url: str, schema: str = SCHEMA) -> sa.Engine:
    """An engine whose connections are set for us; it connects when it is first used.

    Args:
        url: of the database.
        schema: where in PostgreSQL its tables are; SQLite has one file for each kind of tables.

    Raises:
        BadInput: the URL is of no database that we know, or its driver is not installed.
    """
    parsed = _parsed(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        engine = sa.create_engine(parsed)
        event.listen(engine, "connect", _set_sqlite)
        # The driver would begin only at the first row that changes, which leaves CREATE TABLE outside.
        event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    if kind != "postgresql":
        raise BadInput(f"tables are kept in SQLite or PostgreSQL, not in {kind}: {_URLS}")
    try:
        engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"), connect_args={"connect_timeout": CONNECT_S}
        )
    except ModuleNotFoundError as error:
        raise BadInput(
            "the driver of PostgreSQL is not installed: pip install 'autofutures[postgres]'"
        ) from error
    event.listen(engine, "connect", partial(_set_postgresql, schema), insert=True)
    return engine


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction, all of which is there afterwards, or nothing.

    Raises:
        DatabaseAway: the database cannot be reached, is starting or stopping, or is busy for too long.
        BrokenInvariant: a row is there already: the tables are not what we made of the journal.
        BadInput: what is there is no database of ours, or we may not use it.
    """
    where = engine.url.render_as_string(hide_password=True)
    try:
        with engine.begin() as begun:
            yield begun
    except IntegrityError as error:
        raise BrokenInvariant(f"{where} does not hold what was made of the journal: {error.orig}") from error
    except (OperationalError, InterfaceError) as error:
        engine.dispose()
        raise DatabaseAway(f"{where} does not answer: {_first_line(error)}") from error
    except DBAPIError as error:
        engine.dispose()
        if error.connection_invalidated:
            raise DatabaseAway(f"{where} has gone: {_first_line(error)}") from error
        raise BadInput(f"{where} cannot be used: {_first_line(error)}") from error
    except SQLAlchemyError as error:
        raise BadInput(f"{where} cannot be used: {error}") from error


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise BadInput(f"{url.partition('@')[2] or url!r} is no database's URL: {_URLS}") from error
    return parsed


def _set_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")  # So that those who query do not hold us up.
    connection.execute("PRAGMA synchronous = NORMAL")


class _Cursor(Protocol):
    def execute(self, sql: str, /) -> object: ...
    def close(self) -> None: ...


class _Connection(Protocol):
    autocommit: bool

    def cursor(self) -> _Cursor: ...


def _set_postgresql(schema: str, connection: _Connection, _record: object) -> None:
    """Names our schema, so that no statement has to; outside a transaction, or its rollback would take that back."""
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"SET search_path = {schema}")
    cursor.execute(f"SET statement_timeout = '{STATEMENT_S}s'")
    cursor.close()
    connection.autocommit = False
