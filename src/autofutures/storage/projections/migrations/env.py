"""Alembic runs this for each of its commands: all happens inside the transaction that was begun for it."""

from alembic import context

from autofutures.storage.projections.tables import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
