import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from autofutures.backtest import runner
from autofutures.backtest.space import applied
from autofutures.cli import assembled
from autofutures.cli.walk_forward import length_of
from autofutures.domain.errors import BadInput
from autofutures.domain.units import MINUTE
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from tests.runs import ema, generated
from tests.unit.data.files import put

MARKET = ["ema_cross", "--generate", "--trades", "200", "--limit", "80", "--jobs", "1"]
GRID = ["--grid", "fast=1:4", "--grid", "slow=3,5"]


def said(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(assembled(), list(words), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with one search, of six sets."""
    place = f"sqlite:///{tmp_path_factory.mktemp('results') / 'results.sqlite'}"
    said("sweep", *MARKET, *GRID, "--results", place)
    return place


def test_a_sweep_gives_each_sets_own_orders_and_fills_and_runs_nothing_twice(url: str) -> None:
    table = json.loads(said("sweep", *MARKET, *GRID, "--results", url, "--json"))
    assert (table["search"], table["tried"], table["ran"], table["known"], table["refused"]) == (
        1,
        6,
        0,
        6,
        2,
    )
    for found in table["sets"]:
        run = applied(generated(ema(), limit=80), found["parameters"])
        summary = runner.run(run).summary
        assert (found["order_hash"], found["fill_hash"]) == (summary.order_hash, summary.fill_hash)
    figures = [found["figures"]["net_pnl"] for found in table["sets"]]
    assert figures == sorted(figures, reverse=True)
    assert table["best"] == table["sets"][0]
    assert table["verdict"]["trials"] == 6
    assert len(table["fingerprint"]["data"]) == len(table["fingerprint"]["code"]) == 64


def test_a_person_reads_the_best_sets_and_how_much_of_them_is_luck(url: str) -> None:
    text = said("sweep", *MARKET, *GRID, "--results", url, "--top", "2", "--objective", "sharpe")
    assert "6 sets tried (0 run" in text
    assert "6 known before" in text
    assert "2 more refused by the strategy, as in: fast=3 must be at least 1 and below slow=3" in text
    assert "6 of 6 sets have no sharpe and rank last (too few: 1 of 20 trading days needed)" in text
    assert "Deflated Sharpe ratio" in text
    assert "Probability of backtest overfitting" in text
    assert "--set fast=" in text


def test_every_set_is_written_as_csv_and_parquet(url: str, tmp_path: Path) -> None:
    csv, parquet = tmp_path / "sets.csv", tmp_path / "sets.parquet"
    said("results", "show", "1", "--results", url, "--csv", str(csv), "--parquet", str(parquet))
    frame = pl.read_parquet(parquet)
    assert frame.height == pl.read_csv(csv).height == 6
    assert {"fast", "slow", "net_pnl", "sharpe", "order_hash", "trades"} <= set(frame.columns)


def test_results_are_listed_shown_and_told_one_by_one(url: str) -> None:
    listed = json.loads(said("results", "list", "--results", url, "--json"))["searches"]
    assert [(one["id"], one["state"], one["tried"], one["refused"]) for one in listed] == [(1, "done", 6, 2)]
    assert "fast=1:4 slow=3,5" in said("results", "list", "--results", url)
    shown = json.loads(said("results", "show", "1", "--results", url, "--json"))
    assert len(shown["sets"]) == 6
    assert "Search 1 (done)" in said("results", "show", "1", "--results", url)
    best = json.loads(said("results", "best", "1", "--results", url, "--json"))
    assert {**best, "search": 0, "rank": 0} == {**shown["sets"][0], "search": 0, "rank": 0}
    assert "autofutures backtest" in said("results", "best", "1", "--rank", "6", "--results", url)


def test_a_map_of_two_parameters_has_a_cell_for_each_set(url: str) -> None:
    asked = ["results", "map", "1", "fast", "slow", "--objective", "net_pnl", "--results", url]
    found = json.loads(said(*asked, "--json"))["map"]
    assert (found["x_values"], found["y_values"]) == ([1, 2, 3, 4], [3, 5])
    assert found["values"][0][2:] == [None, None]
    assert "highest: fast=" in said(*asked)
    low = said("results", "map", "1", "fast", "slow", "--objective", "max_drawdown", "--results", url)
    assert "the higher, the better" in low


def test_a_search_is_cross_validated_and_its_trades_are_dealt_anew(url: str) -> None:
    folds = ["results", "cross-validate", "1", "--groups", "4", "--purge", "1", "--results", url]
    found = json.loads(said(*folds, "--tests", "2", "--json"))
    assert (found["splits"], len(found["paths"])) == (6, 3)
    assert "1 whole out-of-sample path" in said(*folds)
    dealt = json.loads(
        said("results", "monte-carlo", "1", "--rank", "6", "--samples", "50", "--results", url, "--json")
    )
    assert dealt["outcomes"] is None or dealt["outcomes"]["samples"] == 50
    assert said("results", "monte-carlo", "1", "--results", url)


def test_a_walk_forward_tests_every_window_with_what_the_one_before_chose(url: str) -> None:
    asked = ["walk-forward", *MARKET, *GRID, "--results", url, "--train", "30m", "--test", "10m"]
    table = json.loads(said(*asked, "--json"))
    walked = table["walk_forward"]
    assert (table["search"], walked["kind"], walked["by_day"]) == (1, "rolling", False)
    assert sum(step["out_of_sample_net"] for step in walked["steps"]) == walked["net"]
    text = said(*asked, "--anchored")
    assert "anchored windows over 6 sets" in text
    assert "Efficiency" in text


def test_a_walk_over_recorded_days_takes_whole_days(tmp_path: Path) -> None:
    calendar = Calendar()
    days = [day for day in range(20210701, 20210731) if calendar.is_trading_day(day, "taifex-index")]
    for number, day in enumerate(days):
        opens = taipei_ns(day, 8 * 3600 + 45 * 60)
        rows = [(opens + n * MINUTE, 17_400 + (n * n * (number + 3)) % 23) for n in range(12)]
        put(tmp_path, "TAIFEX:TXF202108", day, rows)
    place = f"sqlite:///{tmp_path / 'results.sqlite'}"
    asked = [
        "ema_cross",
        "--symbol",
        "TXF202108",
        "--from",
        "2021-07-01",
        "--to",
        "2021-07-30",
        "--jobs",
        "1",
    ]
    asked += ["--catalog", str(tmp_path), "--grid", "fast=1:2", "--grid", "slow=3,4", "--results", place]
    swept = json.loads(said("sweep", *asked, "--objective", "sharpe", "--json"))
    assert swept["verdict"]["observed_by"] == "day"
    assert swept["verdict"]["observations"] == len(days) == 22
    assert all(one["figures"]["sharpe"] is not None for one in swept["sets"])
    walked = json.loads(said("walk-forward", *asked, "--train", "10d", "--test", "5d", "--json"))
    assert walked["search"] == swept["search"]
    steps = walked["walk_forward"]["steps"]
    assert [step["test"] for step in steps] == [
        [days[10], days[14]], [days[15], days[19]], [days[20], days[21]],
    ]  # fmt: skip
    text = said("walk-forward", *asked, "--train", "10d", "--test", "5d", "--anchored")
    assert "2021-07-01" in text
    with pytest.raises(BadInput, match="kept by trading days"):
        said("walk-forward", *asked, "--train", "2h", "--test", "1h")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["sweep", *MARKET], "add --grid"),
        (["sweep", *MARKET, *GRID, "--random", "3", "--optuna", "tpe"], "choose one"),
        (["sweep", *MARKET, *GRID, "--objective", "luck"], "no objective 'luck'"),
        (["sweep", *MARKET, *GRID, "--engine", "steam"], "no engine 'steam'"),
        (["walk-forward", *MARKET, *GRID, "--train", "1h", "--test", "2d"], "both be days, or both be time"),
        (["walk-forward", *MARKET, *GRID, "--train", "1h", "--test", "7m"], "give a multiple"),
        (["walk-forward", *MARKET, *GRID, "--train", "soon", "--test", "2d"], "write days or time"),
        (["walk-forward", *MARKET, *GRID, "--train", "1d", "--test", "1d"], "leaves none to test"),
        (["results", "show", "7"], "there is no search 7"),
        (["results", "best", "1", "--rank", "7"], "there is no rank 7: search 1 has 6 sets"),
        (["results", "monte-carlo", "1", "--way", "guess"], "there are bootstrap, shuffle"),
    ],
)
def test_a_wrong_request_is_a_sentence(url: str, words: list[str], error: str) -> None:
    with pytest.raises(BadInput, match=error):
        said(*words, "--results", url)


@pytest.mark.parametrize(("text", "length"), [("20d", (20, "d")), ("2h", (120, "m")), (" 30m ", (30, "m"))])
def test_lengths_are_days_or_minutes(text: str, length: tuple[int, str]) -> None:
    assert length_of("--train", text) == length


def test_without_any_search_the_list_says_how_to_begin(tmp_path: Path) -> None:
    assert "run autofutures sweep" in said(
        "results", "list", "--results", f"sqlite:///{tmp_path / 'new.sqlite'}"
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_search_that_ctrl_c_ends_keeps_its_sets_says_how_to_go_on(
    tmp_path: Path, jobs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "results.sqlite"
    words = [
        "sweep",
        "ema_cross",
        "--generate",
        "--trades",
        "300",
        "--grid",
        "fast=1:40",
        "--grid",
        "slow=50:60",
    ]
    command = [
        sys.executable,
        "-m",
        "autofutures.cli",
        *words,
        "--jobs",
        jobs,
        "--results",
        f"sqlite:///{place}",
    ]
    # Without coverage: its tracer has a lock, which an interrupt in the wrong place leaves locked for ever.
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    # A terminal sends Ctrl-C to every process of the group, ours and its children.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not tried(place):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    output, error = process.communicate(timeout=30)
    kept = tried(place)
    assert process.returncode == 130
    assert output == ""
    assert f"search 1 was broken off; its {kept} finished sets are stored. To go on:" in error
    assert "autofutures sweep ema_cross --generate" in error.splitlines()[-1]
    assert "Traceback" not in error
    assert 0 < kept < 440


def tried(place: Path) -> int:
    """How many sets the first search has stored; 0 before there is one."""
    if not place.exists():
        return 0
    try:
        found = json.loads(said("results", "list", "--results", f"sqlite:///{place}", "--json"))["searches"]
    except BadInput:
        return 0
    return int(found[0]["tried"]) if found else 0
