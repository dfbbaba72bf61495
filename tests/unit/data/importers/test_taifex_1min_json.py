import json

import pytest

from autofutures.data.importers import Options
from autofutures.data.importers.taifex_1min_json import TaifexOneMinuteJson
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.domain.errors import NotThisFormat
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar

META = {"product": "TX", "contract": "202605", "trade_date": "2026-05-12", "timeframe": "1min"}
BAR = {
    "t": "2026-05-11T15:00:00+08:00",
    "session": "night",
    "o": 3,
    "h": 5,
    "l": 2,
    "c": 4,
    "v": 254,
    "n": 201,
}
Json = dict[str, object]


def member(bars: list[Json], **meta: object) -> Member:
    return Member("TX_1min.json", json.dumps({"meta": META | meta, "bars": bars}).encode())


def read(bars: list[Json], **meta: object) -> Parsed:
    importer = TaifexOneMinuteJson(Options())
    file = member(bars, **meta)
    assert importer.claims(file)
    (one,) = importer.read(file, Calendar())
    return one


def test_the_columns_of_a_bar() -> None:
    parsed = read([BAR], bar_count=1, total_volume=254)
    assert parsed.frame.rows() == [
        ("TAIFEX:TXF202605", 20260512, taipei_ns(20260511, 54_000), 3, 5, 2, 4, 254, 201)
    ]
    assert parsed.notes == ()


def test_a_broken_bar_is_put_aside_by_its_number() -> None:
    late = {"t": "2026-05-11T15:01:00+08:00"}
    parsed = read([BAR, {"t": 7}, BAR | late | {"h": "high"}, BAR | late, BAR | {"t": "2026-05-11T15:02:00"}])
    assert parsed.quarantined.select("line", "reason").rows() == [
        (2, "wrong_columns"),
        (3, "unreadable_price"),
        (5, "unreadable_time"),
    ]
    assert parsed.frame.height == 2


def test_a_meta_that_counts_otherwise_is_noted() -> None:
    parsed = read([BAR], bar_count=2, total_volume=300, trade_date="?")
    assert [note.split(",")[0] for note in parsed.notes] == ["meta says 2 bars", "meta says 300 contracts"]


def test_a_day_that_is_not_the_metas_is_noted() -> None:
    assert "the name says 20260513" in read([BAR], trade_date="2026-05-13").notes[0]


def test_other_spans_and_torn_files_are_refused() -> None:
    with pytest.raises(NotThisFormat, match="'5min'"):
        read([BAR], timeframe="5min")
    torn = Member("a.json", member([BAR]).data[:-9])
    with pytest.raises(NotThisFormat, match="torn"):
        TaifexOneMinuteJson(Options()).read(torn, Calendar())


@pytest.mark.parametrize("data", [b"[]", b'{"meta": 1}', b"meta,bars"])
def test_other_json_is_not_claimed(data: bytes) -> None:
    assert not TaifexOneMinuteJson(Options()).claims(Member("a.json", data))
