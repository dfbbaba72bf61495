"""The tables of a results database as SQLAlchemy has them; `migrations` is how a database comes to have them."""

from pathlib import Path

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, LargeBinary, MetaData, Table, Text

from autofutures.storage.projections.migrate import Kept

KEPT = Kept(
    what="results of searches",
    migrations=Path(__file__).parent / "migrations",
    schema="autofutures_research",
    version_table="results_version",
)

METADATA = MetaData()

SEARCHES = Table(
    "searches",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, nullable=False, unique=True),
    Column("command", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("objective", Text, nullable=False),
    Column("space", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
"""One row for each search: the same space, method, settings, data and code are the same search, run once or again."""

SETS = Table(
    "sets",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("strategy", Text, nullable=False),
    Column("data_hash", Text, nullable=False, index=True),
    Column("code_hash", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("figures", Text, nullable=False),
    Column("why_none", Text, nullable=False),
    Column("periods", LargeBinary, nullable=False),
    Column("trades", LargeBinary, nullable=False),
    Column("order_hash", Text, nullable=False),
    Column("fill_hash", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
)
"""One row for each set of parameters on one market with one code, whichever searches tried it."""

TRIED = Table(
    "tried",
    METADATA,
    Column("search", Integer, ForeignKey("searches.id"), primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, ForeignKey("sets.key"), nullable=False),
)
"""Which sets a search tried, in the order in which they were proposed."""
