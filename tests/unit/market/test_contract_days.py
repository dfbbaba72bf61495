from autofutures.market.contract_days import sessions_of, trading_days
from autofutures.market.sessions import Calendar


def test_a_contract_trades_on_the_calendars_days_until_its_last() -> None:
    found = trading_days("TXF202108", 20210813, 20210820, Calendar())
    assert found == [20210813, 20210816, 20210817, 20210818]


def test_a_trading_day_begins_with_the_night_before_it() -> None:
    assert [one.name for one in sessions_of("TAIFEX:TXF202108", 20210726, Calendar())] == ["night", "day"]


def test_nothing_is_traded_after_the_last_day_or_on_a_day_without_trading() -> None:
    assert sessions_of("TAIFEX:TXF202108", 20210819, Calendar()) == ()
    assert sessions_of("TAIFEX:TXF202108", 20210725, Calendar()) == ()
