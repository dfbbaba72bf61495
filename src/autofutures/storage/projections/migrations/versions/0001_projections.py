"""The first tables: orders, fills, positions, profit by day, exits, conditions, and how far they are."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables."""
    _conditions()
    _exits()
    _fills()
    _orders()
    _pnl_by_day()
    _positions()
    _progress()


def _conditions() -> None:
    op.create_table(
        "conditions",
        sa.Column("strategy", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("paused", sa.BigInteger, nullable=False),
        sa.Column("configured", sa.Text, nullable=False),
        sa.Column("configured_at", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.Text),
        sa.Column("side", sa.Text),
        sa.Column("quantity", sa.BigInteger),
        sa.Column("trigger_ticks", sa.BigInteger),
        sa.Column("order_ticks", sa.BigInteger),
        sa.Column("take_profit_ticks", sa.BigInteger),
        sa.Column("stop_loss_ticks", sa.BigInteger),
        sa.Column("filled", sa.BigInteger),
        sa.Column("open_qty", sa.BigInteger),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
    )


def _exits() -> None:
    op.create_table(
        "exits",
        sa.Column("strategy", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("order_seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("order_k", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("open_qty", sa.BigInteger, nullable=False),
        sa.Column("entered_qty", sa.BigInteger, nullable=False),
        sa.Column("origin_ticks", sa.BigInteger, nullable=False),
        sa.Column("take_profit_ticks", sa.BigInteger, nullable=False),
        sa.Column("stop_ticks", sa.BigInteger, nullable=False),
        sa.Column("levels_reached", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("moved_at", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
    )


def _fills() -> None:
    op.create_table(
        "fills",
        sa.Column("fill_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("order_seq", sa.BigInteger, nullable=False),
        sa.Column("order_k", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("qty", sa.BigInteger, nullable=False),
        sa.Column("price_ticks", sa.BigInteger, nullable=False),
        sa.Column("gross", sa.BigInteger, nullable=False),
        sa.Column("fee", sa.BigInteger, nullable=False),
        sa.Column("tax", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("client_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("cause_seq", sa.BigInteger, nullable=False),
        sa.Column("k", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("qty", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("price_ticks", sa.BigInteger, nullable=False),
        sa.Column("stop_ticks", sa.BigInteger, nullable=False),
        sa.Column("tif", sa.Text, nullable=False),
        sa.Column("open_close", sa.Text, nullable=False),
        sa.Column("day_trade", sa.BigInteger, nullable=False),
        sa.Column("leg", sa.BigInteger, nullable=False),
        sa.Column("why", sa.BigInteger, nullable=False),
        sa.Column("closes_seq", sa.BigInteger, nullable=False),
        sa.Column("closes_k", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("filled", sa.BigInteger, nullable=False),
        sa.Column("left", sa.BigInteger, nullable=False),
        sa.Column("cost_ticks", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("venue_id", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
    )


def _pnl_by_day() -> None:
    op.create_table(
        "pnl_by_day",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("strategy", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("symbol", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("gross", sa.BigInteger, nullable=False),
        sa.Column("fees", sa.BigInteger, nullable=False),
        sa.Column("tax", sa.BigInteger, nullable=False),
        sa.Column("net", sa.BigInteger, nullable=False),
        sa.Column("contracts", sa.BigInteger, nullable=False),
        sa.Column("fills", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
    )


def _positions() -> None:
    op.create_table(
        "positions",
        sa.Column("strategy", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("symbol", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("cost_ticks", sa.BigInteger, nullable=False),
        sa.Column("realised_ticks", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("gross", sa.BigInteger, nullable=False),
        sa.Column("fees", sa.BigInteger, nullable=False),
        sa.Column("tax", sa.BigInteger, nullable=False),
        sa.Column("net", sa.BigInteger, nullable=False),
        sa.Column("contracts", sa.BigInteger, nullable=False),
        sa.Column("fills", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
    )


def _progress() -> None:
    op.create_table(
        "progress",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("fold", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Drops them: the journal has all that was in them."""
    for name in ("conditions", "exits", "fills", "orders", "pnl_by_day", "positions", "progress"):
        op.drop_table(name)
