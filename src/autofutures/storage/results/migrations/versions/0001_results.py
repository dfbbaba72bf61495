"""The first tables: searches, the sets of parameters that were tried, and which search tried which."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "searches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False, unique=True),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("objective", sa.Text, nullable=False),
        sa.Column("space", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("data_hash", sa.Text, nullable=False),
        sa.Column("code_hash", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sets",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("data_hash", sa.Text, nullable=False, index=True),
        sa.Column("code_hash", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("figures", sa.Text, nullable=False),
        sa.Column("why_none", sa.Text, nullable=False),
        sa.Column("periods", sa.LargeBinary, nullable=False),
        sa.Column("trades", sa.LargeBinary, nullable=False),
        sa.Column("order_hash", sa.Text, nullable=False),
        sa.Column("fill_hash", sa.Text, nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "tried",
        sa.Column("search", sa.Integer, sa.ForeignKey("searches.id"), primary_key=True, autoincrement=False),
        sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, sa.ForeignKey("sets.key"), nullable=False),
    )


def downgrade() -> None:
    """Drops them: the searches can be run again."""
    for name in ("tried", "sets", "searches"):
        op.drop_table(name)
