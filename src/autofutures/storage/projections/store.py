"""A database of projections: one transaction for some batches' rows and for the position that they reach.

So a process that is killed goes on where it was, and no batch is folded twice, whoever else folds too.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from autofutures.domain.errors import Refusal
from autofutures.storage.journal_reader import Position, position_of
from autofutures.storage.projections import migrate
from autofutures.storage.projections.engine import make_engine, transaction
from autofutures.storage.projections.fold import FOLD, Find, Fold, R
from autofutures.storage.projections.rows import TABLES, Key, Row, name_of
from autofutures.storage.projections.tables import PROGRESS, ROWS
from autofutures.storage.reading import Batch

CACHE_ROWS = 20_000
"""Rows that are remembered between transactions, so that a fold seldom asks the database."""

Rows = dict[tuple[str, Key], Row]


class RebuildNeeded(Refusal):
    """The tables cannot be brought up to date: they must be made anew from the journal."""


class Projections:
    """The tables in one database. `open` makes one.

    Args:
        engine: to a database that has the tables of this version.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._cache: Rows = {}
        self._known: Position | None = None

    @classmethod
    def open(cls, url: str) -> Self:
        """Connects, and brings the tables to this version.

        Args:
            url: `sqlite:///<path>` or `postgresql+psycopg://<user>@<host>/<database>`.

        Raises:
            BadInput: the URL makes no sense, or what is there is not ours or of a newer version.
            DatabaseAway: nobody answers there.
        """
        engine = make_engine(url)
        with ExitStack() as undo:
            undo.callback(engine.dispose)
            with transaction(engine) as begun:
                migrate.upgrade(begun)
                if begun.execute(sa.select(PROGRESS)).one_or_none() is None:
                    begun.execute(PROGRESS.insert(), {"id": 1, **_progress(Position())})
            undo.pop_all()
        return cls(engine)

    def position(self) -> Position:
        """How far the journal is in the tables.

        Raises:
            RebuildNeeded: another version folded them.
            DatabaseAway: nobody answers.
        """
        if self._known is None:
            with transaction(self._engine) as begun:
                self._known = _position(begun)
        return self._known

    def advance(
        self, position: Position, batches: Sequence[Batch], day_of: Callable[[str, int], int]
    ) -> bool:
        """Folds batches into the tables and moves the position, in one transaction.

        Args:
            position: where they begin.
            batches: what follows, one at least.
            day_of: the trading day of a symbol at a time.

        Returns:
            Whether it was done; `False` where the tables were not at that position: someone else moved them.

        Raises:
            RebuildNeeded: another version folded the tables meanwhile.
            DatabaseAway: nobody answers; nothing was changed.
        """
        cache, self._cache, self._known = self._cache, {}, None  # Known again once all is committed.
        reached = position_of(batches[-1])
        with transaction(self._engine) as begun:
            if _position(begun) != position:
                return False
            fold = Fold(_find_in(begun, cache), day_of)
            for batch in batches:
                fold.hear(batch)
            _write(begun, fold.changed)
            begun.execute(PROGRESS.update().values(_progress(reached)))
        cache.update(fold.changed)
        self._cache = cache if len(cache) < CACHE_ROWS else {}
        self._known = reached
        return True

    def clear(self) -> None:
        """Empties every table and goes back to the journal's beginning.

        Raises:
            DatabaseAway: nobody answers; nothing was changed.
        """
        self._cache, self._known = {}, None
        with transaction(self._engine) as begun:
            begun.execute(sa.select(PROGRESS).with_for_update())
            for table in ROWS.values():
                begun.execute(table.delete())
            begun.execute(PROGRESS.update().values(_progress(Position())))

    @contextmanager
    def seen(self) -> Iterator["Seen"]:
        """The tables and their position as they are at one moment, whatever is written meanwhile.

        Raises:
            DatabaseAway: nobody answers.
        """
        engine = self._engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with transaction(engine) as begun:
            yield Seen(begun)

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Seen:
    """What is in the tables at one moment."""

    def __init__(self, begun: sa.Connection) -> None:
        self._begun = begun

    @property
    def position(self) -> Position:
        """How far the journal is in them.

        Raises:
            RebuildNeeded: another version folded them.
        """
        return _position(self._begun)

    def count(self, name: str) -> int:
        """How many rows a table has."""
        return self._begun.execute(sa.select(sa.func.count()).select_from(ROWS[name])).scalar_one()

    def rows(self, name: str, *, newest: int = 0) -> Iterator[Row]:
        """A table's rows by key; with `newest`, the last of them that changed, the newest first."""
        table, (kind, _) = ROWS[name], TABLES[name]
        statement = table.select().order_by(*table.primary_key)
        if newest:
            statement = table.select().order_by(table.c.batch.desc(), *table.primary_key).limit(newest)
        with self._begun.execute(statement, execution_options={"yield_per": 1_000}) as result:
            for row in result.mappings():
                yield _row(kind, row)


def _progress(position: Position) -> dict[str, str | int]:
    return {"batch": position.batch, "hash": position.hash, "at": position.at, "fold": FOLD}


def _position(begun: sa.Connection) -> Position:
    """Reads the position and keeps others from moving it until the transaction ends."""
    row = begun.execute(sa.select(PROGRESS).with_for_update()).one()
    if row.fold != FOLD:
        raise RebuildNeeded(
            f"version {row.fold} of the fold made these tables, and this is version {FOLD}: "
            "make them anew with autofutures projections rebuild"
        )
    return Position(row.batch, row.hash, row.at)


def _row(kind: type[R], found: sa.RowMapping) -> R:
    return msgspec.convert({column: found[column] for column in kind.__struct_fields__}, kind)


def _find_in(begun: sa.Connection, cache: Rows) -> Find:
    def find(kind: type[R], key: Key) -> R | None:
        name = name_of(kind)
        known = cache.get((name, key))
        if isinstance(known, kind):
            return known
        table = ROWS[name]
        is_it = [column == value for column, value in zip(table.primary_key, key, strict=True)]
        row = begun.execute(table.select().where(*is_it)).mappings().one_or_none()
        return None if row is None else _row(kind, row)

    return find


def _write(begun: sa.Connection, changed: Rows) -> None:
    insert = postgresql.insert if begun.dialect.name == "postgresql" else sqlite.insert
    for name, table in ROWS.items():
        rows = [msgspec.structs.asdict(row) for (of, _), row in changed.items() if of == name]
        if rows:
            new = insert(table)
            others = {column.name: new.excluded[column.name] for column in table.c if not column.primary_key}
            begun.execute(new.on_conflict_do_update(index_elements=table.primary_key, set_=others), rows)
