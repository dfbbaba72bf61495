import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.storage.projections.engine import (
    DatabaseAway,
    kept_url,
    make_engine,
    shown_url,
    transaction,
)
from tests.postgres import Server


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("projections.sqlite", "'projections.sqlite' is no database's URL: write sqlite:///<path>"),
        ("oracle9://x", "is no database's URL"),
        ("mysql://u:secret@h/d", "is no database's URL|not in mysql"),
        ("", "'' is no database's URL"),
    ],
)
def test_a_url_that_we_cannot_use_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        make_engine(url)
    assert "secret" not in str(refused.value)


def test_a_url_is_shown_without_its_password_and_not_kept_with_it() -> None:
    url = "postgresql+psycopg://me:secret@h/d"
    assert shown_url(url) == "postgresql+psycopg://me:***@h/d"
    with pytest.raises(BadInput, match=r"put it into ~/\.pgpass") as refused:
        kept_url(url)
    assert "secret" not in str(refused.value)


def test_a_kept_url_means_the_same_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert kept_url("sqlite:///p.sqlite") == f"sqlite:///{tmp_path / 'p.sqlite'}"
    assert kept_url("postgresql://me@h/d") == "postgresql://me@h/d"


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(BadInput, match=r"pip install 'autofutures\[postgres\]'"):
        make_engine("postgresql://me@h/d")


def make_two(begun: sa.Connection) -> None:
    begun.exec_driver_sql("CREATE TABLE two (id INTEGER)")
    begun.exec_driver_sql("INSERT INTO one VALUES (1)")


def test_a_transaction_that_fails_changes_nothing_tables_included(database_url: str) -> None:
    engine = make_engine(database_url)
    with transaction(engine) as begun:
        begun.exec_driver_sql(
            "CREATE SCHEMA IF NOT EXISTS autofutures" if "psycopg" in database_url else "SELECT 1"
        )
        begun.exec_driver_sql("CREATE TABLE one (id INTEGER PRIMARY KEY)")
        begun.exec_driver_sql("INSERT INTO one VALUES (1)")
    with (
        pytest.raises(BrokenInvariant, match="does not hold what was made of the journal"),
        transaction(engine) as begun,
    ):
        make_two(begun)
    with transaction(engine) as begun:
        assert sa.inspect(begun).get_table_names() == ["one"]
    engine.dispose()


def test_a_statement_that_makes_no_sense_is_no_outage(database_url: str) -> None:
    engine = make_engine(database_url)
    kind = DatabaseAway if database_url.startswith("sqlite") else BadInput  # SQLite has one word for both.
    with pytest.raises(kind, match="nowhere"), transaction(engine) as begun:
        begun.exec_driver_sql("SELECT * FROM nowhere")
    engine.dispose()


def test_a_server_that_is_not_there_is_away(tmp_path: Path) -> None:
    engine = make_engine(f"postgresql://me@/d?host={tmp_path}")
    with (
        pytest.raises(DatabaseAway, match="does not answer: connection"),
        transaction(engine),
    ):
        pass


def test_a_server_that_was_killed_is_away_until_it_is_back(postgres: Server) -> None:
    engine = make_engine(postgres.empty_database())

    def search_path() -> str:
        with transaction(engine) as begun:
            return str(begun.exec_driver_sql("SHOW search_path").scalar_one())

    assert search_path() == "autofutures"
    postgres.kill()
    try:
        for _ in range(2):
            with pytest.raises(DatabaseAway):
                search_path()
    finally:
        postgres.start()
    assert search_path() == "autofutures"
    engine.dispose()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "notes.txt"
    place.write_text("no database, and long enough to be asked for its header" * 20)
    refused = pytest.raises(BadInput, match="cannot be used: file is not a database")
    with refused, transaction(make_engine(f"sqlite:///{place}")):
        pass
