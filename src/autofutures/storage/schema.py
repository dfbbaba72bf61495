"""The tables of a journal file, as this version knows them; `migrations` is how a file comes to have them."""

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table

APPLICATION_ID = 0x4146_544A
"""Stands in the header of every journal file ("AFTJ"), so that no other SQLite file is taken for one."""

METADATA = MetaData()

BATCH = Table(
    "batch",
    METADATA,
    Column("id", Integer, primary_key=True, comment="consecutive, from 1"),
    Column("at", Integer, nullable=False, comment="the trader's time, UTC nanoseconds"),
    Column("schema", Integer, nullable=False, comment="domain.messages.SCHEMA of the two blobs"),
    Column("inputs", LargeBinary, nullable=False, comment="msgpack array of messages"),
    Column("outputs", LargeBinary, nullable=False, comment="msgpack array of messages"),
    Column("crc", Integer, nullable=False, comment="CRC-32 of inputs, then outputs"),
)
"""What was handled together: inputs without ticks and quotes, and all that the trader said to them."""

EPOCH = Table("epoch", METADATA, Column("number", Integer, primary_key=True, comment="each life of a trader"))
"""Epochs that have been given out; the newest is the largest."""
