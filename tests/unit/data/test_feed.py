from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autofutures.data.catalog import TickColumns
from autofutures.data.feed import Recorded, recorded
from autofutures.domain.messages import Quote, SessionEnded, Tick
from autofutures.market.sessions import Calendar, Session

TXF = "TAIFEX:TXF202108"
MXF = "TAIFEX:MXF202108"
NIGHT_SESSION, DAY_SESSION = Calendar().sessions_of(20210726, "taifex-index", 20210818)

Row = tuple[int, int]


def series(symbol: str, rows: Sequence[Row]) -> Recorded:
    """Trades of one contract each, as (at, price in ticks)."""
    count = len(rows)
    ticks = TickColumns(
        symbol,
        20210726,
        np.array([at for at, _ in rows], dtype=np.int64),
        np.array([price for _, price in rows], dtype=np.int64),
        np.ones(count, dtype=np.int64),
        np.zeros(count, dtype=np.bool_),
    )
    return Recorded(symbol, ticks, (NIGHT_SESSION, DAY_SESSION))


def said(*entries: Recorded) -> list[str]:
    """Each event as `price` or as the session that ended."""
    return [
        event.session if isinstance(event, SessionEnded) else str(event.price_ticks)
        for event in recorded(entries)
        if not isinstance(event, Quote)
    ]


def test_each_session_ends_once_after_its_trades() -> None:
    night, day = NIGHT_SESSION.opens_at, DAY_SESSION.opens_at
    assert said(series(TXF, [(night, 1), (night + 1, 2), (day, 3), (day + 1, 4)])) == [
        "1",
        "2",
        "night",
        "3",
        "4",
        "day",
    ]


def test_a_session_ends_at_its_own_time_and_says_whose_and_which_it_is() -> None:
    events = list(recorded([series(TXF, [(NIGHT_SESSION.opens_at, 1), (DAY_SESSION.opens_at, 2)])]))
    assert events[1] == SessionEnded(TXF, NIGHT_SESSION.ends_at, 20210726, "night")
    assert events[3] == SessionEnded(TXF, DAY_SESSION.ends_at, 20210726, "day")


def test_a_session_without_trades_does_not_end() -> None:
    assert said(series(TXF, [(DAY_SESSION.opens_at, 1)])) == ["1", "day"]
    assert said(series(TXF, [(NIGHT_SESSION.opens_at, 1)])) == ["1", "night"]
    assert said(series(TXF, [])) == []


def test_a_trade_of_the_closing_second_belongs_to_the_session() -> None:
    last = DAY_SESSION.closes_at
    assert said(series(TXF, [(last - 1, 1), (last, 2), (DAY_SESSION.ends_at - 1, 3)])) == [
        "1",
        "2",
        "3",
        "day",
    ]


def test_a_trade_after_the_last_session_is_still_a_trade() -> None:
    assert said(series(TXF, [(DAY_SESSION.opens_at, 1), (DAY_SESSION.ends_at, 2)])) == ["1", "day", "2"]
    assert said(series(TXF, [(NIGHT_SESSION.opens_at, 1), (DAY_SESSION.ends_at, 2)])) == ["1", "night", "2"]


def test_trades_and_auctions_are_those_of_the_catalogue() -> None:
    ticks = TickColumns(
        TXF,
        20210726,
        np.array([DAY_SESSION.opens_at]),
        np.array([17_473]),
        np.array([5]),
        np.array([True]),
    )
    (first, _) = recorded([Recorded(TXF, ticks, (DAY_SESSION,))])
    assert first == Tick(TXF, DAY_SESSION.opens_at, 17_473, 5, auction=True)


def test_symbols_are_merged_by_time_and_at_equal_times_as_they_are_given() -> None:
    open_ns = DAY_SESSION.opens_at
    front = series(TXF, [(open_ns, 1), (open_ns, 2), (open_ns + 5, 3)])
    mini = series(MXF, [(open_ns, 11), (open_ns + 4, 12), (open_ns + 5, 13)])
    assert said(front, mini) == ["1", "2", "11", "12", "3", "13", "day", "day"]
    assert said(mini, front) == ["11", "1", "2", "12", "13", "3", "day", "day"]


def ended(symbol: str, session: Session) -> SessionEnded:
    return SessionEnded(symbol, session.ends_at, session.day, session.name)


TIMES = st.lists(st.integers(NIGHT_SESSION.opens_at, DAY_SESSION.ends_at - 1), max_size=12).map(sorted)
COARSE = st.lists(st.integers(0, 4), max_size=12).map(lambda ns: sorted(DAY_SESSION.opens_at + n for n in ns))


@given(st.lists(TIMES | COARSE, min_size=1, max_size=3))
def test_any_days_are_told_in_order_whole_and_with_each_session_closed_once(days: list[list[int]]) -> None:
    symbols = (TXF, MXF, "TAIFEX:TMF202108")
    entries = [
        series(symbol, [(at, n) for n, at in enumerate(times)])
        for symbol, times in zip(symbols, days, strict=False)
    ]
    events = list(recorded(entries))

    assert [event.at for event in events] == sorted(event.at for event in events)
    for entry, times in zip(entries, days, strict=True):
        mine = [event for event in events if event.symbol == entry.symbol]
        trades = [event for event in mine if isinstance(event, Tick)]
        assert [(trade.at, trade.price_ticks) for trade in trades] == [(at, n) for n, at in enumerate(times)]
        began = 0
        for session in entry.sessions:
            ends = [n for n, event in enumerate(mine) if event == ended(entry.symbol, session)]
            traded = sum(began <= at < session.ends_at for at in times)
            assert len(ends) == (1 if traded else 0)
            for end in ends:
                assert sum(at < session.ends_at for at in times) == sum(
                    isinstance(event, Tick) for event in mine[:end]
                )
            began = session.ends_at
