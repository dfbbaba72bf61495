"""Brings a database of projections, or of other tables kept likewise, to the tables of this version."""

import io
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from autofutures.domain.errors import BadInput
from autofutures.storage.projections.tables import SCHEMA, VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"


class Kept(NamedTuple):
    """Tables that one set of migrations makes."""

    what: str
    """In a sentence: `projections`."""
    migrations: Path
    schema: str
    """All of these tables' in PostgreSQL."""
    version_table: str


PROJECTIONS = Kept("projections", MIGRATIONS, SCHEMA, VERSION_TABLE)

_LOCK = 0x4146_5450
"""Names the migration to PostgreSQL, so that of two processes that start together one waits for the other."""


def alembic_config(connection: sa.Connection, kept: Kept = PROJECTIONS) -> Config:
    """What Alembic's commands take, for migrations inside the transaction of this connection."""
    config = Config(stdout=io.StringIO(), attributes={"connection": connection})
    config.set_main_option("script_location", str(kept.migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(begun: sa.Connection, kept: Kept = PROJECTIONS) -> None:
    """Makes the tables, or brings an older version's up to date, inside the connection's transaction.

    Raises:
        BadInput: a newer version of autofutures made the tables, or the file is another program's.
    """
    if begun.dialect.name == "postgresql":
        begun.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if kept.schema not in sa.inspect(begun).get_schema_names():
            begun.execute(sa.schema.CreateSchema(kept.schema))
    config = alembic_config(begun, kept)
    scripts = ScriptDirectory.from_config(config)
    found = current_revision(begun, kept)
    if found == scripts.get_current_head():
        return
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise BadInput(
            f"these tables have schema {found} and this version of autofutures knows up to "
            f"{scripts.get_current_head()}: a newer version made them; run that version, or give another --url"
        )
    others = sorted({*sa.inspect(begun).get_table_names()} - {kept.version_table})
    if found is None and others:
        raise BadInput(
            f"there are tables here that are no {kept.what} ({', '.join(others[:3])}): give another --url"
        )
    command.upgrade(config, "head")


def current_revision(begun: sa.Connection, kept: Kept = PROJECTIONS) -> str | None:
    """How far the tables are migrated; `None` where there are none."""
    return MigrationContext.configure(
        begun, opts={"version_table": kept.version_table}
    ).get_current_revision()
