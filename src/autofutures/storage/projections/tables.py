"""The tables as SQLAlchemy has them, made of the rows of `rows`; `migrations` is how a database comes to have them."""

import msgspec
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from autofutures.storage.projections.rows import TABLES

SCHEMA = "autofutures"
"""The schema of all these tables in PostgreSQL; nothing outside of it is looked at or touched."""

VERSION_TABLE = "projections_version"
"""Where Alembic keeps how far the tables are migrated: a journal's own table has another name."""

METADATA = MetaData()


ROWS = {
    name: Table(
        name,
        METADATA,
        *(
            Column(
                field.name,
                Text if field.type in (str, str | None) else BigInteger,
                primary_key=field.name in key,
                autoincrement=False,
                nullable=field.type in (str | None, int | None),
            )
            for field in msgspec.structs.fields(kind)
        ),
    )
    for name, (kind, key) in TABLES.items()
}
"""The tables by name."""

PROGRESS = Table(
    "progress",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("batch", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("fold", Integer, nullable=False),
)
"""One row: how far the journal is in the tables. Each transaction that changes them moves it too."""
