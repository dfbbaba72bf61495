import pytest

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar, Session
from autofutures.market.view import MarketView

TXF = "TAIFEX:TXF202108"
OPEN = taipei_ns(20210726, 8 * 3600 + 45 * 60)
MINUTE = 60_000_000_000


class CountingCalendar(Calendar):
    asked = 0

    def session_at(self, sessions_id: str, last_trading_day: int, ns: int) -> Session | None:
        self.asked += 1
        return super().session_at(sessions_id, last_trading_day, ns)


def view_of(calendar: Calendar) -> MarketView:
    view = MarketView(calendar)
    view.add(TXF, "taifex-index", 20210818)
    return view


def test_the_view_knows_the_last_trade_and_nothing_before_the_first() -> None:
    view = view_of(Calendar())
    assert view.last(TXF) is None
    assert view.last_at(TXF) is None
    session = view.on_tick(TXF, OPEN, 17473)
    assert session is not None
    assert (session.day, session.name) == (20210726, "day")
    assert (view.last(TXF), view.last_at(TXF)) == (17473, OPEN)
    view.add(TXF, "taifex-other")
    assert view.last(TXF) == 17473


def test_a_market_is_heard_by_quotes_too_and_they_are_the_measure_until_its_first_trade() -> None:
    view = view_of(Calendar())
    assert (view.heard_at(TXF), view.reference(TXF)) == (0, 0)
    assert view.on_quote(Quote(TXF, OPEN, 0, 0, 0, 0), OPEN) is None
    assert view.on_quote(Quote(TXF, OPEN, 17_400, 1, 17_405, 1), OPEN + 1) == 17_402
    assert view.on_quote(Quote(TXF, OPEN, 17_400, 1, 0, 0), OPEN + 1) == 17_400
    assert view.on_quote(Quote(TXF, OPEN, 0, 0, 17_405, 1), OPEN + 2) == 17_405
    assert (view.heard_at(TXF), view.reference(TXF), view.last(TXF)) == (OPEN + 2, 17_405, None)
    view.on_tick(TXF, OPEN + 3, 17_000)
    assert view.on_quote(Quote(TXF, OPEN, 17_400, 1, 17_405, 1), OPEN + 4) is None
    assert (view.heard_at(TXF), view.reference(TXF), view.last_at(TXF)) == (OPEN + 4, 17_000, OPEN + 3)


def test_the_calendar_is_asked_once_a_session() -> None:
    calendar = CountingCalendar()
    view = view_of(calendar)
    for minute in range(100):
        view.on_tick(TXF, OPEN + minute * MINUTE, 17400)
    assert calendar.asked == 1
    assert view.session(TXF, OPEN + 100 * MINUTE) == view.session(TXF, OPEN)
    assert view.session(TXF, OPEN + 301 * MINUTE) is None
    evening = view.session(TXF, OPEN + 400 * MINUTE)
    assert evening is not None
    assert (evening.day, evening.name) == (20210727, "night")


def test_the_contracts_last_day_ends_early_in_the_view_too() -> None:
    view = view_of(Calendar())
    close = taipei_ns(20210818, 13 * 3600 + 30 * 60)
    assert view.session(TXF, close) is not None
    assert view.session(TXF, close + MINUTE) is None


def test_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(BadInput, match="add it before its first tick"):
        view_of(Calendar()).on_tick("TAIFEX:MXF202108", OPEN, 1)


def test_price_limits_that_a_venue_told_hold_until_the_next_trading_day_begins() -> None:
    view = view_of(Calendar())
    after_the_day = taipei_ns(20210726, 13 * 3600 + 50 * 60)
    until = view.next_day_begins_at(TXF, after_the_day)
    assert until == view.next_day_begins_at(TXF, taipei_ns(20210727, 2 * 3600))
    assert taipei_ns(20210727, 14 * 3600) < until <= taipei_ns(20210727, 15 * 3600)
    assert not view.accepts_orders(TXF, until - 1)
    assert view.accepts_orders(TXF, until)
    view.learn_limits({TXF: (15_665, 19_145, until), "TAIFEX:TMF202108": (1, 2, until)})
    assert view.of(TXF).flaw(168_780, until - 1)  # Trades of the day's last second come when it is over.
    assert view.band(TXF, until - 1) == (15_665, 19_145)
    assert view.band(TXF, until) == (0, 0)


def test_on_a_contracts_last_day_price_limits_end_with_it() -> None:
    last = taipei_ns(20210818, 10 * 3600)
    assert view_of(Calendar()).next_day_begins_at(TXF, last) == taipei_ns(20210818, 13 * 3600 + 30 * 60 + 1)


def test_after_a_contracts_last_session_no_trading_day_begins() -> None:
    over = taipei_ns(20210818, 14 * 3600)
    assert view_of(Calendar()).next_day_begins_at(TXF, over) == over
