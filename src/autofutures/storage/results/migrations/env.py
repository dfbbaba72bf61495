"""Alembic runs this for each of its commands: all happens inside the transaction that was begun for it."""

from alembic import context

from autofutures.storage.results.tables import KEPT, METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=KEPT.version_table,
    render_as_batch=True,
)
context.run_migrations()
