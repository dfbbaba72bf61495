import pytest

from autofutures.data.importers import Options
from autofutures.data.importers.csv_columns import CsvColumns, parse_map
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.domain.errors import BadInput, NotThisFormat
from autofutures.domain.units import SECOND
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar

AT = taipei_ns(20210726, 31_500)
TRADES = "at=Time,price=Last,qty=Size"


def read(
    text: str, mapping: str = TRADES, symbol: str = "TXF202108", tz: str = "Asia/Taipei", form: str = ""
) -> Parsed:
    options = Options(columns=parse_map(mapping), time_zone=tz, time_format=form, symbol=symbol)
    (one,) = CsvColumns(options).read(Member("my.csv", text.encode()), Calendar())
    return one


def at(text: str, tz: str = "Asia/Taipei", form: str = "") -> list[object]:
    parsed = read(f'Time;Last;Size\n"{text}";17409;1\n', tz=tz, form=form)
    return parsed.frame["at"].to_list() or parsed.quarantined["reason"].to_list()


def test_only_a_mapping_claims_a_file() -> None:
    member = Member("my.csv", b"anything")
    assert CsvColumns(Options(columns={"at": "t"})).claims(member)
    assert not CsvColumns(Options()).claims(member)


def test_trades_by_column_quantities_as_they_are() -> None:
    text = (
        "Id,Size,Last,Time,Mark,Who\n"
        "1,3,17409,2021-07-26 08:45:00,*,TX202108\n\n"
        "2,2,.62,2021-07-26 08:45:00,,CDF202108\n"
    )
    parsed = read(text, f"{TRADES},symbol=Who,auction=Mark", symbol="")
    assert parsed.frame.rows() == [
        ("TAIFEX:TXF202108", 20210726, AT, 17409, 3, True),
        ("TAIFEX:CDF202108", 20210726, AT, 6200, 2, False),
    ]


def test_a_row_of_other_width_is_put_aside_with_line_and_text() -> None:
    parsed = read("Time,Last,Size\n2021-07-26 08:45,17409,1\n\n2021-07-26 08:45,17,409,1\n")
    assert parsed.quarantined.rows() == [(4, "wrong_columns", "2021-07-26 08:45,17,409,1")]
    assert parsed.frame.height == 1


def test_bars_by_column() -> None:
    mapping = "at=t,open=o,high=h,low=l,close=c,qty=v"
    parsed = read("t,o,h,l,c,v\n20210726084500,2,4,1,3,9\n", mapping)
    assert parsed.kind == "bars"
    assert parsed.frame.rows() == [("TAIFEX:TXF202108", 20210726, AT, 2, 4, 1, 3, 9, 0)]


@pytest.mark.parametrize(
    "text",
    [
        "2021-07-26 08:45:00",
        "2021/07/26 08:45",
        "20210726 084500",
        "20210726084500",
        "2021-07-26T08:45:00+08:00",
        "2021-07-26T00:45:00Z",
        "2021-07-25T19:45:00-0500",
        str(AT // SECOND),
        str(AT // 1_000_000),
        str(AT // 1000),
        str(AT),
    ],
)
def test_a_time_is_understood_as_iso_or_as_a_number_since_1970(text: str) -> None:
    assert at(text) == [AT]


def test_a_fraction_of_a_second_is_kept_to_the_nanosecond() -> None:
    assert at("2021-07-26 08:45:00.000000001") == [AT + 1]
    assert at("2021-07-26 08:45:00.25") == [AT + SECOND // 4]


def test_a_time_without_an_offset_is_of_the_zone_that_was_said() -> None:
    assert at("2021-07-25 19:45:00", tz="America/Chicago") == [AT]
    # In that spring night the clock jumped over this time.
    assert at("2021-03-14 02:30:00", tz="America/Chicago") == ["unreadable_time"]


@pytest.mark.parametrize(
    ("text", "form"), [("26.07.2021 08h45", "%d.%m.%Y %Hh%M"), ("2021 207 00:45+0000", "%Y %j %H:%M%z")]
)
def test_a_format_that_was_said_is_used(text: str, form: str) -> None:
    assert at(text, form=form) == [AT]


@pytest.mark.parametrize("text", ["yesterday", "2021-13-26 08:45", "12345", ""])
def test_what_is_no_time_is_put_aside(text: str) -> None:
    assert at(text) == ["unreadable_time"]


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("at=t,price=p", "which column is qty"),
        ("at=t,open=o,qty=q", "which column is close, high, low"),
        ("at=t,prize=p,qty=q", "'prize=p'"),
        ("at=t,price,qty=q", "'price'"),
        ("at=t,at=u,price=p,qty=q", "'at=u'"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(mapping: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_map(mapping)


def test_what_the_file_lacks_is_named() -> None:
    with pytest.raises(NotThisFormat, match=r"no column 'Last': its columns are Time, Price, Size"):
        read("Time,Price,Size\n")
    with pytest.raises(BadInput, match="whose trades"):
        read("Time,Last,Size\n", symbol="")
    with pytest.raises(BadInput, match="no time zone"):
        read("Time,Last,Size\n", tz="Taipei/Asia")
