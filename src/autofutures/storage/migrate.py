"""Brings a journal file to the schema of this version: Alembic, without a file of settings on disk."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from autofutures.domain.errors import BadInput
from autofutures.storage.file import APPLICATION_ID, unusable

MIGRATIONS = Path(__file__).parent / "migrations"


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sa.Connection]:
    """One transaction over a connection in autocommit mode: the file has all of a migration, or nothing."""
    engine = sa.create_engine("sqlite://", creator=lambda: connection, poolclass=sa.StaticPool)
    # The driver would begin only at the first row that changes, which leaves CREATE TABLE outside.
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as begun:
        yield begun


def alembic_config(connection: sa.Connection) -> Config:
    """What Alembic's commands take, for migrations inside the transaction of this connection."""
    config = Config(stdout=io.StringIO(), attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Makes the tables of an empty file, or brings an older file's up to date.

    Args:
        connection: to the file, in autocommit mode.
        path: names the file in errors.

    Raises:
        BadInput: a newer version of autofutures wrote the file, or a migration cannot be done.
    """
    try:
        _upgrade(connection, path)
    except SQLAlchemyError as error:
        raise unusable(path, error) from error


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    with transaction(connection) as begun:
        config = alembic_config(begun)
        scripts = ScriptDirectory.from_config(config)
        found = MigrationContext.configure(begun).get_current_revision()
        newest = scripts.get_current_head()
        if found == newest:
            return
        if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
            raise BadInput(
                f"{path} has schema {found} and this version of autofutures knows up to {newest}: "
                "a newer version wrote it; run that version, or choose another place for the state"
            )
        command.upgrade(config, "head")
        begun.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
