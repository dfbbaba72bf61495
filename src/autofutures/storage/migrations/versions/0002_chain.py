"""Batches carry a hash chain instead of a checksum each; snapshots, and a note of what was deleted."""

import sqlite3
from zlib import crc32

import sqlalchemy as sa
from alembic import op

from autofutures.domain.errors import BadMessage
from autofutures.storage.chain import START, chained, seal

revision = "0002"
down_revision = "0001"

_TRIGGER = (
    "CREATE TRIGGER {table}_removed AFTER DELETE ON {table} "
    "BEGIN INSERT OR IGNORE INTO removed (record, number) VALUES ('{table}', old.{key}); END"
)


def upgrade() -> None:
    """Chains what was recorded, after a last look at its checksums: damage must not get a good hash."""
    _make_batch("chained", sa.Column("hash", sa.LargeBinary, nullable=False))
    before = START.hash
    for expected, row in enumerate(_rows("crc"), 1):
        number, at, schema, heard, said, crc = row
        if number != expected or crc != crc32(said, crc32(heard)):
            raise BadMessage(
                f"batch {expected} is missing or does not match its checksum: the file cannot be brought up to "
                "date. Restore it from a copy; starting without it would lose track of orders and positions"
            )
        before = chained(before, number, at, schema, heard, said)
        _insert("chained", (number, at, schema, heard, said, before))
    _replace_batch("chained")
    with op.batch_alter_table("epoch") as epoch:
        epoch.add_column(sa.Column("hash", sa.LargeBinary, nullable=False, server_default=sa.text("x''")))
    for (number,) in _sqlite().execute("SELECT number FROM epoch").fetchall():
        _sqlite().execute("UPDATE epoch SET hash = ? WHERE number = ?", (seal(b"epoch", number), number))
    with op.batch_alter_table("epoch") as epoch:
        epoch.alter_column("hash", server_default=None)
    op.create_table(
        "snapshot",
        sa.Column("batch", sa.Integer, primary_key=True),
        sa.Column("follows", sa.Integer, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("schema", sa.Integer, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "removed",
        sa.Column("record", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
    )
    op.execute(_TRIGGER.format(table="batch", key="id"))
    op.execute(_TRIGGER.format(table="epoch", key="number"))


def downgrade() -> None:
    """Gives every batch its checksum back; snapshots go, for the batches tell the same."""
    op.execute("DROP TRIGGER epoch_removed")
    op.execute("DROP TRIGGER batch_removed")
    op.drop_table("removed")
    op.drop_table("snapshot")
    with op.batch_alter_table("epoch") as epoch:
        epoch.drop_column("hash")
    _make_batch("checked", sa.Column("crc", sa.Integer, nullable=False))
    for number, at, schema, heard, said, _ in _rows("hash"):
        _insert("checked", (number, at, schema, heard, said, crc32(said, crc32(heard))))
    _replace_batch("checked")


def _make_batch(name: str, last: "sa.Column[bytes] | sa.Column[int]") -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("schema", sa.Integer, nullable=False),
        sa.Column("inputs", sa.LargeBinary, nullable=False),
        sa.Column("outputs", sa.LargeBinary, nullable=False),
        last,
    )


def _replace_batch(name: str) -> None:
    op.drop_table("batch")
    op.rename_table(name, "batch")


def _rows(last: str) -> sqlite3.Cursor:
    return _sqlite().execute(f"SELECT id, at, schema, inputs, outputs, {last} FROM batch ORDER BY id")  # noqa: S608


def _insert(table: str, row: tuple[object, ...]) -> None:
    _sqlite().execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)", row)  # noqa: S608  Our own names.


def _sqlite() -> sqlite3.Connection:
    """The driver's connection, inside the migration's transaction: rows go through without being held at once."""
    driver = op.get_bind().connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(f"a journal is an SQLite file, not {type(driver).__name__}")
    return driver
