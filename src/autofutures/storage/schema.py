"""The tables of a journal file, as this version knows them; `migrations` is how a file comes to have them."""

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

BATCH = Table(
    "batch",
    METADATA,
    Column("id", Integer, primary_key=True, comment="consecutive, from 1"),
    Column("at", Integer, nullable=False, comment="the trader's time, UTC nanoseconds"),
    Column("schema", Integer, nullable=False, comment="domain.messages.SCHEMA of the two blobs"),
    Column("inputs", LargeBinary, nullable=False, comment="msgpack array of messages"),
    Column("outputs", LargeBinary, nullable=False, comment="msgpack array of messages"),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 over the hash before and the other columns"),
)
"""What was handled together: inputs worth keeping, and all that the trader said to them."""

EPOCH = Table(
    "epoch",
    METADATA,
    Column("number", Integer, primary_key=True, comment="each life of a trader"),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 over the number"),
)
"""Epochs that have been given out; the newest is the largest."""

SNAPSHOT = Table(
    "snapshot",
    METADATA,
    Column("batch", Integer, primary_key=True, comment="the batch that it was made after"),
    Column("follows", Integer, nullable=False, comment="the snapshot that it adds to; 0 where it is whole"),
    Column("at", Integer, nullable=False, comment="the trader's time, UTC nanoseconds"),
    Column("schema", Integer, nullable=False, comment="domain.messages.SCHEMA of the facts"),
    Column("chain", LargeBinary, nullable=False, comment="the hash of that batch"),
    Column("facts", LargeBinary, nullable=False, comment="msgpack array of messages"),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 over the other columns"),
)
"""Facts whose fold, after those that it adds to, is the trader after that batch; the newest two whole ones are kept."""

REMOVED = Table(
    "removed",
    METADATA,
    Column("record", Text, primary_key=True, comment="batch or epoch"),
    Column("number", Integer, primary_key=True),
)
"""What somebody deleted. No version of autofutures does: triggers of the file itself write it down."""
