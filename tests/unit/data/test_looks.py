import pytest

from autofutures.data.looks import what_it_looks_like
from autofutures.data.source import Member


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<!DOCTYPE html><html><body>no file</body></html>", "web page"),
        ("查無資料 <HTML>", "web page"),
        ('{"stat": "OK", "data": []}', "JSON"),
        ("date,equity\n2025-06-01,149995", "an account's equity day by day, not a market"),
        ("20201229 00:00:00,0.00020030\n20201229 08:00:00,-0.00046053", "funding rates of a perpetual"),
        ("成交日期,商品代號,履約價格,到期月份(週別),買賣權別,成交時間,成交價格,成交數量(B or S)", "options"),
        ("交易日期,契約,到期月份(週別),履約價,買賣權,開盤價,最高價,最低價,收盤價,結算價", "options"),
        ("日期,證券代號,證券名稱,成交股數,開盤價,最高價,最低價,收盤價", "shares or ETFs"),
        ("日期,代號,成交時間,成交價\n20210726,0050,090000,138.5", "shares or ETFs"),
        ("date,symbol,price\n20210726,2330,581", "shares or ETFs"),
        (
            "交易日期,契約,到期月份(週別),開盤價,最高價,最低價,收盤價,成交量,結算價,未沖銷契約數",
            "daily report",
        ),
        ("date,open,high,low,close,volume\n2021-07-26,1,2,1,2,9", "table of bars"),
        ("日期,身份別,多方未平倉口數", "report"),
        ("time,last,size\n1,2,3", "columns 'time,last,size'"),
        ("Dear customer", "no table"),
    ],
)
def test_a_file_is_told_by_its_first_lines(text: str, says: str) -> None:
    assert says in what_it_looks_like(Member("a.csv", text.encode("cp950")))


def test_a_table_whose_numbers_are_no_codes_is_not_taken_for_shares() -> None:
    assert "shares" not in what_it_looks_like(Member("a.csv", b"symbol,price,size\nTXF202108,1740,2"))
    assert "shares" not in what_it_looks_like(Member("a.csv", b"time,price\n1,1740"))
