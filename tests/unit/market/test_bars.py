import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Bar
from autofutures.domain.units import MINUTE, SECOND
from autofutures.market.bar_columns import Integers, bars_of
from autofutures.market.bars import BarBuilder, parse_span, session_code
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar, Session

CALENDAR = Calendar()
NIGHT, DAY = CALENDAR.sessions_of(20210726, "taifex-index")
SYMBOL = "TAIFEX:TXF202108"
Trade = tuple[int, int, int, Session]


def build(span: str, trades: list[Trade]) -> list[Bar]:
    builder = BarBuilder(SYMBOL, parse_span(span))
    bars = [bar for trade in trades for bar in builder.on_tick(*trade)]
    rest = builder.flush()
    return bars if rest is None else [*bars, rest]


def columns(span: str, trades: list[Trade]) -> dict[str, Integers]:
    table = np.array(
        [(at, price, qty, session_code(session)) for at, price, qty, session in trades], dtype=np.int64
    )
    at, price, qty, code = table.reshape(-1, 4).T
    return bars_of(at, price, qty, code, parse_span(span))


def rows(bars: list[Bar]) -> list[tuple[int, ...]]:
    return [
        (bar.at, bar.open_ticks, bar.high_ticks, bar.low_ticks, bar.close_ticks, bar.qty, bar.trades)
        for bar in bars
    ]


def test_a_minute_bar_is_finished_by_the_first_trade_after_it() -> None:
    builder = BarBuilder(SYMBOL, parse_span("1m"))
    start = DAY.opens_at
    assert builder.on_tick(start, 100, 2, DAY) == ()
    assert builder.on_tick(start + 30 * SECOND, 103, 1, DAY) == ()
    assert builder.on_tick(start + 59 * SECOND, 99, 1, DAY) == ()
    (bar,) = builder.on_tick(start + 3 * MINUTE, 101, 5, DAY)
    assert bar == Bar(SYMBOL, start, "1m", 100, 103, 99, 99, 4, 3, 20210726, "day")
    assert builder.flush() == Bar(SYMBOL, start + 3 * MINUTE, "1m", 101, 101, 101, 101, 5, 1, 20210726, "day")
    assert builder.flush() is None


def test_a_trade_in_the_closing_second_opens_its_own_minute_bar() -> None:
    bars = build("1m", [(DAY.closes_at - SECOND, 100, 1, DAY), (DAY.closes_at, 101, 7, DAY)])
    assert [(bar.at, bar.qty) for bar in bars] == [(DAY.closes_at - MINUTE, 1), (DAY.closes_at, 7)]


def test_hours_are_those_of_the_clock_in_taipei() -> None:
    (bar,) = build("12h", [(DAY.opens_at, 100, 1, DAY)])
    assert bar.at == taipei_ns(20210726)


def test_a_session_ends_every_bar() -> None:
    next_night = CALENDAR.sessions_of(20210727, "taifex-index")[0]
    trades = [
        (NIGHT.closes_at, 1, 3, NIGHT),
        (DAY.opens_at, 2, 3, DAY),
        (next_night.opens_at, 3, 3, next_night),
    ]
    for span in ("12h", "100t", "1000v"):
        bars = build(span, trades)
        assert [(bar.session, bar.day, bar.qty) for bar in bars] == [
            ("night", 20210726, 3),
            ("day", 20210726, 3),
            ("night", 20210727, 3),
        ]
        assert len(columns(span, trades)["at"]) == 3


def test_a_trade_that_passes_the_size_goes_whole_into_the_bar_that_it_completes() -> None:
    start = DAY.opens_at
    bars = build(
        "10v", [(start, 5, 4, DAY), (start + 1, 6, 25, DAY), (start + 2, 7, 10, DAY), (start + 3, 8, 1, DAY)]
    )
    assert [(bar.at, bar.qty, bar.trades) for bar in bars] == [
        (start, 29, 2),
        (start + 2, 10, 1),
        (start + 3, 1, 1),
    ]


def test_a_counted_bar_is_finished_by_its_own_last_trade() -> None:
    builder = BarBuilder(SYMBOL, parse_span("2t"))
    assert builder.on_tick(DAY.opens_at, 100, 1, DAY) == ()
    (bar,) = builder.on_tick(DAY.opens_at, 101, 1, DAY)
    assert (bar.trades, bar.close_ticks) == (2, 101)
    assert builder.flush() is None


def test_the_first_trade_of_a_session_can_finish_two_bars() -> None:
    builder = BarBuilder(SYMBOL, parse_span("10v"))
    builder.on_tick(NIGHT.opens_at, 100, 1, NIGHT)
    rest, full = builder.on_tick(DAY.opens_at, 101, 10, DAY)
    assert (rest.session, rest.qty, full.session, full.qty) == ("night", 1, "day", 10)


def test_a_trade_stamped_late_is_counted_in_the_bar_under_way() -> None:
    start = DAY.opens_at + MINUTE
    bars = build("1m", [(start, 100, 1, DAY), (start - SECOND, 99, 1, DAY), (start + SECOND, 98, 1, DAY)])
    assert rows(bars) == [(start, 100, 100, 98, 98, 3, 3)]


def test_no_trades_make_no_bars() -> None:
    assert build("1m", []) == []
    assert all(len(column) == 0 for column in columns("1m", []).values())


SESSIONS = [session for day in (20210726, 20210727) for session in CALENDAR.sessions_of(day, "taifex-index")]


@st.composite
def recorded(draw: st.DrawFn) -> list[Trade]:
    """Trades in order of sessions; within one, times may repeat, leap and step back."""
    trades: list[Trade] = []
    for session in SESSIONS:
        at = session.opens_at
        for step, price, qty in draw(
            st.lists(st.tuples(st.integers(-90, 900), st.integers(-3, 9), st.integers(1, 60)), max_size=25)
        ):
            at = max(session.opens_at, at + step * SECOND)
            trades.append((at, price, qty, session))
    return trades


@given(recorded(), st.sampled_from(["30s", "1m", "5m", "1h", "1t", "3t", "1v", "10v", "100v"]))
def test_columns_give_the_very_bars_that_the_builder_gives(trades: list[Trade], span: str) -> None:
    bars = build(span, trades)
    found = columns(span, trades)
    names = ("at", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "qty", "trades")
    assert list(zip(*(found[name].tolist() for name in names), strict=True)) == rows(bars)
    assert found["session_code"].tolist() == [bar.day * 2 + (bar.session == "day") for bar in bars]
    assert sum(bar.qty for bar in bars) == sum(trade[2] for trade in trades)


def test_columns_of_different_length_are_refused() -> None:
    two, three = np.zeros(2, dtype=np.int64), np.zeros(3, dtype=np.int64)
    with pytest.raises(BadInput, match="one length"):
        bars_of(two, two, three, two, parse_span("1m"))


@pytest.mark.parametrize("text", ["", "m", "0m", "1", "1d", "-5m", "1.5m", "1 m", "100T", "9999999999t"])
def test_what_is_not_a_span_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(BadInput, match="is not a span: write a number and s, m, h, t or v"):
        parse_span(text)


@pytest.mark.parametrize("text", ["7m", "25h", "5h"])
def test_a_time_that_does_not_divide_the_day_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="does not divide the day evenly"):
        parse_span(text)


def test_the_recorded_night_of_2026_05_29_makes_the_bars_that_an_independent_sum_gives(
    shared_data: Path,
) -> None:
    lines = (
        (shared_data / "taifex/TX_sample_2026_05_29.csv").read_bytes().decode("big5", "replace").splitlines()
    )
    trades: list[Trade] = []
    expected: dict[str, list[int]] = {}
    for row in list(csv.reader(lines))[1:]:
        if row[1].strip() != "TX" or "/" in row[2]:
            continue
        clock, price, qty = row[3], int(row[4]), int(row[5]) // 2
        at = taipei_ns(int(row[0]), int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + int(clock[4:]))
        session = CALENDAR.session_at("taifex-index", 20260617, at)
        assert session is not None
        assert session.day == 20260529
        trades.append((at, price, qty, session))
        expected.setdefault(row[0] + clock[:4], []).extend([price] * qty)
    trades.sort(key=lambda trade: trade[0])
    bars = build("1m", trades)
    assert len(bars) == len(expected) > 1
    assert [bar.qty for bar in bars] == [len(prices) for _, prices in sorted(expected.items())]
    assert {(bar.high_ticks, bar.low_ticks) for bar in bars} == {(max(p), min(p)) for p in expected.values()}
