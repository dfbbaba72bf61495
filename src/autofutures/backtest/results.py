"""The database of what searches have tried: SQLite or PostgreSQL.

Every finished set is stored by itself, under the key of all that its answer depends on: so a search that is broken
off keeps what it has, goes on when it is asked for again, and never runs a set that another search has run.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from autofutures.backtest.objective import Figure, SetResult
from autofutures.backtest.space import ParameterSet
from autofutures.domain.errors import BadInput
from autofutures.portfolio.tally import Summary
from autofutures.storage.projections import migrate
from autofutures.storage.projections.engine import make_engine, transaction
from autofutures.storage.results.tables import KEPT, SEARCHES, SETS, TRIED

_AT_ONCE = 500
"""Keys in one question: SQLite takes some thousands of values in a statement."""


class Search(msgspec.Struct, frozen=True):
    """One search as it is kept. Times are UTC nanoseconds."""

    id: int
    command: str
    """The command line that asked for it, and that goes on with it."""
    strategy: str
    method: str
    objective: str
    space: list[str]
    """The `--grid` options."""
    settings: str
    """The run's settings, JSON."""
    data_hash: str
    code_hash: str
    version: str
    state: str
    """`running`, `interrupted` or `done`; a killed search says `running`."""
    refused: int
    reasons: list[str]
    started_at: int
    changed_at: int
    tried: int = 0
    """How many sets it has tried so far."""


class NewSearch(msgspec.Struct, frozen=True):
    """What makes a search the one that it is, and what is told of it."""

    identity: str
    command: str
    strategy: str
    method: str
    objective: str
    space: list[str]
    settings: str
    data_hash: str
    code_hash: str
    version: str


class Results:
    """A results database. `open` makes one.

    Args:
        engine: to a database that has the tables of this version.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Connects, and brings the tables to this version.

        Args:
            url: `sqlite:///<path>` or `postgresql+psycopg://<user>@<host>/<database>`.

        Raises:
            BadInput: the URL makes no sense, or what is there is not ours or of a newer version.
            DatabaseAway: nobody answers there.
        """
        engine = make_engine(url, KEPT.schema)
        if engine.dialect.name == "sqlite" and engine.url.database:
            Path(engine.url.database).absolute().parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            undo.callback(engine.dispose)
            with transaction(engine) as begun:
                migrate.upgrade(begun, KEPT)
            undo.pop_all()
        return cls(engine)

    def begin(self, new: NewSearch, now: int) -> int:
        """Starts a search, or goes on with the same one; says its number."""
        row = {
            **msgspec.structs.asdict(new),
            "space": _json(new.space),
            "state": "running",
            "refused": 0,
            "reasons": "[]",
            "started_at": now,
            "changed_at": now,
        }
        again = {name: row[name] for name in ("state", "changed_at", "command", "objective")}
        with transaction(self._engine) as begun:
            insert = postgresql.insert if begun.dialect.name == "postgresql" else sqlite.insert
            found = insert(SEARCHES).on_conflict_do_update(index_elements=["identity"], set_=again)
            begun.execute(found, row)
            number = sa.select(SEARCHES.c.id).where(SEARCHES.c.identity == new.identity)
            return int(begun.execute(number).scalar_one())

    def end(self, search: int, state: str, refused: int, reasons: Sequence[str], now: int) -> None:
        """Says how a search ended, or was broken off."""
        values = {"state": state, "refused": refused, "reasons": _json(list(reasons)), "changed_at": now}
        with transaction(self._engine) as begun:
            begun.execute(SEARCHES.update().where(SEARCHES.c.id == search).values(values))

    def known(self, keys: Iterable[str]) -> dict[str, SetResult]:
        """Those of the sets that are there already."""
        wanted = list(keys)
        found: dict[str, SetResult] = {}
        with transaction(self._engine) as begun:
            for begin in range(0, len(wanted), _AT_ONCE):
                some = SETS.select().where(SETS.c.key.in_(wanted[begin : begin + _AT_ONCE]))
                found |= {row["key"]: _result(row) for row in begun.execute(some).mappings()}
        return found

    def store(self, search: int, results: Mapping[int, tuple[str, SetResult]], engine: str, now: int) -> None:
        """Keeps finished sets, by their places in the search, each with its key: all of them or none."""
        if not results:
            return
        with transaction(self._engine) as begun:
            facts = begun.execute(SEARCHES.select().where(SEARCHES.c.id == search)).one()
            about = {
                "strategy": facts.strategy,
                "data_hash": facts.data_hash,
                "code_hash": facts.code_hash,
                "engine": engine,
                "stored_at": now,
            }
            rows = [{"key": key, **about, **_row(result)} for key, result in results.values()]
            insert = postgresql.insert if begun.dialect.name == "postgresql" else sqlite.insert
            # Another search may have stored the same set meanwhile, and the same answer.
            begun.execute(insert(SETS).on_conflict_do_nothing(), rows)
            _tried(begun, search, {place: key for place, (key, _) in results.items()})

    def tried(self, search: int, keys: Mapping[int, str]) -> None:
        """Notes which stored set stands at which place of a search."""
        if keys:
            with transaction(self._engine) as begun:
                _tried(begun, search, keys)

    def searches(self) -> list[Search]:
        """Every search, the first one first."""
        counts = sa.select(TRIED.c.search, sa.func.count().label("tried")).group_by(TRIED.c.search).subquery()
        query = (
            sa.select(SEARCHES, sa.func.coalesce(counts.c.tried, 0).label("tried"))
            .outerjoin(counts, counts.c.search == SEARCHES.c.id)
            .order_by(SEARCHES.c.id)
        )
        with transaction(self._engine) as begun:
            return [_search(row) for row in begun.execute(query).mappings()]

    def search(self, number: int) -> Search:
        """One search.

        Raises:
            BadInput: there is none of that number.
        """
        found = self.searches()
        for search in found:
            if search.id == number:
                return search
        there = f"the newest is {found[-1].id}" if found else "there are none yet: run autofutures sweep"
        raise BadInput(f"there is no search {number}; {there}")

    def sets(self, number: int) -> list[SetResult]:
        """What a search tried, in the order in which it was proposed."""
        query = (
            sa.select(SETS)
            .join(TRIED, TRIED.c.key == SETS.c.key)
            .where(TRIED.c.search == number)
            .order_by(TRIED.c.place)
        )
        with transaction(self._engine) as begun:
            return [_result(row) for row in begun.execute(query).mappings()]

    def tried_on(self, data_hash: str, strategy: str) -> int:
        """How many different sets of a strategy were ever tried on this data, by whichever search and code."""
        query = sa.select(sa.func.count(SETS.c.parameters.distinct())).where(
            SETS.c.data_hash == data_hash, SETS.c.strategy == strategy
        )
        with transaction(self._engine) as begun:
            return int(begun.execute(query).scalar_one())

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _tried(begun: sa.Connection, search: int, keys: Mapping[int, str]) -> None:
    rows = [{"search": search, "place": place, "key": key} for place, key in keys.items()]
    insert = postgresql.insert if begun.dialect.name == "postgresql" else sqlite.insert
    begun.execute(insert(TRIED).on_conflict_do_nothing(), rows)


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


def _row(result: SetResult) -> dict[str, str | bytes | float]:
    return {
        "parameters": _json(result.parameters),
        "summary": _json(result.summary),
        "figures": _json(result.figures),
        "why_none": _json(result.why_none),
        "periods": msgspec.msgpack.encode((result.periods, result.profits)),
        "trades": msgspec.msgpack.encode(result.trades),
        "order_hash": result.summary.order_hash,
        "fill_hash": result.summary.fill_hash,
        "seconds": result.seconds,
    }


def _result(row: sa.RowMapping) -> SetResult:
    periods, profits = msgspec.msgpack.decode(row["periods"], type=tuple[list[int], list[int]])
    return SetResult(
        parameters=msgspec.json.decode(row["parameters"], type=ParameterSet),
        summary=msgspec.json.decode(row["summary"], type=Summary),
        figures=msgspec.json.decode(row["figures"], type=dict[str, Figure]),
        why_none=msgspec.json.decode(row["why_none"], type=dict[str, str]),
        periods=periods,
        profits=profits,
        trades=msgspec.msgpack.decode(row["trades"], type=list[int]),
        seconds=row["seconds"],
    )


def _search(row: sa.RowMapping) -> Search:
    lists = {name: msgspec.json.decode(row[name], type=list[str]) for name in ("space", "reasons")}
    table: dict[str, object] = {name: row[name] for name in Search.__struct_fields__}
    return msgspec.convert({**table, **lists}, Search)
