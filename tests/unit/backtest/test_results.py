from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from autofutures.backtest.results import NewSearch, Results
from autofutures.domain.errors import BadInput
from autofutures.storage.projections.engine import make_engine, transaction
from autofutures.storage.projections.migrate import alembic_config, current_revision, upgrade
from autofutures.storage.projections.store import Projections
from autofutures.storage.results.tables import KEPT
from tests.postgres import Server
from tests.unit.backtest.searches import result

NEW = NewSearch(
    identity="i",
    command="autofutures sweep …",
    strategy="ema_cross",
    method="grid",
    objective="net_pnl",
    space=["fast=1:4"],
    settings="{}",
    data_hash="d",
    code_hash="c",
    version="0.1",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'results.sqlite'}"
    server: Server = request.getfixturevalue("postgres")
    place = server.empty_database()
    outside = sa.create_engine(place)
    with outside.begin() as begun:
        begun.exec_driver_sql(f"DROP SCHEMA IF EXISTS {KEPT.schema} CASCADE")
    outside.dispose()
    return place


@pytest.fixture
def results(url: str) -> Iterator[Results]:
    with Results.open(url) as opened:
        yield opened


def replaced(**values: str) -> NewSearch:
    return NewSearch(**({name: getattr(NEW, name) for name in NEW.__struct_fields__} | values))


def test_a_set_comes_back_as_it_was_stored(results: Results) -> None:
    number = results.begin(NEW, 1)
    stored = result(
        {"fast": 2, "width": 0.1, "night": True, "how": "up"}, [2**62, -(2**62), 0], sharpe=1 / 3, calmar=None
    )
    results.store(number, {0: ("k", stored)}, "nodes", 2)
    assert results.known(["k", "other"]) == {"k": stored}


def test_a_search_lists_its_sets_in_the_order_of_its_proposals_whenever_they_were_done(
    results: Results,
) -> None:
    number = results.begin(NEW, 1)
    sets = {f"k{n}": result({"n": n}) for n in range(3)}
    results.store(number, {2: ("k2", sets["k2"])}, "nodes", 2)
    results.store(number, {1: ("k1", sets["k1"]), 0: ("k0", sets["k0"])}, "nodes", 3)
    assert [one.parameters["n"] for one in results.sets(number)] == [0, 1, 2]


def test_the_same_search_goes_on_and_another_one_is_new(results: Results) -> None:
    number = results.begin(NEW, 1)
    results.end(number, "interrupted", 3, ["why"], 5)
    found = results.search(number)
    assert (found.state, found.refused, found.reasons, found.started_at, found.changed_at) == (
        "interrupted", 3, ["why"], 1, 5,
    )  # fmt: skip
    assert results.begin(replaced(command="again"), 7) == number
    found = results.search(number)
    assert (found.state, found.command, found.started_at, found.changed_at) == ("running", "again", 1, 7)
    other = results.begin(replaced(identity="j"), 8)
    assert [one.id for one in results.searches()] == [number, other]


def test_a_set_that_another_search_stored_is_kept_once_and_belongs_to_both(results: Results) -> None:
    one, other = results.begin(NEW, 1), results.begin(replaced(identity="j"), 2)
    stored = result({"n": 1})
    for number in (one, other):
        results.store(number, {0: ("k", stored)}, "nodes", 3)
        results.tried(number, {0: "k"})
    assert results.sets(one) == results.sets(other) == [stored]
    assert [search.tried for search in results.searches()] == [1, 1]


def test_sets_are_counted_by_data_and_strategy_over_all_searches_and_codes(results: Results) -> None:
    one = results.begin(NEW, 1)
    other = results.begin(replaced(identity="j", code_hash="c2"), 1)
    elsewhere = results.begin(replaced(identity="k", data_hash="d2"), 1)
    results.store(one, {0: ("a", result({"n": 1})), 1: ("b", result({"n": 2}))}, "nodes", 1)
    results.store(other, {0: ("c", result({"n": 2})), 1: ("d", result({"n": 3}))}, "nodes", 1)
    results.store(elsewhere, {0: ("e", result({"n": 9}))}, "nodes", 1)
    assert results.tried_on("d", "ema_cross") == 3
    assert results.tried_on("d", "other") == 0


def test_many_sets_are_looked_up_some_at_a_time(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autofutures.backtest.results._AT_ONCE", 2)
    number = results.begin(NEW, 1)
    results.store(number, {n: (f"k{n}", result({"n": n})) for n in range(5)}, "nodes", 1)
    assert len(results.known(f"k{n}" for n in range(7))) == 5


def test_nothing_to_store_is_no_work(results: Results) -> None:
    number = results.begin(NEW, 1)
    results.store(number, {}, "nodes", 1)
    results.tried(number, {})
    assert results.sets(number) == []


def test_a_search_that_is_not_there_is_refused_with_what_there_is(results: Results) -> None:
    with pytest.raises(BadInput, match="there is no search 1; there are none yet"):
        results.search(1)
    results.begin(NEW, 1)
    with pytest.raises(BadInput, match="there is no search 9; the newest is 1"):
        results.search(9)


def test_the_migrations_make_the_tables_that_this_version_declares(url: str) -> None:
    Results.open(url).close()
    engine = make_engine(url, KEPT.schema)
    with transaction(engine) as begun:
        command.check(alembic_config(begun, KEPT))
        assert current_revision(begun, KEPT) == "0001"
        upgrade(begun, KEPT)
        command.downgrade(alembic_config(begun, KEPT), "base")
        assert sa.inspect(begun).get_table_names() == [KEPT.version_table]
    engine.dispose()
    Results.open(url).close()


def test_in_postgresql_results_and_projections_live_side_by_side(postgres: Server) -> None:
    url = postgres.empty_database()
    Results.open(url).close()
    Projections.open(url).close()
    with Results.open(url) as results:
        assert results.searches() is not None


def test_a_file_of_projections_is_not_taken_for_one_of_results(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'projections.sqlite'}"
    Projections.open(url).close()
    with pytest.raises(BadInput, match="tables here that are no results of searches"):
        Results.open(url)
