"""Update, rebuild and proof, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.market.sessions import Calendar
from autofutures.storage.journal_reader import JournalReader, Position
from autofutures.storage.projections import store as store_module
from autofutures.storage.projections.engine import make_engine, transaction
from autofutures.storage.projections.follow import Follower
from autofutures.storage.projections.rows import TABLES, FillRow, OrderRow, PositionRow
from autofutures.storage.projections.store import Projections, RebuildNeeded
from autofutures.storage.projections.tables import PROGRESS, ROWS
from autofutures.trader import Trader
from tests.journals import a_day


class Day:
    """A journal and the trader who wrote it."""

    def __init__(self, path: Path, seed: int = 1) -> None:
        self.path = path
        self.trader: Trader = a_day(path, trades=200, seed=seed)
        self.reader = JournalReader(path)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return Day(tmp_path_factory.mktemp("day") / "journal.sqlite")


@pytest.fixture
def projections(database_url: str) -> Iterator[Projections]:
    with Projections.open(database_url) as opened:
        yield opened


@pytest.fixture
def follower(day: Day, projections: Projections) -> Follower:
    return Follower(day.reader, projections, Calendar())


def contents(projections: Projections) -> dict[str, list[object]]:
    with projections.seen() as seen:
        return {"position": [seen.position], **{name: list(seen.rows(name)) for name in TABLES}}


def test_an_update_folds_all_and_says_how_it_goes(
    day: Day, projections: Projections, follower: Follower
) -> None:
    heard: list[int] = []
    folded = follower.update(heard.append)
    assert folded == day.reader.head().batch == heard[-1] > 50
    assert projections.position() == day.reader.head()
    assert follower.update() == 0
    assert follower.difference() == ""
    with projections.seen() as seen:
        positions = {
            (row.strategy, row.symbol): row.position
            for row in seen.rows("positions")
            if isinstance(row, PositionRow)
        }
        fills = [row.fill_id for row in seen.rows("fills") if isinstance(row, FillRow)]
        assert seen.count("fills") == len(fills) == len(set(fills)) > 10
    assert positions == {
        (strategy, symbol): ledger.position for strategy, symbol, ledger in day.trader.portfolio.ledgers()
    }


def test_a_follower_that_dies_anywhere_goes_on_where_it_was(
    day: Day, database_url: str, follower: Follower, projections: Projections
) -> None:
    for limit in (1, 7, 40):
        assert follower.step(limit) == limit
        with Projections.open(database_url) as another:  # What a new process finds.
            follower = Follower(day.reader, another, Calendar())
            assert follower.difference() == ""
            assert follower.step(3) == 3
        follower = Follower(day.reader, projections, Calendar())
    follower.update()
    assert follower.difference() == ""


def test_a_transaction_that_does_not_end_changes_neither_rows_nor_position(
    projections: Projections, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower.step(30)
    before = contents(projections)

    def killed(_position: Position) -> dict[str, str | int]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_progress", killed)
        with pytest.raises(KeyboardInterrupt):
            follower.step(30)
    assert contents(projections) == before
    follower.update()
    assert follower.difference() == ""


def test_two_followers_of_one_journal_fold_every_batch_once(
    day: Day, database_url: str, projections: Projections, follower: Follower
) -> None:
    with Projections.open(database_url) as another:
        second = Follower(day.reader, another, Calendar())
        while follower.step(30) + second.step(17):
            pass
    assert projections.position() == day.reader.head()
    assert follower.difference() == ""


def test_a_rebuild_while_another_follows_ends_in_the_same_tables(
    day: Day, database_url: str, follower: Follower
) -> None:
    follower.step(50)
    with Projections.open(database_url) as another:
        Follower(day.reader, another, Calendar()).rebuild()
    assert follower.update() == 0
    assert follower.difference() == ""


def test_a_rebuild_mends_what_a_hand_has_broken(
    projections: Projections, follower: Follower, database_url: str
) -> None:
    follower.update()
    before = contents(projections)
    engine = make_engine(database_url)
    with transaction(engine) as begun:
        begun.execute(ROWS["orders"].delete())
    engine.dispose()
    assert follower.difference() != ""
    follower.rebuild()
    assert contents(projections) == before


CHANGES = {
    "fills": ("price_ticks", 1, "price_ticks is 1 and the journal makes it"),
    "positions": ("net", 7, "net is 7 and the journal makes it"),
    "orders": ("status", "lost", "status is 'lost' and the journal makes it 'filled'"),
    "exits": ("stop_ticks", 3, "stop_ticks is 3 and the journal makes it"),
    "conditions": ("quantity", None, "quantity is None and the journal makes it 2"),
    "pnl_by_day": ("tax", -1, "tax is -1 and the journal makes it"),
}


@pytest.mark.parametrize("name", TABLES)
def test_one_value_that_differs_is_named(
    name: str, projections: Projections, follower: Follower, database_url: str
) -> None:
    follower.update()
    column, value, words = CHANGES[name]
    engine = make_engine(database_url)
    table = ROWS[name]
    with transaction(engine) as begun:
        keys = list(table.primary_key)
        where = [table.c.status == "filled"] if name == "orders" else []
        first = begun.execute(sa.select(*keys).where(*where).order_by(*keys)).first()
        assert first is not None
        is_it = [key == part for key, part in zip(keys, first, strict=True)]
        begun.execute(table.update().where(*is_it).values({column: value}))
    engine.dispose()
    found = follower.difference()
    assert found.startswith(f"{name} {', '.join(str(part) for part in first)}: {words}")


def test_a_row_too_many_and_a_row_too_few_are_named(
    projections: Projections, follower: Follower, database_url: str
) -> None:
    follower.update()
    with projections.seen() as seen:
        order = next(seen.rows("orders"))
    assert isinstance(order, OrderRow)
    strange = msgspec.structs.replace(order, client_id="zz")
    engine = make_engine(database_url)
    with transaction(engine) as begun:
        begun.execute(ROWS["orders"].insert(), msgspec.structs.asdict(strange))
    assert follower.difference() == "orders zz is in the tables and not in the journal"
    with transaction(engine) as begun:
        begun.execute(ROWS["orders"].delete().where(ROWS["orders"].c.client_id.in_(["zz", order.client_id])))
    engine.dispose()
    assert follower.difference() == f"orders {order.client_id} is in the journal and not in the tables"


def test_a_journal_that_was_restored_or_is_another_asks_for_a_rebuild(
    day: Day, projections: Projections, follower: Follower, tmp_path: Path
) -> None:
    follower.update()
    other = Follower(Day(tmp_path / "other.sqlite", seed=2).reader, projections, Calendar())
    for look in (other.update, other.difference):
        with pytest.raises(
            RebuildNeeded, match=r"another (journal|one)\. .* autofutures projections rebuild"
        ):
            look()
    assert follower.update() == 0  # Nothing was harmed.
    other.rebuild()
    assert other.difference() == ""
    with pytest.raises(RebuildNeeded):
        follower.step()


def test_a_journal_that_cannot_be_read_does_not_cost_us_the_tables(
    projections: Projections, follower: Follower, tmp_path: Path
) -> None:
    follower.update()
    before = contents(projections)
    with pytest.raises(BadInput, match="there is no journal at"):
        Follower(JournalReader(tmp_path / "nowhere.sqlite"), projections, Calendar()).rebuild()
    assert contents(projections) == before


def test_tables_that_another_version_folded_ask_for_a_rebuild(
    database_url: str, day: Day, follower: Follower
) -> None:
    follower.update()
    engine = make_engine(database_url)
    with transaction(engine) as begun:
        begun.execute(PROGRESS.update().values(fold=0))
    engine.dispose()
    with Projections.open(database_url) as opened:
        later = Follower(day.reader, opened, Calendar())
        with pytest.raises(RebuildNeeded, match="version 0 of the fold made these tables"):
            later.step()
        later.rebuild()
        assert later.difference() == ""


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(1, 60), min_size=1, max_size=6), forget=st.booleans())
def test_however_the_batches_are_shared_out_the_tables_are_the_same(
    steps: list[int], forget: bool, day: Day, tmp_path: Path
) -> None:
    place = tmp_path / "steps.sqlite"
    for file in tmp_path.glob("steps.sqlite*"):
        file.unlink()
    with Projections.open(f"sqlite:///{place}") as opened:
        follower = Follower(day.reader, opened, Calendar())
        for limit in steps:
            follower.step(limit)
            if forget:
                opened.close()
        assert follower.difference() == ""


def test_the_newest_rows_come_first_when_asked_for(projections: Projections, follower: Follower) -> None:
    follower.update()
    with projections.seen() as seen:
        newest = [row.batch for row in seen.rows("orders", newest=5) if isinstance(row, OrderRow)]
        assert len(newest) == 5
        assert newest == sorted(newest, reverse=True)
        assert newest[0] == max(row.batch for row in seen.rows("orders") if isinstance(row, OrderRow))
