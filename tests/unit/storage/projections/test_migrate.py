"""Upgrade and downgrade with data, on SQLite and on PostgreSQL."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from autofutures.domain.errors import BadInput
from autofutures.market.sessions import Calendar
from autofutures.storage.journal_reader import JournalReader
from autofutures.storage.projections.engine import make_engine, transaction
from autofutures.storage.projections.follow import Follower
from autofutures.storage.projections.migrate import MIGRATIONS, alembic_config, current_revision, upgrade
from autofutures.storage.projections.rows import TABLES
from autofutures.storage.projections.store import Projections
from autofutures.storage.projections.tables import VERSION_TABLE
from tests.journals import a_day

TOMORROW = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "0001"


def upgrade():
    with op.batch_alter_table("fills") as fills:
        fills.add_column(sa.Column("venue", sa.Text, nullable=False, server_default="sim"))
{more}

def downgrade():
    with op.batch_alter_table("fills") as fills:
        fills.drop_column("venue")
"""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("day") / "journal.sqlite"
    a_day(path, trades=200)
    return path


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = make_engine(database_url)
    yield made
    made.dispose()


def fill(url: str, journal: Path) -> None:
    with Projections.open(url) as projections:
        assert Follower(JournalReader(journal), projections, Calendar()).update() > 20


def difference(url: str, journal: Path) -> str:
    with Projections.open(url) as projections:
        return Follower(JournalReader(journal), projections, Calendar()).difference()


def with_tomorrow(begun: sa.Connection, folder: Path, more: str = "") -> Config:
    """Our migrations and one more, as a later version would have it."""
    (folder / "9999_tomorrow.py").write_text(TOMORROW.format(more=more))
    config = alembic_config(begun)
    config.set_main_option("version_locations", os.pathsep.join([str(MIGRATIONS / "versions"), str(folder)]))
    return config


def test_the_migrations_make_the_tables_that_this_version_declares(engine: sa.Engine) -> None:
    with transaction(engine) as begun:
        upgrade(begun)
        command.check(alembic_config(begun))
        assert current_revision(begun) == "0001"
        upgrade(begun)


def test_an_upgrade_keeps_every_row_and_so_does_the_way_back(
    engine: sa.Engine, database_url: str, journal: Path, tmp_path: Path
) -> None:
    fill(database_url, journal)
    with transaction(engine) as begun:
        before = begun.execute(sa.text("SELECT * FROM fills ORDER BY fill_id")).all()
        command.upgrade(with_tomorrow(begun, tmp_path), "head")
        assert begun.execute(sa.text("SELECT * FROM fills ORDER BY fill_id")).all() == [
            (*row, "sim") for row in before
        ]
    with transaction(engine) as begun:
        command.downgrade(with_tomorrow(begun, tmp_path), "0001")
        command.check(alembic_config(begun))
        assert begun.execute(sa.text("SELECT * FROM fills ORDER BY fill_id")).all() == before
    assert difference(database_url, journal) == ""


def test_an_upgrade_that_fails_leaves_everything_as_it_was(
    engine: sa.Engine, database_url: str, journal: Path, tmp_path: Path
) -> None:
    fill(database_url, journal)
    more = (
        "    op.execute('CREATE TABLE later (x INTEGER)')\n    op.execute('INSERT INTO nowhere VALUES (1)')\n"
    )
    with pytest.raises(sa.exc.DBAPIError, match="nowhere"), engine.begin() as begun:
        command.upgrade(with_tomorrow(begun, tmp_path, more), "head")
    with transaction(engine) as begun:
        command.check(alembic_config(begun))
        assert "later" not in sa.inspect(begun).get_table_names()
    assert difference(database_url, journal) == ""


def test_the_last_way_back_takes_the_tables_away_and_the_journal_makes_them_again(
    engine: sa.Engine, database_url: str, journal: Path
) -> None:
    fill(database_url, journal)
    with transaction(engine) as begun:
        command.downgrade(alembic_config(begun), "base")
        assert sa.inspect(begun).get_table_names() == [VERSION_TABLE]
    fill(database_url, journal)
    assert difference(database_url, journal) == ""


def test_tables_of_a_newer_version_are_refused_and_left_alone(
    engine: sa.Engine, database_url: str, journal: Path, tmp_path: Path
) -> None:
    fill(database_url, journal)
    with transaction(engine) as begun:
        command.upgrade(with_tomorrow(begun, tmp_path), "head")
    with pytest.raises(
        BadInput, match=r"have schema 9999 and this version .* knows up to 0001: a newer version"
    ):
        Projections.open(database_url)
    with transaction(engine) as begun:
        assert current_revision(begun) is not None


def test_a_journal_is_not_taken_for_a_database_of_projections(journal: Path) -> None:
    before = journal.read_bytes()
    with pytest.raises(BadInput, match=r"that are no projections \(alembic_version, batch, epoch"):
        Projections.open(f"sqlite:///{journal}")
    assert journal.read_bytes() == before


def test_in_postgresql_nothing_outside_our_schema_is_looked_at_or_touched(
    request: pytest.FixtureRequest, tmp_path: Path, journal: Path
) -> None:
    url = request.getfixturevalue("postgres").empty_database()
    theirs = sa.create_engine(url)
    with theirs.begin() as begun:
        begun.exec_driver_sql("CREATE TABLE IF NOT EXISTS orders (theirs INTEGER)")
    fill(url, journal)
    with theirs.begin() as begun:
        assert begun.exec_driver_sql("SELECT count(*) FROM public.orders").scalar_one() == 0
        assert begun.exec_driver_sql("SELECT count(*) FROM autofutures.orders").scalar_one() > 0
        names = set(sa.inspect(begun).get_table_names("autofutures"))
    theirs.dispose()
    assert names == {*TABLES, "progress", VERSION_TABLE}
