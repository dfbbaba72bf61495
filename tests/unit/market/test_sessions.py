import csv
import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND
from autofutures.market import sessions
from autofutures.market.dates import DAY_NS, add_days, parse_day, taipei_ns, weekday
from autofutures.market.sessions import ALWAYS, HOURS, Calendar, Session, last_trading_day

INDEX = "taifex-index"
calendar = Calendar()


def at(day: int, clock: str) -> int:
    hour, minute, second = (int(part) for part in clock.split(":"))
    return taipei_ns(day, hour * 3600 + minute * 60 + second)


def names(found: tuple[Session, ...]) -> list[str]:
    return [session.name for session in found]


def daily_rows(shared_data: Path) -> dict[int, bool]:
    """Trading days of the exchange's daily series from 2010 on, and whether each was a settlement day."""
    text = (shared_data / "taifex/tx_daily/data.example.tsv").read_text("utf-8")
    rows = csv.reader(text.splitlines()[1:], delimiter="\t")
    traded = {parse_day(row[0]): row[6] == "TRUE" for row in rows}
    return {day: settles for day, settles in traded.items() if day >= Calendar.known_from}


def test_the_calendar_agrees_with_every_day_of_the_exchanges_daily_series(shared_data: Path) -> None:
    traded = daily_rows(shared_data)
    assert len(traded) == 3977
    day = Calendar.known_from
    while day <= max(traded):
        assert calendar.is_trading_day(day) == (day in traded), day
        day = add_days(day, 1)


def test_the_third_wednesday_rule_gives_every_settlement_day_of_the_daily_series(shared_data: Path) -> None:
    settled = {day for day, settles in daily_rows(shared_data).items() if settles}
    months = [year * 100 + month for year in range(2010, 2027) for month in range(1, 13)]
    assert settled == {last_trading_day("MXF", str(month), calendar) for month in months if month <= 202603}


def test_every_minute_bar_of_the_recorded_days_lies_in_the_session_it_names(shared_data: Path) -> None:
    files = sorted((shared_data / "taifex/tx_1min").glob("*.json"))
    assert len(files) == 19
    for file in files:
        recorded = json.loads(file.read_text("utf-8"))
        day = parse_day(file.name[3:13])
        last = last_trading_day("TXF", "202605" if day <= 20260520 else "202606", calendar)
        windows = {session.name: session for session in calendar.sessions_of(day, INDEX, last)}
        for bar in recorded["bars"]:
            hour, minute = int(bar["t"][11:13]), int(bar["t"][14:16])
            start = taipei_ns(parse_day(bar["t"][:10]), hour * 3600 + minute * 60)
            assert windows[bar["session"]].holds(start), bar


def test_a_monday_has_its_night_on_friday_evening() -> None:
    night, day = calendar.sessions_of(20210726, INDEX)
    assert (night.day, night.name, day.day, day.name) == (20210726, "night", 20210726, "day")
    assert night.opens_at == at(20210723, "15:00:00") == 1627023600 * SECOND
    assert night.closes_at == at(20210724, "05:00:00")
    assert night.accepts_from == at(20210723, "14:50:00")
    assert (day.opens_at, day.closes_at) == (at(20210726, "08:45:00"), at(20210726, "13:45:00"))
    assert day.accepts_from == at(20210726, "08:30:00")


def test_a_trade_within_the_closing_second_belongs_to_the_session_and_the_next_second_does_not() -> None:
    for clock, name in (("13:45:00", "day"), ("05:00:00", "night")):
        closing = at(20210727, clock)
        held = calendar.session_at(INDEX, 0, closing + SECOND - 1)
        assert held is not None
        assert (held.name, held.day) == (name, 20210727)
        assert calendar.session_at(INDEX, 0, closing + SECOND) is None


@pytest.mark.parametrize(
    ("date", "clock", "day"),
    [
        (20210723, "14:59:59", 20210723),
        (20210723, "15:00:00", 20210726),
        (20210724, "03:00:00", 20210726),
        (20210725, "12:00:00", 20210726),
        (20210726, "00:30:00", 20210726),
        (20210726, "14:00:00", 20210726),
        (20181221, "23:00:00", 20181222),
        (20181222, "15:00:00", 20181224),
        (20241030, "15:00:00", 20241101),
        (20241031, "04:00:00", 20241101),
        (20260211, "15:00:00", 20260223),
    ],
)
def test_the_trading_day_turns_at_three_in_the_afternoon_over_weekends_and_closures(
    date: int, clock: str, day: int
) -> None:
    assert calendar.trading_day_of(at(date, clock), INDEX) == day


def test_the_evening_before_a_long_holiday_has_its_session_and_the_evenings_within_have_none() -> None:
    evening = calendar.session_at(INDEX, 0, at(20240205, "20:00:00"))
    assert evening is not None
    assert evening.day == 20240215
    assert evening.closes_at == at(20240206, "05:00:00")
    assert calendar.session_at(INDEX, 0, at(20240206, "20:00:00")) is None
    assert calendar.session_at(INDEX, 0, at(20240214, "20:00:00")) is None


def test_a_contracts_last_day_closes_at_half_past_one_and_its_evening_is_missing() -> None:
    last = last_trading_day("TXF", "202605", calendar)
    assert last == 20260520
    night, day = calendar.sessions_of(last, INDEX, last)
    assert night.opens_at == at(20260519, "15:00:00")
    assert day.closes_at == at(last, "13:30:00")
    assert calendar.session_at(INDEX, last, at(last, "13:30:01")) is None
    assert calendar.session_at(INDEX, last, at(last, "20:00:00")) is None
    assert calendar.sessions_of(20260521, INDEX, last) == ()
    assert calendar.next_session(INDEX, last, at(last, "13:30:01")) is None
    following = calendar.session_at(INDEX, 20260617, at(last, "20:00:00"))
    assert following is not None
    assert following.day == 20260521


def test_there_is_no_night_before_after_hours_trading_began() -> None:
    assert names(calendar.sessions_of(20170515, INDEX)) == ["day"]
    assert names(calendar.sessions_of(20170516, INDEX)) == ["night", "day"]


def test_each_table_of_hours_has_its_own_night_and_close() -> None:
    assert names(calendar.sessions_of(20210726, "taifex-index-day")) == ["day"]
    for sessions_id in ("taifex-fx", "taifex-other"):
        night, day = calendar.sessions_of(20210726, sessions_id)
        assert night.opens_at == at(20210723, "17:25:00")
        assert day.holds(at(20210726, "16:12:46"))
        assert calendar.trading_day_of(at(20210726, "16:12:46"), sessions_id) == 20210726
        assert calendar.trading_day_of(at(20210726, "17:25:00"), sessions_id) == 20210727


def test_a_market_that_never_closes_has_one_session_for_each_utc_date_without_a_seam() -> None:
    midnight = (1722988800 + 86_400) * SECOND
    before = calendar.session_at(ALWAYS, 0, midnight - 1)
    after = calendar.session_at(ALWAYS, 0, midnight)
    assert before is not None
    assert after is not None
    assert (before.day, after.day) == (20240807, 20240808)
    assert before.ends_at == after.opens_at == after.accepts_from == midnight
    saturday = calendar.sessions_of(20240810, ALWAYS)
    assert names(saturday) == ["day"]
    assert saturday[0].ends_at - saturday[0].opens_at == DAY_NS


def test_a_closed_date_has_no_sessions() -> None:
    assert calendar.sessions_of(20241031, INDEX) == ()
    assert calendar.sessions_of(20210725, INDEX) == ()


def test_the_next_session_is_the_one_under_way_or_the_next_to_open() -> None:
    under_way = calendar.next_session(INDEX, 0, at(20210723, "15:00:00"))
    assert under_way == calendar.session_at(INDEX, 0, at(20210723, "15:00:00"))
    for clock in ("13:45:01", "14:55:00"):
        evening = calendar.next_session(INDEX, 0, at(20210723, clock))
        assert evening is not None
        assert (evening.name, evening.day) == ("night", 20210726)
    morning = calendar.next_session(INDEX, 0, at(20210725, "12:00:00"))
    assert morning is not None
    assert (morning.name, morning.day) == ("day", 20210726)


def test_a_typhoon_and_a_special_saturday_are_told_by_overrides() -> None:
    told = Calendar({20261102: "closed", 20261107: "open"})
    assert told.next_trading_day(20261030) == 20261103
    assert told.previous_trading_day(20261109) == 20261107
    evening = told.session_at(INDEX, 0, at(20261030, "16:00:00"))
    assert evening is not None
    assert evening.day == 20261103
    assert calendar.is_trading_day(20261102)
    assert Calendar({20241031: "open"}).is_trading_day(20241031)


def test_beyond_the_data_weekdays_are_taken_for_trading_days() -> None:
    beyond = add_days(Calendar.known_until, 1)
    for day in (add_days(beyond, step) for step in range(14)):
        assert calendar.is_trading_day(day) == (weekday(day) < 5)


@pytest.mark.parametrize("overrides", [{20261102: "holiday"}, {20261302: "closed"}, {2026: "open"}])
def test_an_override_that_says_nothing_is_refused(overrides: dict[int, str]) -> None:
    with pytest.raises(BadInput, match="write"):
        Calendar(overrides)


def test_overrides_that_close_everything_are_refused_when_a_trading_day_is_sought() -> None:
    shut = Calendar({add_days(20270101, step): "closed" for step in range(70)})
    with pytest.raises(BadInput, match="check the calendar's overrides"):
        shut.next_trading_day(20270101)


def test_unknown_hours_are_refused_with_the_choices() -> None:
    with pytest.raises(BadInput, match=r"taifex-index, taifex-index-day, taifex-fx, taifex-other, .*always"):
        calendar.sessions_of(20210726, "nyse")


@pytest.mark.parametrize(
    ("root", "expiry", "day"),
    [
        ("TXF", "202108", 20210818),
        ("TXF", "202602", 20260223),
        ("MXF", "202108W1", 20210804),
        ("MXF", "202202W1", 20220207),
        ("MXF", "202106W5", 20210630),
        ("TMF", "202507F2", 20250711),
        ("TMF", "202610F2", 20261012),
        ("TXF", "", 0),
        ("GDF", "202108", 0),
    ],
)
def test_a_contract_trades_last_on_its_wednesday_or_friday_or_the_business_day_after(
    root: str, expiry: str, day: int
) -> None:
    assert last_trading_day(root, expiry, calendar) == day


@pytest.mark.parametrize("expiry", ["2021", "202113", "202108W6", "202108X1", "202108/202109", "202108W5"])
def test_what_is_not_an_expiry_is_refused_with_a_sentence(expiry: str) -> None:
    with pytest.raises(BadInput, match="is not an expiry"):
        last_trading_day("TXF", expiry, calendar)


@given(st.integers(at(20100101, "00:00:00"), at(20281231, "00:00:00")), st.sampled_from([*HOURS]))
def test_the_session_at_an_instant_holds_it_and_has_its_trading_day(ns: int, sessions_id: str) -> None:
    session = calendar.session_at(sessions_id, 0, ns)
    upcoming = calendar.next_session(sessions_id, 0, ns)
    assert upcoming is not None
    if session is None:
        assert upcoming.opens_at > ns
    else:
        assert session == upcoming
        assert session.holds(ns)
        assert session.day == calendar.trading_day_of(ns, sessions_id)
        assert session.accepts_from < session.opens_at < session.closes_at < session.ends_at


@given(st.integers(min_value=0, max_value=6000))
def test_the_sessions_of_following_trading_days_never_overlap(step: int) -> None:
    day = calendar.next_trading_day(add_days(20100101, step))
    following = calendar.next_trading_day(day)
    assert calendar.previous_trading_day(following) == day
    for sessions_id in HOURS:
        found = calendar.sessions_of(day, sessions_id) + calendar.sessions_of(following, sessions_id)
        for earlier, later in pairwise(found):
            assert earlier.ends_at < later.accepts_from


def test_the_data_file_holds_only_days_that_differ_from_the_week() -> None:
    for day, is_open in sessions.taifex_days().items():
        assert is_open == (weekday(day) >= 5)
        assert Calendar.known_from <= day <= Calendar.known_until


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def test_a_day_of_cme_opens_on_the_evening_before_and_follows_summer_time() -> None:
    (winter,) = calendar.sessions_of(20240108, "cme-equity")
    assert (winter.name, winter.opens_at, winter.closes_at) == (
        "day",
        utc("2024-01-07 23:00"),
        utc("2024-01-08 22:00"),
    )
    (summer,) = calendar.sessions_of(20240701, "cme-equity")
    assert (summer.opens_at, summer.closes_at) == (utc("2024-06-30 22:00"), utc("2024-07-01 21:00"))
    assert calendar.sessions_of(20240706, "cme-equity") == ()


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2024-07-01 21:59:59", 20240701),
        ("2024-07-01 22:00:00", 20240702),
        ("2024-01-05 22:30:00", 20240105),
        ("2024-01-05 23:00:00", 20240108),
        ("2013-10-06 19:00:00", 20131007),
        ("2021-07-23 21:00:00", 20210723),
    ],
)
def test_the_trading_day_of_cme_turns_at_five_in_chicago_and_sunday_is_mondays(
    instant: str, day: int
) -> None:
    assert calendar.trading_day_of(utc(instant), "cme-equity") == day


def test_holidays_of_cme_are_not_known_and_an_override_tells_them() -> None:
    assert calendar.is_trading_day(20241128, "cme-equity")
    told = Calendar({20241128: "closed"})
    assert told.sessions_of(20241128, "cme-equity") == ()
    assert told.trading_day_of(utc("2024-11-28 15:00"), "cme-equity") == 20241129
    assert told.is_trading_day(20241128, ALWAYS)


def test_a_holiday_of_taipei_is_none_elsewhere() -> None:
    assert not calendar.is_trading_day(20240212)
    assert calendar.is_trading_day(20240212, "cme-equity")
    assert calendar.previous_trading_day(20240215) == 20240205
    assert calendar.previous_trading_day(20240215, "eurex-index") == 20240214


def test_cme_closed_a_quarter_later_until_september_2015() -> None:
    (then,) = calendar.sessions_of(20131007, "comex-metal")
    assert then.closes_at == utc("2013-10-07 21:15")
    (now,) = calendar.sessions_of(20150921, "comex-metal")
    assert now.closes_at == utc("2015-09-21 21:00")


def test_an_expiring_index_contract_stops_in_the_morning() -> None:
    (last,) = calendar.sessions_of(20240315, "cme-equity", 20240315)
    assert last.closes_at == utc("2024-03-15 13:30")
    (euro,) = calendar.sessions_of(20240315, "eurex-index", 20240315)
    assert (euro.opens_at, euro.closes_at) == (utc("2024-03-15 00:10"), utc("2024-03-15 11:00"))
