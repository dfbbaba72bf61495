import heapq
import tracemalloc
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog, TickColumns, place_of
from autofutures.data.feed import events
from autofutures.data.stream import (
    COLUMNS,
    SESSION_END,
    Chunk,
    ahead,
    chunks,
    days_of,
    filled,
    merged,
    of_ticks,
    with_ends,
)
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, SessionEnded, Tick
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar, Session
from tests.unit.data.files import put

TXF, MXF, TMF = "TAIFEX:TXF202108", "TAIFEX:MXF202108", "TAIFEX:TMF202108"
DAYS = (20210726, 20210727, 20210728)
CALENDAR = Calendar()
OPENS = sessions_of(TXF, DAYS[0], CALENDAR)[1].opens_at

Row = tuple[int, int]


def ticks_of(rows: Sequence[Row], symbol: str = TXF, day: int = DAYS[0]) -> TickColumns:
    """Trades of one contract each, as (at, price in ticks)."""
    return TickColumns(
        symbol,
        day,
        np.array([at for at, _ in rows], np.int64),
        np.array([price for _, price in rows], np.int64),
        np.ones(len(rows), np.int64),
        np.zeros(len(rows), np.bool_),
    )


def run_of(root: Path, *symbols: str, until: int = DAYS[-1]) -> RunSettings:
    return RunSettings(symbols=symbols, day=DAYS[0], until=until, source="recorded", catalog=str(root))


def rows_of(found: Iterator[Chunk]) -> list[tuple[int, ...]]:
    return [
        row
        for chunk in found
        for row in zip(*(getattr(chunk, name).tolist() for name in COLUMNS), strict=True)
    ]


def slow_leg(symbol: str, rows: Sequence[Row], sessions: Sequence[Session]) -> Iterator[Tick | SessionEnded]:
    """One event after the other: what columns must give too."""
    coming = iter(sessions)
    session = next(coming, None)
    traded = False
    for at, price_ticks in rows:
        while session is not None and at >= session.ends_at:
            if traded:
                yield SessionEnded(symbol, session.ends_at, session.day, session.name)
            session, traded = next(coming, None), False
        traded = True
        yield Tick(symbol, at, price_ticks, 1)
    if traded and session is not None:
        yield SessionEnded(symbol, session.ends_at, session.day, session.name)


NIGHT_OPENS = sessions_of(TXF, DAYS[0], CALENDAR)[0].opens_at
DAY_ENDS = sessions_of(TXF, DAYS[0], CALENDAR)[1].ends_at
ANY = st.lists(st.integers(NIGHT_OPENS, DAY_ENDS + 2), max_size=20).map(sorted)
COARSE = st.lists(st.integers(0, 4), max_size=20).map(lambda ns: sorted(OPENS + n for n in ns))
BACKWARD = st.lists(st.integers(0, 4), max_size=20).map(lambda ns: [OPENS + n for n in ns])


@given(st.lists(ANY | COARSE | BACKWARD, min_size=1, max_size=4), st.integers(1, 7), st.integers(1, 9))
def test_columns_are_merged_as_one_event_after_the_other_is(
    legs: list[list[int]], slice_rows: int, rows: int
) -> None:
    sessions = sessions_of(TXF, DAYS[0], CALENDAR)
    symbols = [TXF, MXF, TMF, "TAIFEX:EXF202108"][: len(legs)]
    numbered = [[(at, n) for n, at in enumerate(leg)] for leg in legs]
    slow = heapq.merge(
        *(slow_leg(symbol, leg, sessions) for symbol, leg in zip(symbols, numbered, strict=True)),
        key=attrgetter("at"),
    )

    def columns(leg: int) -> Iterator[Chunk]:
        whole = of_ticks(ticks_of(numbered[leg]), leg)
        parts = [whole.part(start, start + slice_rows) for start in range(0, len(whole), slice_rows)]
        return with_ends(parts, sessions, leg)

    found = list(filled(merged([columns(leg) for leg in range(len(legs))]), rows))
    assert all(len(chunk) == rows for chunk in found[:-1])
    assert all(0 < len(chunk) <= rows for chunk in found)
    assert list(events(found, symbols, lambda _leg, _day, number: sessions[number].name)) == list(slow)


def test_a_chunk_says_ticks_and_session_ends_in_its_columns(tmp_path: Path) -> None:
    put(tmp_path, TXF, DAYS[0], [(OPENS, 17_400)])
    ends_at = sessions_of(TXF, DAYS[0], CALENDAR)[1].ends_at
    assert rows_of(chunks(run_of(tmp_path, TXF))) == [
        (OPENS, 0, 0, 17_400, 1, 0, 0),
        (ends_at, SESSION_END, 0, DAYS[0], 1, 0, 0),
    ]


def test_a_quote_in_a_chunk_is_a_quote() -> None:
    numbers = [np.array([number]) for number in (OPENS, 1, 0, 99, 5, 101, 7)]
    assert list(events([Chunk(*numbers)], [TXF], lambda *_: "")) == [Quote(TXF, OPENS, 99, 5, 101, 7)]


def test_days_follow_each_other_and_each_session_ends(tmp_path: Path) -> None:
    for day in DAYS:
        opens = [session.opens_at for session in sessions_of(TXF, day, CALENDAR)]
        put(tmp_path, TXF, day, [(at + n, 17_000) for at in opens for n in range(3)])
    found = rows_of(chunks(run_of(tmp_path, TXF)))
    assert [row[3:5] for row in found if row[1] == SESSION_END] == [(day, n) for day in DAYS for n in (0, 1)]
    assert [row[0] for row in found] == sorted(row[0] for row in found)
    one_by_one = [row for day in DAYS for row in rows_of(chunks(_only(run_of(tmp_path, TXF), day)))]
    assert found == one_by_one


def _only(run: RunSettings, day: int) -> RunSettings:
    return msgspec.structs.replace(run, day=day, until=0)


def test_no_day_before_the_first_or_after_the_last_is_read(tmp_path: Path) -> None:
    for day in DAYS:
        put(tmp_path, TXF, day, [(sessions_of(TXF, day, CALENDAR)[1].opens_at, day)])
    run = msgspec.structs.replace(run_of(tmp_path, TXF), day=DAYS[1], until=DAYS[1])
    assert [row[3] for row in rows_of(chunks(run))] == [DAYS[1], DAYS[1]]
    assert days_of(Catalog(tmp_path), TXF, DAYS[0], DAYS[1]) == list(DAYS[:2])


def test_a_day_that_one_contract_lacks_is_traded_by_the_others(tmp_path: Path) -> None:
    for day in DAYS:
        opens = sessions_of(TXF, day, CALENDAR)[1].opens_at
        put(tmp_path, MXF, day, [(opens, day)])
        if day != DAYS[1]:
            put(tmp_path, TXF, day, [(opens, day)])
    ticks = [row for row in rows_of(chunks(run_of(tmp_path, TXF, MXF))) if row[1] == 0]
    assert [(row[3], row[2]) for row in ticks] == [
        (DAYS[0], 0),
        (DAYS[0], 1),
        (DAYS[1], 1),
        (DAYS[2], 0),
        (DAYS[2], 1),
    ]


def test_a_contract_without_any_day_is_refused_at_once(tmp_path: Path) -> None:
    put(tmp_path, TXF, DAYS[0], [(OPENS, 17_400)])
    with pytest.raises(BadInput, match="no trades of TAIFEX:MXF202108"):
        chunks(run_of(tmp_path, TXF, MXF))


def test_more_symbols_than_a_leg_can_count_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at most 255 symbols, and 256 were named"):
        chunks(run_of(tmp_path, *(f"TAIFEX:TXF{2000 + n}01" for n in range(256))))


def test_a_damaged_day_is_an_error_of_whoever_reads_on(tmp_path: Path) -> None:
    put(tmp_path, TXF, DAYS[0], [(OPENS, 17_400)])
    (tmp_path / place_of("ticks", TXF, DAYS[1])).write_bytes(b"torn")
    with pytest.raises(BadInput, match="damaged"):
        rows_of(chunks(run_of(tmp_path, TXF), rows=1))


def test_one_chunk_is_made_ahead_and_no_more() -> None:
    made = []

    def source() -> Iterator[Chunk]:
        for n in range(5):
            made.append(n)
            yield of_ticks(ticks_of([(OPENS + n, n)]), 0)

    found = ahead(source())
    next(found)
    found.close()  # type: ignore[attr-defined]  # It is a generator; closing waits for its thread.
    assert made == [0, 1]


def test_slices_of_a_day_are_the_day(tmp_path: Path) -> None:
    rows = [(OPENS + n, 17_000 + n) for n in range(10)]
    put(tmp_path, TXF, DAYS[0], rows)
    catalog = Catalog(tmp_path)
    for size in (1, 3, 5, 10, 11):
        found = list(catalog.slices(TXF, DAYS[0], size))
        assert np.concatenate([part.price_ticks for part in found]).tolist() == [price for _, price in rows]
        assert max(len(part) for part in found) <= size


def test_memory_does_not_grow_with_the_days(tmp_path: Path) -> None:
    count = 20_000

    def peak(days: int) -> int:
        run = run_of(tmp_path, TXF, MXF, until=written[days - 1])
        tracemalloc.start()
        for _ in chunks(run, rows=4_096):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    written, day = [], DAYS[0]
    for _ in range(12):
        written.append(day)
        opens = sessions_of(TXF, day, CALENDAR)[1].opens_at
        for symbol in (TXF, MXF):
            put(tmp_path, symbol, day, [(opens + n * 1_000, 17_000 + n % 7) for n in range(count)])
        day = CALENDAR.next_trading_day(day)
    peak(1)  # What is imported and compiled once is not the feed's.
    assert peak(12) < 2 * peak(2)  # What the thread holds just then varies; six times the days do not show.
