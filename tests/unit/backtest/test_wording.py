import pytest

from autofutures.backtest.wording import clock, money, percent, price, ratio, span
from autofutures.domain.instrument import instrument
from autofutures.domain.units import MINUTE, SECOND
from autofutures.market.dates import taipei_ns

HOUR = 60 * MINUTE


def test_a_clock_is_taipeis_and_shows_milliseconds_only_where_there_are_any() -> None:
    at = taipei_ns(20210726, 8 * 3600 + 45 * 60 + 3)
    assert clock(at) == "2021-07-26 08:45:03"
    assert clock(at + 7_000_000) == "2021-07-26 08:45:03.007"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 s"),
        (5_000_000, "5 ms"),
        (59 * SECOND, "59 s"),
        (61 * SECOND, "1 min 01 s"),
        (2 * HOUR + 5 * MINUTE, "2 h 05 min"),
        (50 * HOUR, "2 d 02 h"),
        (None, "n/a — no trade"),
    ],
)
def test_a_span_has_its_two_largest_units(ns: int | None, text: str) -> None:
    assert span(ns, "no trade") == text


def test_money_has_separators_and_a_sign_where_asked() -> None:
    assert [money(amount, sign=True) for amount in (1_234_567, -1000, 0)] == ["+1,234,567", "-1,000", "0"]
    assert money(1000) == "1,000"
    assert money(None, "no trade") == "n/a — no trade"


def test_prices_keep_their_grid() -> None:
    assert price(instrument("TXF202108"), 17_409) == "17,409"
    assert price(instrument("EXF202108"), 15_011) == "750.55"


def test_what_cannot_be_said_is_na() -> None:
    assert percent(0.5) == "50.0%"
    assert ratio(1234.567) == "1,234.57"
    assert percent(None) == "n/a — too short to say"
    assert ratio(None, "no losing day") == "n/a — no losing day"
