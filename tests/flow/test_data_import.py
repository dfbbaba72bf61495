"""`autofutures data` on the recorded files, compared with the facts that were computed without us."""

import csv
import json
import resource
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import pytest
from typer.testing import CliRunner

from autofutures.cli.data import app
from autofutures.data.catalog import Catalog
from autofutures.data.day_bars import day_bars
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument, product_of
from autofutures.market.sessions import Calendar
from tests.unit.data.files import DAY_ROWS, tick_file, tick_text, zipped

RUN = CliRunner()


class Ohlc(TypedDict):
    rows: int
    open: float
    high: float
    low: float
    close: float
    volume: int


class SeriesFacts(Ohlc):
    product: str
    expiry: str
    volume_incl_spread_legs: int
    sessions: dict[str, Ohlc]


class FileFacts(TypedDict):
    rows: int
    volume: int
    series: list[SeriesFacts]
    sessions: dict[str, Ohlc]
    first_ts_utc: str
    last_ts_utc: str


class Series(TypedDict):
    symbol: str
    kind: str
    days: list[str]
    rows: int
    trades: int
    contracts: int
    contracts_with_spreads: int
    grid: str


class Report(TypedDict):
    rows: int
    imported: int
    spreads: int
    quarantined: int
    quarantined_by_reason: dict[str, int]
    already_imported: bool
    refused: list[dict[str, str]]
    series: list[Series]
    seconds: float


@lru_cache(maxsize=1)
def facts(path: Path) -> dict[str, FileFacts]:
    found: dict[str, FileFacts] = json.loads(path.read_text())["files"]
    return found


def run_import(*arguments: str | Path, code: int = 0) -> Report:
    result = RUN.invoke(app, ["import", *map(str, arguments), "--json"])
    assert result.exit_code == code, result.stderr
    report: Report = json.loads(result.stdout)
    return report


@pytest.fixture(scope="module")
def whole_day(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The catalogue and the report of the exchange's file of 2021-07-26, imported by a process of its own."""
    root = tmp_path_factory.mktemp("catalog")
    program = "from autofutures.cli.data import app; app()"
    command = [sys.executable, "-c", program, "import", str(shared_data / "taifex" / "Daily_2021_07_26.zip")]
    done = subprocess.run([*command, "--catalog", str(root), "--json"], capture_output=True, check=True)
    report: Report = json.loads(done.stdout)
    return root, report


def test_the_whole_day_is_imported_whole_and_in_little_memory(whole_day: tuple[Path, Report]) -> None:
    _, report = whole_day
    assert report["rows"] == 449_454
    assert (report["imported"], report["spreads"], report["quarantined"]) == (448_449, 1_005, 0)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1_000_000  # kilobytes


def test_every_outright_series_of_a_known_grid_equals_the_facts(
    whole_day: tuple[Path, Report], shared_data: Path
) -> None:
    root, report = whole_day
    by_symbol = {series["symbol"]: series for series in report["series"]}
    catalog = Catalog(root)
    compared = 0
    for fact in facts(shared_data / "facts.json")["taifex/Daily_2021_07_26.zip"]["series"]:
        contract = instrument(fact["product"] + fact["expiry"])
        if contract.is_spread or not product_of(fact["product"]).grid_checked:
            continue
        series = by_symbol[contract.symbol]
        assert (series["trades"], series["contracts"]) == (fact["rows"], fact["volume"])
        assert series["contracts_with_spreads"] == fact["volume_incl_spread_legs"]
        assert series["days"] == ["2021-07-26"]
        prices = catalog.ticks(contract.symbol, 20210726).price_ticks
        ohlc = (prices[0], prices.max(), prices.min(), prices[-1])
        assert [float(contract.to_price(int(price))) for price in ohlc] == [
            fact["open"],
            fact["high"],
            fact["low"],
            fact["close"],
        ]
        compared += 1
    assert compared >= 15


def test_products_that_are_not_specified_are_imported_and_marked(whole_day: tuple[Path, Report]) -> None:
    grids = {series["symbol"]: series["grid"] for series in whole_day[1]["series"]}
    assert grids["TAIFEX:CDF202108"] == "unchecked"
    assert grids["TAIFEX:TXF202108"] == grids["TAIFEX:TXF202108/202109"] == "checked"


@pytest.mark.parametrize(("symbol", "code"), [("TXF202108", "TX"), ("MXF202108", "MTX")])
def test_bars_equal_the_answer_key_bar_for_bar(
    whole_day: tuple[Path, Report], shared_data: Path, symbol: str, code: str
) -> None:
    root, _ = whole_day
    arguments = ["bars", symbol, "--date", "2021-07-26", "--interval", "1m", "--catalog", str(root)]
    printed = RUN.invoke(app, [*arguments, "--format", "csv"]).stdout.splitlines()
    key = (shared_data / "reference_bars" / f"{code}_202108_1min_2021-07-26.csv").read_text().splitlines()
    ours, theirs = list(csv.reader(printed))[1:], list(csv.reader(key))[1:]
    assert [row[:-1] for row in ours] == [row[:-1] for row in theirs]
    assert all(abs(float(a[-1]) - float(b[-1])) < 2e-6 for a, b in zip(ours, theirs, strict=True))


def test_the_front_months_day_is_the_one_that_was_computed_elsewhere(whole_day: tuple[Path, Report]) -> None:
    root, _ = whole_day
    result = RUN.invoke(app, ["bars", "TXF202108", "--date", "2021-07-26", "--catalog", str(root), "--json"])
    found = json.loads(result.stdout)
    bars = found["bars"]
    assert (len(bars), found["contracts"], round(found["vwap"], 4)) == (1136, 142_126, 17360.9135)
    for session, ohlc in {"night": (17409, 17487, 17373, 17480), "day": (17473, 17479, 17197, 17202)}.items():
        of_session = [bar for bar in bars if bar["session"] == session]
        high, low = max(int(bar["high"]) for bar in of_session), min(int(bar["low"]) for bar in of_session)
        assert (int(of_session[0]["open"]), high, low, int(of_session[-1]["close"])) == ohlc


def test_importing_again_changes_nothing_and_says_so(
    whole_day: tuple[Path, Report], shared_data: Path
) -> None:
    root, first = whole_day
    report = run_import(shared_data / "taifex" / "Daily_2021_07_26.zip", "--catalog", root)
    assert report["already_imported"]
    assert not first["already_imported"]
    assert report["series"] == first["series"]


def test_the_exchanges_spread_file_stands_beside_the_day(
    whole_day: tuple[Path, Report], shared_data: Path
) -> None:
    root, _ = whole_day
    report = run_import(shared_data / "taifex" / "Daily_2021_07_26_C.zip", "--catalog", root)
    assert (report["rows"], report["spreads"], report["imported"]) == (9_399, 9_399, 0)
    by_symbol = {series["symbol"]: series for series in report["series"]}
    for fact in facts(shared_data / "facts.json")["taifex/Daily_2021_07_26_C.zip"]["series"]:
        series = by_symbol[instrument(fact["product"] + fact["expiry"]).symbol]
        # The facts count the contracts of both legs, the catalogue counts spreads.
        assert (series["rows"], 2 * series["contracts"]) == (fact["rows"], fact["volume"])
        assert series["kind"] == "spreads"
    # What the day holds is not counted twice.
    listed = json.loads(RUN.invoke(app, ["list", "--catalog", str(root), "--json"]).stdout)["series"]
    txf = [one for one in listed if one["symbol"] == "TAIFEX:TXF202108"]
    assert [one["contracts"] for one in txf] == [142_126]


def test_nineteen_days_of_minute_bars_equal_the_facts(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "taifex" / "tx_1min"
    report = run_import(folder, "--catalog", tmp_path)
    known = {name: fact for name, fact in facts(shared_data / "facts.json").items() if "tx_1min" in name}
    assert len(known) == 19
    assert report["rows"] == report["imported"] == sum(fact["rows"] for fact in known.values())
    catalog = Catalog(tmp_path)
    for name, fact in known.items():
        meta = json.loads((shared_data / name).read_text())["meta"]
        day = int(meta["trade_date"].replace("-", ""))
        found = day_bars(catalog, meta["product"] + meta["contract"], day, "1m", Calendar())
        assert (len(found.bars), found.contracts) == (fact["rows"], fact["volume"])
        assert (found.bars[0].start_utc, found.bars[-1].start_utc) == (
            fact["first_ts_utc"],
            fact["last_ts_utc"],
        )
        for session, ohlc in fact["sessions"].items():
            bars = [bar for bar in found.bars if bar.session == session]
            high, low = max(float(bar.high) for bar in bars), min(float(bar.low) for bar in bars)
            assert (float(bars[0].open), high, low, float(bars[-1].close)) == (
                ohlc["open"],
                ohlc["high"],
                ohlc["low"],
                ohlc["close"],
            )
            assert (len(bars), sum(bar.volume for bar in bars)) == (ohlc["rows"], ohlc["volume"])


def test_the_excerpts_backward_step_is_quarantined(shared_data: Path, tmp_path: Path) -> None:
    report = run_import(shared_data / "taifex" / "TX_sample_2026_05_29.csv", "--catalog", tmp_path)
    assert (report["rows"], report["imported"], report["spreads"], report["quarantined"]) == (
        1004,
        1001,
        2,
        1,
    )
    assert report["quarantined_by_reason"] == {"time_backwards": 1}


def test_quarantined_rows_are_shown_and_still_exit_0(tmp_path: Path) -> None:
    bad = [DAY_ROWS[0].replace("17409", price) for price in ("0", "17409.5")]
    path = tick_file(tmp_path, [*DAY_ROWS, *bad])
    result = RUN.invoke(app, ["import", str(path), "--catalog", str(tmp_path / "catalog")])
    assert result.exit_code == 0
    assert "2 rows quarantined" in result.stderr
    assert "line 9: price_off_grid: 20210723,TX" in result.stderr
    assert "8 rows = 5 imported + 1 spreads + 2 quarantined" in result.stdout
    assert "quarantined: 1 price_off_grid" in result.stdout
    again = RUN.invoke(app, ["import", str(path), "--catalog", str(tmp_path / "catalog")])
    assert "already imported, nothing changed" in again.stdout


def test_a_refused_file_is_named_and_the_others_are_imported(tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    tick_file(folder)
    (folder / "torn.zip").write_bytes(zipped({"a.csv": tick_text().encode()})[:-30])
    (folder / "page.zip").write_text("<html>no such file</html>")
    report = run_import(folder, "--catalog", tmp_path / "catalog", code=2)
    assert report["rows"] == 6
    assert ["torn zip" in one["reason"] or "web page" in one["reason"] for one in report["refused"]] == [
        True,
        True,
    ]


def test_a_name_that_contradicts_the_trades_is_told(tmp_path: Path) -> None:
    path = tick_file(tmp_path, name="Daily_2021_08_01.csv")
    result = RUN.invoke(app, ["import", str(path), "--catalog", str(tmp_path / "catalog")])
    assert "the name says 20210801" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["import", "{tmp}/empty"], "no file in"),
        (["import", "{tmp}/absent.csv", "--map", "at=t"], "does not say which column is price, qty"),
        (["bars", "TXF202108", "--date", "2021-07-27"], "it has 2021-07-26"),
        (["bars", "TXF202108", "--date", "today"], "not a date"),
        (["bars", "TXF202108", "--date", "2021-07-26", "--interval", "1x"], "not a span"),
        (["bars", "TXF202108", "--date", "2021-07-26", "--format", "xml"], "choose table, csv, json"),
        (["export", "TXF202108", "--date", "2021-07-26", "--out", "x", "--format", "xml"], "csv or parquet"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "empty").mkdir()
    run_import(tick_file(tmp_path), "--catalog", tmp_path / "catalog")
    given = [argument.replace("{tmp}", str(tmp_path)) for argument in arguments]
    result = RUN.invoke(app, [*given, "--catalog", str(tmp_path / "catalog")])
    assert isinstance(result.exception, BadInput)
    assert says in str(result.exception)


def test_a_file_that_is_not_there_is_refused_in_one_sentence(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["import", str(tmp_path / "absent.csv"), "--catalog", str(tmp_path)])
    assert result.exit_code == 2
    assert (
        result.stderr.strip()
        == f"autofutures: cannot read {tmp_path / 'absent.csv'}: No such file or directory"
    )


def test_tables_are_for_people(tmp_path: Path) -> None:
    root = str(tmp_path / "catalog")
    run_import(tick_file(tmp_path), "--catalog", root)
    listed = RUN.invoke(app, ["list", "--catalog", root]).stdout
    assert "TAIFEX:TXF202108/202109" in listed
    assert "TAIFEX:CDF202108 *" in listed
    bars = RUN.invoke(app, ["bars", "TXF202108", "--date", "2021-07-26", "--catalog", root]).stdout
    assert "3 bars, 7 contracts" in bars
    assert "2021-07-26 13:45 day" in bars


def test_an_export_is_imported_again(tmp_path: Path) -> None:
    root, out = str(tmp_path / "catalog"), str(tmp_path / "out.csv")
    run_import(tick_file(tmp_path), "--catalog", root)
    asked = ["export", "TXF202108", "--date", "2021-07-26", "--catalog", root, "--out", out]
    assert "4 trades of TXF202108" in RUN.invoke(app, asked).stdout
    assert json.loads(RUN.invoke(app, [*asked, "--json"]).stdout)["rows"] == 4
    mapping = "at=at,symbol=symbol,price=price,qty=qty,auction=auction"
    report = run_import(out, "--map", mapping, "--catalog", tmp_path / "again")
    assert (report["imported"], report["quarantined"]) == (4, 0)
    # The same day from another file: only on demand.
    refused = run_import(out, "--map", mapping, "--catalog", root, code=1)
    assert "say --replace" in refused["refused"][0]["reason"]
    assert run_import(out, "--map", mapping, "--catalog", root, "--replace")["imported"] == 4


def test_the_catalogues_default_place_is_in_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    run_import(tick_file(tmp_path))
    assert Catalog(tmp_path / "autofutures" / "catalog").days("TXF202108") == [20210726]


@pytest.mark.parametrize("command", ["import", "bars", "export"])
def test_help_shows_examples(command: str) -> None:
    assert f"autofutures data {command}" in RUN.invoke(app, [command, "--help"]).stdout
