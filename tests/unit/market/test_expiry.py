import pytest

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.market.expiry import last_day_of
from autofutures.market.sessions import Calendar

calendar = Calendar()


@pytest.mark.parametrize(
    ("symbol", "day"),
    [
        ("TXF202108", 20210818),
        ("MXF202108W1", 20210804),
        # The third Friday: ES and NQ of September 2024 as the definition records of their exchange say.
        ("ES202409", 20240920),
        ("NQ202409", 20240920),
        ("ES202306", 20230616),
        ("MES202403", 20240315),
        ("MNQ202412", 20241220),
        ("FESX202403", 20240315),
        # Euro FX of March 2024: the third Wednesday is the 20th, two business days before it the 18th.
        ("6E202403", 20240318),
        # Gold of October 2013: the 31st, 30th and 29th are business days.
        ("GC201310", 20131029),
        # Gold of August 2024: the 30th, 29th and 28th, for the 31st is a Saturday.
        ("GC202408", 20240828),
        # Oil of June 2024: May 25th is a Saturday, so from Friday 24th three business days back.
        ("CL202406", 20240521),
        # Oil of May 2020: April 25th is a Saturday; it went below zero on the day before its last, the 21st.
        ("CL202005", 20200421),
        ("BTCUSDT", 0),
        ("CME:ZB202403", 0),
    ],
)
def test_the_last_trading_day_of_each_product(symbol: str, day: int) -> None:
    assert last_day_of(instrument(symbol), calendar) == day


def test_a_holiday_moves_the_last_day_once_an_override_names_it() -> None:
    # Thanksgiving 2024 is the 28th of November: gold's third last business day is the 26th then.
    assert last_day_of(instrument("GC202411"), calendar) == 20241127
    assert last_day_of(instrument("GC202411"), Calendar({20241128: "closed"})) == 20241126
    # Oil of January is counted in December: Christmas is no business day, so from the 24th back.
    assert last_day_of(instrument("CL202501"), Calendar({20241225: "closed"})) == 20241219


def test_a_weekly_contract_of_another_exchange_is_refused() -> None:
    with pytest.raises(BadInput, match="weekly contracts are known of TAIFEX only"):
        last_day_of(instrument("ES202403W1"), calendar)
