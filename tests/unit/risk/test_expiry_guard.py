from autofutures.domain.units import MINUTE, Side
from autofutures.market.dates import taipei_ns
from autofutures.risk.expiry_guard import ExpiryGuard
from tests.makers import OPEN, TXF, a_trader, exposure, intent

# 2021-08-18 was the third Wednesday: TXF202108 closed at 13:30 (TAIFEX contract specifications).
LAST_CLOSE = taipei_ns(20210818, 13 * 3600 + 30 * 60)


def test_an_entry_within_the_guard_is_refused_and_an_exit_is_not() -> None:
    rule = ExpiryGuard(60)
    late = exposure(now=LAST_CLOSE - 59 * MINUTE, last_close_at=LAST_CLOSE)
    violation = rule.check(intent(), late)
    assert violation is not None
    assert (violation.limit, violation.value) == (60, 59)
    held = exposure(now=LAST_CLOSE - 59 * MINUTE, last_close_at=LAST_CLOSE, position=1)
    assert rule.check(intent(Side.SELL), held) is None


def test_an_hour_before_the_close_is_early_enough_and_an_unknown_end_guards_nothing() -> None:
    rule = ExpiryGuard(60)
    assert rule.check(intent(), exposure(now=LAST_CLOSE - 60 * MINUTE, last_close_at=LAST_CLOSE)) is None
    assert rule.check(intent(), exposure()) is None


def test_the_trader_knows_when_the_last_session_closes() -> None:
    assert a_trader({"expiry_guard": {"minutes": 60}}).exposure(TXF, OPEN, "s").last_close_at == LAST_CLOSE


def test_no_guard_is_set_unless_told() -> None:
    assert ExpiryGuard().off
