"""Alembic runs this for each of its commands: migrations go over the connection that `migrate` has made."""

from alembic import context

from autofutures.storage.schema import METADATA

# Alembic believes that SQLite cannot roll back CREATE TABLE. It can, after a BEGIN, and `migrate` says it.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
