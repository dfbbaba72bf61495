import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from autofutures.cli.data import app
from autofutures.data.catalog import Catalog, TickColumns
from autofutures.data.continuous import (
    Continuous,
    Rule,
    closing_ticks,
    continuous,
    contracts_of,
    days_of_contract,
    write_series,
)
from autofutures.data.importers import Options
from autofutures.data.importing import import_file
from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND
from autofutures.market.continuous import By
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar
from tests.unit.data.files import put

CALENDAR = Calendar()
AUG, SEP = "TAIFEX:TXF202108", "TAIFEX:TXF202109"
DAYS = (20210812, 20210813, 20210816, 20210817, 20210818, 20210819)
VOLUMES = {AUG: (9, 9, 4, 2, 1, None), SEP: (1, 3, 6, 8, 9, 9)}
"""Contracts a day; August's last trading day is 2021-08-18."""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Each day trades at its open and in its last minute; September is 50 ticks below August."""
    for symbol, volumes in VOLUMES.items():
        for n, (day, qty) in enumerate(zip(DAYS, volumes, strict=True)):
            if qty is None:
                continue
            by_day = sessions_of(symbol, day, CALENDAR)[1]
            price = 17_000 + 10 * n - (50 if symbol == SEP else 0)
            put(tmp_path, symbol, day, [(by_day.opens_at, price - 5)], 1)
            put(tmp_path, symbol, day, [(by_day.closes_at - SECOND, price)], qty)
    return Catalog(tmp_path)


def joined(catalog: Catalog, first: int = DAYS[0], last: int = DAYS[-1], **rule: object) -> Continuous:
    return continuous(catalog, "TXF", first, last, Rule(**rule), CALENDAR)  # type: ignore[arg-type]


def stretches(found: Continuous) -> list[tuple[str, int, int]]:
    return [(one.symbol, one.first, one.last) for one in found.segments]


def test_by_volume_the_series_rolls_on_the_day_after_the_next_month_traded_more(catalog: Catalog) -> None:
    found = joined(catalog)
    assert found.symbol == "TAIFEX:TXF.front"
    assert stretches(found) == [(AUG, DAYS[0], DAYS[2]), (SEP, DAYS[3], DAYS[-1])]
    (roll,) = found.rolls
    assert (roll.day, roll.measured_on, roll.old_ticks, roll.new_ticks) == (DAYS[3], DAYS[2], 17_020, 16_970)
    assert [one.shift_ticks for one in found.segments] == [-50, 0]


def test_by_calendar_it_rolls_so_many_days_before_the_last_one(catalog: Catalog) -> None:
    assert stretches(joined(catalog, by="calendar", roll_days=0))[0] == (AUG, DAYS[0], DAYS[4])
    assert stretches(joined(catalog, by="calendar", roll_days=1))[0] == (AUG, DAYS[0], DAYS[3])
    assert stretches(joined(catalog, by="calendar", roll_days=3))[0] == (AUG, DAYS[0], DAYS[1])


def test_what_comes_later_changes_nothing(catalog: Catalog) -> None:
    whole = joined(catalog, adjust="none")
    for last in DAYS:
        part = joined(catalog, last=last, adjust="none")
        assert [roll for roll in whole.rolls if roll.day <= last] == list(part.rolls)
        assert part.segments[-1].last == last


def test_the_day_before_the_first_decides_too_where_the_catalogue_has_it(catalog: Catalog) -> None:
    assert stretches(joined(catalog, first=DAYS[3])) == [(SEP, DAYS[3], DAYS[-1])]


def test_open_interest_is_refused_in_words(catalog: Catalog) -> None:
    with pytest.raises(BadInput, match=r"the catalogue has no open interest.*say --by volume"):
        joined(catalog, by="open_interest")


def test_a_root_or_days_that_are_not_there_are_refused(catalog: Catalog) -> None:
    with pytest.raises(BadInput, match="no monthly contracts of TAIFEX:MXF"):
        continuous(catalog, "MXF", DAYS[0], DAYS[-1], Rule(), CALENDAR)
    with pytest.raises(BadInput, match="from 20210901 to 20210930; it has 20210812 to 20210819"):
        joined(catalog, first=20210901, last=20210930)
    with pytest.raises(BadInput, match="TAIFEX:TXF202108 is one contract"):
        continuous(catalog, "TXF202108", DAYS[0], DAYS[-1], Rule(), CALENDAR)
    with pytest.raises(BadInput, match="--roll-days is -1"):
        joined(catalog, roll_days=-1)


def test_the_series_is_written_with_both_prices(catalog: Catalog, tmp_path: Path) -> None:
    place = tmp_path / "series.parquet"
    assert write_series(catalog, joined(catalog), place) == 6
    rows = pl.read_parquet(place)
    assert rows["contract"].to_list() == [AUG] * 3 + [SEP] * 3
    assert rows["price_ticks"].to_list() == [17_000, 17_010, 17_020, 16_980, 16_990, 17_000]
    assert rows["series_ticks"].to_list() == [16_950, 16_960, 16_970, 16_980, 16_990, 17_000]
    assert rows["at"].is_sorted()


def test_the_command_says_the_rolls(catalog: Catalog) -> None:
    words = ["continuous", "TX.front", "--from", "2021-08-12", "--to", "2021-08-19"]
    said = CliRunner().invoke(app, [*words, "--catalog", str(catalog.root)], catch_exceptions=False).stdout
    assert "20210817" in said
    assert "17,020" in said
    ratio = ["--adjust", "ratio", "--json", "--catalog", str(catalog.root)]
    table = json.loads(CliRunner().invoke(app, [*words, *ratio], catch_exceptions=False).stdout)
    assert [one["ratio_ppb"] for one in table["segments"]] == [997_062_280, 1_000_000_000]


@pytest.fixture(scope="module")
def recorded_day(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    catalog = Catalog(tmp_path_factory.mktemp("catalog"))
    import_file(shared_data / "taifex" / "Daily_2021_07_26.zip", catalog, Options())
    return catalog


def test_on_the_recorded_day_each_roots_monthly_contracts_are_known(recorded_day: Catalog) -> None:
    assert contracts_of(recorded_day, "TAIFEX:TXF") == [
        f"TAIFEX:TXF{month}" for month in (202108, 202109, 202110, 202112, 202203, 202206)
    ]
    assert recorded_day.volume(AUG, 20210726) == 142_126  # facts.json: the front month's outright contracts.
    found = continuous(recorded_day, "MXF", 20210726, 20210726, Rule(), CALENDAR)
    assert stretches(found) == [("TAIFEX:MXF202108", 20210726, 20210726)]


def test_the_recorded_day_decides_the_front_month_of_the_day_after_it(
    recorded_day: Catalog, tmp_path: Path
) -> None:
    """The day after is made, for one tick day was recorded; the step is between recorded closing prices."""
    root = tmp_path / "two"
    root.symlink_to(recorded_day.root)
    for symbol in (AUG, SEP):
        put(root, symbol, 20210727, [(sessions_of(symbol, 20210727, CALENDAR)[1].opens_at, 17_000)])
    by_volume = continuous(Catalog(root), "TXF", 20210726, 20210727, Rule(), CALENDAR)
    assert stretches(by_volume) == [(AUG, 20210726, 20210727)]
    early = Rule(by="calendar", roll_days=17)
    (roll,) = continuous(Catalog(root), "TXF", 20210726, 20210727, early, CALENDAR).rolls
    assert (roll.day, roll.old, roll.new, roll.old_ticks) == (20210727, AUG, SEP, 17_203)
    assert roll.new_ticks is not None
    assert 17_000 < roll.new_ticks < 17_203


def test_the_recorded_minute_bars_roll_after_the_last_trading_day(shared_data: Path, tmp_path: Path) -> None:
    """`tx_1min` holds the contract in front of each day, as its own source chose it: 202605 until 2026-05-20."""
    catalog = Catalog(tmp_path)
    for day in (19, 20, 21, 22):
        import_file(shared_data / "taifex" / "tx_1min" / f"TX_2026-05-{day}_1min.json", catalog, Options())
    both: tuple[By, ...] = ("volume", "calendar")
    for by in both:
        rule = Rule(by=by, adjust="none", roll_days=0)
        found = continuous(catalog, "TXF", 20260519, 20260522, rule, CALENDAR)
        assert stretches(found) == [
            ("TAIFEX:TXF202605", 20260519, 20260520),
            ("TAIFEX:TXF202606", 20260521, 20260522),
        ]
    with pytest.raises(BadInput, match=r"TAIFEX:TXF202606 has no data on 20260520.*--adjust none"):
        continuous(catalog, "TXF", 20260519, 20260522, Rule(by="calendar", roll_days=0), CALENDAR)


def whole_days_refused(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    read = catalog.ticks

    def late(symbol: str, day: int, since: int = 0) -> TickColumns:
        assert since, f"the whole day {day} of {symbol} was read"
        return read(symbol, day, since)

    monkeypatch.setattr(catalog, "ticks", late)


def test_a_closing_price_is_the_settlement_else_the_last_trade_and_no_whole_day_is_read(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens_at = sessions_of(SEP, DAYS[-1], CALENDAR)[1].opens_at
    put(tmp_path, "TAIFEX:TXF202112", DAYS[0], [(opens_at, 16_900), (opens_at + SECOND, 16_910)])
    put(tmp_path, "TAIFEX:TXF202112", DAYS[1], [])
    whole_days_refused(catalog, monkeypatch)
    assert closing_ticks(catalog, AUG, DAYS[1], CALENDAR) == 17_010
    assert closing_ticks(catalog, "TAIFEX:TXF202112", DAYS[0], CALENDAR) == 16_910
    assert closing_ticks(catalog, "TAIFEX:TXF202112", DAYS[1], CALENDAR) is None
    assert closing_ticks(catalog, "TAIFEX:TXF202112", DAYS[2], CALENDAR) is None


def test_of_each_recorded_contract_the_last_trade_is_that_of_its_whole_day(recorded_day: Catalog) -> None:
    symbols = contracts_of(recorded_day, "TAIFEX:TXF")
    assert len(symbols) > 2
    for symbol in symbols:
        for day in days_of_contract(recorded_day, symbol):
            assert recorded_day.last_ticks(symbol, day) == recorded_day.ticks(symbol, day).price_ticks[-1]
