import pytest

from autofutures.data.importers import Options
from autofutures.data.importers.taifex_ticks import TaifexTicks
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from tests.unit.data.files import DAY_ROWS, HEADER, SPREAD_HEADER, tick_text

OLD_HEADER = "交易日期,商品代號,交割年月,成交時間,成交價格,成交數量(B+S),近月價格,遠月價格,開盤集合競價 "


def read(text: str, encoding: str = "cp950") -> Parsed:
    member = Member("Daily_2021_07_26.csv", text.encode(encoding))
    importer = TaifexTicks(Options())
    assert importer.claims(member)
    (one,) = importer.read(member, Calendar())
    return one


def test_the_columns_of_a_trade() -> None:
    assert read(tick_text()).frame.rows() == [
        ("TAIFEX:TXF202108", 20210726, taipei_ns(20210723, 54_000), 17409, 2, True),
        ("TAIFEX:TXF202108", 20210726, taipei_ns(20210726, 31_500), 17473, 1, True),
        ("TAIFEX:TXF202108", 20210726, taipei_ns(20210726, 31_500), 17473, 1, False),
        ("TAIFEX:TXF202108", 20210726, taipei_ns(20210726, 49_500), 17202, 3, False),
        ("TAIFEX:TXF202108/202109", 20210726, taipei_ns(20210726, 32_400), -85, 2, False),
        ("TAIFEX:CDF202108", 20210726, taipei_ns(20210726, 31_501), 5_835_000, 1, False),
    ]


def wide(row: str) -> str:
    return ",".join(f"{field.strip():<14}" for field in row.split(","))


def without_legs(row: str) -> str:
    fields = row.split(",")
    return ",".join([*fields[:6], fields[8]])


EDITIONS = {
    "utf-8": tick_text(),
    "old names": tick_text(header=OLD_HEADER),
    "full-width brackets": tick_text(header=HEADER.replace("(", "\uff08").replace(")", "\uff09")),
    "LF": tick_text(end="\n"),
    "mixed ends and blank lines": tick_text().replace("\r\n", "\n", 3).replace("*\n", "*\n\r\n \n"),
    "2016": tick_text(["-" * 14 + ",-------" * 8, *map(wide, DAY_ROWS)], header="\r\n" + wide(OLD_HEADER))
    + "\x1a",
    "without leg prices": tick_text(list(map(without_legs, DAY_ROWS)), header=without_legs(HEADER)),
    "no leading zero": tick_text().replace(",0", ","),
    "hundredths": tick_text().replace(",084500,", ",08450000,").replace(",134500,", ",13450000,"),
    "hundredths, no leading zero": tick_text().replace(",084500,", ",8450000,"),
    "colons and slashes": tick_text().replace(",084500,", ",08:45:00,").replace("20210726,", "2021/07/26,"),
    "joined files": tick_text(DAY_ROWS[:3]) + tick_text(DAY_ROWS[3:]),
    "trailing commas": tick_text([row + "," for row in DAY_ROWS], header=HEADER + ","),
}


@pytest.mark.parametrize("encoding", ["cp950", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("edition", EDITIONS)
def test_every_edition_gives_the_same_trades(edition: str, encoding: str) -> None:
    parsed = read(EDITIONS[edition], encoding)
    assert parsed.quarantined.is_empty()
    assert parsed.frame.equals(read(tick_text()).frame)


def test_hundredths_of_a_second_are_kept() -> None:
    row = DAY_ROWS[1].replace(",084500,", ",08450012,")
    assert read(tick_text([row])).frame["at"].to_list() == [taipei_ns(20210726, 31_500) + 120_000_000]


def test_a_file_without_the_auction_column_marks_no_auction() -> None:
    header = ",".join(HEADER.split(",")[:6])
    rows = [",".join(row.split(",")[:6]) for row in DAY_ROWS]
    assert not read(tick_text(rows, header)).frame["auction"].any()


def test_a_spread_file_is_a_kind_of_its_own() -> None:
    row = "20210726,CAF,202108/202109,084531,-.01,40,88.2,88.19,*"
    parsed = read(tick_text([row], SPREAD_HEADER))
    assert parsed.kind == "spreads"
    assert parsed.frame.select("symbol", "price_ticks", "qty", "auction").rows() == [
        ("TAIFEX:CAF202108/202109", -100, 10, False)
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("20210726,TX     ,202108     ,084500,17,473,2,-,-, ", "wrong_columns"),
        ("20210726,TX     ,202108     ,0845", "wrong_columns"),
        ("20210726,TX     ,202108     ,084560,17473,2,-,-, ", "unreadable_time"),
        ("20210726,TX     ,202108     ,240000,17473,2,-,-, ", "unreadable_time"),
        ("20210726,TX     ,202108     ,123456789,17473,2,-,-, ", "unreadable_time"),
        ("20211326,TX     ,202108     ,084500,17473,2,-,-, ", "unreadable_time"),
        ("2021072,TX     ,202108     ,6084500,17473,2,-,-, ", "unreadable_time"),
        ("20210726,TX     ,           ,084500,17473,2,-,-, ", "unreadable_symbol"),
        ("20210726,2330   ,202108     ,084500,17473,2,-,-, ", "unreadable_symbol"),
        ("20210726,TX     ,202108     ,084500,-,2,-,-, ", "unreadable_price"),
    ],
)
def test_a_broken_row_is_put_aside_with_its_line_in_the_file(row: str, reason: str) -> None:
    parsed = read(tick_text([DAY_ROWS[0], "", row, DAY_ROWS[3]]))
    assert parsed.quarantined.rows() == [(4, reason, row.strip())]
    assert parsed.frame.height == 2


@pytest.mark.parametrize(
    "header",
    [
        "成交日期,商品代號,履約價格,到期月份(週別),買賣權別,成交時間,成交價格,成交數量(B+S)",
        "交易日期,契約,到期月份(週別),開盤價,最高價,最低價,收盤價",
        "成交日期,證券代號,成交時間,成交價格,成交股數",
        "",
    ],
)
def test_other_tables_are_not_claimed(header: str) -> None:
    assert not TaifexTicks(Options()).claims(Member("a.csv", header.encode("cp950")))
