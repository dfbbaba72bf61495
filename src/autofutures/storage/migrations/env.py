"""Alembic runs this for each of its commands: all happens inside the transaction that `migrate` has begun."""

from alembic import context

from autofutures.storage.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()
