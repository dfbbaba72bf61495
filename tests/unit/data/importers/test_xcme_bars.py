import pytest

from autofutures.data.importers import Options
from autofutures.data.importers.xcme_bars import XcmeBars
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.domain.errors import BadInput
from autofutures.domain.units import MINUTE
from autofutures.market.dates import DAY_NS, day_number
from autofutures.market.sessions import Calendar

HEADER = "timestamp_utc,open,high,low,close,volume\n"
NAME = "6EH4.XCME_1min_bars_20240101_20240131.csv"


def read(rows: str, name: str = NAME, options: Options | None = None) -> Parsed:
    importer, member = XcmeBars(options or Options()), Member(name, (HEADER + rows).encode())
    assert importer.claims(member)
    (parsed,) = importer.read(member, Calendar())
    return parsed


def test_a_bar_starts_a_minute_before_its_stamp() -> None:
    parsed = read("2024-01-01 23:01:00,1.1076,1.10785,1.1076,1.1078,205\n")
    start = day_number(20240101) * DAY_NS + 23 * 60 * MINUTE
    assert parsed.frame.rows() == [("CME:6E202403", 20240102, start, 22_152, 22_157, 22_152, 22_156, 205, 0)]


def test_repeated_bars_and_torn_lines_are_put_aside() -> None:
    row = "2024-01-01 23:01:00,1.1076,1.10785,1.1076,1.1078,205\n"
    parsed = read(row + row + "2024-01-01 23:02:00,1.1076\n")
    assert parsed.quarantined["reason"].to_list() == ["bar_repeated", "wrong_columns"]


def test_whose_bars_they_are_is_told_by_the_name_or_the_person() -> None:
    row = "2024-01-01 23:01:00,1.1076,1.10785,1.1076,1.1078,205\n"
    assert read(row, "bars.csv", Options(symbol="CME:6E202406")).frame["symbol"][0] == "CME:6E202406"
    with pytest.raises(BadInput, match=r"bars\.csv: whose bars are these\? Say --symbol"):
        read(row, "bars.csv")


def test_other_tables_are_not_claimed() -> None:
    assert not XcmeBars(Options()).claims(Member(NAME, b"timestamp,open\n"))
