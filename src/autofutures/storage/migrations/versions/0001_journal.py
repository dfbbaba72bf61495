"""The journal's first tables: batches of messages, and the epochs that were given out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes both tables."""
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("schema", sa.Integer, nullable=False),
        sa.Column("inputs", sa.LargeBinary, nullable=False),
        sa.Column("outputs", sa.LargeBinary, nullable=False),
        sa.Column("crc", sa.Integer, nullable=False),
    )
    op.create_table("epoch", sa.Column("number", sa.Integer, primary_key=True))


def downgrade() -> None:
    """Drops both tables, and all that was recorded."""
    op.drop_table("epoch")
    op.drop_table("batch")
