import pytest

from autofutures.data.importers import Options
from autofutures.data.importers.lean import QUOTE_NOTE, Lean
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.domain.errors import BadInput, NotThisFormat
from autofutures.domain.units import MINUTE, SECOND
from autofutures.market.dates import DAY_NS, day_number
from autofutures.market.sessions import Calendar
from autofutures.market.zones import zone_ns

ES = ("data", "future", "cme", "minute", "es")
MIDNIGHT = day_number(20131007) * DAY_NS


def read(name: str, text: str, folders: tuple[str, ...] = ES, options: Options | None = None) -> Parsed:
    importer, member = Lean(options or Options()), Member(name, text.encode(), folders)
    assert importer.claims(member)
    (parsed,) = importer.read(member, Calendar())
    return parsed


def test_a_minute_of_trades_is_a_bar_stamped_with_its_start() -> None:
    parsed = read("20131007_es_minute_trade_201312.csv", "60000,1676.75,1678.25,1673.25,1676.5,21573\n")
    assert parsed.kind == "bars"
    assert parsed.frame.rows() == [
        ("CME:ES201312", 20131007, MIDNIGHT + MINUTE, 6707, 6713, 6693, 6706, 21573, 0)
    ]


def test_a_minute_of_quotes_is_what_it_ended_with_and_is_known_when_it_is_over() -> None:
    rows = (
        "0,1681.5,1682,1681,1681.75,5,1682,1682.5,1682,1682.25,19\n"
        "60000,,,,,0,1682,1682,1682,1682,39\n"
        "120000,1681,1681,1681,1681,7,,,,,0\n"
    )
    parsed = read("20131007_es_minute_quote_201312.csv", rows)
    assert (parsed.kind, parsed.notes) == ("quotes", (QUOTE_NOTE,))
    assert [row[2:] for row in parsed.frame.rows()] == [
        (MIDNIGHT + MINUTE - 1, 6727, 5, 6729, 19),
        (MIDNIGHT + 2 * MINUTE - 1, 0, 0, 6728, 39),
        (MIDNIGHT + 3 * MINUTE - 1, 6724, 7, 0, 0),
    ]


def test_crossed_and_empty_quotes_and_times_that_run_backwards_are_put_aside() -> None:
    rows = (
        "60000,1,1,1,1682.25,5,1,1,1,1682,19\n"
        "120000,,,,,0,,,,,0\n"
        "180000,1,1,1,1682,5,1,1,1,1682,19\n"
        "120000,1,1,1,1682,5,1,1,1,1682.25,19\n"
        "240000,1,1,1,1682.1,5,1,1,1,1682.25,19\n"
        "300000,1,1,1,1682\n"
    )
    parsed = read("20131007_es_minute_quote_201312.csv", rows)
    assert parsed.quarantined["reason"].to_list() == [
        "quote_crossed",
        "quote_empty",
        "time_backwards",
        "price_off_grid",
        "wrong_columns",
    ]
    assert len(parsed.frame) == 1


def test_ticks_keep_their_milliseconds_and_suspicious_ones_are_put_aside() -> None:
    rows = "276,1313.7,1,usa,,0\n276.5,1313.6,2,usa,,0\n300,1313.6,0,usa,,0\n300,1400,1,usa,,1\n"
    folders = ("future", "comex", "tick", "gc")
    parsed = read("20131007_gc_tick_trade_201312.csv", rows, folders)
    assert [row[2:5] for row in parsed.frame.rows()] == [
        (MIDNIGHT + 276_000_000, 13_137, 1),
        (MIDNIGHT + 276_500_000, 13_136, 2),
    ]
    assert parsed.quarantined["reason"].to_list() == ["quantity_not_positive", "suspicious"]


def test_quotes_by_tick() -> None:
    parsed = read(
        "20131007_es_tick_quote_201312.csv", "276,1681.5,5,1681.75,7,CME,0\n277,0,0,1681.75,7,CME,0\n"
    )
    assert [row[2:] for row in parsed.frame.rows()] == [
        (MIDNIGHT + 276_000_000, 6726, 5, 6727, 7),
        (MIDNIGHT + 277_000_000, 0, 0, 6727, 7),
    ]


@pytest.mark.parametrize(
    ("folders", "rows", "kind"),
    [
        (("future", "cme", "daily"), "20131007 00:00,1669,1679.5,1667,1668,9\n", "bars_1d"),
        (("future", "cme", "hour"), "20131007 00:00,1669,1679.5,1667,1668,9\n", "bars_1h"),
        ((), "20131007 00:00,1669,1679.5,1667,1668,9\n", "bars_1d"),
        (
            (),
            "20131007 00:00,1669,1679.5,1667,1668,9\n20131007 01:00,1669,1679.5,1667,1668,9\n",
            "bars_1h",
        ),
    ],
)
def test_hours_and_days_are_told_by_the_folder_or_the_stamps(
    folders: tuple[str, ...], rows: str, kind: str
) -> None:
    parsed = read("es_trade_201312.csv", rows, folders)
    assert (parsed.kind, parsed.frame["at"][0]) == (kind, MIDNIGHT)


def test_a_repeated_bar_is_put_aside() -> None:
    parsed = read("20131007_es_minute_trade_201312.csv", "0,1,1,1,1,9\n0,1,1,1,1,9\n")
    assert parsed.quarantined["reason"].to_list() == ["bar_repeated"]


def test_a_perpetual_of_a_coin() -> None:
    folders = ("cryptofuture", "binance", "minute", "btcusd")
    parsed = read("20131007_btcusd_minute_trade_perp.csv", "0,17204,17207.6,17203.9,17207.6,4242\n", folders)
    assert parsed.frame["symbol"].to_list() == ["BINANCE:BTCUSD"]


def test_files_of_eurex_have_berlins_clock() -> None:
    folders = ("future", "eurex", "minute", "fesx")
    parsed = read("20240701_fesx_minute_trade_202409.csv", "32400000,4900,4910,4899,4905,7\n", folders)
    assert parsed.frame["at"][0] == zone_ns(20240701, 9 * 3600, "Europe/Berlin")
    other = read(
        "20240701_fesx_minute_trade_202409.csv",
        "32400000,4900,4910,4899,4905,7\n",
        folders,
        Options(time_zone="UTC"),
    )
    assert other.frame["at"][0] == parsed.frame["at"][0] + 7200 * SECOND


def test_the_exchange_is_told_by_the_folders_the_table_or_the_person() -> None:
    name, row = "20131007_zb_minute_trade_201312.csv", "0,131.5,131.5,131.5,131.5,9\n"
    assert read(name, row, ("future", "cbot", "minute", "zb")).frame["symbol"][0] == "CBOT:ZB201312"
    assert read(name, row, (), Options(symbol="CBOT:ZB")).frame["symbol"][0] == "CBOT:ZB201312"
    with pytest.raises(BadInput, match="which exchange lists ZB\\? Say --symbol EXCHANGE:ZB"):
        read(name, row, ())
    assert (
        read("20131007_es_minute_trade_201312.csv", "0,1,1,1,1,9\n", ()).frame["symbol"][0] == "CME:ES201312"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("20131007_es_minute_openinterest_201312.csv", "open interest"),
        ("20131007_es_second_trade_201312.csv", "bars of a second"),
    ],
)
def test_what_is_not_imported_is_said(name: str, says: str) -> None:
    with pytest.raises(NotThisFormat, match=says):
        read(name, "0,1\n")


def test_shares_of_lean_are_not_claimed() -> None:
    assert not Lean(Options()).claims(Member("20131007_spy_minute_trade.csv", b"0,1,1,1,1,9\n"))
